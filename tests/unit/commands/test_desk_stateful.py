"""Random days at the desk: people, a law, time, an edge that is slow, deaf, broken or repeats itself.

Whatever happens: every command ends in exactly one outcome, its audit row lies before it was sent, nothing outside the limits or
the ramp is ever sent, nothing is executed twice, late or for a former owner, and the audit chain is whole.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from commands.selection import Accepted, Selection
from domain.audit import verify_chain
from domain.setpoints import Command, Mode
from tests.support.desk import OPERATOR, SECOND, SUPERVISOR
from tests.support.desk_house import House

T = TypeVar("T")
ACTUATORS = st.sampled_from(["prv_medina", "prv_plateau"])
USERS = st.sampled_from([OPERATOR, SECOND, SUPERVISOR])
STEPS = st.sampled_from([-1.5, -1.0, -0.5, 0.0, 0.5, 2.0, 3.0])
OUTCOMES = {"verified", "refused", "expired", "failed", "unknown"}


class DeskMachine(RuleBasedStateMachine):
    """The desk, its memory, an edge and the time."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        house = House()
        self.house, self.desk = house, house.desk
        self.clock, self.journal, self.store = house.clock, house.journal, house.store
        self.site, self.valves, self.outbox, self.edge = house.site, house.valves, house.outbox, house.edge
        self.selections: list[Selection] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.valves.age_s = 5000  # so that nothing new is ordered
        self.clock.pass_s(1000)
        self.do(self.desk.tick())
        self.loop.close()
        states = [r.state for r in self.do_rows()]
        assert set(states) <= OUTCOMES
        endings = Counter(subject for action, subject in self.journal if action in OUTCOMES)
        sent = {c.command_id for c in self.outbox.sent}
        assert endings == Counter(sent)

    def do_rows(self) -> list[Any]:
        loop = asyncio.new_event_loop()
        try:
            return list(loop.run_until_complete(self.store.commands(limit=10_000)))
        finally:
            loop.close()

    @rule(actuator=ACTUATORS, user=USERS, step=STEPS)
    def propose_and_select(self, actuator: str, user: Any, step: float) -> None:
        now = self.valves.setpoint_m[actuator]
        assert now is not None
        accepted = self.do(self.desk.propose(user, actuator, now + step, "because"))
        if isinstance(accepted, Accepted):
            selection = self.do(self.desk.select(user, accepted.proposal.proposal_id))
            if isinstance(selection, Selection):
                self.selections.append(selection)

    @rule(actuator=ACTUATORS, user=USERS, step=STEPS)
    def a_whole_move(self, actuator: str, user: Any, step: float) -> None:
        self.propose_and_select(actuator, user, step)
        self.execute(user, 0.0)

    @rule(user=USERS, slip=st.sampled_from([0.0, 0.0, 0.0, 1.0]))
    def execute(self, user: Any, slip: float) -> None:
        if self.selections:
            selection = self.selections[-1]
            command = self.do(self.desk.execute(user, selection.selection_id, selection.proposal.value_m + slip))
            if isinstance(command, Command):
                assert (user.name, slip) == (selection.user, 0.0)

    @rule(actuator=ACTUATORS, step=STEPS)
    def law_orders(self, actuator: str, step: float) -> None:
        now = self.valves.setpoint_m[actuator]
        assert now is not None
        mode = self.do(self.store.modes())
        command = self.do(self.desk.order("law", actuator, now + step, "because"))
        if isinstance(command, Command):
            assert mode[actuator].mode is Mode.AUTO

    @rule(actuator=ACTUATORS, user=USERS, mode=st.sampled_from(Mode))
    def set_mode(self, actuator: str, user: Any, mode: Mode) -> None:
        self.do(self.desk.set_mode(user, actuator, mode, None, "because"))

    @rule(seconds=st.sampled_from([0.0, 250.0, 1300.0]))
    def edge_answers_everything(self, seconds: float) -> None:
        for command in self.do(self.store.pending()):
            self.do(self.desk.on_outcome(self.edge.receive(command), command.gateway))
        self.edge.broken, self.valves.age_s = False, 10.0
        self.time_passes(seconds)

    @rule(actuator=ACTUATORS, step=STEPS)
    def a_good_law(self, actuator: str, step: float) -> None:
        modes = self.do(self.store.modes())
        if actuator not in modes or modes[actuator].mode is not Mode.AUTO:
            self.do(self.desk.set_mode(SUPERVISOR, actuator, Mode.AUTO, None, "because"))
        self.law_orders(actuator, step)

    @rule(pick=st.integers(0, 5), told=st.booleans())
    def edge_hears_any_of_the_last_commands(self, pick: int, told: bool) -> None:
        if self.outbox.sent:
            command = self.outbox.sent[-1 - pick % len(self.outbox.sent)]
            outcome = self.edge.receive(command)
            if told:
                self.do(self.desk.on_outcome(outcome, command.gateway))

    @rule()
    def edge_breaks_or_is_repaired(self) -> None:
        self.edge.broken = not self.edge.broken

    @rule(age_s=st.sampled_from([10.0, 60.0, 1200.0]))
    def polls_slow_down(self, age_s: float) -> None:
        self.valves.age_s = age_s

    @rule(seconds=st.sampled_from([1.0, 10.0, 250.0, 700.0, 1300.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_s(seconds)
        self.do(self.desk.tick())

    @rule()
    def centre_restarts(self) -> None:
        self.desk = self.house.restarted()
        self.do(self.desk.start())

    @invariant()
    def audit_lies_before_every_sending(self) -> None:
        seen: set[str] = set()
        for action, subject in self.journal:
            if action == "command":
                seen.add(subject)
            assert action != "send" or subject in seen

    @invariant()
    def nothing_out_of_limits_is_sent(self) -> None:
        for command in self.outbox.sent:
            actuator = self.site.actuators[command.actuator]
            assert actuator.min_m <= command.value_m <= actuator.max_m
            assert command.previous_m is not None
            assert -actuator.ramp_down_m <= command.value_m - command.previous_m <= actuator.ramp_up_m

    @invariant()
    def nothing_moves_twice_late_or_for_a_former_owner(self) -> None:
        ids = [command.command_id for _, command in self.edge.moves]
        assert len(ids) == len(set(ids))
        assert all(at <= command.expires_at for at, command in self.edge.moves)
        for actuator in self.site.actuators:
            tokens = [c.owner_token for _, c in self.edge.moves if c.actuator == actuator]
            assert tokens == sorted(tokens)

    @invariant()
    def one_undecided_order_an_actuator_and_source(self) -> None:
        pending = Counter((c.actuator, c.source.value == "operator") for c in self.do(self.store.pending()))
        assert all(n == 1 for n in pending.values())

    @invariant()
    def counters_only_grow(self) -> None:
        first_sent = dict.fromkeys(c.command_id for c in self.outbox.sent)
        by_id = {c.command_id: c.counter for c in self.outbox.sent}
        counters = [by_id[i] for i in first_sent]
        assert counters == sorted(set(counters))

    @invariant()
    def audit_chain_is_whole(self) -> None:
        assert verify_chain(self.store.rows) is None


TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(max_examples=80, stateful_step_count=50)
