"""When the network layer learns, from what, and what it says when it cannot."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from domain.calendar import Calendar
from domain.points import PointKey
from domain.readings import Reading
from domain.series import Series, empty
from leak_detection import network_live
from leak_detection.model.ledger_records import Repair
from leak_detection.model.valve_turns import SettingTurned
from leak_detection.network_leaks import NetworkPoints
from leak_detection.network_past import CalibrationError, LearnedNetwork, NetworkPast
from leak_detection.network_run import NetworkRun
from leak_detection.network_service import MOST_HOURS, NetworkService
from leak_detection.network_valves import PressureValve

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86400.0
FIRST = START.timestamp()
POINTS = NetworkPoints(
    network=Path("town.inp"),
    gauges={PointKey("a"): "A", PointKey("b"): "B", PointKey("c"): "C"},
    meters={PointKey("in"): "MAIN"},
    tanks={},
    zones={},
    step_s=3600,
)


class Source:
    """Seconds since the start, from a day on; the gauge ``c`` says nothing."""

    def __init__(self, first: datetime = START) -> None:
        self.first = first
        self.latest_end = START
        self.silent: dict[PointKey, tuple[datetime, datetime]] = {}

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        raise NotImplementedError("nobody asks for the newest alone")

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        self.latest_end = max(self.latest_end, end)
        times = np.arange(max(start, self.first).timestamp(), end.timestamp(), step_s or 3600) * 1000
        hushed = {p: (times >= a.timestamp() * 1000) & (times < b.timestamp() * 1000) for p, (a, b) in self.silent.items()}
        return {
            p: empty(p)
            if p == "c"
            else Series(
                point=p,
                times=times.astype("datetime64[ms]"),
                values=np.where(hushed.get(p, False), np.nan, times / 1000 - FIRST),
                quality=np.zeros(times.size, dtype=np.int16),
            )
            for p in points
        }


class Apart:
    """Waits for the past and gives what it is told to give."""

    def __init__(self) -> None:
        self.past: Awaitable[NetworkPast] | None = None
        self.ready: LearnedNetwork | str | None = None
        self.started = 0
        self.said: list[str] = []

    def start(self, past: Awaitable[NetworkPast]) -> None:
        self.past, self.started = past, self.started + 1

    @property
    def busy(self) -> bool:
        return self.past is not None

    async def read(self) -> NetworkPast:
        assert self.past is not None
        past, self.past = self.past, None
        return await past

    def say(self, words: str) -> None:
        self.said.append(words)

    def outcome(self) -> LearnedNetwork | str | None:
        ready, self.ready = self.ready, None
        return ready


def service(source: Source) -> tuple[NetworkService, Apart]:
    apart = Apart()
    return NetworkService(POINTS, Calendar(timezone="UTC"), source, apart), apart


async def test_the_past_is_whole_days_from_the_first_reading_and_nothing_of_the_future() -> None:
    source = Source()
    network, apart = service(source)
    now = START + timedelta(days=60, hours=5, minutes=20)
    assert await network.tick(now) == []
    past = await apart.read()
    assert (past.opening, past.per_day, len(past.pressure_m)) == (56, 24, 60 * 24 + 5)
    assert source.latest_end <= now
    assert past.hour[:3].tolist() == [0, 1, 2]
    assert np.isnan(past.pressure_m[:, 2]).all()
    assert np.isfinite(past.drivers).all()


async def test_too_little_history_is_said_in_words_and_looked_at_again_a_day_later() -> None:
    network, apart = service(Source())
    now = START + timedelta(days=20)
    await network.tick(now)
    with pytest.raises(CalibrationError, match="20 days of readings; the network layer begins with 57"):
        await apart.read()
    apart.ready = "20 days of readings"
    await network.tick(now + timedelta(hours=1))
    assert network.now().trouble == "20 days of readings"
    assert network.now().opened is None
    assert apart.started == 1
    await network.tick(now + timedelta(days=1, hours=1))
    assert apart.started == 2
    with pytest.raises(CalibrationError):
        await apart.read()


class Run:
    """A run that only notes what it is given; tells a leak on the third day."""

    opening = 56

    def __init__(self) -> None:
        self.rows: list[float] = []
        self.ends: list[int] = []
        self.leaks: list[SimpleNamespace] = []
        self.repairs: list[Repair] = []
        some = SimpleNamespace(change_m=np.zeros((1, 1, 2)))
        self.watch = SimpleNamespace(whole=some, gauges=some, valves=SimpleNamespace(turned=[]))

    def repaired(self, repair: Repair) -> None:
        self.repairs.append(repair)

    def hour(self, pressure_m: np.ndarray, drivers: np.ndarray) -> None:
        assert pressure_m.shape == (1, 2)
        self.rows += drivers[:, 0].tolist()

    def end_day(self, balance_m3h: Sequence[float]) -> None:
        assert not list(balance_m3h)
        self.ends.append(len(self.rows))
        if len(self.ends) == 3:
            self.leaks.append(SimpleNamespace(told=SimpleNamespace(told_day=60.0)))


async def live(source: Source) -> tuple[NetworkService, Apart, Run]:
    """A service that has learnt up to the 57th midnight."""
    network, apart = service(source)
    await network.tick(START + timedelta(days=57, minutes=20))
    await apart.read()
    run = Run()
    apart.ready = LearnedNetwork(
        run=cast("NetworkRun", run),
        pipes=("p1", "p2"),
        gauges=np.array([True, True, False]),
        drivers=np.array([True]),
        misfit=(9.0, 1.0),
    )
    return network, apart, run


async def test_every_hour_is_taken_once_in_order_and_not_too_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_live, "network_leak", lambda *_: None)
    network, _, run = await live(Source())
    for hours in (0, 1, 1, 3, 100, 100, 101):
        before = len(run.rows)
        await network.tick(START + timedelta(days=57, hours=hours, minutes=20))
        assert len(run.rows) - before <= MOST_HOURS
    assert run.rows == [57 * DAY + 3600.0 * n for n in range(101)]
    assert run.ends == [24, 48, 72, 96]


async def test_what_the_model_stumbles_over_is_said_and_it_learns_anew_a_day_later(monkeypatch: pytest.MonkeyPatch) -> None:
    network, apart, run = await live(Source())

    def stumble(*_: object) -> None:
        raise ZeroDivisionError("no gauge")

    monkeypatch.setattr(run, "hour", stumble)
    assert await network.tick(START + timedelta(days=57, hours=2, minutes=20)) == []
    assert network.learned is None
    assert "no gauge" in apart.said[0]
    await network.tick(START + timedelta(days=58, minutes=20))
    assert not apart.busy
    await network.tick(START + timedelta(days=58, hours=2, minutes=20))
    assert len((await apart.read()).pressure_m) == 58 * 24 + 2


async def test_silence_of_a_day_is_said_once_and_makes_a_leak_less_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[tuple[str, ...]] = []
    monkeypatch.setattr(network_live, "network_leak", lambda *args: notes.append(args[-1]))
    source = Source()
    source.silent = {PointKey("b"): (START + timedelta(days=58), START + timedelta(days=61))}
    network, apart, _ = await live(source)
    for day in range(57, 63):
        await network.tick(START + timedelta(days=day, minutes=20))
    assert apart.said == ["b: gauges silent for a day; places are less sure", "every gauge, flow and level is heard again"]
    assert set(notes) == {("gauges_silent",)}


async def test_repairs_reach_the_layer_once_and_those_of_its_past_with_that_past() -> None:
    source = Source()
    network, apart = service(source)
    early, late = (START + timedelta(days=20.5), "p1"), (START + timedelta(days=57.5), "p2")
    await network.tick(START + timedelta(days=57, minutes=20), [(START - timedelta(days=3), "p1"), early])
    past = await apart.read()
    assert past.repairs == ((20.5, "p1"),)
    network, apart, run = await live(source)
    unknown = (late[0], "no pipe of ours")
    for hours in (1, 13, 14):
        await network.tick(START + timedelta(days=57, hours=hours, minutes=20), [late, unknown] if hours > 1 else [])
    assert run.repairs == [Repair(day=57.5, place=1)]
    span = network.span
    assert span is not None
    status = network.now()
    assert (status.gauges, status.named, status.repairs, status.until) == (2, 3, 1, span.until)
    assert (span.start, span.opened, span.until) == (START, START + timedelta(days=56), START + timedelta(days=57, hours=14))


async def test_a_valve_that_was_turned_stands_in_the_status_and_is_said_once_when_it_is_new() -> None:
    network, apart, run = await live(Source())
    known = LearnedNetwork(
        run=cast("NetworkRun", run), pipes=(), gauges=np.array([True, True, False]), drivers=np.array([True]), misfit=(9.0, 1.0),
        valves=(PressureValve(name="PRV-1", bend=0.0),),
    )  # fmt: skip
    apart.ready = known
    before = SettingTurned(valve=0, day=54, told_day=57, change_m=-0.5, error_m=0.01, share=0.99)
    run.watch.valves.turned.append(before)
    await network.tick(START + timedelta(days=57, hours=1, minutes=20))
    assert [turned.day for turned in network.now().valves] == [START + timedelta(days=54)]
    assert apart.said == []
    run.watch.valves.turned.append(replace(before, day=56, told_day=58))
    for hours in (2, 3):
        await network.tick(START + timedelta(days=57, hours=hours, minutes=20))
    assert apart.said == ["valve PRV-1 was turned by -0.5 ± 0.1 m on 2026-02-26"]
    assert [turned.day for turned in network.now().valves] == [START + timedelta(days=56), START + timedelta(days=54)]


async def test_a_valve_that_is_steered_moves_no_gauge_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source, apart = Source(), Apart()
    points = replace(POINTS, steered={PointKey("a"): PointKey("outlet"), PointKey("c"): PointKey("never read")})
    source.silent = {PointKey("never read"): (START, START + timedelta(days=99))}
    network = NetworkService(points, Calendar(timezone="UTC"), source, apart)
    await network.tick(START + timedelta(days=57, minutes=20))
    past = await apart.read()
    assert past.pressure_m.shape == (57 * 24, 3)
    assert np.ptp(past.pressure_m[:, 0]) == 0.0, "it moves as the outlet does, and with that as usual it stands still"
    assert np.ptp(past.pressure_m[:, 1]) > 0
    usual = past.pressure_m[0, 0]

    class Listening(Run):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[float] = []

        def hour(self, pressure_m: np.ndarray, drivers: np.ndarray) -> None:
            self.seen += pressure_m[:, 0].tolist()

    run = Listening()
    apart.ready = LearnedNetwork(
        run=cast("NetworkRun", run), pipes=(), gauges=np.array([True, True, False]), drivers=np.array([True]), misfit=(9.0, 1.0)
    )
    monkeypatch.setattr(network_live, "network_leak", lambda *_: None)
    source.silent[PointKey("outlet")] = (START + timedelta(days=57, hours=2), START + timedelta(days=99))
    await network.tick(START + timedelta(days=57, hours=4, minutes=20))
    assert run.seen[:2] == [usual, usual]
    assert np.isnan(run.seen[2:]).all(), "without the outlet nobody knows what is due to the valve"
