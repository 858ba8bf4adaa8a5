"""Readings as the spool holds them: packed little-endian rows, 22 bytes each, one block of one device at a time.

channel u4 │ time_ms i8 │ value f8 (NaN = no value) │ quality i2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.delivery import SequenceRange
from domain.readings import Quality

READING = np.dtype([("channel", "<u4"), ("time_ms", "<i8"), ("value", "<f8"), ("quality", "<i2")])
"""One spooled reading."""

Rows = NDArray[np.void]
"""Array of ``READING``, shape (N,)."""


class Lane(IntEnum):
    """What goes first when there is more to send than the window holds."""

    LIVE = 0
    BACKLOG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolReading:
    """One value of one metric of one device, not yet numbered."""

    device: str
    metric: str
    """Field name of the device model; its suffix is the canonical unit."""
    time_ms: int
    """When it was observed [ms since 1970 UTC]."""
    value: float | None
    """In the canonical unit; None where the device gave none."""
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A metric of a device and its Sparkplug alias."""

    alias: int
    device: str
    metric: str
    datatype: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHead:
    """A block without its readings."""

    range: SequenceRange
    device: str
    lane: Lane
    historical: bool
    """Spooled as history: every reading of it is marked so."""

    @property
    def first(self) -> int:
        """The block's identity within its epoch."""
        return self.range.first


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Consecutive readings of one device; the i-th has sequence number ``head.range.first + i``."""

    head: BlockHead
    rows: Rows


def pack(channels: Sequence[int], readings: Sequence[SpoolReading]) -> Rows:
    """Rows of readings whose channels are already known, in the order given."""
    rows = np.empty(len(readings), dtype=READING)
    rows["channel"] = channels
    rows["time_ms"] = [r.time_ms for r in readings]
    rows["value"] = [np.nan if r.value is None else r.value for r in readings]
    rows["quality"] = [int(r.quality) for r in readings]
    return rows


def columns(channel: int, time_ms: NDArray[Any], value: NDArray[Any]) -> Rows:
    """Rows of one channel from two arrays of shape (N,); NaN is a reading without a value, quality good."""
    rows = np.zeros(len(time_ms), dtype=READING)
    rows["channel"] = channel
    rows["time_ms"] = time_ms
    rows["value"] = value
    return rows
