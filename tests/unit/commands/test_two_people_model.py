"""The checked model of the second person: nothing is ordered that two did not want; every wrong thought is found."""

from __future__ import annotations

import pytest

from tests.support.two_people_model import Mutant, TwoPeopleModel, search

EXPECTED = {
    Mutant.IN_MEMORY: "forgotten while it waited",
    Mutant.USED_UP_AFTERWARDS: "ordered twice",
    Mutant.RESUMED: "ordered after its time",
    Mutant.SAME_PERSON: "ordered without the second person's yes to this value",
    Mutant.BY_ACTUATOR: "ordered without the second person's yes to this value",
    Mutant.EDITED_IN_PLACE: "ordered without the second person's yes to this value",
    Mutant.NO_EXPIRY: "ordered after its time",
    Mutant.EXPIRY_FROM_RESTART: "ordered after its time",
    Mutant.HANDS_IGNORED: "ordered although the valve has changed hands",
    Mutant.REPLACED_STILL_GOOD: "ordered although another took its place",
    Mutant.DOUBLE_CLICK: "ordered twice",
}


def test_no_state_violates_a_property() -> None:
    found = search(TwoPeopleModel())
    assert found.violation == "", found.trace
    assert found.states > 10_000
    assert found.counted > 1_000
    print(f"{found.states} states")


@pytest.mark.parametrize("mutant", Mutant, ids=lambda m: m.name.lower())
def test_every_wrong_thought_is_found_out(mutant: Mutant) -> None:
    found = search(TwoPeopleModel(mutant))
    assert found.violation == EXPECTED[mutant], (mutant.value, found)
