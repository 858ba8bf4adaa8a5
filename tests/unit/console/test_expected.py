from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from console.expected import AHEAD_S, DAYS, LEAST, SLOT_S, inflow_band, usual
from domain.points import PointKey
from domain.series import Series
from tests.support.console_past import NOW
from tests.support.console_services import console_world, demo_inventory

CASABLANCA = ZoneInfo("Africa/Casablanca")
DAY_S = 86_400


def past(days: int, end: datetime) -> np.ndarray:
    return np.arange(end.timestamp() - days * DAY_S, end.timestamp(), SLOT_S)


def test_a_time_of_day_is_judged_by_its_own_past() -> None:
    end = datetime(2026, 5, 6, tzinfo=UTC)
    seconds = past(DAYS, end)
    shown = np.arange(end.timestamp(), end.timestamp() + DAY_S, SLOT_S)
    day = 50 + 30 * np.sin(seconds / DAY_S * 2 * np.pi)
    low, high = usual(seconds, day, shown, local=CASABLANCA)
    truth = 50 + 30 * np.sin(shown / DAY_S * 2 * np.pi)
    assert np.all(low <= truth + 1e-9)
    assert np.all(truth <= high + 1e-9)
    assert np.max(high - low) < 5, "what repeats itself every day has a narrow band"


def test_nine_in_ten_of_what_comes_lies_inside() -> None:
    end, rng = datetime(2026, 5, 6, tzinfo=UTC), np.random.default_rng(7)
    seconds = past(60, end)
    shown = np.arange(end.timestamp(), end.timestamp() + 10 * DAY_S, SLOT_S)
    low, high = usual(seconds, rng.normal(40, 4, seconds.size), shown, local=CASABLANCA)
    coming = rng.normal(40, 4, shown.size)
    assert 0.86 < np.mean((low <= coming) & (coming <= high)) < 0.94


def test_habits_follow_the_clock_people_live_by() -> None:
    """Morocco turns its clock back for Ramadan (2026: on 15 February): seven in the morning stays seven in the morning."""
    change = datetime(2026, 2, 15, 4, tzinfo=UTC)
    seconds = past(DAYS, change)
    local = np.array([datetime.fromtimestamp(s, CASABLANCA).hour for s in seconds])
    shown = np.arange(change.timestamp(), change.timestamp() + DAY_S, SLOT_S)
    low, _ = usual(seconds, (local == 7) * 100.0, shown, local=CASABLANCA)
    peaks = {datetime.fromtimestamp(s, CASABLANCA).hour for s, v in zip(shown, low, strict=True) if v > 50}
    assert peaks == {7}


def test_too_little_is_not_judged() -> None:
    end = datetime(2026, 5, 6, tzinfo=UTC)
    few = past(LEAST // 3 - 1, end)
    low, high = usual(few, np.full(few.size, 5.0), few + DAY_S, local=CASABLANCA)
    assert np.isnan(low).all()
    assert np.isnan(high).all()


async def test_the_shown_hours_do_not_widen_their_own_band() -> None:
    world = await console_world()
    asked = []
    real = world.town.series

    async def noted(
        points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        asked.append((start, end))
        return await real(points, start, end, step_s)

    world.town.series = noted
    found = await inflow_band(world.town, demo_inventory(), "plateau", end=NOW, hours=24)
    assert asked[0][1] <= NOW - timedelta(hours=24)
    assert found.seconds[-1] > NOW.timestamp() + AHEAD_S - 2 * SLOT_S
    columns = found.columns()
    assert len(columns["seconds"]) == len(columns["low_m3h"]) == len(columns["high_m3h"])
    assert all(lo <= hi for lo, hi in zip(columns["low_m3h"], columns["high_m3h"], strict=True) if lo is not None)
