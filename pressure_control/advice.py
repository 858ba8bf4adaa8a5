"""What the control room would set, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A setpoint to propose, or to hold."""

    actuator: str
    value_m: float
    reason: str
    """In an operator's words, with numbers."""
    hold: bool
    """Nothing to order: the value is the present setpoint."""
    basis: str
    """What it rests on, one sentence."""
    target_m: float | None = None
    """Where the law is heading, before ramps and limits [m]."""
    follows: bool = True
    """False where the outlet has not gone where the setpoint is for two steps: a valve to look at."""
