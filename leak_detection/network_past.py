"""What the network layer starts from: weeks of gauges and meters on a grid, and what was learnt of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.errors import KhettaraError
from domain.series import FloatArray
from leak_detection.network_run import NetworkRun
from leak_detection.network_valves import PressureValve

LEAST_KNOWN = 0.2
"""Share of its samples: a gauge or meter with fewer in the days that teach is left out."""
LEAST_GAUGES = 3


class CalibrationError(KhettaraError):
    """The past does not suffice to make the network's copy agree with it; says in words what is missing."""

    retryable = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkPast:
    """A network's gauges and meters over whole days and what has come of the day that is not over."""

    network: Path
    """EPANET file."""
    gauges: tuple[str, ...]
    """Nodes."""
    meters: tuple[str, ...]
    """Links."""
    tanks: tuple[str, ...]
    opening: int
    """Days that teach."""
    per_day: int
    hour: NDArray[np.int64]
    """Local hour of the day of each row, shape (T,)."""
    pressure_m: FloatArray
    """Shape (T, G); NaN where missing."""
    drivers: FloatArray
    """Flows of ``meters`` [m³/h], then levels of ``tanks`` [m], shape (T, D)."""
    customers_m3h: FloatArray | None = None
    """Sum of the customers' meters by day, shape (days,); NaN where none was read."""
    repairs: tuple[tuple[float, str], ...] = ()
    """Of proved repairs: days since the first row, with fraction, and pipes; those after the days that teach among them."""

    @property
    def days(self) -> int:
        """Whole days."""
        return len(self.pressure_m) // self.per_day


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearnedNetwork:
    """The layer at the end of its past."""

    run: NetworkRun
    pipes: tuple[str, ...]
    """Names of the places."""
    gauges: NDArray[np.bool_]
    """Which of the past's gauges are used, shape (G,)."""
    drivers: NDArray[np.bool_]
    """Which of its meters and tanks, shape (D,)."""
    misfit: tuple[float, float]
    """Root mean square of measured less predicted, over the error of a measurement, before and after the calibration."""
    doubts: tuple[str, ...] = ()
    """What makes its places less sure, in words: points left out, a file that does not agree with them."""
    valves: tuple[PressureValve, ...] = ()
    """Of the network file, in the order of ``SignatureSet.wander_m``."""


def known_enough(values: FloatArray) -> NDArray[np.bool_]:
    """Which columns have values often enough, shape (columns,)."""
    return np.asarray(np.isfinite(values).mean(axis=0) >= LEAST_KNOWN)


def silent(names: Sequence[str], kept: NDArray[np.bool_]) -> tuple[str, ...]:
    """Names of what was left out."""
    return tuple(name for name, keep in zip(names, kept, strict=True) if not keep)
