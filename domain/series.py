"""Series: one point as arrays, for numeric code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.points import PointKey

FloatArray = NDArray[np.float64]
TimeArray = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One point over time.

    ``times``, ``values`` and ``quality`` have one shape (T,); times ascend and are UTC ``datetime64[ms]``.
    """

    point: PointKey
    times: TimeArray
    values: FloatArray
    """In the canonical unit of the point; NaN where missing."""
    quality: NDArray[np.int16]

    def __post_init__(self) -> None:
        if not (self.times.shape == self.values.shape == self.quality.shape):
            raise ValueError(
                f"series {self.point}: times {self.times.shape}, values {self.values.shape} and "
                f"quality {self.quality.shape} must have one shape"
            )

    def __len__(self) -> int:
        return int(self.times.size)

    @property
    def seconds(self) -> FloatArray:
        """Times as seconds since 1970-01-01 UTC, shape (T,)."""
        return self.times.astype("datetime64[ms]").astype(np.int64).astype(np.float64) / 1000.0

    def good(self) -> Series:
        """The part with a finite value and quality good (0) or estimated (3)."""
        keep = np.isfinite(self.values) & np.isin(self.quality, (0, 3))
        return Series(point=self.point, times=self.times[keep], values=self.values[keep], quality=self.quality[keep])

    def between(self, start: datetime, end: datetime) -> Series:
        """The part with start <= time < end."""
        low, high = to_datetime64(start), to_datetime64(end)
        keep = (self.times >= low) & (self.times < high)
        return Series(point=self.point, times=self.times[keep], values=self.values[keep], quality=self.quality[keep])


def to_datetime64(moment: datetime) -> np.datetime64:
    """An aware moment as UTC ``datetime64[ms]``."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ms")


def from_datetime64(moment: np.datetime64) -> datetime:
    """A UTC ``datetime64`` as an aware moment."""
    return datetime.fromtimestamp(int(moment.astype("datetime64[ms]").astype(np.int64)) / 1000.0, UTC)


def empty(point: PointKey) -> Series:
    """A series without a value."""
    return Series(
        point=point,
        times=np.array([], dtype="datetime64[ms]"),
        values=np.array([], dtype=np.float64),
        quality=np.array([], dtype=np.int16),
    )


def on_grid(series: Series, start_s: float, step_s: float, size: int) -> FloatArray:
    """The good values on a regular grid: shape (size,), entry i is the mean over start + [i, i+1) steps, NaN where none is.

    Args:
        series: Readings or bucket means.
        start_s: Start of the grid, seconds since 1970 UTC.
        step_s: Width of a grid cell [s].
        size: Number of cells.
    """
    good = series.good()
    cell = np.floor((good.seconds - start_s) / step_s).astype(np.int64)
    inside = (cell >= 0) & (cell < size)
    count = np.bincount(cell[inside], minlength=size)[:size]
    total = np.bincount(cell[inside], weights=good.values[inside], minlength=size)[:size]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def local_days_and_minutes(seconds: FloatArray, zone: ZoneInfo) -> tuple[NDArray[np.int64], FloatArray]:
    """Local day (``date.toordinal``) and local minute of the day of each moment, right over clock changes.

    Args:
        seconds: Seconds since 1970 UTC, shape (T,).
        zone: The local time zone; its offset is taken to be constant inside a UTC quarter of an hour.
    """
    quarters, where = np.unique(np.floor_divide(seconds, 900.0), return_inverse=True)
    offsets = [datetime.fromtimestamp(q * 900.0, UTC).astimezone(zone).utcoffset() for q in quarters]
    offset_s = np.array([o.total_seconds() if o is not None else 0.0 for o in offsets])
    local = seconds + offset_s[where]
    days = np.floor_divide(local, 86400.0)
    epoch = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    return days.astype(np.int64) + epoch, (local - days * 86400.0) / 60.0
