"""The desk, door by door."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest

from commands.road import BadWish
from commands.selection import Accepted, Selection
from domain.audit import verify_chain
from domain.ports_commands import ModeRow
from domain.setpoints import Command, Mode, Refused, Source, Verified
from tests.support.command_store import MemoryCommandStore
from tests.support.desk import OPERATOR, SECOND, START, SUPERVISOR, VIEWER
from tests.support.desk_house import PRV, House, codes


@pytest.fixture
def house() -> House:
    return House()


async def test_a_person_walks_from_wish_to_verified(house: House) -> None:
    effect = await house.desk.preview(PRV, 39.0)
    assert effect.lowest_m == 27.0
    command = await house.executed(39.0)
    assert (command.value_m, command.previous_m, command.source, command.author) == (39.0, 40.0, Source.OPERATOR, "amina")
    assert (command.gateway, command.device, command.field) == ("demo/gw-1", "prv-medina", "setpoint_m")
    assert (command.counter, command.owner_token, command.lease_s) == (1, 2, 1800.0)
    assert command.expires_at - command.issued_at == timedelta(seconds=600)
    outcome = await house.answer()
    assert await house.desk.wait(command.command_id, 5.0) == outcome
    assert house.store.actions() == ["propose", "select", "set_mode", "command", "verified"]
    assert house.journal.index(("command", command.command_id)) < house.journal.index(("send", command.command_id))
    assert verify_chain(house.store.rows) is None


async def test_an_operators_order_takes_manual_with_an_end(house: House) -> None:
    await house.auto()
    await house.executed()
    row = (await house.store.modes())[PRV]
    assert (row.mode, row.owner, row.until, row.returns_to) == (Mode.MANUAL, "amina", START + timedelta(hours=1), Mode.AUTO)
    assert codes(await house.desk.order("law", PRV, 39.0, "night")) == ["not_auto", "command_pending"]


async def test_a_refused_proposal_is_kept_with_every_reason_and_cannot_be_selected(house: House) -> None:
    refused = await house.desk.propose(VIEWER, PRV, 10.0, " ")
    expected = ["role_too_low", "no_reason", "below_limit", "ramp_down", "below_min_pressure"]
    assert codes(refused) == expected
    assert isinstance(refused, Refused)
    assert [r.code for r in house.store.proposals[refused.command_id][1]] == expected
    assert codes(await house.desk.select(OPERATOR, refused.command_id)) == ["unknown_proposal"]
    assert house.store.actions() == ["proposal_refused", "select_refused"]


@pytest.mark.parametrize(("actuator", "value_m", "expected"), [("prv_x", 39.0, "unknown_actuator"), (PRV, math.nan, "not_finite")])
async def test_a_wish_that_cannot_be_looked_at_is_refused_and_audited(
    house: House, actuator: str, value_m: float, expected: str
) -> None:
    assert codes(await house.desk.propose(OPERATOR, actuator, value_m, "night")) == [expected]
    assert codes(await house.desk.order("law", actuator, value_m, "night")) == [expected]
    assert house.store.actions() == ["proposal_refused"] * 2
    with pytest.raises(BadWish):
        await house.desk.preview(actuator, value_m)


async def test_a_selection_reserves_the_actuator_for_thirty_seconds(house: House) -> None:
    await house.auto()
    mine, theirs = await house.proposal(), await house.proposal(user=SECOND)
    assert isinstance(await house.desk.select(OPERATOR, mine), Selection)
    house.clock.pass_s(29.9)
    assert codes(await house.desk.select(SECOND, theirs)) == ["reserved"]
    assert codes(await house.desk.order("law", PRV, 39.0, "night")) == ["reserved"]
    house.clock.pass_s(0.1)
    assert isinstance(await house.desk.select(SECOND, theirs), Selection)


async def test_execute_must_match_select_in_person_value_and_time(house: House) -> None:
    selection = await house.selection(39.0)
    assert codes(await house.desk.execute(SECOND, selection, 39.0)) == ["selected_by_other"]
    assert codes(await house.desk.execute(OPERATOR, selection, 38.0)) == ["not_confirmed"]
    assert codes(await house.desk.execute(OPERATOR, selection, math.nan)) == ["not_confirmed"]
    house.clock.pass_s(30)
    assert codes(await house.desk.execute(OPERATOR, selection, 39.0)) == ["selection_over"]
    assert codes(await house.desk.execute(OPERATOR, "nothing", 39.0)) == ["unknown_selection"]
    assert house.outbox.sent == []


async def test_a_selection_is_used_up(house: House) -> None:
    selection = await house.selection()
    assert isinstance(await house.desk.execute(OPERATOR, selection, 39.0), Command)
    assert codes(await house.desk.execute(OPERATOR, selection, 39.0)) == ["unknown_selection"]
    assert len(house.outbox.sent) == 1


async def test_interlocks_are_asked_again_at_execute(house: House) -> None:
    selection = await house.selection(39.0)
    house.valves.setpoint_m[PRV] = 44.0
    house.valves.age_s = 1000
    assert codes(await house.desk.execute(OPERATOR, selection, 39.0)) == ["ramp_down", "stale_data"]
    assert house.outbox.sent == []


async def test_a_law_orders_in_auto_only_and_its_token_is_older_after_a_person_has_taken_over(house: House) -> None:
    assert codes(await house.desk.order("law 1", PRV, 39.0, "night")) == ["not_auto"]
    await house.auto()
    first = await house.desk.order("law 1", PRV, 39.0, "night")
    assert isinstance(first, Command)
    assert (first.source, first.author) == (Source.LAW, "law 1")
    person = await house.executed(39.5)
    assert person.owner_token > first.owner_token
    assert isinstance(house.edge.receive(person), Verified)
    late = house.edge.receive(first)
    assert isinstance(late, Refused)
    await house.desk.on_outcome(late, "demo/gw-1")
    assert house.valves.setpoint_m[PRV] == 39.5


async def test_advice_of_a_law_can_be_executed_by_a_person(house: House) -> None:
    advice = await house.desk.advise("law 1", PRV, 39.0, "night")
    assert isinstance(advice, Accepted)
    selection = await house.desk.select(OPERATOR, advice.proposal.proposal_id)
    assert isinstance(selection, Selection)
    command = await house.desk.execute(OPERATOR, selection.selection_id, 39.0)
    assert isinstance(command, Command)
    assert (command.author, command.source) == ("amina", Source.OPERATOR)


async def test_two_callers_never_both_move_one_actuator(house: House) -> None:
    await house.auto()
    answers = await asyncio.gather(*(house.desk.order(f"law {n}", PRV, 39.0, "night") for n in range(5)))
    assert [isinstance(a, Command) for a in answers] == [True, False, False, False, False]
    assert len(house.outbox.sent) == 1


class SlowForMedina(MemoryCommandStore):
    """Takes long over one valve's commands, so that the other's could overtake."""

    async def save_command(self, command: Command) -> None:
        for _ in range(40 if command.actuator == PRV else 0):
            await asyncio.sleep(0)
        await super().save_command(command)


async def test_counters_leave_in_the_order_they_were_given(house: House) -> None:
    house.store = SlowForMedina(house.journal)
    house.desk = house.new_desk()
    for actuator in house.site.actuators:
        await house.desk.set_mode(SUPERVISOR, actuator, Mode.AUTO, None, "trial is over")
    await asyncio.gather(*(house.desk.order("law", a, 39.0, "night") for a in house.site.actuators))
    assert [c.counter for c in house.outbox.sent] == [1, 2]


async def test_the_edges_own_answer_counts_before_the_next_poll_comes(house: House) -> None:
    await house.auto()
    await house.desk.order("law", PRV, 42.0, "morning")
    await house.answer()
    house.valves.setpoint_m[PRV], house.valves.age_s = 40.0, 300  # the last poll is from before the move
    house.clock.pass_s(250)
    assert "ramp_up" not in codes(await house.desk.order("law", PRV, 44.0, "morning"))
    assert "ramp_up" in codes(await house.desk.order("law", PRV, 44.5, "morning"))


async def test_a_mode_needs_a_reason_a_right_and_a_near_end(house: House) -> None:
    far = START + timedelta(hours=13)
    assert codes(await house.desk.set_mode(OPERATOR, PRV, Mode.AUTO, None, "why not")) == ["role_too_low"]
    assert codes(await house.desk.set_mode(OPERATOR, PRV, Mode.MANUAL, far, " ")) == ["no_reason", "bad_end"]
    assert codes(await house.desk.set_mode(OPERATOR, PRV, Mode.MANUAL, START, "past")) == ["bad_end"]
    assert codes(await house.desk.set_mode(OPERATOR, "prv_x", Mode.MANUAL, None, "works")) == ["unknown_actuator"]
    row = await house.desk.set_mode(OPERATOR, PRV, Mode.MANUAL, None, "works on the main")
    assert isinstance(row, ModeRow)
    assert (row.owner, row.until) == ("amina", START + timedelta(hours=1))


async def test_after_unknown_nothing_moves_until_the_site_has_been_read(house: House) -> None:
    await house.executed()
    house.clock.pass_s(720)
    await house.desk.tick()
    house.clock.pass_s(240)
    house.valves.age_s = 300
    assert codes(await house.desk.propose(OPERATOR, PRV, 39.0, "night")) == ["unresolved_command"]
    house.valves.age_s = 10
    await house.desk.tick()
    await house.desk.tick()
    assert house.store.actions().count("unknown_resolved") == 1
    assert isinstance(await house.desk.propose(OPERATOR, PRV, 39.0, "night"), Accepted)


async def test_manual_ends_as_it_was_before_even_after_a_restart(house: House) -> None:
    await house.auto()
    await house.executed()
    await house.answer()
    house.clock.pass_s(3599)
    await house.desk.tick()
    assert (await house.store.modes())[PRV].mode is Mode.MANUAL
    house.clock.pass_s(1)
    await house.new_desk().tick()
    row = (await house.store.modes())[PRV]
    assert (row.mode, row.owner) == (Mode.AUTO, "law")


async def test_a_lease_is_renewed_before_its_last_third_with_the_value_unchanged(house: House) -> None:
    await house.executed(39.0)
    await house.answer()
    house.clock.pass_s(1199)
    await house.desk.tick()
    assert len(house.outbox.sent) == 1
    house.clock.pass_s(1)
    await house.desk.tick()
    await house.desk.tick()  # one under way is enough
    renewal = house.outbox.sent[-1]
    assert len(house.outbox.sent) == 2
    assert (renewal.source, renewal.value_m, renewal.author) == (Source.RENEWAL, 39.0, "desk")
    await house.answer()
    house.clock.pass_s(300)
    assert isinstance(await house.desk.propose(OPERATOR, PRV, 38.5, "night"), Accepted)  # a renewal is no move


@pytest.mark.parametrize("trouble", ["lapsed", "moved", "stale", "advisory"])
async def test_a_doubtful_lease_is_left_to_run_out(house: House, trouble: str) -> None:
    await house.executed(39.0)
    await house.answer()
    house.clock.pass_s(1800 if trouble == "lapsed" else 1300)
    if trouble == "moved":
        house.valves.setpoint_m[PRV] = 40.0
    if trouble == "stale":
        house.valves.age_s = 1000
    if trouble == "advisory":
        await house.desk.set_mode(OPERATOR, PRV, Mode.ADVISORY, None, "enough")
    await house.desk.tick()
    assert len(house.outbox.sent) == 1


async def test_a_renewal_the_edge_refuses_is_not_tried_at_every_tick(house: House) -> None:
    await house.executed(39.0)
    await house.answer()
    house.clock.pass_s(1200)
    house.edge.counter = 1000
    for _ in range(10):
        await house.desk.tick()
        await house.desk.on_outcome(house.edge.receive(house.outbox.sent[-1]), "demo/gw-1")
        house.clock.pass_s(10)
    assert len(house.outbox.sent) == 2


async def test_a_restart_hands_pending_commands_to_the_sender_again(house: House) -> None:
    command = await house.executed()
    await house.new_desk().start()
    assert [c.command_id for c in house.outbox.sent] == [command.command_id] * 2
    assert house.store.actions().count("command") == 1
