"""How likely a change of all gauges is if one leak, and nothing else, made it: what a gauge's own fault has to beat.

    deviance = min over places p and flows q of  (x - q u_p)' S⁻¹ (x - q u_p) + log det S + (q / q₀)²,   S = C + E(q u_p)

A signature is known to a share, so a large leak brings an error ``E`` of its own. Without ``log det S`` the largest leak would
always win: its error covers whatever one gauge shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray

MOST_M3H = 60.0
SIGNATURE_ERROR = 0.25
_TRIED = 3
"""Places of the highest gain that are fitted with the error of their signatures, at the whole and at half the flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakFit:
    """The most likely single leak, end of one, or none."""

    deviance: float
    """-2 log likelihood, less a constant for each gauge."""
    misfit: float
    """χ² that it leaves."""


def best_leak(x: FloatArray, covariance: FloatArray, signatures: FloatArray, leak_m3h: float) -> LeakFit:
    """The most likely single leak behind a change.

    Args:
        x: Change of the gauges [m], finite, shape (G,).
        covariance: Of its error, shape (G, G).
        signatures: Change per m³/h at each place, shape (P, G).
        leak_m3h: Standard deviation of what leaks may change.
    """
    inverse = np.linalg.inv(covariance)
    like = signatures @ (inverse @ x)
    energy = np.maximum(((signatures @ inverse) * signatures).sum(axis=1), 1e-12)
    flow_m3h = np.clip(like / (energy + leak_m3h**-2), -MOST_M3H, MOST_M3H)
    gain = flow_m3h * (2.0 * like - flow_m3h * energy)
    fits = [_fit_of(x, covariance, np.zeros(len(x)), 0.0)]
    for place in np.argsort(-gain)[:_TRIED]:
        flows = (flow_m3h[place], 0.5 * flow_m3h[place])
        fits += [_fit_of(x, covariance, flow * signatures[place], float(flow) / leak_m3h) for flow in flows]
    return min(fits, key=lambda fit: fit.deviance)


def _fit_of(x: FloatArray, covariance: FloatArray, effect_m: FloatArray, flow_sd: float) -> LeakFit:
    both = with_signature_error(covariance, effect_m)
    rest = x - effect_m
    misfit = float(rest @ np.linalg.solve(both, rest))
    return LeakFit(deviance=misfit + float(np.linalg.slogdet(both)[1]) + flow_sd**2, misfit=misfit)


def with_signature_error(covariance: FloatArray, effect_m: FloatArray) -> FloatArray:
    """Covariance with the error of what a leak does to the gauges, shape (G,), added."""
    sd = SIGNATURE_ERROR * np.abs(effect_m)
    return np.asarray(covariance + np.diag(sd**2 + (SIGNATURE_ERROR * sd.mean()) ** 2))
