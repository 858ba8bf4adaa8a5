"""Net inflow of a zone: what enters less what leaves into cascaded zones, on one grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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


def frozen(values: FloatArray, run: int = FROZEN_RUN) -> np.ndarray:
    """Where a non-zero value stands still for at least ``run`` steps: bool, shape (T,).

    Causal: a value is marked from the step on at which the run is long enough, and so are the earlier ones of the run.
    """
    if values.size < run:
        return np.zeros(values.shape, dtype=bool)
    same = np.concatenate(([False], (np.abs(np.diff(values)) < 1e-9) & (np.abs(values[1:]) > 1e-9)))
    index = np.arange(values.size)
    begin = np.maximum.accumulate(np.where(same, 0, index))
    length = index - begin + 1
    marked = np.zeros(values.shape, dtype=bool)
    for end in np.flatnonzero((length >= run) & np.concatenate((length[1:] <= length[:-1], [True]))):
        marked[begin[end] : end + 1] = True
    return marked


def without_frozen(values: FloatArray, run: int = FROZEN_RUN) -> FloatArray:
    """The values with stuck ones as NaN."""
    return np.where(frozen(values, run), np.nan, values)
