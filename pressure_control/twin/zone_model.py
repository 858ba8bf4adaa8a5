"""What a twin asks of a hydraulic copy of a zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from domain.points import PointKey
from domain.series import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """What counts in a zone: N nodes with customers, and the watched points."""

    names: tuple[str, ...]
    """Of the nodes with customers that have the minimum pressure by the network's own setpoints."""
    connections: FloatArray
    """Customers at each, by its demand, shape (N,)."""
    nearest: tuple[PointKey, ...]
    """Critical point nearest to each along the pipes, shape (N,); itself where it is one."""
    measured: tuple[bool, ...]
    """Whether each is a critical point, shape (N,)."""
    points: tuple[PointKey, ...]
    """Watched points, critical and inlets of valves downstream."""
    left_out: int = 0
    """Nodes with customers that the network's own setpoints leave below the minimum: not held by the twin either."""


class ZoneModel(Protocol):
    """A zone fed at its valves, in metres below the mean outlet pressure of these valves."""

    @property
    def places(self) -> Places:
        """What counts."""
        ...

    def losses(self, flow_m3h: float, week_s: float, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        """Mean outlet pressure less pressure [m], at ``places.names`` and at ``places.points``.

        Args:
            flow_m3h: Inflow of all valves together.
            week_s: Local time since Monday 00:00 [s]: how the flow is spread over the customers.
            offsets_m: Outlet pressure of each valve above the mean of all.

        Raises:
            KhettaraError: The copy finds no solution.
        """
        ...

    def still(self, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        """The same without flow: differences in height alone."""
        ...
