"""From where on an order takes two people, and who may be the second. Pure.

Either is enough: a large change, a low value, a large zone. What is not set asks for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.setpoints import Reason

_ROUNDING_M = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPersonRules:
    """The site's thresholds; by default nothing takes two people."""

    change_m: float | None = None
    """A change of the setpoint by this much or more [m]."""
    below_m: float | None = None
    """A lower setpoint than this [m]."""
    connections: int | None = None
    """A zone with this many connections or more."""
    emergency_alone: bool = False
    """An emergency holds as soon as one person declares it; by default another must confirm it."""


def why_two(value_m: float, *, current_m: float | None, connections: int, rules: SecondPersonRules) -> tuple[Reason, ...]:
    """Why this order takes a second person; empty if one is enough.

    Args:
        value_m: The setpoint wished [m].
        current_m: The setpoint now [m]; where it is not known, every change is a large one.
        connections: Of the zone.
        rules: The site's thresholds.
    """
    reasons = []
    change_m = float("inf") if current_m is None else abs(value_m - current_m)
    if rules.change_m is not None and change_m >= rules.change_m - _ROUNDING_M:
        text = f"a change of {change_m:.2f} m; from {rules.change_m:.2f} m on it takes two people"
        numbers = {"limit_m": rules.change_m} | ({} if current_m is None else {"change_m": change_m})
        reasons.append(Reason(code="second_person_change", text=text, parameters=numbers))
    if rules.below_m is not None and value_m < rules.below_m:
        text = f"{value_m:.2f} m; below {rules.below_m:.2f} m it takes two people"
        reasons.append(Reason(code="second_person_low", text=text, parameters={"value_m": value_m, "limit_m": rules.below_m}))
    if rules.connections is not None and connections >= rules.connections:
        text = f"a zone of {connections} connections; from {rules.connections} on it takes two people"
        numbers = {"connections": float(connections), "limit": float(rules.connections)}
        reasons.append(Reason(code="second_person_zone", text=text, parameters=numbers))
    return tuple(reasons)
