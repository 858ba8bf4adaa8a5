"""Everything a zone's detectors learn from its past, in one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.baseline import SLOTS, Baseline, day_table, held_out_residuals, learn_baseline, slot_of, spread_by_slot
from leak_detection.flow_step import StepModel, learn_steps
from leak_detection.inputs import ZoneInputs
from leak_detection.night_flow import Nights, lawful_night_use, minimum_night_flows
from leak_detection.pressure_normal import LEAKAGE_RANGE, Leakage, estimate_leakage

LEAST_DAYS = 3
_METER_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time that teaches nothing [s since 1970 UTC]."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """What a zone normally does, and how noisily."""

    leakage: Leakage
    baseline: Baseline
    steps: StepModel
    nights: Nights
    """Past nights at the usual pressure."""
    until_s: float
    """End of the data learned from."""
    samples: int
    """Steps with a value among them."""
    spread_of_hour: float
    """Typical sd of an hour's mean residual over the sd of one step: how far an hour's mean still wanders."""
    leak_is_normal: bool = False
    """The excluded spans left too little to learn from, so they were learned from: the baseline holds the open leak."""


def learn(inputs: ZoneInputs, excluded: Sequence[Span] = ()) -> Learned | None:
    """Learns from the whole of ``inputs`` but the excluded spans; None with fewer than three days to learn from."""
    taught = _without(inputs, excluded)
    starved = np.isfinite(table_of(taught, inputs)).sum() < LEAST_DAYS * SLOTS
    taught = inputs.inflow_m3h if starved else taught
    leakage, nights = _leakage_and_nights(inputs, taught)
    values = taught - leakage.correction(inputs.pressure_m)
    table, days = day_table(values, inputs.day, inputs.minute)
    enough = np.isfinite(table).mean(axis=1) >= 0.25
    if enough.sum() < LEAST_DAYS:
        return None
    table, days = table[enough], days[enough]
    baseline = learn_baseline(table, days, inputs.calendar)
    residual = held_out_residuals(values, inputs.day, inputs.minute, table, days, inputs.calendar)
    spread = spread_by_slot(residual, inputs.minute, _METER_SHARE * baseline.profile + 0.1)
    steps = learn_steps(residual, inputs.day, inputs.minute, spread, inputs.step_s)
    z = np.clip(residual / spread[slot_of(inputs.minute)], -4, 4)
    hours = robust.trailing_mean(z, inputs.steps(3600), inputs.steps(2400))
    wander = robust.scalar_sd(hours)
    return Learned(
        leakage=leakage,
        baseline=baseline,
        steps=steps,
        nights=nights,
        until_s=inputs.end_s,
        samples=int(np.isfinite(inputs.inflow_m3h).sum()),
        spread_of_hour=float(np.clip(wander, 0.2, 1.5)) if np.isfinite(wander) else 1.0,
        leak_is_normal=bool(starved and excluded),
    )


def residual_tail(inputs: ZoneInputs, learned: Learned, steps: int, share: float) -> FloatArray:
    """Inflow at the usual pressure less what is expected, over the last ``steps`` steps [m³/h].

    ``share`` says how much of the estimated leakage follows the pressure (see ``pressure_normal.LEAKAGE_RANGE``).
    """
    tail = slice(max(0, inputs.size - steps), inputs.size)
    expected = learned.baseline.expected(inputs.day[tail], inputs.minute[tail], inputs.calendar)
    return inputs.inflow_m3h[tail] - learned.leakage.correction(inputs.pressure_m[tail], share) - expected


def step_residuals(inputs: ZoneInputs, learned: Learned) -> list[FloatArray]:
    """Residuals for the step detector at both ends of what is known of the leakage.

    Two windows long, so that a missing value can be held from one before it.
    """
    length = 2 * learned.steps.precision.shape[0]
    return [residual_tail(inputs, learned, length, share) for share in LEAKAGE_RANGE]


def nights_of(inputs: ZoneInputs, flow: FloatArray, steps: int | None = None) -> Nights:
    """Minimum night flows of the last ``steps`` steps (all by default)."""
    tail = slice(0 if steps is None else max(0, inputs.size - steps), inputs.size)
    return minimum_night_flows(
        flow[tail],
        inputs.day[tail],
        inputs.minute[tail],
        start_s=inputs.start_s + tail.start * inputs.step_s,
        step_s=inputs.step_s,
        complete_until_s=inputs.end_s,
    )


def _leakage_and_nights(inputs: ZoneInputs, taught: FloatArray) -> tuple[Leakage, Nights]:
    """Loss at the usual pressure, and the nights brought to that pressure."""
    nights = nights_of(inputs, taught)
    where = np.clip(((nights.end_s - inputs.start_s) / inputs.step_s).astype(np.int64) - 1, 0, max(inputs.size - 1, 0))
    pressure = np.array([robust.scalar_median(inputs.pressure_m[max(0, i - 12) : i + 1]) for i in where])
    usual = robust.scalar_median(pressure)
    rough = estimate_leakage(robust.scalar_median(nights.flow_m3h), lawful_night_use(inputs.zone), usual)
    corrected = taught - rough.correction(inputs.pressure_m)
    nights = nights_of(inputs, corrected)
    return estimate_leakage(robust.scalar_median(nights.flow_m3h), lawful_night_use(inputs.zone), usual), nights


def _without(inputs: ZoneInputs, excluded: Sequence[Span]) -> FloatArray:
    """Inflow with excluded spans as NaN."""
    times = inputs.start_s + inputs.step_s * np.arange(inputs.size)
    barred = np.zeros(inputs.size, dtype=bool)
    for span in excluded:
        barred |= (times >= span.start_s) & (times < span.end_s)
    return np.where(barred, np.nan, inputs.inflow_m3h)


def table_of(values: FloatArray, inputs: ZoneInputs) -> FloatArray:
    """Means per local day and slot, shape (D, 96)."""
    return day_table(values, inputs.day, inputs.minute)[0]
