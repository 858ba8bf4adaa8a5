"""What a zone usually takes at this time of the day: the 5-95 % band of the days before, by local time. Pure but for one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from console.trends import jsonable, net_inflow
from domain.inventory import Inventory
from domain.ports import SeriesSource
from domain.series import FloatArray, local_days_and_minutes

DAYS = 14
SLOT_S = 900
"""Width of a time of day [s]."""
LEAST = 12
"""Values a time of day needs before it is judged: with its neighbours, four days."""
LOW, HIGH = 0.05, 0.95
AHEAD_S = 6 * 3600
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """Columns of one shape (T,); NaN where too little is known."""

    seconds: FloatArray
    """Start of each step, seconds since 1970 UTC."""
    low_m3h: FloatArray
    high_m3h: FloatArray

    def columns(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "step_s": SLOT_S,
            "seconds": [int(s) for s in self.seconds],
            "low_m3h": jsonable(self.low_m3h),
            "high_m3h": jsonable(self.high_m3h),
        }


async def inflow_band(source: SeriesSource, inventory: Inventory, zone: str, *, end: datetime, hours: float) -> Band:
    """The band over the last ``hours`` and some ahead, out of the days before them: a new leak does not widen its own band."""
    first_s = int((end - timedelta(hours=hours)).timestamp()) // SLOT_S * SLOT_S
    past = np.arange(first_s - DAYS * _DAY_S, first_s, SLOT_S, dtype=np.float64)
    shown = np.arange(first_s, end.timestamp() + AHEAD_S, SLOT_S, dtype=np.float64)
    inlets = inventory.zones[zone].inlets
    span = (datetime.fromtimestamp(past[0], UTC), datetime.fromtimestamp(first_s, UTC))
    found = await source.series([i.point for i in inlets], *span, SLOT_S)
    values = net_inflow(found, inlets, past, SLOT_S)
    low, high = usual(past, values, shown, local=inventory.site.calendar.zone)
    return Band(seconds=shown, low_m3h=low, high_m3h=high)


def usual(past_s: FloatArray, values: FloatArray, shown_s: FloatArray, *, local: ZoneInfo) -> tuple[FloatArray, FloatArray]:
    """Quantiles of the past at each shown moment's time of day, its two neighbours counted in.

    Args:
        past_s: Times of the past (N,), multiples of ``SLOT_S``, seconds since 1970 UTC.
        values: What was measured then (N,); NaN counts as nothing.
        shown_s: Times asked for (T,).
        local: Whose clock people live by.
    """
    slots = _DAY_S // SLOT_S
    of_past, of_shown = _slots(past_s, local), _slots(shown_s, local)
    low, high = np.full(slots, np.nan), np.full(slots, np.nan)
    known = np.isfinite(values)
    for slot in np.unique(of_shown):
        apart = (of_past - slot + slots // 2) % slots - slots // 2
        near = values[known & (np.abs(apart) <= 1)]
        if near.size >= LEAST:
            low[slot], high[slot] = np.quantile(near, [LOW, HIGH])
    return low[of_shown], high[of_shown]


def _slots(seconds: FloatArray, local: ZoneInfo) -> NDArray[np.int64]:
    """Number of the slot of the local day."""
    _, minutes = local_days_and_minutes(seconds, local)
    return np.asarray(minutes * 60.0 // SLOT_S, dtype=np.int64)
