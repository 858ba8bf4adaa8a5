"""What a setpoint would do, said before anybody moves it.

p_i(new) = value − d_i      d_i = p_out − p_i as measured now, else as learned at the flow of now
leakage(new) / leakage = (P(new) / P)^N1        error = leakage · (P(new) / P)^N1 · |ln(P(new) / P)| · error of N1
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.assets import Actuator
from domain.factors import LeakFactors
from domain.points import PointKey
from domain.setpoints import PredictedEffect
from domain.zones import Zone
from pressure_control.leak_response import PRIOR_N1, PRIOR_N1_SD, Exponent
from pressure_control.learning import ValveModel

N1 = Exponent(value=PRIOR_N1, error=PRIOR_N1_SD, steps=0)
"""Before the zone's own steps have shown one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The zone now; None or absent where not fresh."""

    setpoint_m: float | None
    outlet_m: float | None
    flow_m3h: float | None
    critical_m: Mapping[PointKey, float] = field(default_factory=dict)


def predict_effect(
    actuator: Actuator,
    zone: Zone,
    value_m: float,
    present: Present,
    *,
    model: ValveModel | None = None,
    night_leakage_m3h: float | None = None,
    night_pressure_m: float | None = None,
    n1: Exponent = N1,
    factors: LeakFactors | None = None,
) -> PredictedEffect:
    """The effect of a setpoint on critical pressures, customers and leakage.

    Args:
        actuator: The valve.
        zone: Its zone.
        value_m: The setpoint asked about.
        present: What is known of the zone now.
        model: Learned head losses, used for critical points that are not fresh.
        night_leakage_m3h: Night flow less lawful use; None where not known.
        night_pressure_m: Average critical pressure that the leakage belongs to; None takes the pressure now.
        n1: Leakage exponent with its error.
        factors: Energy of a m³ and carbon of a kWh; what is not configured is not said.
    """
    reference = present.outlet_m if present.outlet_m is not None else present.setpoint_m
    now, after, learned = _pressures(zone, value_m, reference, present, model)
    below = sum(p < zone.min_pressure_m for p in after.values())
    customers = round(zone.connections * below / len(after)) if after else 0
    change = _leakage_change(now, after, night_leakage_m3h, night_pressure_m, n1)
    return PredictedEffect(
        actuator=actuator.key,
        value_m=value_m,
        current_m=present.setpoint_m,
        critical_m={str(k): round(v, 2) for k, v in after.items()},
        lowest_m=round(min(after.values()), 2) if after else None,
        min_pressure_m=zone.min_pressure_m,
        customers_below=customers,
        leakage_change_m3h=None if change is None else round(change[0], 2),
        basis=_basis(zone, after, learned, change is not None, n1),
        leakage_change_error_m3h=None if change is None else round(change[1], 2),
        energy_change_kwh_day=_energy(change, factors),
        co2_change_kg_day=_rounded(factors.co2_kg_a_day(change[0]) if factors is not None and change is not None else None),
        customer_minutes_below_day=1440 * customers if after else None,
    )


def _energy(change: tuple[float, float] | None, factors: LeakFactors | None) -> float | None:
    if change is None or factors is None or factors.energy is None:
        return None
    return _rounded(24.0 * change[0] * factors.energy.value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _pressures(
    zone: Zone, value_m: float, reference: float | None, present: Present, model: ValveModel | None
) -> tuple[dict[PointKey, float], dict[PointKey, float], int]:
    """Critical pressures now and after, and how many rest on learned losses."""
    now: dict[PointKey, float] = {}
    after: dict[PointKey, float] = {}
    learned = 0
    for point in zone.critical_points:
        measured = present.critical_m.get(point)
        loss = model.loss(point) if model else None
        if measured is not None and reference is not None:
            now[point], after[point] = measured, value_m - (reference - measured)
        elif loss is not None and present.flow_m3h is not None:
            after[point] = value_m - loss.at(present.flow_m3h)
            learned += 1
            if reference is not None:
                now[point] = reference - loss.at(present.flow_m3h)
    return now, after, learned


def _leakage_change(
    now: Mapping[PointKey, float], after: Mapping[PointKey, float], leakage: float | None, at_m: float | None, n1: Exponent
) -> tuple[float, float] | None:
    """Change of the leakage and one standard error of it [m³/h]."""
    both = [p for p in after if p in now]
    if leakage is None or not both:
        return None
    before_m = max(1.0, sum(now[p] for p in both) / len(both))
    after_m = max(0.0, sum(after[p] for p in both) / len(both))
    present = leakage * (before_m / at_m) ** n1.value if at_m is not None and at_m > 1.0 else leakage
    ratio = after_m / before_m
    factor = ratio**n1.value
    return present * (factor - 1.0), present * factor * abs(math.log(max(ratio, 1e-3))) * n1.error


def _basis(zone: Zone, after: Mapping[PointKey, float], learned: int, known: bool, n1: Exponent) -> str:
    if not after:
        return "no fresh critical pressure and no learned head loss: nothing can be said"
    share = f"customers below = share of {len(after)} critical points below × {zone.connections} connections"
    source = f"{len(after) - learned} critical points measured now"
    source += f", {learned} from learned head losses" if learned else ""
    rests = f"from {n1.steps} of the valve's own steps" if n1.steps else "as published"
    power = f"(P/P0)^({n1.value:.2f} ± {n1.error:.2f}), {rests}"
    leak = f"leakage by {power}, on the night leakage" if known else "leakage unknown: no night flow yet"
    return f"{source}; {share}; {leak}; flow taken as it is now"
