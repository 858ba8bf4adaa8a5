"""Series: one point as arrays, for numeric code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

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
