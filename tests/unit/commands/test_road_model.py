"""The checked model: every state of desk, broker, edge, valve and time is visited; no property is violated, and every wrong thought
is found out."""

from __future__ import annotations

import pytest

from tests.support.command_model import SCENARIOS, Model, Mutant, Scenario, search

WHOLE = 10_000
"""A search of fewer states has missed something."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: "+".join(s.kinds))
def test_no_state_violates_a_property(scenario: Scenario) -> None:
    found = search(Model(scenario))
    assert found.violation == "", [tuple(step) for step in found.trace]
    assert found.states > WHOLE
    assert found.counted == 0


@pytest.mark.slow
def test_no_state_violates_a_property_with_two_power_cuts() -> None:
    found = search(Model(Scenario(kinds=("law", "operator"), crashes=2)))
    assert found.violation == "", [tuple(step) for step in found.trace]
    print(f"{found.states} states")


@pytest.mark.parametrize("mutant", Mutant, ids=lambda m: m.name.lower())
def test_every_wrong_thought_is_found_out(mutant: Mutant) -> None:
    scenario = SCENARIOS[1 if mutant is Mutant.NO_LIMITS_AT_EDGE else 0]
    found = search(Model(scenario, mutant))
    assert found.violation, f"{mutant.value}: the search of {found.states} states did not notice"
    assert found.violation[:2] in EXPECTED[mutant], found.violation


EXPECTED = {
    Mutant.JOURNAL_AFTER_ACTUATION: ("C3", "C6", "C7"),
    Mutant.COUNTER_IN_MEMORY: ("C3", "C7"),
    Mutant.RE_EXECUTE_ON_RECOVERY: ("C3",),
    Mutant.NO_EXPIRY_CHECK: ("C2",),
    Mutant.EXPIRY_ON_RECEIPT_ONLY: ("C2",),
    Mutant.NO_TOKEN: ("C5",),
    Mutant.TOKEN_ON_RECEIPT_ONLY: ("C5",),
    Mutant.NO_WATCHDOG: ("C6",),
    Mutant.WATCHDOG_IN_MEMORY: ("C6",),
    Mutant.LEASE_FROM_DONE_ONLY: ("C6",),
    Mutant.NO_LIMITS_AT_EDGE: ("C1",),
    Mutant.NO_SIGNATURE: ("C4",),
    Mutant.FORGERY_ANSWERED_BY_NAME: ("C7",),
    Mutant.EXPIRED_WITHOUT_GRACE: ("C7",),
    Mutant.RESEND_UNKNOWN: ("C3", "C7"),
    Mutant.OUTCOME_OVERWRITTEN: ("C7",),
    Mutant.MODE_IGNORED: ("C1",),  # C11
    Mutant.COUNTER_REUSED: ("C3",),
}


def test_the_model_is_not_empty_of_what_it_speaks_about() -> None:
    """Each outcome, at desk and edge, is reached somewhere."""
    model, seen, waiting = Model(SCENARIOS[0]), set(), [Model(SCENARIOS[0]).first]
    visited = {model.first}
    while waiting and len(visited) < 60_000:
        state = waiting.pop()
        seen |= {("desk", o.status) for o in state.orders} | {("edge", j) for j in state.journal}
        for _, after in model.steps(state):
            if after not in visited:
                visited.add(after)
                waiting.append(after)
    outcomes = {"verified", "refused", "expired", "failed"}
    assert {("edge", o) for o in outcomes} <= seen
    assert {("desk", o) for o in outcomes | {"unknown"}} <= seen
