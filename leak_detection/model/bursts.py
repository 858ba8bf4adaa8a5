"""Bursts within hours: the last hours against the same hours of the days before, matched to what one leak would do.

    x = mean of the last h hours - median over 7 days of the mean of the same hours
    GLR = max_p (u_p′ S⁻¹ x)² / (u_p′ S⁻¹ u_p),   q = u_p′ S⁻¹ x / (u_p′ S⁻¹ u_p) > 0

``S`` is what such contrasts were in the last weeks, so pump switching, holidays and restless hours are in it. Questions asked
before a burst is told: is it far beyond noise (GLR), does one leak explain most of it (fit), does it stand without the gauge that
has moved most by itself (``gauge_level``: a fault shows on one gauge), is it there against the same weekday too? Changes known
already (told bursts, repairs, changes nobody can place) are taken off the days they lie in: the next one is seen on top of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model import gauge_level
from leak_detection.model.gauge_windows import Window, window_covariance
from leak_detection.model.shapes import NO_SAY

BASE_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstSettings:
    """When a change of hours is a burst."""

    glr: float = 100.0
    fit: float = 0.55
    """Least share of the change that one leak explains."""
    last_week: float = 0.5
    """Share of the flow that must be there against the same weekday too."""
    least_m3h: float = 1.5
    most_m3h: float = 80.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownChange:
    """A change of level that is no news."""

    rows_ago: int
    """Rows between its beginning and the end of the window."""
    change_m: FloatArray
    """Shape (G,); 0 where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BurstCandidate:
    """A new leak, or with a negative flow the end of one."""

    place: int
    rows_ago: int
    """Rows between its beginning and now."""
    flow_m3h: float
    flow_error_m3h: float
    glr: float
    fit: float
    change_m: FloatArray
    """Change of each gauge since it began, shape (G,), NaN where not known: for placing it."""
    covariance: FloatArray
    """Of that change, shape (G, G)."""
    left_out: tuple[int, ...]
    """Gauges that had moved by themselves."""

    @property
    def is_burst(self) -> bool:
        """Whether water is lost, not regained."""
        return self.flow_m3h > 0


_ONE_GAUGE = Window(now=1, gap=0, before=7, leak_m3h=15.0, noise=1.0, floor_m=0.01, evidence=40.0, quiet=0.0)
"""Never by quiet others: whoever stands beside a burst moves alone at first."""
_SIGNATURE_ERROR = 0.15
_MOST_LEFT_OUT = 3
_LEAST_KNOWN = 0.125
"""Share of the contrasts: of a gauge with fewer the noise is not known."""
LEAST_GAUGES = 5
"""With fewer nothing is told by the hour."""


def contrast(window_m: FloatArray, per_day: int, rows: int, known: Sequence[KnownChange] = ()) -> FloatArray:
    """Mean of the last rows less the median of the same hours of the days before, shape (G,); NaN with less than half of either.

    Args:
        window_m: Residuals of seven days and the last rows or more, shape (T, G), NaN where missing.
        per_day: Rows of a day.
        rows: Length of the last stretch, at most a day.
        known: Changes to take off.
    """
    ends = len(window_m) - per_day * np.arange(BASE_DAYS + 1)
    if ends[-1] - rows < 0:
        raise ConfigurationError(
            file="bursts",
            key="window_m",
            value=len(window_m),
            expected=f"{per_day * BASE_DAYS + rows} rows or more: seven days and the last",
        )
    # The hours of all days at once, and only they: this is asked at every look.
    row = (ends - rows)[:, None] + np.arange(rows)
    hours = window_m[row]
    for change in known:
        hours[row >= len(window_m) - change.rows_ago] -= change.change_m
    means = _mean(hours)
    enough = np.isfinite(means[1:]).sum(axis=0) >= BASE_DAYS // 2
    return np.where(enough, means[0] - robust.median(means[1:]), np.nan)


def standing_out(contrast_m: FloatArray, covariance: FloatArray) -> float:
    """Squared contrast of all gauges together, shape (G,), in units of its error: no leak explains more.

    Args:
        contrast_m: NaN where missing.
        covariance: Of contrasts, shape (G, G).
    """
    here = np.flatnonzero(np.isfinite(contrast_m))
    x = contrast_m[here]
    return float(x @ np.linalg.solve(covariance[np.ix_(here, here)], x))


