"""Commands against a real Modbus server: no write outside the rules, none twice, none late, each with one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.setpoints import Command, Expired, Failed, Outcome, Refused, Verified
from edge.bus import Priority
from tests.support.prv_site import PrvSite, command, prv_site, signed


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[PrvSite]:
    async with prv_site(tmp_path) as made:
        yield made


def codes(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Refused)
    return [r.code for r in outcome.reasons]


async def test_a_good_command_is_written_and_verified(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(1, 38.5, site.clock.now())))
    outcome = await site.outcome("c1")
    assert isinstance(outcome, Verified)
    assert outcome.readback_m == 38.5
    assert site.writes == [38.5]


async def test_the_same_command_again_is_answered_and_not_executed(site: PrvSite) -> None:
    await site.boot()
    order = signed(command(1, 38.0, site.clock.now()))
    await site.order(order)
    first = await site.outcome("c1")
    assert site.executor is not None
    site.executor.acknowledge("c1")
    site.bank.set("setpoint_m", 50.0)  # somebody turned it by hand meanwhile
    await site.order(order)
    await site.order(signed(command(2, 200.0, site.clock.now())))  # answered after it
    await site.outcome("c2")
    assert await site.outcome("c1") == first
    assert site.writes == [38.0]
    assert site.bank.get("setpoint_m") == 50.0
    assert codes(await site.outcome("alarm:replayed:c1")) == ["replayed"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value_m": 61.0}, ["above_limit", "ramp"]),
        ({"value_m": 19.0}, ["below_limit", "ramp"]),
        ({"value_m": 45.5}, ["ramp"]),
        ({"value_m": 36.5}, ["ramp"]),
        ({"lease_s": 0.0}, ["bad_lease"]),
        ({"counter": 0}, ["old_counter"]),
        ({"actuator": "prv_other"}, ["unknown_actuator"]),
        ({"field": "flow_m3h"}, ["unknown_actuator"]),
    ],
)
async def test_what_the_rules_forbid_is_refused_with_reasons(site: PrvSite, changes: dict[str, Any], expected: list[str]) -> None:
    await site.boot()
    await site.order(signed(command(1, 38.0, site.clock.now(), **changes) if "value_m" not in changes else _valued(site, changes)))
    assert codes(await site.outcome("c1")) == expected
    assert site.writes == []


def _valued(site: PrvSite, changes: dict[str, Any]) -> Command:
    return command(1, float(changes["value_m"]), site.clock.now())


async def test_steps_up_to_the_ramp_are_allowed_both_ways(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(1, 45.0, site.clock.now())))
    assert isinstance(await site.outcome("c1"), Verified)
    site.clock.advance(301)
    await site.order(signed(command(2, 42.0, site.clock.now())))
    assert isinstance(await site.outcome("c2"), Verified)


async def test_moves_keep_their_interval_and_renewals_do_not_need_to(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(1, 38.0, site.clock.now())))
    await site.outcome("c1")
    site.clock.advance(10)
    await site.order(signed(command(2, 38.0, site.clock.now())))
    assert isinstance(await site.outcome("c2"), Verified)
    await site.order(signed(command(3, 37.0, site.clock.now())))
    assert codes(await site.outcome("c3")) == ["too_soon"]


async def test_an_older_owner_never_acts_after_a_newer(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(1, 38.0, site.clock.now(), owner_token=5)))
    await site.outcome("c1")
    await site.order(signed(command(2, 38.0, site.clock.now(), owner_token=4)))
    assert codes(await site.outcome("c2")) == ["old_owner"]


async def test_a_late_command_expires_and_nothing_is_written(site: PrvSite) -> None:
    await site.boot()
    order = signed(command(1, 38.0, site.clock.now()))
    site.clock.advance(600)
    await site.order(order)
    assert isinstance(await site.outcome("c1"), Expired)
    assert site.writes == []


async def test_a_command_that_expires_while_the_bus_is_busy_is_not_written(site: PrvSite) -> None:
    await site.boot()
    assert site.driver is not None
    assert site.bus is not None
    busy = asyncio.Event()

    async def long_request() -> None:
        await busy.wait()

    # The read before the write goes through, then the bus is taken: the write waits behind a request that outlasts the command.
    original = site.driver.link.bus.submit
    calls = 0

    async def submit(priority, call):
        nonlocal calls
        calls += 1
        if calls == 2:
            blocker = asyncio.create_task(original(Priority.COMMAND, long_request))
            await asyncio.sleep(0)
            pending = asyncio.create_task(original(priority, call))
            await asyncio.sleep(0)
            site.clock.advance(601)
            busy.set()
            await blocker
            return await pending
        return await original(priority, call)

    site.bus.submit = submit
    await site.order(signed(command(1, 38.0, site.clock.now())))
    assert isinstance(await site.outcome("c1"), Expired)
    assert site.writes == []


async def test_nobody_but_the_pinned_key_commands(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(1, 38.0, site.clock.now()), Ed25519PrivateKey.generate()))
    assert codes(await site.outcome("alarm:bad_signature:c1")) == ["bad_signature"]
    await site.order(signed(command(2, 38.0, site.clock.now(), key_id="desk-9")))
    assert site.executor is not None
    assert codes(await site.outcome("alarm:unknown_key:c2")) == ["unknown_key"]
    # what nobody signed has left no trace: the true command with the same number goes through
    await site.order(signed(command(1, 38.0, site.clock.now())))
    assert isinstance(await site.outcome("c1"), Verified)
    assert site.counters.unauthentic == 2
    site.executor.acknowledge("alarm:bad_signature:c1")
    assert {o.command_id for _, o in await site.executor.results()} == {"alarm:unknown_key:c2", "c1"}


async def test_a_gateway_without_keys_refuses_everything(site: PrvSite) -> None:
    await site.boot(with_keys=False)
    await site.order(signed(command(1, 38.0, site.clock.now())))
    assert codes(await site.outcome("alarm:no_key:c1")) == ["no_key"]
    assert site.writes == []


async def test_commands_for_others_are_left_alone(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(1, 38.0, site.clock.now(), gateway="demo/gw-other")))
    await site.order(signed(command(2, 38.0, site.clock.now())), device="prv2")
    await site.order(signed(command(3, 38.0, site.clock.now())))
    assert isinstance(await site.outcome("c3"), Verified)
    assert site.executor is not None
    told = {o.command_id for _, o in await site.executor.results()}
    assert told == {"alarm:wrong_gateway:c1", "alarm:wrong_device:c2", "c3"}


async def test_a_silent_device_refuses_before_and_fails_after_the_write(site: PrvSite) -> None:
    await site.boot()
    site.bank.silent = True
    await site.order(signed(command(1, 38.0, site.clock.now())))
    assert codes(await site.outcome("c1")) == ["no_readback"]

    site.bank.silent = False

    def fall_silent(_field: str, _value: float) -> bool:
        site.bank.silent = True
        return True

    site.bank.on_write = fall_silent
    await site.order(signed(command(2, 38.0, site.clock.now())))
    outcome = await site.outcome("c2")
    assert isinstance(outcome, Failed)
    assert outcome.readback_m is None


async def test_a_valve_that_does_not_take_the_value_fails(site: PrvSite) -> None:
    await site.boot()
    site.bank.on_write = lambda _field, _value: False
    await site.order(signed(command(1, 38.0, site.clock.now())))
    outcome = await site.outcome("c1")
    assert isinstance(outcome, Failed)
    assert outcome.readback_m == 40.0
    assert "illegal data value" in outcome.detail


async def test_after_a_crash_a_started_command_is_read_back_and_never_written_again(site: PrvSite) -> None:
    await site.boot()
    done, lost = command(1, 38.0, site.clock.now()), command(2, 37.0, site.clock.now())
    assert site.journal is not None
    for order in (done, lost):
        site.journal.admit(order, signed(order).document, site.clock.now())
        site.journal.start(order, now=site.clock.now(), moves=True)
    never = command(3, 36.0, site.clock.now())
    site.journal.admit(never, signed(never).document, site.clock.now())
    site.bank.set("setpoint_m", 38.0)  # the first had been written when the power went
    await site.crash()

    await site.boot()
    assert isinstance(await site.outcome("c1"), Verified)
    failed = await site.outcome("c2")
    assert isinstance(failed, Failed)
    assert failed.readback_m == 38.0
    assert codes(await site.outcome("c3")) == ["restarted"]
    assert site.writes == []
    await site.order(signed(lost))  # the broker plays it again
    await site.order(signed(command(4, 200.0, site.clock.now())))
    await site.outcome("c4")
    assert site.writes == []


async def test_counter_token_and_interval_survive_a_restart(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(7, 38.0, site.clock.now(), owner_token=3)))
    await site.outcome("c7")
    await site.crash()
    await site.boot()
    await site.order(signed(command(6, 38.0, site.clock.now(), owner_token=3)))
    assert codes(await site.outcome("c6")) == ["old_counter"]
    await site.order(signed(command(8, 38.0, site.clock.now(), owner_token=2)))
    assert codes(await site.outcome("c8")) == ["old_owner"]
    await site.order(signed(command(9, 37.0, site.clock.now(), owner_token=3)))
    assert codes(await site.outcome("c9")) == ["too_soon"]


async def test_the_end_of_a_lease_brings_the_safe_value_without_a_ramp(site: PrvSite) -> None:
    await site.boot(failsafe=True)
    site.bank.set("setpoint_m", 30.0)
    await site.order(signed(command(1, 28.0, site.clock.now())))
    assert isinstance(await site.outcome("c1"), Verified)
    site.clock.advance(1799)
    await site.order(signed(command(2, 28.0, site.clock.now())))  # renewed in time
    await site.outcome("c2")
    site.clock.advance(1799)
    await site.order(signed(command(3, 200.0, site.clock.now())))  # refused, so it renews nothing
    await site.outcome("c3")
    assert site.bank.get("setpoint_m") == 28.0
    site.clock.advance(2)
    await site.settles(45.0)
    assert site.counters.fallbacks <= 1


async def test_a_lease_that_ended_while_the_gateway_was_down_brings_the_safe_value(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(1, 38.0, site.clock.now())))
    await site.outcome("c1")
    await site.crash()
    site.clock.advance(1801)
    await site.boot(failsafe=True)
    await site.settles(45.0)


async def test_the_safe_value_is_tried_until_it_is_there(site: PrvSite) -> None:
    await site.boot()
    await site.order(signed(command(1, 38.0, site.clock.now())))
    await site.outcome("c1")
    await site.crash()
    site.clock.advance(1801)
    site.bank.silent = True
    await site.boot(failsafe=True)
    assert site.journal is not None
    async with asyncio.timeout(60):
        while site.connection is None or not site.connection.execute("SELECT 1 FROM journal WHERE state = 'fallback'").fetchone():
            await asyncio.sleep(0.01)
    site.bank.silent = False
    await site.settles(45.0)


async def test_a_valve_never_commanded_gets_one_lease(site: PrvSite) -> None:
    await site.boot(failsafe=True)
    await site.order(signed(command(1, 200.0, site.clock.now())))
    await site.outcome("c1")
    site.clock.advance(1801)
    await site.settles(45.0)


async def test_a_confirmed_emergency_rises_faster_and_falls_no_faster(site: PrvSite) -> None:
    site.actuator = replace(site.actuator, ramp_up_m=2.0, ramp_up_emergency_m=5.0)
    await site.boot()
    await site.order(signed(command(1, 45.0, site.clock.now())))
    assert codes(await site.outcome("c1")) == ["ramp"]
    await site.order(signed(command(2, 45.0, site.clock.now(), emergency=True)))
    assert isinstance(await site.outcome("c2"), Verified)
    site.clock.advance(301)
    await site.order(signed(command(3, 41.0, site.clock.now(), emergency=True)))
    assert codes(await site.outcome("c3")) == ["ramp"]
    await site.order(signed(command(4, 50.5, site.clock.now(), emergency=True)))
    assert codes(await site.outcome("c4")) == ["ramp"]


async def test_after_its_moves_of_a_day_a_valve_is_raised_but_not_lowered(site: PrvSite) -> None:
    site.actuator = replace(site.actuator, max_moves_per_day=2)
    await site.boot()
    for number, value_m in ((1, 39.0), (2, 38.0)):
        await site.order(signed(command(number, value_m, site.clock.now())))
        assert isinstance(await site.outcome(f"c{number}"), Verified)
        site.clock.advance(301)
    await site.crash()
    await site.boot()  # the count is durable
    await site.order(signed(command(3, 37.0, site.clock.now())))
    refused = await site.outcome("c3")
    assert codes(refused) == ["move_budget"]
    assert isinstance(refused, Refused)
    assert refused.reasons[0].parameters == {"moves": 2.0, "limit": 2.0}
    await site.order(signed(command(4, 38.0, site.clock.now())))  # a renewal moves nothing
    assert isinstance(await site.outcome("c4"), Verified)
    await site.order(signed(command(5, 40.0, site.clock.now())))
    assert isinstance(await site.outcome("c5"), Verified)
    site.clock.advance(86_400)
    await site.order(signed(command(6, 39.0, site.clock.now())))
    assert isinstance(await site.outcome("c6"), Verified)
