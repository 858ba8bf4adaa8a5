"""Above a threshold one person asks and another decides: nothing moves before, and nothing by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.desk import Desk
from commands.second_person import SecondPersonRules, why_two
from commands.selection import Accepted, Selection
from commands.settings import DeskSettings
from domain.errors import StorageUnavailable
from domain.ports import User
from domain.setpoints import Command, Mode, Reason, Refused
from domain.two_people import ApprovalRequest, Verdict, same_person
from tests.support.desk import OPERATOR, SECOND, SUPERVISOR, VIEWER
from tests.support.desk_house import PRV, House

RULES = SecondPersonRules(change_m=1.0)


class TwoPeople(House):
    def new_desk(self, settings: DeskSettings | None = None) -> Desk:
        return super().new_desk(settings or DeskSettings(second_person=RULES))

    async def asked(self, value_m: float = 39.0, user: User = OPERATOR) -> ApprovalRequest:
        request = await self.desk.execute(user, await self.selection(value_m, user), value_m)
        assert isinstance(request, ApprovalRequest), request
        return request


def codes(answer: object) -> list[str]:
    assert isinstance(answer, Refused), answer
    return [r.code for r in answer.reasons]


async def test_a_large_change_waits_and_moves_only_after_anothers_yes() -> None:
    house = TwoPeople()
    request = await house.asked()
    assert house.outbox.sent == []
    assert [r.code for r in request.because] == ["second_person_change"]
    assert request.because[0].parameters == {"limit_m": 1.0, "change_m": 1.0}
    assert await house.desk.approvals(SECOND) == (request,)
    command = await house.desk.approve(SECOND, request.request_id, 39.0)
    assert isinstance(command, Command)
    assert (command.command_id, command.author) == (request.request_id, OPERATOR.name)
    assert house.outbox.sent == [command]
    actions = house.store.actions()
    assert actions.index("approval.asked") < actions.index("approval.given") < actions.index("command")
    assert await house.desk.approvals(SECOND) == ()


async def test_a_small_change_needs_nobody_and_the_preview_says_so() -> None:
    house = TwoPeople()
    assert isinstance(await house.executed(39.5), Command)
    accepted = await TwoPeople().desk.propose(OPERATOR, PRV, 39.0, "night")
    assert isinstance(accepted, Accepted)
    assert [r.code for r in accepted.takes_two] == ["second_person_change"]


async def test_who_executes_what_another_proposed_is_the_second_person() -> None:
    house = TwoPeople()
    selection = await house.desk.select(SECOND, await house.proposal(39.0, OPERATOR))
    assert isinstance(selection, Selection)
    assert isinstance(await house.desk.execute(SECOND, selection.selection_id, 39.0), Command)


async def test_a_law_that_advises_is_no_second_person() -> None:
    house = TwoPeople()
    accepted = await house.desk.advise("law", PRV, 39.0, "night")
    assert isinstance(accepted, Accepted)
    selection = await house.desk.select(OPERATOR, accepted.proposal.proposal_id)
    assert isinstance(selection, Selection)
    assert isinstance(await house.desk.execute(OPERATOR, selection.selection_id, 39.0), ApprovalRequest)


@pytest.mark.parametrize(
    ("user", "value_m", "expected"),
    [
        (OPERATOR, 39.0, ["same_person"]),
        (replace(OPERATOR, name=" AMINA "), 39.0, ["same_person"]),
        (VIEWER, 39.0, ["role_too_low"]),
        (replace(SECOND, zones=frozenset({"plateau"})), 39.0, ["zone_not_held"]),
        (SECOND, 38.0, ["not_confirmed"]),
    ],
)
async def test_who_may_not_approve_leaves_the_request_to_who_may(user: User, value_m: float, expected: list[str]) -> None:
    house = TwoPeople()
    request = await house.asked()
    assert codes(await house.desk.approve(user, request.request_id, value_m)) == expected
    assert house.outbox.sent == []
    assert house.store.actions()[-1] == "approval.refused"
    assert isinstance(await house.desk.approve(SUPERVISOR, request.request_id, 39.0), Command)


async def test_nobody_comes_and_nothing_moves() -> None:
    house = TwoPeople()
    request = await house.asked()
    house.clock.pass_s(600)
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["approval_over"]
    await house.desk.tick()
    assert house.store.actions()[-1] == "approval.expired"
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["unknown_request"]
    assert house.outbox.sent == []


async def test_a_no_with_a_reason_ends_it() -> None:
    house = TwoPeople()
    request = await house.asked()
    assert codes(await house.desk.decline(VIEWER, request.request_id, "no")) == ["role_too_low"]
    assert codes(await house.desk.decline(SECOND, request.request_id, " ")) == ["no_reason"]
    assert await house.desk.decline(SECOND, request.request_id, "not tonight") == request
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["unknown_request"]


async def test_approval_asks_every_rule_again() -> None:
    house = TwoPeople()
    request = await house.asked()
    house.valves.head_loss_m = 30.0
    house.valves.age_s = 5000
    found = codes(await house.desk.approve(SECOND, request.request_id, 39.0))
    assert found == ["below_min_pressure", "stale_data"]
    assert house.outbox.sent == []


async def test_the_approver_decides_about_what_the_first_person_saw() -> None:
    house = TwoPeople()
    request = await house.asked()
    house.valves.setpoint_m[PRV] = 39.5
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["situation_changed"]


async def test_a_restart_forgets_nothing() -> None:
    house = TwoPeople()
    request = await house.asked()
    house.desk = house.new_desk()
    await house.desk.start()
    assert await house.desk.approvals(SECOND) == (request,)
    command = await house.desk.approve(SECOND, request.request_id, 39.0)
    assert isinstance(command, Command)
    house.desk = house.new_desk()
    await house.desk.start()
    assert codes(await house.desk.approve(SUPERVISOR, request.request_id, 39.0)) == ["unknown_request"]
    assert {c.command_id for c in house.outbox.sent} == {request.request_id}


async def test_a_restart_does_not_lengthen_the_wait() -> None:
    house = TwoPeople()
    request = await house.asked()
    house.clock.pass_s(599)
    house.desk = house.new_desk()
    house.clock.pass_s(1)
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["approval_over"]


async def test_a_clock_that_was_set_back_ends_it() -> None:
    house = TwoPeople()
    request = await house.asked()
    house.clock.pass_s(-3600)
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["approval_over"]
    await house.desk.tick()
    house.clock.pass_s(3600)
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["unknown_request"]


async def test_a_yes_to_a_valve_that_has_changed_hands_is_refused() -> None:
    house = TwoPeople()
    request = await house.asked()
    await house.desk.set_mode(SUPERVISOR, PRV, Mode.AUTO, None, "night law")
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["owner_changed"]
    assert house.two_people.verdicts[request.request_id] == (Verdict.REFUSED, SECOND.name)
    assert house.outbox.sent == []


async def test_a_yes_without_its_order_is_told_once_and_orders_nothing() -> None:
    house = TwoPeople()
    request = await house.asked()

    async def away(gateway: str) -> int:
        raise StorageUnavailable("the database is away")

    house.store.next_counter = away  # the centre dies between the yes and the order
    with pytest.raises(StorageUnavailable):
        await house.desk.approve(SECOND, request.request_id, 39.0)
    del house.store.next_counter  # and comes back
    for _ in range(2):
        house.desk = house.new_desk()
        await house.desk.start()
    assert house.store.actions().count("approval.lost") == 1
    assert codes(await house.desk.approve(SECOND, request.request_id, 39.0)) == ["unknown_request"]
    assert house.outbox.sent == []


async def test_a_newer_request_takes_the_place_of_the_older() -> None:
    house = TwoPeople()
    first, second = await house.asked(39.0), await house.asked(41.0)
    assert await house.desk.approvals(SECOND) == (second,)
    assert codes(await house.desk.approve(SECOND, first.request_id, 39.0)) == ["unknown_request"]


def found(**given_: Any) -> list[str]:
    values: dict[str, Any] = {"value_m": 40.0, "current_m": 40.0, "connections": 100, "rules": SecondPersonRules()} | given_
    reasons: tuple[Reason, ...] = why_two(values.pop("value_m"), **values)
    return [r.code for r in reasons]


def test_each_threshold_alone_is_enough() -> None:
    every = SecondPersonRules(change_m=2.0, below_m=30.0, connections=500)
    assert found() == []
    assert found(rules=every) == []
    assert found(value_m=42.0, rules=every) == ["second_person_change"]
    assert found(value_m=29.9, current_m=30.5, rules=every) == ["second_person_low"]
    assert found(connections=500, rules=every) == ["second_person_zone"]
    assert found(current_m=None, rules=every) == ["second_person_change"]


@given(name=st.text(min_size=1, max_size=20))
def test_capitals_and_blanks_make_no_second_person(name: str) -> None:
    assert same_person(name, f" {name} ")
    assert same_person(name.lower(), name) or name.lower().casefold() != name.casefold()
