"""In auto a lease lives while the law lives: a law that hangs lets it run out, and the site takes its safe value."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commands.heartbeat import Heartbeats
from domain.setpoints import Command, Mode, Source, Verified
from tests.support.desk import START, SUPERVISOR
from tests.support.desk_house import PRV, House
from tests.support.prv_site import PrvSite, prv_site, signed


class LawHouse(House):
    async def ordered(self) -> Command:
        await self.auto()
        command = await self.desk.order("law", PRV, 39.0, "night")
        assert isinstance(command, Command), command
        assert isinstance(await self.answer(), Verified)
        return command

    async def live(self, seconds: float, *, deciding: bool, step_s: float = 100.0) -> None:
        """Time passes; the desk does its chores, the law decides every step or hangs."""
        for _ in range(int(seconds / step_s)):
            self.clock.pass_s(step_s)
            if deciding:
                self.desk.law_decided(PRV, self.clock.now())
            before = len(self.outbox.sent)
            await self.desk.tick()
            if len(self.outbox.sent) > before:
                await self.answer()

    def renewals(self) -> int:
        return sum(c.source is Source.RENEWAL for c in self.outbox.sent)


async def test_a_law_that_keeps_deciding_keeps_its_lease() -> None:
    house = LawHouse()
    await house.ordered()
    await house.live(7200, deciding=True)
    assert house.renewals() == 6


async def test_a_law_that_hangs_lets_its_lease_run_out() -> None:
    house = LawHouse()
    await house.ordered()
    await house.live(3000, deciding=True)
    alive = house.renewals()
    await house.live(7200, deciding=False)
    assert house.renewals() - alive <= 1  # at most one within the law's patience
    assert house.store.actions().count("law_silent") == 1
    last = house.outbox.sent[-1]
    assert (house.clock.now() - last.issued_at).total_seconds() > last.lease_s


async def test_after_a_restart_the_law_must_decide_before_anything_is_renewed() -> None:
    house = LawHouse()
    await house.ordered()
    house.desk = house.new_desk()
    await house.desk.start()
    await house.live(1700, deciding=False)
    assert house.renewals() == 0


async def test_a_persons_manual_needs_no_law() -> None:
    house = LawHouse()
    await house.executed(39.0)
    await house.answer()
    await house.live(3000, deciding=False)
    assert house.renewals() == 2


async def test_a_law_of_another_valve_keeps_nothing_alive() -> None:
    house = LawHouse()
    await house.ordered()
    for _ in range(30):
        house.clock.pass_s(100)
        house.desk.law_decided("prv_plateau", house.clock.now())
        await house.desk.tick()
    assert house.renewals() == 0


def test_a_decision_of_the_future_is_none() -> None:
    beats = Heartbeats(patience_s=900)
    assert not beats.lives(PRV, START)
    beats.decided(PRV, START.replace(hour=9))
    assert not beats.lives(PRV, START)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[PrvSite]:
    async with prv_site(tmp_path) as made:
        yield made


async def test_a_hung_law_ends_in_the_safe_value_at_the_valve(site: PrvSite) -> None:
    """The desk's own commands, carried to a real executor and fail-safe over Modbus."""
    house = LawHouse()
    site.clock.moment = house.clock.now()
    await site.boot(failsafe=True)
    site.bank.set("setpoint_m", 40.0)

    async def carry(command: Command) -> None:
        site.clock.moment = house.clock.now()
        order = Command(
            **{f: getattr(command, f) for f in command.__dataclass_fields__}
            | {"gateway": "demo/gw", "device": "prv1", "key_id": "desk-1"}
        )
        await site.order(signed(order))
        outcome = await site.outcome(command.command_id)
        assert site.executor is not None
        site.executor.acknowledge(command.command_id)
        house.valves.setpoint_m[PRV] = float(site.bank.get("setpoint_m") or 0.0)
        await house.desk.on_outcome(outcome)

    async def live(seconds: float, *, deciding: bool) -> None:
        for _ in range(int(seconds / 100)):
            house.clock.pass_s(100)
            site.clock.moment = house.clock.now()
            if deciding:
                house.desk.law_decided(PRV, house.clock.now())
            sent = len(house.outbox.sent)
            await house.desk.tick()
            for command in house.outbox.sent[sent:]:
                await carry(command)

    await house.desk.set_mode(SUPERVISOR, PRV, Mode.AUTO, None, "trial is over")
    command = await house.desk.order("law", PRV, 39.0, "night")
    assert isinstance(command, Command)
    await carry(command)
    await live(5000, deciding=True)
    assert site.bank.get("setpoint_m") == 39.0
    await live(900 + 1800 + 100, deciding=False)
    async with asyncio.timeout(60):
        await site.settles(45.0)