def contrast_covariance(contrasts: FloatArray) -> FloatArray:
    """Covariance of contrasts, shape (N, G), NaN where missing, with wild ones clipped; shape (G, G), positive definite.

    A pair's products are divided by the geometric mean of both gauges' counts, not by the pair's own: that alone keeps it positive
    definite when a gauge was missing for some of the time. One that was hardly there has no say.
    """
    middle = robust.median(contrasts)
    sd = np.maximum(np.nan_to_num(robust.SD_OF_MAD * robust.median(np.abs(contrasts - middle))), 3e-3)
    known = np.isfinite(contrasts)
    z = np.where(known, np.clip((np.where(known, contrasts, 0.0) - np.nan_to_num(middle)) / sd, -3.0, 3.0), 0.0)
    z = z / np.sqrt(np.maximum(known.sum(axis=0), 1))
    c = 0.9 * (z.T @ z) + 0.1 * np.eye(len(sd))
    np.fill_diagonal(c, np.maximum(np.diag(c), 1.0))
    sd = np.where(known.mean(axis=0) < _LEAST_KNOWN, NO_SAY**0.5, sd)
    return np.asarray(c * np.outer(sd, sd))


def burst(
    window_m: FloatArray,
    signatures: FloatArray,
    covariance: FloatArray,
    per_day: int,
    *,
    rows: int,
    known: Sequence[KnownChange] = (),
    settings: BurstSettings | None = None,
) -> BurstCandidate | None:
    """The new leak (or end of one) that the last rows show, if they show one.

    Args:
        window_m: Residuals of seven days and the last rows or more, shape (T, G); NaN where missing or masked.
        signatures: Change of the residual per m³/h at each place, shape (P, G).
        covariance: Of contrasts of so many rows, shape (G, G).
        per_day: Rows of a day.
        rows: Length of the last stretch.
        known: Changes to take off.
        settings: When a change is a burst.

    Raises:
        ConfigurationError: The window is too short.
    """
    s = settings or BurstSettings()
    x = contrast(window_m, per_day, rows, known)
    here = np.flatnonzero(np.isfinite(x))
    if here.size < LEAST_GAUGES or standing_out(x, covariance) < s.glr:
        return None
    here, left_out = _gauges_in_order(x, covariance, signatures)
    if here.size < LEAST_GAUGES:
        return None
    place, flow, error, glr, fit = _match(x[here], covariance[np.ix_(here, here)], signatures[:, here])
    if glr < s.glr or fit < s.fit or not s.least_m3h <= abs(flow) <= s.most_m3h:
        return None
    if not _also_since_last_week(window_m, per_day, rows, known, covariance, signatures[place], flow * s.last_week, here):
        return None
    since = _since(window_m, per_day, rows, known, signatures[place, here], covariance[np.ix_(here, here)], here)
    stretch = min(since, rows)
    change = np.full(len(x), np.nan)
    change[here] = contrast(window_m, per_day, stretch, known)[here]
    return BurstCandidate(
        place=place,
        rows_ago=since,
        flow_m3h=flow * rows / stretch,
        flow_error_m3h=error * rows / stretch,
        glr=glr,
        fit=fit,
        change_m=change,
        covariance=covariance * rows / stretch,
        left_out=left_out,
    )


