"""Whether the water followed a move: the setpoint read back says what the controller believes, the outlet what the valve did.

A verified command stays verified: its value is there. That the pressure did not move is a second fact, audited and alarmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SMALLEST_STEP_M = 0.3
"""Smaller steps drown in the outlet's own noise [m]."""
NEAR_M = 0.5
"""An outlet this near to the setpoint follows it [m]."""
FOLLOWED = 0.5
"""Or one that has gone this share of the step in its direction."""


class Effect(StrEnum):
    """What the outlet pressure says of a move."""

    CONFIRMED = "confirmed"
    MISSING = "missing"
    TOO_SMALL = "too_small"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A verified move and the outlet pressure around it."""

    before_m: float
    """Setpoint before [m]."""
    value_m: float
    """Setpoint ordered [m]."""
    outlet_before_m: float | None
    outlet_m: float | None
    """Outlet pressure now, read after the move [m]."""


def judge(move: Move) -> Effect:
    """What the outlet says.

    A measured outlet near the new setpoint, or half the step on its way, confirms. Without an outlet from before, the old setpoint
    stands in for it.
    """
    step = move.value_m - move.before_m
    if abs(step) < SMALLEST_STEP_M:
        return Effect.TOO_SMALL
    if move.outlet_m is None:
        return Effect.NOT_MEASURED
    start = move.before_m if move.outlet_before_m is None else move.outlet_before_m
    gone = (move.outlet_m - start) * (1.0 if step > 0 else -1.0)
    near = abs(move.outlet_m - move.value_m) <= min(NEAR_M, FOLLOWED * abs(step))
    return Effect.CONFIRMED if near or gone >= FOLLOWED * abs(step) else Effect.MISSING
