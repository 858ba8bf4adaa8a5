"""Select before operate."""

from __future__ import annotations

import math

import pytest

from commands.selection import Selection, SelectionBook, mismatch
from domain.setpoints import Proposal, Source
from tests.support.desk import START


def proposal(number: int = 1, actuator: str = "prv_medina") -> Proposal:
    return Proposal(
        proposal_id=f"p{number}",
        actuator=actuator,
        value_m=39.0,
        source=Source.OPERATOR,
        author="amina",
        created_at=START,
        reason="night",
    )


def selection(number: int, ends_at_s: float, user: str = "amina") -> Selection:
    return Selection(selection_id=f"s{number}", user=user, proposal=proposal(number), ends_at_s=ends_at_s)


def test_a_proposal_can_be_selected_until_it_is_too_old_or_used() -> None:
    book = SelectionBook(proposal_ttl_s=600)
    book.remember(proposal(), 0.0)
    assert book.proposal("p1", 599.0) == proposal()
    assert book.proposal("p1", 600.0) is None
    book.release(selection(1, 30.0))
    assert book.proposal("p1", 1.0) is None


def test_the_oldest_proposals_make_room() -> None:
    book = SelectionBook(proposal_ttl_s=600, limit=2)
    for number in (1, 2, 3):
        book.remember(proposal(number), 0.0)
    assert [book.proposal(f"p{n}", 0.0) is not None for n in (1, 2, 3)] == [False, True, True]


def test_a_selection_holds_until_its_end_and_a_new_one_replaces_it() -> None:
    book = SelectionBook(proposal_ttl_s=600)
    book.reserve(selection(1, 30.0))
    assert book.holder("prv_medina", 29.9) == selection(1, 30.0)
    assert book.holder("prv_medina", 30.0) is None
    assert book.holder("prv_plateau", 0.0) is None
    book.reserve(selection(2, 60.0))
    assert book.find("s1") is None
    book.release(selection(1, 30.0))
    assert book.find("s2") is not None


def test_a_reserved_actuator_keeps_others_out_for_as_long_as_it_says() -> None:
    book = SelectionBook(proposal_ttl_s=600)
    book.reserve(selection(1, 30.0))
    (reason,) = book.reserved("brahim", "prv_medina", 18.0)
    assert (reason.code, reason.parameters) == ("reserved", {"left_s": 12.0})
    assert book.reserved("amina", "prv_medina", 18.0) == ()
    assert book.reserved("brahim", "prv_medina", 30.0) == ()


def test_only_who_selected_may_execute_and_only_what_still_holds() -> None:
    book, first = SelectionBook(proposal_ttl_s=600), selection(1, 30.0)
    book.reserve(first)
    assert book.not_held("amina", first, 29.0, holds_s=30.0) == ()
    assert [r.code for r in book.not_held("brahim", first, 29.0, holds_s=30.0)] == ["selected_by_other"]
    assert [r.code for r in book.not_held("amina", first, 30.0, holds_s=30.0)] == ["selection_over"]
    book.reserve(selection(2, 60.0))
    assert [r.code for r in book.not_held("amina", first, 29.0, holds_s=30.0)] == ["selection_over"]


@pytest.mark.parametrize(("typed_m", "confirmed"), [(39.0, True), (39.004, True), (39.02, False), (math.nan, False)])
def test_the_value_typed_again_must_be_the_one_selected(typed_m: float, confirmed: bool) -> None:
    assert (mismatch(selection(1, 30.0), typed_m, within_m=0.005) == ()) is confirmed
