"""What is known of gauges: faults with beginning and end, and for each day which gauges may be used and with what correction."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class GaugeFault:
    """One spell of one gauge."""

    gauge: int
    kind: str
    """dead, stuck, coarse, noise, clock, step or drift."""
    since_day: int
    found_day: int
    size: float
    """In ``unit``."""
    unit: str
    words: str
    """Reason with its figures, for a person."""
    until_day: int | None = None
    """First day on which the gauge was in order again, or was used with a correction."""
    closed_day: int | None = None
    """Day on which that was known."""
    corrected: bool = False
    """A clock set right, or a new level taken off."""


@dataclass(slots=True, kw_only=True, eq=False)
class GaugeRecord:
    """Days and faults so far; every day may still be revised by a later one."""

    gauges: int
    faults: list[GaugeFault] = field(default_factory=list)
    usable: BoolArray = field(init=False)
    """Shape (days, G), as the next two."""
    offset_m: FloatArray = field(init=False)
    clock_samples: IntArray = field(init=False)
    level_m: FloatArray = field(init=False)
    """Offset of each gauge that is taken off from now on."""

    def __post_init__(self) -> None:
        self.level_m = np.zeros(self.gauges)
        self.usable = np.ones((0, self.gauges), dtype=bool)
        self.offset_m = np.zeros((0, self.gauges))
        self.clock_samples = np.zeros((0, self.gauges), dtype=np.int64)

    @property
    def day(self) -> int:
        """The day that is being looked at."""
        return len(self.usable) - 1

    def begin_day(self) -> None:
        """A new day: usable until something is found."""
        self.usable = np.concatenate([self.usable, np.ones((1, self.gauges), dtype=bool)])
        self.offset_m = np.concatenate([self.offset_m, self.level_m[None]])
        self.clock_samples = np.concatenate([self.clock_samples, np.zeros((1, self.gauges), dtype=np.int64)])

    def block(self, gauge: int, since_day: int) -> None:
        """Not usable from a day to today."""
        self.usable[max(since_day, 0) :, gauge] = False

    def tell(self, fault: GaugeFault) -> GaugeFault:
        """Writes a new fault down and blocks its gauge; one with a correction stays usable."""
        self.faults.append(fault)
        if not fault.corrected:
            self.block(fault.gauge, fault.since_day)
        return fault

    def close(self, fault: GaugeFault, until_day: int) -> None:
        """The gauge is used again from ``until_day``: its days since then are given back."""
        fault.until_day, fault.closed_day = until_day, self.day
        self.usable[max(until_day, 0) :, fault.gauge] = True
