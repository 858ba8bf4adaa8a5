"""What the hours and the days tell, put together."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from leak_detection.model.hourly import HourNews
from leak_detection.model.ledger_records import Repair
from leak_detection.model.listener import DayNews
from leak_detection.model.watch import NetworkWatch, Told, WatchLimits
from leak_detection.network_run import NetworkRun, RunLeak

HERE, AWAY, FAR = 0, 1, 2
DISTANCE_M = np.abs(np.subtract.outer([0.0, 300.0, 900.0], [0.0, 300.0, 900.0]))
ROWS = np.zeros((1, 1))


def told(place: int, day: float) -> Told:
    return cast("Told", SimpleNamespace(place=SimpleNamespace(index=place), start_day=day - 0.1, told_day=day))


class Watch:
    """Tells what it is given."""

    days = 60
    gauges = SimpleNamespace(distance_m=DISTANCE_M)
    limits = WatchLimits()
    ledger = SimpleNamespace(leaks=[])
    listener = SimpleNamespace(hour=lambda _pressure, _drivers, seek: seek, end_day=lambda: None)
    """Brings nothing but whether it was to seek."""

    def __init__(self, hour: Sequence[Told], day: Sequence[Told]) -> None:
        self._hour, self._day = list(hour), list(day)

    def hour(self, news: HourNews) -> list[Told]:
        return self._hour if news else []

    def day(self, _news: DayNews, _balance: Sequence[float], *, seek: bool) -> list[Told]:
        return self._day if seek else []


def lived(hour: Sequence[Told], day: Sequence[Told]) -> list[RunLeak]:
    run = NetworkRun(watch=cast("NetworkWatch", Watch(hour, day)), opening=50)
    run.hour(ROWS, ROWS)
    run.end_day()
    return run.leaks


@pytest.mark.parametrize(
    ("place", "day", "same"), [(AWAY, 61.0, True), (FAR, 61.0, False), (AWAY, 60.3 + WatchLimits().same_days + 1, False)]
)
def test_a_leak_of_the_day_near_a_burst_of_the_hour_is_that_burst(place: int, day: float, same: bool) -> None:
    burst, leak = lived([told(HERE, 60.3)], [told(place, day)])
    assert (burst.how, leak.how) == ("hour", "day")
    assert leak.first is (burst if same else None)


def test_the_newest_of_two_bursts_is_meant_and_a_burst_is_never_another() -> None:
    one, two, leak = lived([told(HERE, 60.1), told(AWAY, 60.3)], [told(AWAY, 61.0)])
    assert one.first is two.first is None
    assert leak.first is two


class Ledger:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.leaks: list[object] = []
        self.told: list[float] = []

    def repaired(self, day: float, place: int | None) -> None:
        assert place == HERE
        self.told.append(day)


class Growing(Watch):
    """Days that count."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.days = 0
        self.ledger = Ledger()  # type: ignore[assignment]  # of this watch alone
        self.began_with: list[float] = []

    def day(self, _news: DayNews, _balance: Sequence[float], *, seek: bool) -> list[Told]:
        self.days += 1
        return []

    def begin(self, repairs: Sequence[Repair]) -> list[Told]:
        self.began_with = [r.day for r in repairs]
        return []


def test_the_ledger_hears_of_a_repair_at_the_end_of_its_day_and_the_history_of_those_before_it() -> None:
    watch = Growing()
    repairs = [Repair(day=day, place=HERE) for day in (7.5, 3.2, 5.0)]
    run = NetworkRun(watch=cast("NetworkWatch", watch), opening=5, repairs=repairs)
    heard: list[list[float]] = []
    for _ in range(7):
        run.end_day()
        heard.append(list(watch.ledger.told))
    run.repaired(Repair(day=4.5, place=HERE))
    run.end_day()
    assert watch.began_with == [3.2], "what is repaired later nobody knows"
    assert heard == [[], [], [], [], [], [5.0], [5.0]]
    assert watch.ledger.told == [5.0, 4.5, 7.5]
