"""One owner at a time: whatever happens, tokens only grow, and an order of a former owner never acts after one of the present."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from commands import arbitration
from commands.arbitration import LAW_OWNER, bad_end, change, first_row, give_back, is_over, is_superseded, pre_empts, take_manual
from domain.ports_commands import ModeRow
from domain.setpoints import Mode, Source
from tests.support.desk import START, any_command

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mode"), st.sampled_from(Mode), st.sampled_from(["amina", "brahim"])),
        st.tuples(st.just("take"), st.just(Mode.MANUAL), st.sampled_from(["amina", "brahim"])),
        st.tuples(st.just("back"), st.just(Mode.AUTO), st.just("")),
    ),
    max_size=20,
)


def walk(steps: list[tuple[str, Mode, str]]) -> list[ModeRow]:
    rows = [first_row("prv")]
    for n, (step, mode, name) in enumerate(steps, 1):
        end = START + timedelta(minutes=n)
        if step == "mode":
            rows.append(change(rows[-1], mode=mode, owner=name, until=end))
        elif step == "take":
            rows.append(take_manual(rows[-1], name, end))
        else:
            rows.append(give_back(rows[-1]))
    return rows


@given(STEPS)
def test_the_token_grows_exactly_when_mode_or_owner_changes(steps: list[tuple[str, Mode, str]]) -> None:
    rows = walk(steps)
    for before, after in itertools.pairwise(rows):
        changed = (before.mode, before.owner) != (after.mode, after.owner)
        assert after.owner_token == before.owner_token + changed


@given(STEPS)
def test_manual_belongs_to_a_person_and_ends_all_else_belongs_to_the_law(steps: list[tuple[str, Mode, str]]) -> None:
    for row in walk(steps):
        assert (row.mode is Mode.MANUAL) == (row.owner != LAW_OWNER) == (row.until is not None)
        assert row.mode is not Mode.MANUAL or row.returns_to not in (Mode.MANUAL, Mode.FALLBACK)


def test_after_manual_the_actuator_is_what_it_was_before() -> None:
    auto = change(first_row("prv"), mode=Mode.AUTO, owner="driss", until=None)
    manual = take_manual(auto, "amina", START)
    assert is_over(manual, START)
    assert not is_over(manual, START - timedelta(seconds=1))
    back = give_back(manual)
    assert (back.mode, back.owner, back.until) == (Mode.AUTO, LAW_OWNER, None)
    assert auto.owner_token < manual.owner_token < back.owner_token


def test_a_second_order_of_the_owner_never_shortens_manual_and_keeps_the_token() -> None:
    first = take_manual(first_row("prv"), "amina", START + timedelta(hours=2))
    second = take_manual(first, "amina", START + timedelta(hours=1))
    assert (second.until, second.owner_token) == (first.until, first.owner_token)


@given(source=st.sampled_from(Source), pending=st.sampled_from(Source))
def test_people_go_before_laws_and_nobody_before_people(source: Source, pending: Source) -> None:
    expected = source is Source.OPERATOR and pending is not Source.OPERATOR
    assert pre_empts(source, any_command(source=pending)) is expected


@given(tokens=st.permutations([1, 2, 3, 4]))
def test_orders_that_are_not_superseded_reach_the_gateway_in_the_order_of_their_owners(tokens: list[int]) -> None:
    waiting = tuple(any_command(command_id=str(t), owner_token=t) for t in tokens)
    first = [c.owner_token for c in waiting if not is_superseded(c, waiting)]
    assert first == [4]
    assert not is_superseded(any_command(actuator="other", owner_token=1), waiting)
    assert arbitration.LAW_OWNER == "law"


def test_manual_must_end_and_within_its_longest_time() -> None:
    def codes(mode: Mode, hours: float) -> list[str]:
        return [r.code for r in bad_end(mode, START + timedelta(hours=hours), START, longest_s=12 * 3600.0)]

    assert [codes(Mode.MANUAL, h) for h in (-1.0, 0.0, 12.0, 12.1)] == [["bad_end"], ["bad_end"], [], ["bad_end"]]
    assert codes(Mode.AUTO, 99.0) == []
    assert [r.code for r in bad_end(Mode.MANUAL, datetime(2026, 5, 3, 3), START, longest_s=12 * 3600.0)] == ["bad_end"]
