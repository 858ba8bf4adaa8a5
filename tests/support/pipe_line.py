"""A line of pipes of 100 m with gauges along it, which answer less the farther they are."""

from __future__ import annotations

import numpy as np

from leak_detection.model.ledger_records import OpenLeak
from leak_detection.model.places import distances, locate
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


def open_leak(net: SignatureSet, place: int, flow_m3h: float, start: int, end: int | None = None) -> OpenLeak:
    """A leak as a ledger that sees all things has it: found the day after it began, on its gauges without error."""
    change_m = flow_m3h * net.at(flow_m3h)[place]
    return OpenLeak(
        start_day=start,
        ramp_days=0,
        found_day=start + 1,
        place=locate(change_m, 1e-6 * np.eye(GAUGES), net),
        loading_m=change_m,
        glr=300.0,
        end_day=end,
    )
