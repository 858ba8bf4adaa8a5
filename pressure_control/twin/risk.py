"""Room where it buys most: a metre too much costs leakage all alike, a metre too little harms those who live at the lowest places.

The least of  excess + R · share(at risk) · P(error > room)  over the room has, for a normal error,

    z² = 2 ln(R · share / (σ √2π))        that is   z² = z_q² + 2 ln(share / share_0 · σ_0 / σ)

so that a loss known to a decimetre is given more standard deviations than one known to two metres, and a place where one customer
in a thousand lives fewer than one where one in ten does. z_q, the quantile asked for, holds at share_0 and σ_0.
"""

from __future__ import annotations

import numpy as np

from domain.series import FloatArray

_USUAL_SD_M = 0.3
_USUAL_SHARE = 0.01
_LEAST_SHARE = 0.002
_LEAST_Z, _MOST_Z = 1.6, 4.0
_HELD_SHARE = 0.7


def room_m(z: float | FloatArray, sd_m: FloatArray, at_risk: float, held_m: float) -> FloatArray:
    """Room above each expected loss [m].

    Args:
        z: Quantile of past errors over their standard deviation, of each loss or of all.
        sd_m: Standard deviation of each error that customers feel.
        at_risk: Share of the zone's customers at the places that would be first below the minimum.
        held_m: So much short of its target an order stands before it is raised: most of the room must be left then too.
    """
    share = max(at_risk, _LEAST_SHARE) / _USUAL_SHARE
    squares = np.square(z) + 2.0 * np.log(share * _USUAL_SD_M / sd_m)
    room = np.clip(np.sqrt(np.maximum(squares, 0.0)), _LEAST_Z, _MOST_Z) * sd_m
    return np.asarray(np.maximum(room, held_m + _HELD_SHARE * room), dtype=np.float64)
