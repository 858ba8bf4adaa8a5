"""Readings that come late, twice, or over a clock change: the network layer's past has each once, at its own time."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from domain.calendar import Calendar
from domain.points import PointKey
from domain.readings import Reading
from domain.series import Series
from leak_detection.network_leaks import NetworkPoints
from leak_detection.network_past import LearnedNetwork, NetworkPast
from leak_detection.network_service import NetworkService

_GAUGES = {PointKey(name): name.upper() for name in "abc"}
_POINTS = NetworkPoints(network=Path("town.inp"), gauges=_GAUGES, meters={PointKey("in"): "MAIN"}, tanks={}, zones={}, step_s=3600)
_START = datetime(2026, 2, 1, tzinfo=UTC)


class Source:
    """Values are seconds since 1970 of the full hour; sent again, and in whatever order, if asked for."""

    def __init__(self, *, untidy: bool) -> None:
        self.untidy = untidy

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        raise NotImplementedError("nobody asks for the newest alone")

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        hours = np.arange(max(start, _START).timestamp(), end.timestamp(), 3600.0)
        late = np.zeros(hours.size)
        if self.untidy:
            # Each a second time some minutes on, all in the order in which they happened to arrive.
            hours, late = np.tile(hours, 2), np.repeat([0.0, 1200.0], hours.size)
            order = np.random.default_rng(1).permutation(hours.size)
            hours, late = hours[order], late[order]
        times = ((hours + late) * 1000).astype("datetime64[ms]")
        return {p: Series(point=p, times=times, values=hours, quality=np.zeros(hours.size, dtype=np.int16)) for p in points}


class Apart:
    """Keeps the past that it is asked to learn from."""

    busy = False

    def __init__(self) -> None:
        self.past: Awaitable[NetworkPast] | None = None

    def start(self, past: Awaitable[NetworkPast]) -> None:
        self.past = past

    def outcome(self) -> LearnedNetwork | str | None:
        return None

    def say(self, words: str) -> None:
        raise AssertionError(words)


async def _past(*, untidy: bool, timezone: str = "UTC") -> NetworkPast:
    apart = Apart()
    network = NetworkService(_POINTS, Calendar(timezone=timezone), Source(untidy=untidy), apart)
    await network.tick(_START + timedelta(days=70, minutes=20))
    return await cast("Awaitable[NetworkPast]", apart.past)


async def test_what_comes_twice_and_in_another_order_is_the_same_past() -> None:
    tidy, untidy = await _past(untidy=False), await _past(untidy=True)
    assert np.array_equal(tidy.pressure_m, untidy.pressure_m)
    assert np.array_equal(tidy.drivers, untidy.drivers)
    assert np.isfinite(tidy.pressure_m).all()


@pytest.mark.parametrize("timezone", ["Europe/Paris", "Africa/Casablanca"])
async def test_a_clock_change_loses_no_row_and_moves_the_hour_of_the_day(timezone: str) -> None:
    past = await _past(untidy=False, timezone=timezone)
    assert np.isfinite(past.pressure_m).all()
    seconds = past.pressure_m[:, 0]
    assert np.array_equal(np.diff(seconds), np.full(len(seconds) - 1, 3600.0)), "every hour once, none twice"
    zone = Calendar(timezone=timezone).zone
    assert past.hour.tolist() == [datetime.fromtimestamp(s, zone).hour for s in seconds]
    assert len({datetime.fromtimestamp(s, zone).utcoffset() for s in seconds}) == 2, "the clock changes within the past"
