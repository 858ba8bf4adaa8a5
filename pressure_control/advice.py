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
    emergency: bool = False
    """A sudden draw that is sure: the step may be larger than the ordinary ramp."""
    ordinary_m: float | None = None
    """The same step within the ordinary ramp, for whom the larger one is refused; None where it is ``value_m``."""
