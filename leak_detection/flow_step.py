"""A sudden loss: a step in the net inflow, by generalised likelihood ratio over onsets 20 minutes to 3 hours old.

The last six hours of residual e(t) = inflow − expected are weighed with the covariance C that the zone's own past residuals have
(people's habits wander for hours, groups of taps for minutes), plus an unknown constant, so that only a *step* speaks:

    q̂(τ) = f′C⁻¹e / f′C⁻¹f      sd = (f′C⁻¹f)^−½      f = 1 from the onset τ on, 0 before

The zone's history goes through the same formula, day by day with a baseline of the other days, and sets the threshold: false alarms
are rare by construction, not by assumption about the noise. Pressure is allowed for at both ends of what is known of the leakage
(``pressure_normal``): both must show the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.findings import Evidence, FindingKind
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.baseline import SLOTS, slot_of
from leak_detection.detection import Detection
from leak_detection.inputs import ZoneInputs

WINDOW_S = 6 * 3600.0
AGES_S = (1200.0, 10800.0)
"""Youngest and oldest onset that are tried; every step between them is."""
LEAST_VALUES = 3
"""A step is seen on so many values; one or two may be odd readings, a fire hose or a tank that is filled."""
LAST_SHARE = 0.5
"""And the newest of them still shows this share of it."""
LEAST_THRESHOLD = 5.0
"""Standard deviations; a quiet history never lowers the threshold below this."""
MARGIN = 1.25
"""Over the largest values of the history."""
COARSE_MARGIN = 1.25
"""On all thresholds of a history of hours: it has few values, so its largest says less of what may come."""
_COARSE_S = 1800.0
LEAST_SHARE = 0.08
LEAST_M3H = 1.5
"""Steps below this share of the inflow, or below this, do not speak: people's habits change as much."""
_LEVEL_VARIANCE = 1.0
_CLIP = 60.0
_NEAR_SLOTS = 6
_DAILY_SDS = 4.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepModel:
    """A zone's noise and the thresholds that follow from its past."""

    spread_m3h: FloatArray
    """Standard deviation of the residual per quarter of an hour, shape (96,)."""
    precision: FloatArray
    """Inverse of the residual's covariance in units of ``spread_m3h``, shape (W, W)."""
    thresholds: FloatArray
    """Least ratio that speaks, for each quarter of an hour and age, shape (96, A)."""
    ages: tuple[int, ...]
    """Ages of the onset in steps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepFit:
    """Best steps at each of N moments, for each of A ages, shape (N, A)."""

    flow_m3h: FloatArray
    ratio: FloatArray
    """Flow over its standard deviation."""


def learn_steps(
    residual: FloatArray, day: NDArray[np.int64], minute: FloatArray, spread_m3h: FloatArray, step_s: float
) -> StepModel:
    """Noise and thresholds from held-out residuals.

    Args:
        residual: Inflow less what the other days expect [m³/h], shape (T,), NaN where unknown or excluded.
        day: Local day, shape (T,).
        minute: Local minute of the day, shape (T,).
        spread_m3h: Residual spread per slot, shape (96,).
        step_s: Width of a step [s].
    """
    width = max(8, round(WINDOW_S / step_s))
    youngest, oldest = (max(LEAST_VALUES, round(a / step_s)) for a in AGES_S)
    ages = tuple(range(youngest, min(oldest, width - 1) + 1))
    sd = spread_m3h[slot_of(minute)]
    z = np.clip(residual / sd, -4.0, 4.0)
    precision = np.asarray(np.linalg.inv(_covariance(z, width)), dtype=np.float64)
    none = np.full((SLOTS, len(ages)), LEAST_THRESHOLD)
    model = StepModel(spread_m3h=spread_m3h, precision=precision, thresholds=none, ages=ages)
    ratio = fit_steps(residual, sd, model).ratio
    if not ratio.size:
        return model
    moment = slice(width - 1, None)
    thresholds = np.stack([_threshold(ratio[:, a], day[moment], minute[moment]) for a in range(len(ages))], axis=1)
    thresholds *= COARSE_MARGIN if step_s >= _COARSE_S else 1.0
    return StepModel(spread_m3h=spread_m3h, precision=precision, thresholds=thresholds, ages=ages)


def fit_steps(residual: FloatArray, sd: FloatArray, model: StepModel, *, newest_only: bool = False) -> StepFit:
    """The best step ending at each place of the arrays that has a full window before it.

    Moments whose newest values or more than a third of the window are missing have ratio 0.

    Args:
        residual: shape (T,), T >= W.
        sd: Spread at the same moments, shape (T,).
        model: Noise.
        newest_only: Only the last place.

    Returns:
        N = T − W + 1 rows, or one.
    """
    width = model.precision.shape[0]
    if residual.size < width:
        none = np.zeros((0, len(model.ages)))
        return StepFit(flow_m3h=none, ratio=none)
    known = np.isfinite(residual)
    filled = np.clip(robust.hold_last(residual / sd), -_CLIP, _CLIP)
    first = residual.size - width if newest_only else 0
    known, filled, sd = known[first:], filled[first:], sd[first:]
    windows = np.lib.stride_tricks.sliding_window_view(filled, width)
    scales = np.lib.stride_tricks.sliding_window_view(1.0 / sd, width)
    present = np.lib.stride_tricks.sliding_window_view(known, width)
    usable = (present.mean(axis=1) > 2 / 3) & (present[:, -3:].sum(axis=1) >= min(2, width))
    score, energy = _scores(windows, scales, model.precision, max(model.ages))
    rows = np.array(model.ages) - 1
    flow = score[:, rows] / energy[:, rows]
    ratio = score[:, rows] / np.sqrt(energy[:, rows])
    ratio[~usable] = 0.0
    return StepFit(flow_m3h=flow, ratio=ratio)


def _scores(windows: FloatArray, scales: FloatArray, precision: FloatArray, oldest: int) -> tuple[FloatArray, FloatArray]:
    """f′C⁻¹e and f′C⁻¹f for onsets 1, 2 … ``oldest`` steps old, shape (N, oldest) each; each age adds to the one before."""
    recent = np.ascontiguousarray(scales[:, ::-1][:, :oldest])
    inverse = precision[::-1, ::-1]
    weighed = windows @ precision[:, ::-1][:, :oldest]
    score = np.cumsum(weighed * recent, axis=1)
    gain = np.empty_like(recent)
    for a in range(recent.shape[1]):
        gain[:, a] = recent[:, a] * (2.0 * (recent[:, :a] @ inverse[:a, a]) + inverse[a, a] * recent[:, a])
    return score, np.maximum(np.cumsum(gain, axis=1), 1e-12)


def detect_step(inputs: ZoneInputs, model: StepModel, residuals: Sequence[FloatArray]) -> Detection | None:
    """A step in the newest hours, or None.

    Args:
        inputs: The zone; its end is now.
        model: Its noise.
        residuals: Tails of the residual, two windows long, one for each end of the leakage range; all must show the step.
    """
    fits = _newest(inputs, model, residuals)
    if not fits:
        return None
    threshold = model.thresholds[slot_of(inputs.minute[-1:])[0]]
    excess = np.min([f.ratio[-1] / threshold for f in fits], axis=0)
    best = int(np.argmax(excess))
    if excess[best] < 1.0:
        return None
    flows = [float(f.flow_m3h[-1, best]) for f in fits]
    ratio = min(float(f.ratio[-1, best]) for f in fits)
    flow = sum(flows) / len(flows)
    error = float(np.hypot(flow / ratio, 0.5 * (max(flows) - min(flows))))
    since = inputs.end_s - model.ages[best] * inputs.step_s
    inflow = float(robust.mean(inputs.inflow_m3h[-model.ages[best] :]))
    if min(flows) < max(LEAST_M3H, LEAST_SHARE * (inflow - flow)) or not _still_there(residuals, flow, model.ages[best]):
        return None
    seen, evidence = head_loss_change(inputs, model.ages[best])
    return Detection(
        detector="flow_step",
        kind=FindingKind.BURST,
        since_s=since,
        flow_m3h=flow,
        flow_error_m3h=error,
        confidence=min(0.99, 0.8 + 0.05 * (float(excess[best]) - 1.0) + (0.1 if seen else 0.0)),
        evidence=(Evidence(name="flow_step", observed=inflow, expected=inflow - flow, sd=error, unit="m3/h"), *evidence),
    )


def _still_there(residuals: Sequence[FloatArray], flow_m3h: float, age: int) -> bool:
    """Whether the newest third of the values since the onset, at least one, is as high over those before as half of the step."""
    newest = max(1, age // LEAST_VALUES)
    rises = [robust.scalar_median(r[-newest:]) - robust.scalar_median(r[-age - LEAST_VALUES : -age]) for r in residuals]
    known = [rise for rise in rises if np.isfinite(rise)]
    return not known or min(known) >= LAST_SHARE * flow_m3h


def drop_of(inputs: ZoneInputs, model: StepModel, residuals: Sequence[FloatArray]) -> float:
    """How much the flow has surely dropped in the newest hours [m³/h]; 0 where it has not."""
    fits = _newest(inputs, model, residuals)
    if not fits:
        return 0.0
    threshold = model.thresholds[slot_of(inputs.minute[-1:])[0]]
    excess = np.min([-f.ratio[-1] / threshold for f in fits], axis=0)
    best = int(np.argmax(excess))
    return min(-float(f.flow_m3h[-1, best]) for f in fits) if excess[best] >= 1.0 else 0.0


def _newest(inputs: ZoneInputs, model: StepModel, residuals: Sequence[FloatArray]) -> list[StepFit]:
    """Fits at the end of the inputs; none where the inputs are too short."""
    width = model.precision.shape[0]
    if inputs.size < 2 * width:
        return []
    sd = model.spread_m3h[slot_of(inputs.minute[-2 * width :])]
    return [fit_steps(r[-2 * width :], sd, model, newest_only=True) for r in residuals]


def head_loss_change(inputs: ZoneInputs, age: int) -> tuple[bool, tuple[Evidence, ...]]:
    """Whether the head loss to the critical points rose with the step: a second, independent witness."""
    before = inputs.head_loss_m[-age - 24 : -age]
    after = inputs.head_loss_m[-age:]
    if np.isfinite(before).sum() < 6 or np.isfinite(after).sum() < 3:
        return False, ()
    expected, observed = robust.scalar_median(before), robust.scalar_median(after)
    sd = max(0.1, robust.scalar_sd(before))
    return observed - expected > 2 * sd, (Evidence(name="head_loss", observed=observed, expected=expected, sd=sd, unit="m"),)


def _covariance(z: FloatArray, width: int) -> FloatArray:
    """Toeplitz covariance of the residual from its own past, plus an unknown constant and a little white noise, shape (W, W)."""
    known = np.isfinite(z)
    filled = np.where(known, z - (robust.scalar_median(z) if known.any() else 0.0), 0.0)
    n = max(int(known.sum()), 1)
    lags = np.array([float(np.dot(filled[k:], filled[: filled.size - k])) / n if k < filled.size else 0.0 for k in range(width)])
    lags[0] = max(lags[0], 0.1)
    index = np.abs(np.subtract.outer(np.arange(width), np.arange(width)))
    # The taper keeps long lags, known from few days, from making the matrix indefinite.
    matrix = lags[index] * (1.0 - index / (2.0 * width))
    low = float(np.linalg.eigvalsh(matrix)[0])
    ridge = 0.02 * lags[0] + max(0.0, -low)
    return np.asarray(matrix + _LEVEL_VARIANCE + ridge * np.eye(width))


def _threshold(ratio: FloatArray, day: NDArray[np.int64], minute: FloatArray) -> FloatArray:
    """Least ratio that speaks at each quarter of an hour, shape (96,).

    Above nearly the largest of the history at any hour, and above what the days' largest values around this hour let expect: shifts
    begin, gardens are watered and tanks are filled at their hours, and one stray day does not blind the detector for good.
    """
    everywhere = MARGIN * float(np.quantile(ratio, 0.998))
    _, row = np.unique(day, return_inverse=True)
    slot = slot_of(minute)
    tops = np.full((int(row.max()) + 1, SLOTS), -np.inf)
    np.maximum.at(tops, (row, slot), ratio)
    near = np.max([np.roll(tops, k, axis=1) for k in range(-_NEAR_SLOTS, _NEAR_SLOTS + 1)], axis=0)
    near = np.where(np.isfinite(near), near, np.nan)
    middle = robust.median(near)
    spread = robust.SD_OF_MAD * robust.median(np.abs(near - middle))
    here = np.where(np.isfinite(middle), middle + _DAILY_SDS * spread, 0.0)
    return np.maximum(np.maximum(here, everywhere), LEAST_THRESHOLD)
