"""A fleet swapped under running parts: nothing moves while an actuator is held, and the drivers' table stays the same object."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import ConfigurationError
from edge.fleet import Fleet
from edge.poller import PollCounters
from edge.settings import ActuatorSettings, DeviceSettings
from tests.support.prv_site import ACTUATOR, HandClock

PRV = DeviceSettings(
    key="prv1",
    model="generic_prv_controller",
    host="127.0.0.1",
    port=9,
    unit_id=1,
    period_s=3600,
    timeout_s=0.1,
    actuators=(ACTUATOR,),
)
METER = DeviceSettings(key="m", model="generic_flowmeter", host="127.0.0.1", port=9, unit_id=2, period_s=3600, timeout_s=0.1)


class Nowhere:
    async def put(self, readings: object) -> None: ...


def fleet() -> Fleet:
    collector: Any = Nowhere()  # nobody is asked here
    return Fleet(clock=HandClock(), collector=collector, counters=PollCounters(), on_reached=lambda _d, _r: None)


async def test_a_swap_waits_for_the_valve_that_is_moving() -> None:
    made = fleet()
    made.take(made.build([PRV, METER]))
    made.start()
    drivers, old = made.drivers, made.drivers["prv_medina"]
    narrow: ActuatorSettings = replace(ACTUATOR, max_m=50.0)
    links = made.build([replace(PRV, actuators=(narrow,)), METER])
    async with old.lock:
        swap = asyncio.create_task(made.swap(links))
        for _ in range(20):
            await asyncio.sleep(0)
        assert made.drivers["prv_medina"] is old
    await swap
    assert made.drivers is drivers
    assert made.drivers["prv_medina"].settings.max_m == 50.0
    assert made.drivers["prv_medina"].lock is old.lock
    await made.stop()


async def test_what_did_not_change_is_not_touched() -> None:
    made = fleet()
    made.take(made.build([PRV, METER]))
    made.start()
    meter, valve = made.pollers["m"], made.pollers["prv1"]
    links = made.build([replace(PRV, period_s=60), METER, replace(METER, key="n", unit_id=3)])
    assert made.changes(links) == (frozenset({"n"}), frozenset({"prv1"}), frozenset())
    await made.swap(links)
    assert made.pollers["m"] is meter
    assert made.pollers["prv1"] is not valve
    await made.swap(made.build([METER]))
    assert set(made.pollers) == {"m"}
    assert made.drivers == {}
    await made.stop()


async def test_a_wrong_set_changes_nothing() -> None:
    made = fleet()
    made.take(made.build([METER]))
    with pytest.raises(ConfigurationError, match="did you mean"):
        made.build([METER, replace(METER, key="n", model="generic_flowmetre")])
    assert set(made.links) == {"m"}
