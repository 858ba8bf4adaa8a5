"""Pressure rises faster in an emergency that two people, or two sensors, confirm: and falls no faster, and passes no limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import numpy as np
import pytest

from commands.emergencies import Measurements
from commands.emergency import DRAW_STEP_S, DRAW_STEPS, low_sensors, shown_draw
from commands.second_person import SecondPersonRules
from commands.settings import DeskSettings
from domain.points import PointKey
from domain.ports import SeriesSource
from domain.readings import Quality, Reading
from domain.series import FloatArray, Series, empty
from domain.setpoints import Command, Refused
from domain.two_people import Emergency
from tests.support.desk import OPERATOR, SECOND, START, VIEWER
from tests.support.desk_house import PRV, House


def codes(answer: object) -> list[str]:
    assert isinstance(answer, Refused), answer
    return [r.code for r in answer.reasons]


async def declared(house: House, lasts_s: float = 3600.0) -> str:
    found = await house.desk.declare_emergency(OPERATOR, PRV, lasts_s, "fire in the medina")
    assert isinstance(found, Emergency)
    return found.emergency_id


async def confirmed(house: House, lasts_s: float = 3600.0) -> str:
    emergency = await declared(house, lasts_s)
    assert isinstance(await house.desk.confirm_emergency(SECOND, emergency), Emergency)
    return emergency


async def test_a_confirmed_emergency_allows_five_metres_at_once_and_the_command_says_so() -> None:
    house = House()
    await confirmed(house)
    command = await house.executed(45.0)
    assert command.emergency
    house2 = House()
    await confirmed(house2)
    assert not (await house2.executed(42.0)).emergency  # an ordinary step needs no name


async def test_declared_alone_it_allows_nothing() -> None:
    house = House()
    emergency = await declared(house)
    assert codes(await house.desk.propose(OPERATOR, PRV, 45.0, "fire")) == ["ramp_up", "far_above_outlet"]
    assert codes(await house.desk.confirm_emergency(OPERATOR, emergency)) == ["same_person"]
    assert codes(await house.desk.confirm_emergency(VIEWER, emergency)) == ["role_too_low"]
    assert codes(await house.desk.confirm_emergency(SECOND, "another")) == ["no_emergency"]
    assert codes(await house.desk.end_emergency(VIEWER, emergency, "no")) == ["role_too_low"]


async def test_a_yes_is_to_the_emergency_that_was_seen() -> None:
    house = House()
    first = await declared(house)
    second = await declared(house, 1800)
    assert codes(await house.desk.confirm_emergency(SECOND, first)) == ["no_emergency"]
    assert isinstance(await house.desk.confirm_emergency(SECOND, second), Emergency)
    assert codes(await house.desk.confirm_emergency(SECOND, second)) == ["no_emergency"]


async def test_a_restart_forgets_no_emergency() -> None:
    house = House()
    await confirmed(house, 600)
    house.desk = house.new_desk()
    await house.desk.start()
    assert [e.confirmed_by for e in await house.desk.emergencies(VIEWER)] == [SECOND.name]
    assert (await house.executed(45.0)).emergency
    house.clock.pass_s(600)
    assert await house.desk.emergencies(VIEWER) == ()


async def test_a_site_may_let_one_person_do() -> None:
    house = House()
    house.desk = house.new_desk(DeskSettings(second_person=SecondPersonRules(emergency_alone=True)))
    await declared(house)
    assert (await house.executed(45.0)).emergency
    assert [e.confirmed_by for e in await house.desk.emergencies(VIEWER)] == ["policy"]


async def test_it_ends_by_time_and_by_word() -> None:
    house = House()
    await confirmed(house, 600)
    house.clock.pass_s(600)
    assert codes(await house.desk.propose(OPERATOR, PRV, 45.0, "fire")) == ["ramp_up", "far_above_outlet"]
    emergency = await confirmed(house)
    assert isinstance(await house.desk.end_emergency(OPERATOR, emergency, "fire is out"), Emergency)
    assert codes(await house.desk.propose(OPERATOR, PRV, 45.0, "fire")) == ["ramp_up", "far_above_outlet"]


@pytest.mark.parametrize("lasts_s", [0.0, -1.0, 4 * 3600 + 1.0, float("nan"), float("inf")])
async def test_it_must_have_an_end(lasts_s: float) -> None:
    assert codes(await House().desk.declare_emergency(OPERATOR, PRV, lasts_s, "fire")) == ["emergency_end"]


async def test_it_neither_lowers_faster_nor_passes_limits_nor_jumps_on_a_stuck_valve() -> None:
    house = House()
    await confirmed(house)
    assert codes(await house.desk.propose(OPERATOR, PRV, 35.0, "x")) == ["ramp_down"]
    assert codes(await house.desk.propose(OPERATOR, PRV, 45.5, "x")) == ["ramp_up", "far_above_outlet"]
    house.valves.setpoint_m[PRV] = 58.0
    assert codes(await house.desk.propose(OPERATOR, PRV, 61.0, "x")) == ["above_limit"]


async def test_the_fifth_of_five_minutes_is_waited_for_as_ever() -> None:
    house = House()
    await confirmed(house)
    await house.executed(45.0)
    await house.answer()
    house.clock.pass_s(100)
    assert codes(await house.desk.propose(OPERATOR, PRV, 50.0, "fire")) == ["too_soon"]


def reading(point: str, value: float, *, age_s: float = 60, quality: Quality = Quality.GOOD) -> Reading:
    at = START - timedelta(seconds=age_s)
    return Reading(point=PointKey(point), observed_at=at, received_at=at, value=value, quality=quality)


def low(*readings: Reading) -> int:
    return len(low_sensors({r.point: r for r in readings}, 20.0, START) or ())


def test_two_good_fresh_sensors_confirm_and_one_never_does() -> None:
    assert low(reading("a", 15.0), reading("b", 14.0), reading("c", 30.0)) == 2
    assert low(reading("a", 0.0), reading("b", 25.0)) == 0
    assert low(reading("a", 15.0), reading("b", 14.0, age_s=3600)) == 0
    assert low(reading("a", 15.0), reading("b", 14.0, quality=Quality.SUSPECT)) == 0
    assert low(reading("a", 15.0), reading("b", 19.8)) == 0
    assert low(reading("a", 15.0), reading("b", 15.0, age_s=-10)) == 0


async def test_a_law_gets_its_emergency_from_the_measurement_alone() -> None:
    house = House()

    class Sensors:
        seen: str | None = None

        async def confirms(self, actuator: str) -> str | None:
            return self.seen

    sensors = Sensors()
    house.desk._emergencies._evidence = sensors
    await house.auto()
    refused = await house.desk.order("law", PRV, 45.0, "fire flow", emergency=True)
    assert codes(refused) == ["ramp_up", "far_above_outlet"]
    sensors.seen = "measured"
    command = await house.desk.order("law", PRV, 45.0, "fire flow", emergency=True)
    assert isinstance(command, Command)
    assert command.emergency
    assert "emergency.confirmed" in house.store.actions()


async def test_the_evidence_reads_the_zones_critical_points() -> None:
    house = House()

    class Source:
        async def latest(self, points: object) -> dict[PointKey, Reading]:
            return {}

        async def series(self, points: object, start: datetime, end: datetime) -> dict[PointKey, Series]:
            return {}

    evidence = Measurements(inventory=house.site, source=cast("SeriesSource", Source()), clock=house.clock)
    assert await evidence.confirms(PRV) is None


A, B = PointKey("a"), PointKey("b")


def hour(before: float, now: float, *, packets: bool = False) -> FloatArray:
    """An hour in steps of five minutes, the last four of which are new; by packets, every third step is read."""
    values = np.where(np.arange(DRAW_STEPS) < DRAW_STEPS - 4, before, now)
    return np.where(np.arange(DRAW_STEPS) % 3 == 0, values, np.nan) if packets else values


def test_a_draw_at_a_point_with_pressure_to_spare_is_shown_by_flow_and_that_point() -> None:
    found = shown_draw(hour(200.0, 230.0), {A: hour(8.0, 8.2), B: hour(4.0, 14.0, packets=True)})
    assert found is not None
    assert (found.point, found.loss_rose_m, found.flow_rose_m3h) == (B, pytest.approx(10.0), pytest.approx(30.0))


@pytest.mark.parametrize(
    ("flow", "loss"),
    [
        pytest.param(hour(200.0, 230.0), hour(4.0, 5.5), id="too little loss: restless flow"),
        pytest.param(hour(200.0, 204.0), hour(4.0, 14.0), id="the flow does not show it: a sensor that fails"),
        pytest.param(hour(200.0, 150.0), hour(4.0, 14.0), id="less flow"),
        pytest.param(hour(np.nan, 230.0), hour(4.0, 14.0), id="no flow before"),
        pytest.param(hour(200.0, np.nan), hour(4.0, 14.0), id="no flow now"),
        pytest.param(hour(200.0, 230.0), hour(np.nan, 14.0), id="no pressure before"),
        pytest.param(hour(200.0, 230.0), hour(4.0, np.nan), id="no pressure now"),
        pytest.param(hour(230.0, 230.0), hour(14.0, 14.0), id="it has lasted for long"),
    ],
)
def test_one_instrument_alone_shows_no_draw(flow: FloatArray, loss: FloatArray) -> None:
    assert shown_draw(flow, {A: loss}) is None


@pytest.mark.parametrize(
    ("valve_rises_m", "point_falls_m", "shown"), [(0.0, 5.0, True), (5.0, 0.0, False), (5.0, 5.0, True), (0.0, 0.0, False)]
)
async def test_the_desk_confirms_a_draw_that_the_law_sees_and_not_what_its_own_valve_did(
    valve_rises_m: float, point_falls_m: float, shown: bool
) -> None:
    house = House()
    actuator = house.site.actuators[PRV]
    zone = replace(house.site.zones[actuator.zone], critical_points=(A, B))
    site = replace(house.site, zones={**house.site.zones, zone.key: zone})
    values = {actuator.flow: hour(50.0, 80.0), actuator.outlet_pressure: hour(40.0, 40.0), A: hour(35.0, 35.0 - point_falls_m)}
    # The valve is raised in the newest step; the point was read before that.
    values[actuator.outlet_pressure][-1] += valve_rises_m

    class Source:
        async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
            return {}

        async def series(self, points: Sequence[PointKey], start: datetime, end: datetime) -> dict[PointKey, Series]:
            at = start.timestamp() + DRAW_STEP_S * (np.arange(DRAW_STEPS) + 0.5)
            times = (at * 1000).astype("datetime64[ms]")
            quality = np.zeros(DRAW_STEPS, dtype=np.int16)
            return {p: Series(point=p, times=times, values=values[p], quality=quality) if p in values else empty(p) for p in points}

    evidence = Measurements(inventory=site, source=cast("SeriesSource", Source()), clock=house.clock)
    words = await evidence.confirms(PRV)
    assert (words is not None) == shown
    if words is not None:
        assert "30 m³/h more" in words
