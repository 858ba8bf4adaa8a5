"""Water of another zone is named with it; only what shares a valve with a zone may be that other."""

import pytest

from domain.findings import FindingKind
from leak_detection.zone_neighbours import boundary_valve, with_neighbours
from leak_detection.zone_watch import ZoneAlarm


def _alarm(cause):
    return ZoneAlarm(
        zone="a", kind=FindingKind.BURST, found_h=48, since_h=24, flow_m3h=5.0, flow_error_m3h=0.5, confidence=0.9, cause=cause
    )


def test_neighbours_limit_who_may_be_on_the_other_side():
    fell = {"a": 5.0, "b": -5.0, "c": -4.5}
    assert boundary_valve("a", 5.0, fell) == "b"
    assert boundary_valve("a", 5.0, fell, frozenset({"c"})) == "c"
    assert boundary_valve("a", 5.0, fell, frozenset()) is None
    assert boundary_valve("a", 9.0, fell) is None


@pytest.mark.parametrize(("cause", "said"), [("slope", "boundary_valve:b"), ("leak", "leak")])
def test_a_step_of_the_balance_is_a_leak_though_a_neighbour_falls_by_as_much(cause, said):
    (judged,) = with_neighbours([_alarm(cause)], {"a": float("nan"), "b": -5.0}, {"a": frozenset({"b"}), "b": frozenset({"a"})})
    assert judged.cause == said


@pytest.mark.parametrize(
    ("valves", "said"), [(None, "boundary_valve:b"), ({"a": frozenset(), "b": frozenset()}, "slope"), ({}, "slope")]
)
def test_zones_that_share_no_valve_are_not_taken_for_each_other_unless_nobody_knows_the_valves(valves, said):
    (judged,) = with_neighbours([_alarm("slope")], {"a": 5.0, "b": -5.0}, valves)
    assert judged.cause == said
