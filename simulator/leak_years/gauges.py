"""What gauges and meters make of the truth: wrong heights, wrong gains, noise, resolution, holes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domain.series import FloatArray
from simulator.leak_years.chance import Chance
from simulator.leak_years.hydraulics import TrueYears
from simulator.leak_years.plan import Places, YearsPlan


@dataclass(slots=True, kw_only=True, eq=False)
class Readings:
    """What is recorded; NaN where nothing came."""

    pressure_m: FloatArray
    flow_m3h: FloatArray
    level_m: FloatArray
    customers_l_h: FloatArray
    notes: dict[str, Any] = field(default_factory=dict)


def read_gauges(truth: TrueYears, plan: YearsPlan, places: Places, chance: Chance) -> Readings:
    """The recording of good instruments."""
    notes: dict[str, Any] = {}
    out = Readings(
        pressure_m=_pressures(truth.pressure_m, places, chance, notes),
        flow_m3h=_flows(truth.flow_m3h, plan, places, chance, notes),
        level_m=_levels(truth.level_m, chance),
        customers_l_h=_customers(truth.customers_m3h, chance, notes),
        notes=notes,
    )
    _holes(out, plan, chance, notes)
    return out


def _pressures(true_m: FloatArray, places: Places, chance: Chance, notes: dict[str, Any]) -> FloatArray:
    count = true_m.shape[1]
    rng, most = chance.rng("heights of gauges"), chance.pick("heights of gauges", 0.12, 0.3)
    offset: FloatArray = np.asarray(rng.uniform(-most, most, count))
    rng = chance.rng("noise of gauges")
    usual = chance.pick("noise of gauges", 0.02, 0.06, absent=0.005)
    noise: FloatArray = np.asarray(usual * np.exp(0.3 * rng.normal(size=count)))
    resolution = chance.pick("resolution of gauges", 0.02, 0.1, absent=0.01)
    notes["heights of gauges"] = {"wrong by m": {g: round(float(o), 3) for g, o in zip(places.gauges, offset, strict=True)}}
    notes["noise of gauges"] = {"standard deviation m": {g: round(float(s), 4) for g, s in zip(places.gauges, noise, strict=True)}}
    notes["resolution of gauges"] = {"m": resolution}
    out = np.empty_like(true_m)
    for k in range(count):
        out[:, k] = in_steps(true_m[:, k] + offset[k] + noise[k] * rng.standard_normal(len(true_m)), resolution)
    return out


def in_steps(values: FloatArray, step: float) -> FloatArray:
    """Rounded to whole steps."""
    return np.asarray(np.rint(values / step) * step)


def _flows(true_m3h: FloatArray, plan: YearsPlan, places: Places, chance: Chance, notes: dict[str, Any]) -> FloatArray:
    count = true_m3h.shape[1]
    rng, most = chance.rng("gain of meters"), chance.pick("gain of meters", 0.008, 0.02)
    gain: FloatArray = np.asarray(1 + rng.uniform(-most, most, count))
    notes["gain of meters"] = {m: round(float(g), 4) for m, g in zip(places.meters, gain, strict=True)}
    times = np.repeat(gain[None, :], len(true_m3h), axis=0)
    rng, by = chance.rng("a meter's gain changes"), chance.pick("a meter's gain changes", 0.008, 0.018)
    if by and count:
        meter, row = int(rng.integers(count)), int(rng.uniform(0.2, 0.9) * plan.rows)
        change = float(rng.choice([-1, 1]) * by * rng.uniform(0.6, 1.1))
        times[row:, meter] += change
        notes["a meter's gain changes"] = {places.meters[meter]: {"from": str(plan.moment(row)), "by": round(change, 4)}}
    rng = chance.rng("noise of meters")
    sd = chance.pick("noise of meters", 0.004, 0.008, absent=0.001)
    notes["noise of meters"] = {"share of the flow": sd}
    return np.asarray(true_m3h * times * (1 + sd * rng.standard_normal(true_m3h.shape)))


def _levels(true_m: FloatArray, chance: Chance) -> FloatArray:
    rng = chance.rng("noise of levels")
    return np.asarray(true_m + 0.004 * rng.standard_normal(true_m.shape))


def _customers(true_m3h: FloatArray, chance: Chance, notes: dict[str, Any]) -> FloatArray:
    """Meters of customers read a little low."""
    rng, most = chance.rng("gain of customers' meters"), chance.pick("gain of customers' meters", 0.02, 0.05)
    gain: FloatArray = np.asarray(1 - rng.uniform(0, most, true_m3h.shape[1]))
    notes["gain of customers' meters"] = {"lowest": round(float(gain.min()), 4) if gain.size else 1.0}
    return np.asarray(1000.0 * true_m3h * gain)


def _holes(data: Readings, plan: YearsPlan, chance: Chance, notes: dict[str, Any]) -> None:
    """Single samples, and outages of an instrument of hours to days."""
    rng = chance.rng("missing samples")
    share, outages = chance.pick("missing samples", 0.003, 0.012), chance.pick("outages", 2.0, 5.0)
    notes["missing samples"] = {"share": share}
    notes["outages"] = {"an instrument and year": outages}
    for values in (data.pressure_m, data.flow_m3h, data.level_m):
        if share:
            values[rng.random(values.shape) < share] = np.nan
        for column in range(values.shape[1]):
            for _ in range(rng.poisson(outages * plan.days / 365)):
                first = int(rng.integers(0, plan.rows))
                hours = float(np.exp(rng.uniform(np.log(0.5), np.log(48))))
                values[first : first + max(1, int(hours * 3600 / plan.step_s)), column] = np.nan
    if share:
        data.customers_l_h[rng.random(data.customers_l_h.shape) < 2 * share] = np.nan
