"""Net inflow of a zone: what enters less what leaves into cascaded zones, on one grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from domain.points import PointKey
from domain.series import FloatArray
from domain.zones import Zone

FROZEN_RUN = 6
"""So many equal bucket means in a row are a stuck meter, not water (rule "consecutive interval")."""


def net_inflow(zone: Zone, flows: Mapping[PointKey, FloatArray]) -> FloatArray:
    """Signed sum of the inlets [m³/h], shape (T,); NaN wherever one of them has no trustworthy value.

    Args:
        zone: A zone with at least one inlet.
        flows: Flow at each inlet on one grid [m³/h], shape (T,) each.
    """
    total: FloatArray | None = None
    for inlet in zone.inlets:
        part = inlet.sign * without_frozen(flows[inlet.point])
        total = part if total is None else total + part
    if total is None:
        raise ValueError(f"zone {zone.key} has no inlet, so it has no net inflow")
    return total


def frozen(values: FloatArray) -> NDArray[np.bool_]:
    """Where a non-zero value stands still for at least ``FROZEN_RUN`` steps: bool, shape (T,).

    All of a run is marked once it is long enough.
    """
    length = still_for(values)
    marked = np.zeros(values.shape, dtype=bool)
    for end in np.flatnonzero((length >= FROZEN_RUN) & np.concatenate((length[1:] <= length[:-1], [True]))):
        marked[end + 1 - length[end] : end + 1] = True
    return marked


def still_for(values: FloatArray) -> NDArray[np.int64]:
    """For how many steps, itself included, each non-zero value has stood still: shape (T,), 1 where it just changed."""
    if not values.size:
        return np.zeros(0, dtype=np.int64)
    same = np.concatenate(([False], (np.abs(np.diff(values)) < 1e-9) & (np.abs(values[1:]) > 1e-9)))
    index = np.arange(values.size)
    return np.asarray(index - np.maximum.accumulate(np.where(same, 0, index)) + 1, dtype=np.int64)


def without_frozen(values: FloatArray) -> FloatArray:
    """The values with stuck ones as NaN."""
    return np.where(frozen(values), np.nan, values)
