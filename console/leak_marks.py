"""Leaks whose place is known, as the map draws them: a mark at the most probable pipe, and the confidence region's pipes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.geometry import map_grid
from console.ports import MapGeometry
from console.trails import Cell, Pipe, walk
from domain.findings import Finding, FindingKind
from domain.inventory import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakNow:
    """One open leak on the map, in whole steps of its grid."""

    key: str
    """Of the finding."""
    zone: str
    pipe: str
    """The most probable."""
    flow_m3h: float
    probability: float
    """That it lies in the region; of the pipe itself where there is none."""
    x: int
    y: int
    walks: tuple[tuple[int, ...], ...]
    """Pipes of the region (see ``trails``)."""


class LeakMarks:
    """Draws findings on one network.

    Args:
        geometry: The network.
        inventory: Whose symbols share the grid.
    """

    def __init__(self, geometry: MapGeometry, inventory: Inventory) -> None:
        grid = map_grid(geometry, inventory)
        cells: dict[str, Cell] = {name: grid.cell(place) for name, place in geometry.nodes.items()}
        self._pipes: dict[str, Pipe] = {name: (cells[a], cells[b]) for name, a, b, _ in geometry.links if a in cells and b in cells}

    def of(self, findings: Iterable[Finding]) -> tuple[LeakNow, ...]:
        """The leaks among them that are open and have a pipe on the map, by key."""
        drawn = (self._drawn(f) for f in findings if f.open and f.kind is not FindingKind.METER_FAULT)
        return tuple(sorted((leak for leak in drawn if leak is not None), key=lambda leak: leak.key))

    def _drawn(self, finding: Finding) -> LeakNow | None:
        first = max(finding.places, key=lambda p: p.probability, default=None)
        if first is None or first.pipe not in self._pipes:
            return None
        (x1, y1), (x2, y2) = self._pipes[first.pipe]
        region = finding.region
        pipes = (first.pipe,) if region is None else region.pipes
        return LeakNow(
            key=finding.key,
            zone=finding.zone,
            pipe=first.pipe,
            flow_m3h=finding.flow_m3h,
            probability=first.probability if region is None else region.probability,
            x=round((x1 + x2) / 2),
            y=round((y1 + y2) / 2),
            walks=tuple(tuple(steps) for steps in walk(self._pipes[p] for p in pipes if p in self._pipes)),
        )