def _gauges_in_order(x: FloatArray, covariance: FloatArray, signatures: FloatArray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Gauges that have a value and have not moved by themselves."""
    here, left_out = np.flatnonzero(np.isfinite(x)), []
    wider = window_covariance(covariance, _ONE_GAUGE)
    leaks = gauge_level.leak_covariance(signatures)
    for _ in range(_MOST_LEFT_OUT):
        part = np.ix_(here, here)
        moved = gauge_level.most_shifted(x[here], wider[part], leaks[part], signatures[:, here], _ONE_GAUGE)
        if moved is None:
            break
        left_out.append(int(here[moved.gauge]))
        here = np.delete(here, moved.gauge)
    return here, tuple(left_out)


def _also_since_last_week(
    window_m: FloatArray,
    per_day: int,
    rows: int,
    known: Sequence[KnownChange],
    covariance: FloatArray,
    signature: FloatArray,
    least_m3h: float,
    here: np.ndarray,
) -> bool:
    """Whether the flow is there against the same hours of the same weekday too: a Sunday is no leak."""
    level = _without(window_m, known)
    end = len(level) - BASE_DAYS * per_day
    x = _mean(level[len(level) - rows :]) - _mean(level[end - rows : end])
    here = here[np.isfinite(x[here])]
    if here.size < LEAST_GAUGES:
        return True
    weight = np.linalg.solve(covariance[np.ix_(here, here)], signature[here])
    return bool((weight @ x[here]) / max(float(weight @ signature[here]), 1e-12) * np.sign(least_m3h) >= abs(least_m3h))


def _match(x: FloatArray, covariance: FloatArray, signatures: FloatArray) -> tuple[int, float, float, float, float]:
    """Best place, flow [m³/h], its error, GLR and share explained; the flow is negative for the end of a leak."""
    inverse = np.linalg.inv(covariance)
    energy = np.maximum(((signatures @ inverse) * signatures).sum(axis=1), 1e-12)
    flow = signatures @ (inverse @ x) / energy
    gain = flow * flow * energy
    best = int(np.argmax(gain))
    whole = float(x @ inverse @ x)
    # With the error of the signature the place is less sure, and steadier: a strong leak is not placed by its last millimetre.
    sd = _SIGNATURE_ERROR * np.abs(flow[best] * signatures[best])
    wide = np.linalg.inv(covariance + np.diag(sd**2 + (0.25 * sd.mean()) ** 2))
    energy_wide = np.maximum(((signatures @ wide) * signatures).sum(axis=1), 1e-12)
    like = signatures @ (wide @ x)
    place = int(np.argmax(np.where(np.sign(like) == np.sign(flow[best]), like * like / energy_wide, 0.0)))
    explained = float(like[place] ** 2 / energy_wide[place] / max(float(x @ wide @ x), 1e-12))
    return (
        place,
        float(like[place] / energy_wide[place]),
        float(energy_wide[place] ** -0.5),
        float(gain[best]),
        max(explained, float(gain[best]) / whole) if whole > 0 else 0.0,
    )


def _since(
    window_m: FloatArray,
    per_day: int,
    rows: int,
    known: Sequence[KnownChange],
    signature: FloatArray,
    covariance: FloatArray,
    here: np.ndarray,
) -> int:
    """Rows since the change began: where a step fits the course of the matched flow best."""
    level = _without(window_m, known)[:, here]
    span = min(2 * rows, len(level) - per_day * BASE_DAYS)
    base = robust.median(
        np.stack([level[len(level) - span - per_day * d : len(level) - per_day * d] for d in range(1, BASE_DAYS + 1)])
    )
    weight = np.linalg.solve(covariance, signature)
    weight = weight / max(float(weight @ signature), 1e-12)
    course = np.where(np.isfinite(level[-span:] - base), level[-span:] - base, 0.0) @ weight
    after = np.cumsum(course[::-1])
    length = np.arange(1, span + 1)
    gain = after**2 / length  # of a step from nothing, ``length`` rows ago
    least = max(per_day // 48, 1)
    return int(length[least - 1 :][int(np.argmax(gain[least - 1 :]))])


def _without(window_m: FloatArray, known: Sequence[KnownChange]) -> FloatArray:
    if not known:
        return window_m
    out = window_m.copy()
    for change in known:
        out[max(len(out) - change.rows_ago, 0) :] -= change.change_m
    return out


def _mean(values: FloatArray) -> FloatArray:
    """Mean of the finite values over rows, the last axis but one; NaN with less than half of them."""
    known = np.isfinite(values)
    if known.all():
        return np.asarray(values.sum(axis=-2) / values.shape[-2])
    count = known.sum(axis=-2)
    total = np.where(known, values, 0.0).sum(axis=-2)
    return np.where(2 * count >= values.shape[-2], total / np.maximum(count, 1), np.nan)
