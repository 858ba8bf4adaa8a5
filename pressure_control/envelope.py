"""Limits that no law may leave: hard limits, ramps, the shortest time between moves, no order far above a valve that sticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from domain.assets import Actuator
from pressure_control.budget import NO_LIMIT, Budget
from pressure_control.settings import ControlSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaped:
    """A target brought into the envelope."""

    value_m: float
    hold: bool
    """The value is the present setpoint: nothing to order."""
    notes: tuple[str, ...]
    """What was cut, in an operator's words."""


def shape(
    target_m: float,
    *,
    current_m: float,
    actuator: Actuator,
    settings: ControlSettings,
    outlet_m: float | None,
    follows: bool,
    since_move_s: float,
    lift_to_m: float | None = None,
    emergency: bool = False,
    budget: Budget = NO_LIMIT,
) -> Shaped:
    """The next setpoint on the way to a target.

    Args:
        target_m: What the law wants.
        current_m: Setpoint in force.
        actuator: Its limits and ramps.
        settings: Quantum, dead bands.
        outlet_m: Measured outlet pressure; None where unknown.
        follows: Whether the outlet follows the setpoint.
        since_move_s: Time since the last move [s].
        lift_to_m: Where a raise may go at once, to save the next one.
        emergency: A sudden draw: the ramp up is ``settings.emergency_ramp_m``, and no time between moves is kept.
        budget: How sparing the valve has to be with its moves; it never holds a raise.

    Returns:
        A value inside [min_m, max_m], at most one ramp away from a current value that is inside, on the quantum.
    """
    notes: list[str] = []
    wanted = min(max(target_m, actuator.min_m), actuator.max_m)
    if wanted != target_m:
        notes.append(f"limited to {actuator.min_m:.1f}..{actuator.max_m:.1f} m")
    ceiling = math.inf if follows or outlet_m is None else max(outlet_m + settings.follow_order_m, current_m)
    if wanted > ceiling:
        notes.append(f"the valve does not follow: outlet {outlet_m:.1f} m")
    if since_move_s < actuator.min_interval_s - 1e-6 and not (emergency and wanted > current_m):
        return Shaped(value_m=current_m, hold=True, notes=(*notes, f"last move {since_move_s:.0f} s ago"))
    inside = actuator.min_m <= current_m <= actuator.max_m
    if wanted > current_m + settings.dead_band_up_m - 1e-9:
        wanted = min(max(wanted + settings.lift_m * budget.thrift, lift_to_m or wanted), actuator.max_m)
    elif inside and wanted < current_m and budget.spent:
        return Shaped(value_m=current_m, hold=True, notes=(*notes, "the day's moves are used up: not lowered"))
    elif inside and _not_worth_it(current_m - wanted, since_move_s, settings, budget):
        return Shaped(value_m=current_m, hold=True, notes=tuple(notes))
    ramp_up = max(actuator.ramp_up_m, settings.emergency_ramp_m) if emergency else actuator.ramp_up_m
    low, high = current_m - actuator.ramp_down_m, min(current_m + ramp_up, ceiling)
    if not low <= wanted <= high and wanted <= ceiling:
        notes.append(f"ramp: at most {ramp_up:.1f} m up, {actuator.ramp_down_m:.1f} m down")
    wanted = min(max(wanted, low), high)
    value = _quantise(wanted, current_m, high, settings.quantum_m)
    value = min(max(value, actuator.min_m), actuator.max_m)
    still = current_m - settings.dead_band_down_m + 1e-9 < value < current_m + settings.dead_band_up_m - 1e-9
    if inside and still:
        return Shaped(value_m=current_m, hold=True, notes=tuple(notes))
    return Shaped(value_m=value, hold=abs(value - current_m) < 1e-9, notes=tuple(notes))


def _not_worth_it(lower_m: float, since_move_s: float, settings: ControlSettings, budget: Budget) -> bool:
    """Whether a step down is small and the last move recent; the scarcer moves are, the larger or later it must be."""
    return lower_m < settings.small_step_m * budget.thrift and since_move_s < settings.rest_down_s * budget.thrift


def follows(setpoint_m: float, outlet_m: float, inlet_m: float | None, tolerance_m: float) -> bool:
    """Whether the outlet is where the setpoint wants it; a valve with too little inlet pressure for that is not stuck."""
    if (
        inlet_m is not None
        and math.isfinite(inlet_m)
        and inlet_m < setpoint_m + tolerance_m
        and outlet_m > inlet_m - 2 * tolerance_m
    ):
        return True
    return abs(setpoint_m - outlet_m) <= tolerance_m


def _quantise(value: float, current: float, high: float, quantum: float) -> float:
    """On the quantum: upwards, so that no customer pays for rounding, unless that would leave the ramp."""
    up = math.ceil(value / quantum - 1e-6) * quantum
    if value >= current and up > high + 1e-9:
        return round(math.floor(high / quantum + 1e-6) * quantum, 6)
    return round(up, 6)
