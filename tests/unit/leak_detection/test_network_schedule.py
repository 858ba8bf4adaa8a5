"""Data and calendar alone choose the days that teach the network layer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leak_detection.network_schedule import AGAIN_DAYS, TEACH_DAYS, teaching_span

DAY = 86400.0
FIRST = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("days", "teaches"), [(55, None), (56, 56), (111.9, 56), (112, 112), (300, 224), (364, 364), (400, 364)])
def test_it_learns_anew_as_data_come_in(days: float, teaches: int | None) -> None:
    span = teaching_span(FIRST, FIRST + days * DAY, 0.0)
    assert span == (None if teaches is None else (FIRST, teaches))


def test_with_years_of_data_the_span_goes_by_the_calendar_alone() -> None:
    end = FIRST + 2000.3 * DAY
    spans = {teaching_span(end - back * DAY, end, 3600.0) for back in (730, 740.0, 1500.0)}
    assert len(spans) == 1
    ((start, days),) = [s for s in spans if s is not None]
    assert days == TEACH_DAYS[-1]
    opened = (end - start) / DAY - days
    assert 0 <= opened < AGAIN_DAYS
    assert (start + 3600.0) % DAY == 0


def test_a_restart_within_the_same_half_year_learns_from_the_same_days() -> None:
    far = FIRST - 3000 * DAY
    spans = [teaching_span(far, FIRST + k * DAY, 0.0) for k in range(400)]
    assert 3 <= len(set(spans)) <= 4
    live = spans[10]
    assert live is not None
    assert teaching_span(live[0], FIRST + 10 * DAY, 0.0) == live, "the layer that runs does not want to learn anew"
