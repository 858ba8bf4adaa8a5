"""The network for the map: pipes grouped by zone as walks on a grid, and the places people act on. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from console.ports import MapGeometry
from console.trails import Cell, Pipe, grid_step_m, walk
from domain.inventory import Inventory
from domain.points import Point, Role

_SYMBOLS = {
    Role.TANK_LEVEL: "tank",
    Role.PUMP_FLOW: "pump",
    Role.CRITICAL_PRESSURE: "critical",
}

Place = tuple[float, float]


def map_document(geometry: MapGeometry, inventory: Inventory) -> dict[str, Any]:
    """What the map draws, in whole steps of a grid from its south-west corner, y pointing north.

    ``step_m`` is the grid's step [m], ``size`` the number of steps [east, north]; ``zones`` maps each zone key (``""`` for mains
    outside every metered zone) to ``walks`` (see ``trails``) and, for real zones, ``at``, the place of its label; ``symbols`` are
    valves, tanks, pumps and critical points.
    """
    places = _symbols(geometry, inventory)
    grid = map_grid(geometry, inventory)
    metered = {zone.key for zone in inventory.metered_zones()}
    pipes: dict[str, list[Pipe]] = defaultdict(list)
    for _, start, end, zone in geometry.links:
        if start in geometry.nodes and end in geometry.nodes:
            ends = (grid.cell(geometry.nodes[start]), grid.cell(geometry.nodes[end]))
            pipes[zone if zone in metered else ""].append(ends)
    symbols = []
    for kind, key, owner, place in places:
        x, y = grid.cell(place)
        symbols.append({"kind": kind, "key": key, "zone": owner, "x": x, "y": y})
    return {
        "step_m": grid.step_m,
        "size": grid.size,
        "zones": {zone: {"walks": walk(mine), "at": _middle(mine) if zone else None} for zone, mine in sorted(pipes.items())},
        "symbols": symbols,
    }


def map_grid(geometry: MapGeometry, inventory: Inventory) -> Grid:
    """The grid that everything on the map lies on."""
    return Grid([*geometry.nodes.values(), *(place for *_, place in _symbols(geometry, inventory))])


class Grid:
    """Metres to whole steps."""

    def __init__(self, places: list[Place]) -> None:
        xs, ys = [x for x, _ in places] or [0.0], [y for _, y in places] or [0.0]
        self._west, self._south = min(xs), min(ys)
        self.step_m = grid_step_m(max(xs) - self._west, max(ys) - self._south)
        self.size = list(self.cell((max(xs), max(ys))))

    def cell(self, place: Place) -> Cell:
        """The nearest point of the grid."""
        return round((place[0] - self._west) / self.step_m), round((place[1] - self._south) / self.step_m)


def _symbols(geometry: MapGeometry, inventory: Inventory) -> list[tuple[str, str, str | None, Place]]:
    """Kind, key, zone and place of each."""
    links = {name: (start, end) for name, start, end, _ in geometry.links}
    found: list[tuple[str, str, str | None, Place]] = []
    for actuator in inventory.actuators.values():
        points = (inventory.points.get(key) for key in (actuator.setpoint, actuator.outlet_pressure, actuator.flow) if key)
        place = next((p for point in points if (p := _place(point, geometry, links))), None)
        if place:
            found.append(("valve", actuator.key, actuator.zone, place))
    for point in inventory.points.values():
        place = _place(point, geometry, links) if point.role in _SYMBOLS else None
        if place:
            found.append((_SYMBOLS[point.role], str(point.key), point.zone, place))
    return found


def _place(point: Point | None, geometry: MapGeometry, links: dict[str, tuple[str, str]]) -> Place | None:
    if point is None:
        return None
    if point.x is not None and point.y is not None:
        return point.x, point.y
    if point.node is None:
        return None
    ends = links.get(point.node, (point.node, point.node))
    if ends[0] in geometry.nodes and ends[1] in geometry.nodes:
        (x1, y1), (x2, y2) = geometry.nodes[ends[0]], geometry.nodes[ends[1]]
        return (x1 + x2) / 2, (y1 + y2) / 2
    return None


def _middle(pipes: list[Pipe]) -> list[int]:
    """The mean of the ends: inside or near any compact zone."""
    ends = [cell for pipe in pipes for cell in pipe]
    return [round(sum(x for x, _ in ends) / len(ends)), round(sum(y for _, y in ends) / len(ends))]
