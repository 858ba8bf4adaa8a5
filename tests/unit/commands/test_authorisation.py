"""Roles stand in a ladder and hold in zones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from commands.authorisation import LOWEST_ROLE, ROLES, Right, authorise, right_to_set, zone_path
from domain.ports import User
from domain.setpoints import Mode
from tests.support.desk import small_site

ZONES = small_site().zones


def user(role: str, *zones: str) -> User:
    return User(name="u", role=role, zones=frozenset(zones))


@given(role=st.sampled_from(ROLES), right=st.sampled_from(Right))
def test_a_higher_role_may_do_whatever_a_lower_one_may(role: str, right: Right) -> None:
    allowed = authorise(user(role), right, "medina", ZONES) is None
    assert allowed == (ROLES.index(role) >= ROLES.index(LOWEST_ROLE[right]))


def test_a_viewer_moves_nothing_and_is_told_what_it_takes() -> None:
    reason = authorise(user("viewer"), Right.EXECUTE, "medina", ZONES)
    assert reason is not None
    assert (reason.code, "operator" in reason.text) == ("role_too_low", True)


def test_a_role_holds_in_its_zones_and_inside_them_only() -> None:
    assert authorise(user("operator", "medina"), Right.PROPOSE, "medina", ZONES) is None
    assert authorise(user("operator", "town"), Right.PROPOSE, "medina", ZONES) is None
    other = authorise(user("operator", "plateau"), Right.PROPOSE, "medina", ZONES)
    above = authorise(user("operator", "medina"), Right.PROPOSE, "town", ZONES)
    whole = authorise(user("operator", "medina"), Right.PROPOSE, None, ZONES)
    assert [r.code for r in (other, above, whole) if r] == ["zone_not_held"] * 3


def test_an_unknown_role_may_nothing() -> None:
    reason = authorise(user("root"), Right.VIEW, "medina", ZONES)
    assert reason is not None
    assert reason.code == "unknown_role"


def test_handing_an_actuator_to_a_law_takes_a_supervisor() -> None:
    assert [right_to_set(m) for m in Mode].count(Right.SET_AUTO) == 1
    assert authorise(user("operator"), right_to_set(Mode.AUTO), "medina", ZONES) is not None
    assert authorise(user("supervisor"), right_to_set(Mode.AUTO), "medina", ZONES) is None


def test_a_zone_that_is_not_there_has_no_parents() -> None:
    assert zone_path("nowhere", ZONES) == {"nowhere"}
    assert zone_path("medina", ZONES) == {"medina", "town"}


def test_a_role_may_hold_at_a_single_actuator() -> None:
    one = User(name="hamid", role="operator", zones=frozenset({"actuator:prv_medina"}))
    zones = small_site().zones
    assert authorise(one, Right.EXECUTE, "medina", zones, actuator="prv_medina") is None
    for actuator, zone in (("prv_plateau", "plateau"), ("prv_medina2", "medina"), (None, "medina")):
        found = authorise(one, Right.EXECUTE, zone, zones, actuator=actuator)
        assert found is not None
        assert found.code == "zone_not_held"
