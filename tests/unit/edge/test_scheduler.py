"""Due times never drift, are spread, and are skipped when late; dead devices are left alone for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from edge.health import FAILURES_TO_DIE, Health
from edge.scheduler import next_due, phase_of, skipped

NOW = datetime(2026, 3, 1, 2, 0, 0, 123456, tzinfo=UTC)


@given(st.text(min_size=1), st.sampled_from([1.0, 15.0, 60.0, 900.0]), st.integers(0, 100_000))
def test_due_times_are_a_grid_that_does_not_depend_on_when_one_asks(device: str, period_s: float, later_s: int) -> None:
    phase = phase_of(device, period_s)
    assert timedelta(0) <= phase < timedelta(seconds=period_s)
    first = next_due(NOW, period_s, phase)
    assert NOW < first <= NOW + timedelta(seconds=period_s, microseconds=2)
    later = next_due(NOW + timedelta(seconds=later_s), period_s, phase)
    steps = (later - first).total_seconds() / period_s
    assert abs(steps - round(steps)) < 1e-5


def test_devices_are_spread_over_their_period() -> None:
    phases = [phase_of(f"meter-{i}", 60.0).total_seconds() for i in range(600)]
    tenths = [sum(6 * k <= p < 6 * k + 6 for p in phases) for k in range(10)]
    assert min(tenths) > 30
    assert phase_of("meter-1", 60.0) == phase_of("meter-1", 60.0)


def test_late_polls_are_counted_and_not_made_up_for() -> None:
    due = next_due(NOW, 60.0, timedelta(0))
    assert skipped(due, next_due(due, 60.0, timedelta(0)), 60.0) == 0
    late = next_due(due + timedelta(seconds=150), 60.0, timedelta(0))
    assert skipped(due, late, 60.0) == 2


def test_three_failures_kill_and_one_answer_revives() -> None:
    health, random = Health(), Random(1)
    died = [health.failed() for _ in range(FAILURES_TO_DIE + 2)]
    assert died == [False, False, True, False, False]
    assert not health.reached
    assert health.answered()
    assert not health.answered()
    assert health.pause_s(60.0, random) == 0.0


@given(st.integers(FAILURES_TO_DIE, 10_000), st.floats(0.1, 3600.0))
def test_a_dead_device_is_asked_again_after_a_bounded_pause(failures: int, period_s: float) -> None:
    pause = Health(failures=failures).pause_s(period_s, Random(failures))
    assert 0 < pause <= max(300.0, period_s)
