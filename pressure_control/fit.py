"""Head losses out of history: robust least squares, and how far forecasts of the loss were ever wrong."""

from __future__ import annotations

import numpy as np

from domain.points import PointKey
from domain.series import FloatArray
from pressure_control.forecast import ahead, daily_profile
from pressure_control.learning import EXPONENT, HeadLoss, ValveModel
from pressure_control.observations import ValveTask, Window
from pressure_control.settings import ControlSettings

LEAST_SAMPLES = 288
"""A day of five minutes: with less nothing is learned."""
LARGEST_STEP_DOWN_M = 0.5
"""A lesson never lowers what a known sensor asks for by more: a sensor that drifts up teaches slowly, if at all."""
_LEAST_REJECT_M = 2.0


def fit_valve(task: ValveTask, past: Window, settings: ControlSettings, before: ValveModel | None = None) -> ValveModel | None:
    """Learns a valve's zone from its past; None without a day of data."""
    flow_known = np.isfinite(past.flow_m3h) & np.isfinite(past.outlet_m)
    if flow_known.sum() < LEAST_SAMPLES:
        return None
    profile = daily_profile(past.flow_m3h, past.minute)
    losses = []
    for watched in task.watched:
        known = before.loss(watched.point) if before else None
        loss = fit_loss(watched.point, past, profile, settings, known)
        if loss is not None:
            losses.append(loss)
    return ValveModel(
        actuator=task.actuator.key,
        from_s=past.start_s,
        until_s=past.end_s,
        samples=int(flow_known.sum()),
        losses=tuple(losses),
        profile_m3h=tuple(round(float(v), 3) for v in profile),
    )


def fit_loss(
    point: PointKey, past: Window, profile: FloatArray, settings: ControlSettings, before: HeadLoss | None
) -> HeadLoss | None:
    """The loss to one point; what was known before where there are too few plausible samples."""
    loss = past.outlet_m - past.watched_m[point]
    use = np.isfinite(loss) & np.isfinite(past.flow_m3h)
    if before is not None:
        # A sensor that suddenly shows metres more pressure than the flow explains is not believed, and not taught from.
        residual = loss - before.over(np.where(use, past.flow_m3h, 0.0))
        use &= residual > -max(4.0 * before.sd_m, _LEAST_REJECT_M)
    if use.sum() < LEAST_SAMPLES:
        return before
    static, resistance, sd = robust_fit(past.flow_m3h[use], loss[use])
    if before is not None:
        usual = float(np.median(past.flow_m3h[use]))
        fall = before.at(usual) - (static + resistance * usual**EXPONENT)
        static += max(0.0, fall - LARGEST_STEP_DOWN_M)
    plain = HeadLoss(point=point, static_m=static, resistance=resistance, sd_m=sd, band_flows_m3h=(), band_margins_m=(0.0,))
    edges, margins = _margins(plain, past, np.where(use, loss, np.nan), profile, settings)
    return HeadLoss(
        point=point,
        static_m=round(static, 4),
        resistance=resistance,
        sd_m=round(sd, 4),
        band_flows_m3h=edges,
        band_margins_m=margins,
    )


def robust_fit(flow_m3h: FloatArray, loss_m: FloatArray) -> tuple[float, float, float]:
    """a, r >= 0 and robust sd of ``loss = a + r·Q^1.85``, by reweighted least squares (Huber, 10 rounds)."""
    x = np.maximum(flow_m3h, 0.0) ** EXPONENT
    weight = np.ones(x.size)
    static, resistance, sd = float(np.median(loss_m)), 0.0, 1.0
    for _ in range(10):
        total = weight.sum()
        x0, y0 = float((weight * x).sum() / total), float((weight * loss_m).sum() / total)
        spread = float((weight * (x - x0) ** 2).sum())
        resistance = max(0.0, float((weight * (x - x0) * (loss_m - y0)).sum()) / spread) if spread > 1e-9 else 0.0
        static = y0 - resistance * x0
        residual = loss_m - static - resistance * x
        sd = max(0.02, 1.4826 * float(np.median(np.abs(residual - np.median(residual)))))
        weight = np.minimum(1.0, 1.5 * sd / np.maximum(np.abs(residual), 1e-9))
    return static, resistance, sd


def _margins(
    loss: HeadLoss, past: Window, measured: FloatArray, profile: FloatArray, settings: ControlSettings
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Flow bands, and for each the quantile of (largest loss of the next steps − largest loss forecast)."""
    steps = settings.look_ahead_steps
    forecast = loss.over(ahead(past.flow_m3h, past.minute, profile, steps))
    came = np.max([np.roll(np.where(np.isfinite(measured), measured, -np.inf), -k) for k in range(1, steps + 1)], axis=0)
    came[-steps:] = -np.inf
    flow = past.flow_m3h
    use = np.isfinite(came) & np.isfinite(forecast)
    if use.sum() < LEAST_SAMPLES:
        return (), (max(4.0 * loss.sd_m, 0.5),)
    edges = [float(v) for v in np.quantile(flow[use], (1 / 3, 2 / 3))]
    margins = []
    for low, high in zip((-np.inf, *edges), (*edges, np.inf), strict=True):
        part = use & (flow > low) & (flow <= high)
        wrong = (came - forecast)[part]
        margins.append(round(max(2.0 * loss.sd_m, float(np.quantile(wrong, settings.quantile))), 3) if wrong.size > 50 else 1.0)
    return tuple(round(e, 3) for e in edges), tuple(margins)
