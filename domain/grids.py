"""A sliding grid of the newest weeks of many points, so that a tick reads minutes, not weeks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from domain.points import PointKey
from domain.ports import SeriesSource
from domain.series import FloatArray, on_grid

_OVERLAP_S = 3600.0
"""The newest bucket means are read again: late readings still change them."""
_HEAL_S = 6 * 3600.0
"""How often the last days are read again, so that what a broken link delivered late is used."""
_HEAL_SPAN_S = 2 * 86400.0
_FILL_S = 1800.0
_FULL_SHARE = 0.9
"""Below this share of filled buckets the whole span is read again now and then: a history may still be loading."""

_STEPS_S = (300, 900, 1800, 3600)


def grid_step_s(periods_s: Iterable[int]) -> int:
    """The narrowest bucket, of five minutes at least and an hour at most [s], in which each of these points says something.

    Args:
        periods_s: Expected time between two readings of each point [s].
    """
    slowest = max(periods_s, default=0)
    return next((step for step in _STEPS_S if step >= slowest), _STEPS_S[-1])


class GridCache:
    """Bucket means of some points over the last days, kept up to date by small reads.

    Args:
        source: Where readings come from.
        points: What to keep.
        step_s: Width of a bucket [s].
        span_s: How much to keep [s].
        settle_s: Buckets that end later than so long before now are not used yet: their readings may be on the way.
    """

    def __init__(
        self,
        source: SeriesSource,
        points: Sequence[PointKey],
        *,
        step_s: float = 300.0,
        span_s: float = 28 * 86400.0,
        settle_s: float = 120.0,
    ) -> None:
        self._source = source
        self._points = tuple(dict.fromkeys(points))
        self._step_s = step_s
        self._size = round(span_s / step_s)
        self._settle_s = settle_s
        self._end_s: float | None = None
        self._healed_s = -np.inf
        self._read_all_s = -np.inf
        self._values: dict[PointKey, FloatArray] = {p: np.full(self._size, np.nan) for p in self._points}

    @property
    def step_s(self) -> float:
        """Width of a bucket [s]."""
        return self._step_s

    @property
    def start_s(self) -> float:
        """Start of the grid, seconds since 1970 UTC."""
        if self._end_s is None:
            raise RuntimeError("the cache is empty: call refresh first")
        return self._end_s - self._size * self._step_s

    @property
    def grids(self) -> Mapping[PointKey, FloatArray]:
        """Values of each point, shape (T,); NaN where missing. Valid until the next ``refresh``."""
        return self._values

    async def refresh(self, now: datetime) -> bool:
        """Reads what is new up to ``now``; False if no bucket has become complete since the last call."""
        end = np.floor((now.timestamp() - self._settle_s) / self._step_s) * self._step_s
        first = self._end_s is None
        if self._end_s is not None and end <= self._end_s:
            return False
        read_from = end - self._size * self._step_s if self._end_s is None else self._end_s - _OVERLAP_S
        if not first and end - self._healed_s >= _HEAL_S:
            read_from = min(read_from, end - _HEAL_SPAN_S)
        if not first and end - self._read_all_s >= _FILL_S and self._filled() < _FULL_SHARE:
            read_from = -np.inf
        read_from = max(read_from, end - self._size * self._step_s)
        if first or read_from <= end - _HEAL_SPAN_S:
            self._healed_s = end
        if read_from <= end - self._size * self._step_s:
            self._read_all_s = end
        rows = await self._source.series(
            self._points, datetime.fromtimestamp(read_from, UTC), datetime.fromtimestamp(end, UTC), step_s=round(self._step_s)
        )
        self._slide(end)
        count = round((end - read_from) / self._step_s)
        for point, series in rows.items():
            if point in self._values:
                fresh = on_grid(series, read_from, self._step_s, count)
                tail = self._values[point][self._size - count :]
                self._values[point][self._size - count :] = np.where(np.isfinite(fresh), fresh, tail)
        return True

    def _filled(self) -> float:
        """Share of buckets with a value, over all points that have any."""
        shares = [float(np.isfinite(v).mean()) for v in self._values.values()]
        some = [s for s in shares if s > 0]
        return sum(some) / len(some) if some else 0.0

    def _slide(self, end: float) -> None:
        if self._end_s is not None:
            shift = min(self._size, round((end - self._end_s) / self._step_s))
            for point, values in self._values.items():
                self._values[point] = np.concatenate((values[shift:], np.full(shift, np.nan)))
        self._end_s = float(end)
