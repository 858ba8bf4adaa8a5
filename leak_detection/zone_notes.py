"""What a zone's inflow and its customers' meters cannot both be: a unit, a direction or a zone that is wrong, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from domain.series import FloatArray
from leak_detection import robust

_LESS = 0.8
"""Of the metered use: an inflow below it is no meter's error."""
_MORE, _MORE_UNKNOWN = 2.5, 4.5
"""Times the use of all customers, with a loss of 60 %; times the metered use where the share with a meter is not known."""
_LEAST_HOURS = 48


def contradictions(
    zones: Sequence[str], inflow_m3h: FloatArray, meters_m3h: FloatArray, coverage: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """One sentence a zone that cannot be.

    Args:
        zones: Names, Z of them.
        inflow_m3h: Net inflow, shape (H, Z), NaN where missing.
        meters_m3h: Sums of the customers' meters, shape (H, Z).
        coverage: Share of the customers with a meter, by zone, where known.
    """
    said = (
        _of_zone(zone, inflow_m3h[:, k], meters_m3h[:, k], (coverage or {}).get(zone, float("nan"))) for k, zone in enumerate(zones)
    )
    return tuple(sentence for sentence in said if sentence)


def _of_zone(zone: str, inflow: FloatArray, meters: FloatArray, coverage: float) -> str:
    both = np.isfinite(inflow) & np.isfinite(meters)
    if both.sum() < _LEAST_HOURS:
        return ""
    flow, use = robust.scalar_median(inflow[both]), robust.scalar_median(meters[both])
    if flow < 0:
        return f"inflow of {zone} is negative ({flow:.1f} m³/h at the median): the meter counts backwards or outflow for inflow"
    if use > 0 and flow == 0:
        return f"inflow of {zone} is zero while its customers use {use:.1f} m³/h: the meter stands still or is cut off"
    ratio, known = flow / use if use > 0 else 1.0, bool(np.isfinite(coverage) and coverage > 0)
    if ratio < _LESS:
        return (
            f"inflow of {zone} is {ratio:.2f} of what its customers' meters sum to: a unit (m³/h, not L/s), an inlet "
            "that is not counted, or meters of another zone"
        )
    if ratio * (coverage if known else 1.0) > (_MORE if known else _MORE_UNKNOWN):
        return (
            f"inflow of {zone} is {ratio:.1f} times what its customers' meters sum to: a unit (m³/h, not L/h or L/s) or an outlet "
            "that is not counted"
        )
    return ""
