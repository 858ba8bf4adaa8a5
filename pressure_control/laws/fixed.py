"""The plainest law: hold the site's safe setpoint."""

from __future__ import annotations

from pressure_control.laws.law import LawInputs, Target


def fixed(inputs: LawInputs) -> Target:
    """The safe setpoint, whatever happens."""
    safe = inputs.task.actuator.safe_m
    return Target(
        value_m=safe,
        binding="",
        may_lower=True,
        reason=f"fixed law: hold the safe setpoint {safe:.1f} m",
        basis="the site's own safe setpoint",
    )
