"""A line of pipes of 100 m with gauges along it, which answer less the farther they are."""

from __future__ import annotations

import numpy as np

from leak_detection.model.places import distances
from leak_detection.model.signatures import SignatureSet

GAUGES, PLACES = 8, 30


def pipe_line(error: float) -> SignatureSet:
    """Its signatures, each in error by so much of itself."""
    along, gauges = np.arange(PLACES)[:, None] * 100.0, np.linspace(0, 2900, GAUGES)[None, :]
    signatures = -0.03 * np.exp(-np.abs(along - gauges) / 600.0)
    pairs = np.stack([np.arange(PLACES), np.arange(1, PLACES + 1)], axis=1)
    return SignatureSet(
        sizes_m3h=np.array([1.0, 20.0]),
        change_m=np.stack([signatures, signatures]),
        spread_m=np.einsum("pg,gh->pgh", (error * signatures) ** 2, np.eye(GAUGES)),
        distance_m=distances(pairs, np.full(PLACES, 100.0)),
        metered=np.zeros(PLACES, dtype=bool),
    )
