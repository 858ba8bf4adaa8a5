"""Random days of two people at a desk that may die between any two of its steps, on any memory: what must hold, whatever happens.

An order above the threshold moves only with a second person's yes to exactly it (actuator, value), once, in time, audited before it
moves; a larger rise only in an emergency that one declared and another confirmed. The machine is run on the memory of the unit
tests and on PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from commands.desk import Desk
from commands.second_person import SecondPersonRules
from commands.selection import Accepted, Selection
from commands.settings import DeskSettings
from domain.audit import verify_chain
from domain.ports_commands import AuditRow, CommandStore, TwoPeopleStore
from domain.setpoints import Command, Mode, Source
from domain.two_people import ApprovalRequest, Emergency, same_person
from tests.support.desk import OPERATOR, SECOND, SUPERVISOR, VIEWER, Outbox, SetClock, TinyEdge, Valves, small_site

T = TypeVar("T")
PEOPLE = st.sampled_from([OPERATOR, SECOND, SUPERVISOR])
ANYBODY = st.sampled_from([OPERATOR, SECOND, SUPERVISOR, VIEWER])
FUSES = st.sampled_from([None, None, *range(1, 24)])
"""After how many half steps the centre dies: before a deed of its memory, or after it and before the answer."""
RULES = SecondPersonRules(below_m=100.0)
"""Every order takes two."""


class PowerCut(BaseException):
    """The centre's process is gone. No ``Exception``: nothing may catch it and go on."""


class Fuse:
    """Counts half steps down to the cut."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.left = None
                raise PowerCut


class Mortal:
    """Whatever the desk calls, with a possible death before and after each call."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        deed = getattr(self._inner, name)

        async def call(*args: Any, **named: Any) -> Any:
            self._fuse.burn()
            answer = await deed(*args, **named)
            self._fuse.burn()
            return answer

        return call


