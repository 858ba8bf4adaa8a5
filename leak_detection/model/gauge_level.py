"""Has one gauge moved, or is it a leak? A change of all gauges under both hypotheses.

A leak anywhere moves the gauges as a signature ``q · u_p``; a fault moves one gauge, ``δ · e_j``. With leaks as a random part of
the covariance, ``S = C + q² U′U``, the most likely ``δ`` is what gauge j shows less what the others let expect (kriging, leave one
out):

    δ_j = (S⁻¹ x)_j / (S⁻¹)_jj,   σ_j = (S⁻¹)_jj^-½

Far from zero is not enough: a strong leak beside one gauge does that too. So the best single leak is fitted explicitly to all
gauges and to all but j: only if leaving j out is what makes a leak (or nothing) fit, is j at fault. A shift of metres is seen
otherwise, for the largest leak has so large an error that it fits that, too: there all gauges but j must be quiet, and a fault of j
must be likelier than the likeliest leak (``gauge_rivals``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.gauge_rivals import MOST_M3H, LeakFit, best_leak, with_signature_error
from leak_detection.model.gauge_windows import Window

_LEAST_M = 0.04
_LEAST_SIGMA = 3.5
_OWN_SHARE = 0.02
_LEAST_GAIN = 20.0
"""Fall of the misfit (χ²) when the gauge is left out."""
_MOST_LEFT = 0.65
"""Share of the misfit that may stay, unless the evidence is overwhelming."""
_OVERWHELMING = 250.0
_ALONE_M, _ALONE_SD = 0.4, 8.0
"""Least shift beside quiet gauges: a leak beside one gauge moves it by four deviations."""
_USUAL_FAULT_M = 1.0
"""Standard deviation of what a fault may be."""
_LEAST_GAUGES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifted:
    """One gauge that has moved alone."""

    gauge: int
    shift_m: float
    sigma_m: float
    evidence: float
    leak_misfit: float
    """χ² of the best single leak to all gauges."""
    misfit_without: float
    """The same without the gauge."""


def change_covariance(levels: FloatArray) -> FloatArray:
    """Covariance of the change from one day to the next, shape (G, G), clipped so that leaks and faults do not widen it."""
    change = np.diff(levels, axis=0)
    known = np.isfinite(change)
    middle = np.nan_to_num(robust.median(change))
    spread = np.nan_to_num(robust.median(np.abs(change - middle)))
    sd = np.maximum(robust.SD_OF_MAD * spread, 2e-3)
    z = np.where(known, np.clip((np.where(known, change, middle) - middle) / sd, -3.0, 3.0), 0.0)
    both = np.maximum(known.astype(float).T @ known.astype(float), 1.0)
    c = 0.9 * (z.T @ z) / both + 0.1 * np.eye(len(sd))
    np.fill_diagonal(c, np.maximum(np.diag(c), 1.0))
    return np.asarray(c * np.outer(sd, sd))


def leak_covariance(signatures: FloatArray) -> FloatArray:
    """Covariance that leaks of 1 m³/h (standard deviation) about the network give the gauges [m²/(m³/h)²], shape (G, G)."""
    common = 4.0 * (signatures.T @ signatures) / max(len(signatures), 1)
    return np.asarray(common + _OWN_SHARE * np.diag(np.diag(common)))


def alone(x: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shift of each gauge beyond what the others let expect, and its standard deviation [m].

    Where numbers cannot tell a gauge from the others (two that read the same) its shift is 0 and its deviation infinite.

    Args:
        x: Changes, finite, shape (..., G).
        covariance: Of noise and leaks together, shape (G, G).
    """
    precision = np.linalg.inv(covariance)
    scale = np.diag(precision)
    known = np.isfinite(scale) & (scale > 0)
    divisor = np.where(known, scale, np.inf)
    return np.where(known, (x @ precision) / divisor, 0.0), np.where(known, np.where(known, scale, 1.0) ** -0.5, np.inf)


def most_shifted(
    x: FloatArray, covariance: FloatArray, leaks: FloatArray, signatures: FloatArray, window: Window
) -> Shifted | None:
    """The gauge with the strongest evidence of a fault of its own, if it is strong enough.

    Args:
        x: Change of the gauges, finite, shape (G,).
        covariance: Of its error, shape (G, G).
        leaks: ``leak_covariance`` of these gauges, shape (G, G).
        signatures: Change per m³/h at each place, shape (P, G).
        window: Gives the limits.
    """
    if len(x) < _LEAST_GAUGES:
        return None
    shift, sigma = alone(x, covariance + window.leak_m3h**2 * leaks)
    score = np.abs(shift) / sigma
    best: Shifted | None = None
    spread: FloatArray | None = None
    likeliest: LeakFit | None = None
    for j in np.argsort(-score)[:3]:
        if score[j] < _LEAST_SIGMA or abs(shift[j]) < _LEAST_M:
            continue
        if spread is None:
            spread = _with_signature_error(x, covariance, signatures)
            every = _misfit(x, spread, signatures)
        rest = np.delete(np.arange(len(x)), j)
        without = _misfit(x[rest], spread[np.ix_(rest, rest)], signatures[:, rest])
        evidence = float(score[j] ** 2 * (1.0 - without / max(every, 1e-9)))
        clear = every - without >= _LEAST_GAIN and (without <= _MOST_LEFT * every or evidence >= _OVERWHELMING)
        if not clear and abs(shift[j]) >= max(_ALONE_M, _ALONE_SD * sigma[j]):
            likeliest = likeliest or best_leak(x, covariance, signatures, window.leak_m3h)
            others = best_leak(x[rest], covariance[np.ix_(rest, rest)], signatures[:, rest], window.leak_m3h)
            evidence = _gain(likeliest, others, float(shift[j]))
            clear = others.misfit <= window.quiet * len(rest)
        if clear and evidence >= window.evidence and (best is None or evidence > best.evidence):
            best = Shifted(
                gauge=int(j),
                shift_m=float(shift[j]),
                sigma_m=float(sigma[j]),
                evidence=evidence,
                leak_misfit=every,
                misfit_without=without,
            )
    return best


def _with_signature_error(x: FloatArray, covariance: FloatArray, signatures: FloatArray) -> FloatArray:
    """Covariance with the error of the best leak's signature added."""
    inverse = np.linalg.inv(covariance)
    energy = np.maximum(((signatures @ inverse) * signatures).sum(axis=1), 1e-12)
    flow = signatures @ (inverse @ x) / energy
    best = int(np.argmax(flow * flow * energy))
    return with_signature_error(covariance, flow[best] * signatures[best])


def _gain(every: LeakFit, others: LeakFit, shift_m: float) -> float:
    """Likelihood of a fault beside that of the likeliest leak, in deviance."""
    fault = (shift_m / _USUAL_FAULT_M) ** 2 + 2.0 * np.log(_USUAL_FAULT_M)
    return float(every.deviance - others.deviance - fault)


def _misfit(x: FloatArray, covariance: FloatArray, signatures: FloatArray) -> float:
    """χ² left by the best single leak (or end of one)."""
    inverse = np.linalg.inv(covariance)
    energy = np.maximum(((signatures @ inverse) * signatures).sum(axis=1), 1e-12)
    like = signatures @ (inverse @ x)
    flow = np.clip(like / energy, -MOST_M3H, MOST_M3H)
    return float(x @ inverse @ x + np.min(flow * flow * energy - 2.0 * flow * like, initial=0.0))
