"""The desk with its real memory: a walk from wish to outcome, a silence, a restart, an end of manual, and a whole audit chain."""

from __future__ import annotations

import asyncio

from commands.desk import Desk
from commands.selection import Accepted, Selection
from domain.audit import verify_chain
from domain.ports_commands import CommandStore, ModeRow, TwoPeopleStore
from domain.setpoints import Command, Mode, Outcome, Refused, Unknown, Verified
from storage.commands import PostgresCommands
from storage.two_people import PostgresTwoPeople
from tests.support.desk import OPERATOR, SUPERVISOR, Outbox, SetClock, TinyEdge, Valves, small_site

PRV = "prv_medina"


class Centre:
    """A desk on a store, with an edge that answers when asked to."""

    def __init__(self, store: CommandStore, two_people: TwoPeopleStore) -> None:
        self.clock, self.site = SetClock(), small_site()
        self.store, self.two_people = store, two_people
        self.valves, self.outbox = Valves(self.clock), Outbox([])
        limits = {k: (a.min_m, a.max_m) for k, a in self.site.actuators.items()}
        self.edge = TinyEdge(clock=self.clock, valves=self.valves, limits=limits.__getitem__)
        self.desk = self.restarted()

    def restarted(self) -> Desk:
        self.desk = Desk(
            inventory=self.site,
            store=self.store,
            two_people=self.two_people,
            view=self.valves,
            predictor=self.valves,
            sender=self.outbox,
            clock=self.clock,
            monotonic=self.clock.monotonic,
            wall=self.clock.now,
        )
        return self.desk

    async def order(self, value_m: float) -> Command:
        accepted = await self.desk.propose(OPERATOR, PRV, value_m, "night")
        assert isinstance(accepted, Accepted), accepted
        selection = await self.desk.select(OPERATOR, accepted.proposal.proposal_id)
        assert isinstance(selection, Selection), selection
        command = await self.desk.execute(OPERATOR, selection.selection_id, value_m)
        assert isinstance(command, Command), command
        return command

    async def answer(self) -> Outcome:
        outcome = self.edge.receive(self.outbox.sent[-1])
        await self.desk.on_outcome(outcome, "demo/gw-1")
        return outcome


async def test_a_day_at_the_desk(stored_commands: PostgresCommands, stored_two_people: PostgresTwoPeople) -> None:
    centre = Centre(stored_commands, stored_two_people)
    command = await centre.order(39.0)
    assert await stored_commands.pending() == (command,)
    assert isinstance(await centre.answer(), Verified)

    refused = await centre.desk.propose(OPERATOR, PRV, 70.0, "too much")
    assert isinstance(refused, Refused)
    assert [r.code for r in refused.reasons] == ["above_limit", "ramp_up", "too_soon", "far_above_outlet"]

    centre.clock.pass_s(1200)
    await centre.desk.tick()
    assert (await centre.answer()).command_id == centre.outbox.sent[1].command_id  # the renewed lease

    centre.clock.pass_s(250)
    silent = await centre.order(38.5)
    await centre.restarted().start()
    assert [c.command_id for c in centre.outbox.sent[-2:]] == [silent.command_id] * 2
    centre.clock.pass_s(720)
    await centre.desk.tick()
    assert isinstance(await centre.desk.wait(silent.command_id, 5.0), Unknown)

    centre.clock.pass_s(3600)
    await centre.desk.tick()
    row = (await stored_commands.modes())[PRV]
    assert (row.mode, row.owner) == (Mode.ADVISORY, "law")

    rows = await stored_commands.audit_rows()
    assert verify_chain(rows) is None
    states = [r.state for r in await stored_commands.commands(actuator=PRV)]
    assert states == ["unknown", "verified", "verified"]


async def test_two_laws_at_once_move_the_valve_once(
    stored_commands: PostgresCommands, stored_two_people: PostgresTwoPeople
) -> None:
    centre = Centre(stored_commands, stored_two_people)
    assert isinstance(await centre.desk.set_mode(SUPERVISOR, PRV, Mode.AUTO, None, "trial is over"), ModeRow)
    answers = await asyncio.gather(*(centre.desk.order(f"law {n}", PRV, 39.0, "night") for n in range(4)))
    assert sum(isinstance(a, Command) for a in answers) == 1
    assert len(centre.outbox.sent) == 1
    assert verify_chain(await stored_commands.audit_rows()) is None