class TwoPeopleMachine(RuleBasedStateMachine):
    """Two people, a third, a viewer, an edge, time, and a centre that dies and comes back."""

    issued_action = "command.issued"

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store, self.two_people = self.memories()
        self.clock, self.site = SetClock(), small_site()
        self.valves, self.outbox, self.fuse = Valves(self.clock), Outbox([]), Fuse()
        limits = {k: (a.min_m, a.max_m) for k, a in self.site.actuators.items()}
        self.edge = TinyEdge(clock=self.clock, valves=self.valves, limits=limits.__getitem__)
        self.asked: list[ApprovalRequest] = []
        self.emergencies: list[Emergency] = []
        self.desk = self.opened()

    def memories(self) -> tuple[CommandStore, TwoPeopleStore]:
        """The memory to run on."""
        raise NotImplementedError

    def opened(self) -> Desk:
        return Desk(
            inventory=self.site, store=Mortal(self.store, self.fuse), two_people=Mortal(self.two_people, self.fuse),
            view=self.valves, predictor=self.valves, sender=Mortal(self.outbox, self.fuse), clock=self.clock,
            monotonic=self.clock.monotonic, wall=self.clock.now, settings=DeskSettings(second_person=RULES),
        )  # fmt: skip

    def do(self, work: Coroutine[Any, Any, T], fuse: int | None = None) -> T | None:
        """A deed of the desk; a cut of its power brings a new desk and no answer."""
        self.fuse.left = fuse
        try:
            return self.loop.run_until_complete(work)
        except PowerCut:
            self.centre_restarts()
            return None
        finally:
            self.fuse.left = None

    def rows(self) -> Sequence[AuditRow]:
        return self.loop.run_until_complete(self.store.audit_rows(limit=100_000))

    @rule(user=PEOPLE, step=st.sampled_from([-1.0, -0.5, 0.5, 2.0, 4.5]), fuse=FUSES)
    def asks(self, user: Any, step: float, fuse: int | None) -> None:
        now = self.valves.setpoint_m["prv_medina"]
        assert now is not None
        accepted = self.do(self.desk.propose(user, "prv_medina", now + step, "because"))
        if not isinstance(accepted, Accepted):
            return
        selection = self.do(self.desk.select(user, accepted.proposal.proposal_id))
        if isinstance(selection, Selection):
            answer = self.do(self.desk.execute(user, selection.selection_id, now + step), fuse)
            assert not isinstance(answer, Command), "one person's order went"
        for request in self.loop.run_until_complete(self.two_people.waiting()):
            if request not in self.asked:
                self.asked.append(request)

    @rule(user=ANYBODY, pick=st.integers(0, 3), slip=st.sampled_from([0.0, 0.0, 0.0, 1.0]), fuse=FUSES)
    def says_yes(self, user: Any, pick: int, slip: float, fuse: int | None) -> None:
        if self.asked:
            request = self.asked[-1 - pick % len(self.asked)]
            answer = self.do(self.desk.approve(user, request.request_id, request.proposal.value_m + slip), fuse)
            if isinstance(answer, Command):
                assert not same_person(user.name, request.asked_by)
                assert slip == 0.0
                assert request.waits_at(self.clock.now())
                assert (answer.command_id, answer.value_m) == (request.request_id, request.proposal.value_m)

    @rule(value=st.sampled_from([-0.5, 0.5]), meanwhile=st.sampled_from(["", "", "late", "hands", "alone"]), ask=FUSES, yes=FUSES)
    def a_whole_order(self, value: float, meanwhile: str, ask: int | None, yes: int | None) -> None:
        self.edge_answers(250.0)
        self.asks(OPERATOR, value, ask)
        if meanwhile == "late":
            self.clock.pass_s(700.0)
        elif meanwhile == "hands":
            modes = self.loop.run_until_complete(self.store.modes())
            auto = "prv_medina" in modes and modes["prv_medina"].mode is Mode.AUTO
            self.the_valve_changes_hands(Mode.ADVISORY if auto else Mode.AUTO, None)
        elif meanwhile == "alone":
            self.says_yes(OPERATOR, 0, 0.0, yes)
        self.says_yes(SECOND, 0, 0.0, yes)
        self.says_yes(SUPERVISOR, 0, 0.0, None)

    @rule(user=ANYBODY, pick=st.integers(0, 3), fuse=FUSES)
    def says_no(self, user: Any, pick: int, fuse: int | None) -> None:
        if self.asked:
            self.do(self.desk.decline(user, self.asked[-1 - pick % len(self.asked)].request_id, "because"), fuse)

    @rule(mode=st.sampled_from([Mode.AUTO, Mode.MANUAL, Mode.ADVISORY]), fuse=FUSES)
    def the_valve_changes_hands(self, mode: Mode, fuse: int | None) -> None:
        self.do(self.desk.set_mode(SUPERVISOR, "prv_medina", mode, None, "because"), fuse)

    @rule(user=ANYBODY, lasts_s=st.sampled_from([300.0, 3600.0]), fuse=FUSES)
    def declares(self, user: Any, lasts_s: float, fuse: int | None) -> None:
        self.do(self.desk.declare_emergency(user, "prv_medina", lasts_s, "fire"), fuse)
        for emergency in self.loop.run_until_complete(self.two_people.emergencies(self.clock.now())):
            self.emergencies.append(emergency)

    @rule(user=ANYBODY, pick=st.integers(0, 2), fuse=FUSES, end=st.booleans())
    def confirms_or_ends(self, user: Any, pick: int, fuse: int | None, end: bool) -> None:
        if self.emergencies:
            key = self.emergencies[-1 - pick % len(self.emergencies)].emergency_id
            self.do(self.desk.end_emergency(user, key, "out") if end else self.desk.confirm_emergency(user, key), fuse)

    @rule(yes=FUSES, by=st.sampled_from([OPERATOR, SECOND, SECOND]))
    def a_rise_in_an_emergency(self, yes: int | None, by: Any) -> None:
        self.edge_answers(250.0)
        self.declares(OPERATOR, 3600.0, None)
        self.confirms_or_ends(by, 0, None, end=False)
        self.asks(OPERATOR, 4.5, None)
        self.says_yes(SECOND, 0, 0.0, yes)

    @rule(seconds=st.sampled_from([10.0, 250.0, 1300.0]))
    def edge_answers(self, seconds: float) -> None:
        for command in self.loop.run_until_complete(self.store.pending()):
            outcome = self.edge.receive(command)
            self.do(self.desk.on_outcome(outcome, command.gateway))
        self.time_passes(seconds, None)

    @rule(seconds=st.sampled_from([1.0, 250.0, 601.0]), fuse=FUSES)
    def time_passes(self, seconds: float, fuse: int | None) -> None:
        self.clock.pass_s(seconds)
        self.do(self.desk.tick(), fuse)

    @rule()
    def centre_restarts(self) -> None:
        self.fuse.left = None
        before = self.loop.run_until_complete(self.two_people.waiting())
        self.desk = self.opened()
        self.loop.run_until_complete(self.desk.start())
        assert self.loop.run_until_complete(self.two_people.waiting()) == before, "a restart forgets nothing and decides nothing"

    def teardown(self) -> None:
        rows = self.rows()
        assert verify_chain(rows) is None
        check(rows, self.outbox.sent, self.issued_action, ramp_up_m=self.site.actuators["prv_medina"].ramp_up_m)
        moved = [command.command_id for _, command in self.edge.moves]
        assert len(moved) == len(set(moved)), "moved twice"
        self.close()
        self.loop.close()

    def close(self) -> None:
        """Gives the memory back, where it must be given back."""

    @invariant()
    def nothing_went_that_two_did_not_want(self) -> None:
        given = {r.subject: r for r in self.rows() if r.action == "approval.given"}
        for command in self.outbox.sent:
            if command.source is Source.OPERATOR:
                assert command.command_id in given
                assert not same_person(given[command.command_id].actor, command.author)


