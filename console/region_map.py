"""A small map of one zone for pages about a place in it: pipes as one path, ranked pipes above them, marks. Pure.

Drawn as SVG by the server, so that it is there without a network and without scripts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

from console.ports import MapGeometry

SIDE = 600.0
"""The longer side of the drawing, in its own units."""
_PAD = 24.0
_AROUND_M = 300.0
_NEAR_M = 300.0
"""A point so far from every pipe of a zone lies in none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPlace:
    """A ranked pipe."""

    pipe: str
    path: str
    rank: int
    """1 is the most probable."""
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A spot, e.g. of a complaint."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionMap:
    """A drawing of ``width`` × ``height`` units, y pointing down."""

    width: float
    height: float
    pipes: str
    """Path of every pipe of the zone."""
    places: tuple[DrawnPlace, ...]
    region: str
    """Path of the pipes of the confidence region; empty where there is none."""
    marks: tuple[Mark, ...]
    west: float
    """Network coordinates of the drawing's upper left corner [m] and metres a unit: a click becomes a place."""
    north: float
    metres: float


def region_map(
    geometry: MapGeometry,
    zone: str,
    *,
    places: Sequence[str] = (),
    region: Sequence[str] = (),
    marks: Sequence[tuple[float, float, str]] = (),
) -> RegionMap | None:
    """The map of a zone; None where nothing of it can be drawn.

    Args:
        geometry: The network.
        zone: Zone key.
        places: Pipes, the most probable first; those that are not on the map are left out.
        region: Pipes of the confidence region.
        marks: (x, y, label) in network coordinates; those far from the zone are left out, or they would make it small.
    """
    lines = {name: (*geometry.nodes[a], *geometry.nodes[b]) for name, a, b, z in geometry.links
             if (z == zone or name in places or name in region) and a in geometry.nodes and b in geometry.nodes}  # fmt: skip
    if not lines:
        return None
    xs = [c for line in lines.values() for c in (line[0], line[2])]
    ys = [c for line in lines.values() for c in (line[1], line[3])]
    near = [
        m
        for m in marks
        if min(xs) - _AROUND_M <= m[0] <= max(xs) + _AROUND_M and min(ys) - _AROUND_M <= m[1] <= max(ys) + _AROUND_M
    ]
    xs, ys = xs + [m[0] for m in near], ys + [m[1] for m in near]
    metres = max(max(xs) - min(xs), max(ys) - min(ys), 1.0) / (SIDE - 2 * _PAD)
    west, north = min(xs) - _PAD * metres, max(ys) + _PAD * metres

    def at(x: float, y: float) -> tuple[float, float]:
        return round((x - west) / metres, 1), round((north - y) / metres, 1)

    def path(line: tuple[float, ...]) -> str:
        (x1, y1), (x2, y2) = at(line[0], line[1]), at(line[2], line[3])
        return f"M{x1:g} {y1:g}L{x2:g} {y2:g}"

    drawn = []
    for rank, pipe in enumerate((p for p in places if p in lines), 1):
        x, y = at((lines[pipe][0] + lines[pipe][2]) / 2, (lines[pipe][1] + lines[pipe][3]) / 2)
        drawn.append(DrawnPlace(pipe=pipe, path=path(lines[pipe]), rank=rank, x=x, y=y))
    width, height = at(max(xs) + _PAD * metres, min(ys) - _PAD * metres)
    return RegionMap(
        width=width,
        height=height,
        pipes="".join(path(line) for line in lines.values()),
        places=tuple(drawn),
        region="".join(path(lines[pipe]) for pipe in region if pipe in lines),
        marks=tuple(Mark(x=at(x, y)[0], y=at(x, y)[1], label=label) for x, y, label in near),
        west=west,
        north=north,
        metres=metres,
    )


def pipe_middles(
    geometry: MapGeometry, pipes: Mapping[str, float] | None = None, zone: str | None = None
) -> dict[str, tuple[float, float]]:
    """Middle of each of these pipes, or of each of a zone [m]."""
    found = {}
    for name, a, b, z in geometry.links:
        wanted = name in pipes if pipes is not None else z == zone
        if wanted and a in geometry.nodes and b in geometry.nodes:
            (x1, y1), (x2, y2) = geometry.nodes[a], geometry.nodes[b]
            found[name] = ((x1 + x2) / 2, (y1 + y2) / 2)
    return found


def pipe_lengths(geometry: MapGeometry, zone: str) -> dict[str, float]:
    """Length of each pipe of a zone as drawn [m], at least one metre."""
    return {
        name: max(1.0, hypot(geometry.nodes[a][0] - geometry.nodes[b][0], geometry.nodes[a][1] - geometry.nodes[b][1]))
        for name, a, b, z in geometry.links
        if z == zone and a in geometry.nodes and b in geometry.nodes
    }


def zone_at(geometry: MapGeometry, x: float, y: float) -> str | None:
    """The zone of the nearest pipe, if one is near."""
    best, found = _NEAR_M, None
    for _, a, b, zone in geometry.links:
        if not zone or a not in geometry.nodes or b not in geometry.nodes:
            continue
        away = _distance(x, y, geometry.nodes[a], geometry.nodes[b])
        if away < best:
            best, found = away, zone
    return found


def _distance(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    """From a point to the stretch between two others."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else min(1.0, max(0.0, ((x - a[0]) * dx + (y - a[1]) * dy) / length))
    return hypot(x - a[0] - along * dx, y - a[1] - along * dy)
