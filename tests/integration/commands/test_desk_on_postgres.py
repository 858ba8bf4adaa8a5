"""The desk with its real memory: a walk from wish to outcome, a silence, a restart, an end of manual, and a whole audit chain."""

from __future__ import annotations

import asyncio

from domain.audit import verify_chain
from domain.ports_commands import ModeRow
from domain.setpoints import Command, Mode, Refused, Unknown, Verified
from storage.commands import PostgresCommands
from storage.two_people import PostgresTwoPeople
from tests.support.desk import OPERATOR, SUPERVISOR
from tests.support.desk_house import PRV, StoredHouse


async def test_a_day_at_the_desk(stored_commands: PostgresCommands, stored_two_people: PostgresTwoPeople) -> None:
    house = StoredHouse(stored_commands, stored_two_people)
    command = await house.executed(39.0)
    assert await stored_commands.pending() == (command,)
    assert isinstance(await house.answer(), Verified)

    refused = await house.desk.propose(OPERATOR, PRV, 70.0, "too much")
    assert isinstance(refused, Refused)
    assert [r.code for r in refused.reasons] == ["above_limit", "ramp_up", "too_soon", "far_above_outlet"]

    house.clock.pass_s(1200)
    await house.desk.tick()
    assert (await house.answer()).command_id == house.outbox.sent[1].command_id  # the renewed lease

    house.clock.pass_s(250)
    silent = await house.executed(38.5)
    await house.restarted().start()
    assert [c.command_id for c in house.outbox.sent[-2:]] == [silent.command_id] * 2
    house.clock.pass_s(720)
    await house.desk.tick()
    assert isinstance(await house.desk.wait(silent.command_id, 5.0), Unknown)

    house.clock.pass_s(3600)
    await house.desk.tick()
    row = (await stored_commands.modes())[PRV]
    assert (row.mode, row.owner) == (Mode.ADVISORY, "law")

    rows = await stored_commands.audit_rows()
    assert verify_chain(rows) is None
    states = [r.state for r in await stored_commands.commands(actuator=PRV)]
    assert states == ["unknown", "verified", "verified"]


async def test_two_laws_at_once_move_the_valve_once(
    stored_commands: PostgresCommands, stored_two_people: PostgresTwoPeople
) -> None:
    house = StoredHouse(stored_commands, stored_two_people)
    assert isinstance(await house.desk.set_mode(SUPERVISOR, PRV, Mode.AUTO, None, "trial is over"), ModeRow)
    answers = await asyncio.gather(*(house.desk.order(f"law {n}", PRV, 39.0, "night") for n in range(4)))
    assert sum(isinstance(a, Command) for a in answers) == 1
    assert len(house.outbox.sent) == 1
    assert verify_chain(await stored_commands.audit_rows()) is None