def check(rows: Sequence[AuditRow], sent: Sequence[Command], issued_action: str, *, ramp_up_m: float) -> None:
    """The whole day by its audit."""
    decided = Counter(
        r.subject for r in rows if r.action in ("approval.given", "approval.declined", "approval.replaced", "approval.expired")
    )
    assert all(n == 1 for n in decided.values()), decided
    asked = {r.subject: r for r in rows if r.action == "approval.asked"}
    given = {r.subject: r for r in rows if r.action == "approval.given"}
    issued = Counter(_command_id(r) for r in rows if r.action == issued_action)
    assert all(n == 1 for n in issued.values()), issued
    for command in sent:
        if command.source is not Source.OPERATOR:
            continue
        first, second = asked[command.command_id], given[command.command_id]
        assert first.sequence < second.sequence < next(r.sequence for r in rows if _command_id(r) == command.command_id)
        assert (first.actor, second.body["asked_by"]) == (command.author, command.author)
        assert (first.body["actuator"], first.body["value_m"]) == (command.actuator, command.value_m)
        assert (second.body["actuator"], second.body["value_m"]) == (command.actuator, command.value_m)
        between = [r for r in rows if r.action in ("set_mode", "mode.set") and first.sequence < r.sequence < second.sequence]
        tokens = {r.body.get("owner_token", r.body.get("token")) for r in between if r.subject == command.actuator}
        assert tokens <= {first.body["owner_token"]}, "the valve changed hands in between"
        assert second.body["owner_token"] == first.body["owner_token"] <= command.owner_token
        rise_m = command.value_m - (command.previous_m or 0.0)
        assert command.emergency == (rise_m > ramp_up_m)
        if command.emergency:
            _check_emergency(rows, command)


def _check_emergency(rows: Sequence[AuditRow], command: Command) -> None:
    before = [r for r in rows if r.sequence < next(r.sequence for r in rows if _command_id(r) == command.command_id)]
    declared = [r for r in before if r.action == "emergency.declared" and r.subject == command.actuator][-1]
    key = declared.body["emergency_id"]
    confirmed = [r for r in before if r.action == "emergency.confirmed" and r.body["emergency_id"] == key]
    assert len(confirmed) == 1
    assert not same_person(confirmed[0].actor, declared.actor)
    assert not [r for r in before if r.action == "emergency.ended" and r.body["emergency_id"] == key]
    assert command.issued_at < datetime.fromisoformat(declared.body["until"])


def _command_id(row: AuditRow) -> str | None:
    return row.body.get("command_id") if row.action in ("command", "command.issued") else None
