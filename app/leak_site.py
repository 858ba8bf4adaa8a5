"""A site's network for the leak detection: ``leaks.toml`` in the site folder says which of its names are points of ours.

    network = "network.inp"       # beside leaks.toml
    zone = "medina"               # of every pipe; only where the file tags its nodes with no zone of the site

    [gauges]                      # pressure point = node of the network
    "oued.low" = "n54"

    [meters]                      # flow point = link: every inlet, and each pump that fills a tank
    "oued.inlet.flow" = "PRV-1"

    [tanks]                       # level point = tank
    "tank.level" = "T1"

Without the file the zones are watched by their inflow alone, as before. The balance of customers' meters behind a tank, which a
replay makes, is not made here: sums by zone are not those of exactly that part of the network, every day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from pathlib import Path

from app.site import read_toml
from domain.errors import ConfigurationError
from domain.inventory import Inventory
from domain.points import PointKey, Role
from domain.quantities import Quantity
from domain.tables import Table, closest
from leak_detection.network_leaks import NetworkPoints
from leak_detection.network_past import LEAST_GAUGES
from simulator.inp import Row, number, read_sections, word

FILE = "leaks.toml"
_STEPS_S = (900, 1800, 3600)
Sections = Mapping[str, Sequence[Row]]


def load_network_points(folder: Path, inventory: Inventory) -> NetworkPoints | None:
    """What the network layer needs of a site; None where the site has no ``leaks.toml``.

    Raises:
        ConfigurationError: No such network file; a point, node, link, tank or zone that does not exist; too few gauges, no meter.
    """
    if not (folder / FILE).is_file():
        return None
    table = Table.root(FILE, read_toml(folder / FILE))
    table.only("network", "zone", "gauges", "meters", "tanks")
    name = table.text("network")
    sections = _read_network(table, folder / name)
    nodes = _names(sections, "JUNCTIONS", "RESERVOIRS", "TANKS")
    gauges = _named(table, "gauges", inventory, Quantity.PRESSURE, nodes, "node")
    meters = _named(table, "meters", inventory, Quantity.FLOW, _names(sections, "PIPES", "PUMPS", "VALVES"), "link")
    tanks = _named(table, "tanks", inventory, Quantity.LEVEL, _names(sections, "TANKS"), "tank")
    if len(gauges) < LEAST_GAUGES:
        raise table.wrong("gauges", sorted(gauges), f'{LEAST_GAUGES} gauges or more, lines like "oued.low" = "n54"')
    if not meters:
        raise table.wrong("meters", None, 'a meter at every inlet, lines like "oued.inlet.flow" = "PRV-1"')
    slowest = max(inventory.points[p].period_s for p in (*gauges, *meters, *tanks))
    return NetworkPoints(
        network=folder / name,
        gauges=gauges,
        meters=meters,
        tanks=tanks,
        zones=pipe_zones(sections, set(inventory.zones), _zone(table, inventory)),
        step_s=next((s for s in _STEPS_S if s >= slowest), _STEPS_S[-1]),
        steered=_steered(gauges, inventory),
        valves=_valves(inventory, _names(sections, "VALVES")),
    )


def _steered(gauges: Iterable[PointKey], inventory: Inventory) -> dict[PointKey, PointKey]:
    """Gauges of zones with one steered valve, and the pressure at its outlet; of two in a zone neither tells what is due to it."""
    valves: dict[str, list[PointKey]] = {}
    for actuator in inventory.actuators.values():
        valves.setdefault(actuator.zone, []).append(actuator.outlet_pressure)
    found = {}
    for gauge in gauges:
        point = inventory.points[gauge]
        outlets = valves.get(point.zone or "", [])
        if len(outlets) == 1 and gauge != outlets[0] and point.role is not Role.INLET_PRESSURE:
            found[gauge] = outlets[0]
    return found


def _valves(inventory: Inventory, known: set[str]) -> dict[str, str] | None:
    """Valves of the network and their actuators, by the ``node`` of the setpoint's point; None where one says no valve of it."""
    found = {inventory.points[a.setpoint].node or "": a.key for a in inventory.actuators.values()}
    return found if set(found) <= known else None


def _read_network(table: Table, file: Path) -> Sections:
    try:
        sections = read_sections(file.read_text(errors="replace"))
    except OSError:
        raise table.wrong("network", file.name, "the name of a network file (.inp) beside leaks.toml") from None
    if not sections.get("PIPES") or not sections.get("JUNCTIONS"):
        raise table.wrong("network", file.name, "an EPANET network file: this one has no pipes or no junctions")
    return sections


def _names(sections: Sections, *kinds: str) -> set[str]:
    return {row.words[0] for kind in kinds for row in sections.get(kind, ())}


def _named(table: Table, key: str, inventory: Inventory, quantity: Quantity, known: set[str], what: str) -> dict[PointKey, str]:
    """Points of one kind and their names in the network."""
    found, part = dict[PointKey, str](), table.table(key)
    for point, name in table.mapping(key).items():
        if point not in inventory.points:
            raise part.wrong(point, name, f"a point of the site{_near(point, inventory.points)}")
        if (measured := inventory.points[PointKey(point)].quantity) is not quantity:
            raise part.wrong(point, name, f"a point that measures {quantity.value}; it measures {measured.value}")
        if name not in known:
            raise part.wrong(point, name, f"a {what} of the network{_near(name, known)}")
        if name in found.values():
            raise part.wrong(point, name, f"a {what} that no other point stands for")
        found[PointKey(point)] = name
    return found


def _near(word: str, known: Sequence[str] | set[str] | Mapping[PointKey, object]) -> str:
    near = closest(word, [str(k) for k in known])
    return f"; did you mean {near!r}?" if near else ""


def _zone(table: Table, inventory: Inventory) -> str | None:
    """The zone of pipes that nothing else tells a zone."""
    zone = table.text("zone", None)
    if zone is not None and zone not in inventory.zones:
        raise table.wrong("zone", zone, f"a zone of the site{_near(zone, set(inventory.zones))}")
    metered = inventory.metered_zones()
    return zone or (metered[0].key if len(metered) == 1 else None)


def pipe_zones(sections: Sections, zones: set[str], otherwise: str | None) -> dict[str, str]:
    """Zone of each pipe by the tags of its nodes; of one without, the nearest along the pipes.

    Args:
        sections: Of the network file.
        zones: Keys of the site's zones; other tags say nothing.
        otherwise: Where no node has a tag.

    Raises:
        ConfigurationError: No node has a tag, and nothing stands in for it.
    """
    tags = {r.words[1]: r.words[2] for r in sections.get("TAGS", ()) if len(r.words) > 2 and r.words[0].upper() == "NODE"}
    tags = {node: zone for node, zone in tags.items() if zone in zones}
    if not tags and otherwise is None:
        raise ConfigurationError(
            file=FILE, key="zone", value=None, expected="the key of a zone: no node of the network is tagged with one of the site's"
        )
    near = _nearest(sections, tags)
    found = {}
    for row in sections.get("PIPES", ()):
        pipe, start, end = row.words[0], word(row, 1, section="PIPES", what="a node"), word(row, 2, section="PIPES", what="a node")
        ends = (start, end) if start in tags or end not in tags else (end, start)
        found[pipe] = near.get(ends[0]) or near.get(ends[1]) or otherwise or next(iter(tags.values()))
    return found


def _nearest(sections: Sections, tags: Mapping[str, str]) -> dict[str, str]:
    """Zone of each node, its own or that of the nearest tagged one along pipes, valves and pumps (Dijkstra)."""
    links: dict[str, list[tuple[str, float]]] = {}
    for kind in ("PIPES", "VALVES", "PUMPS"):
        for row in sections.get(kind, ()):
            start, end = word(row, 1, section=kind, what="a node"), word(row, 2, section=kind, what="a node")
            length = number(row, 3, section=kind, what="a length") if kind == "PIPES" else 0.0
            links.setdefault(start, []).append((end, length))
            links.setdefault(end, []).append((start, length))
    found: dict[str, str] = {}
    todo = [(0.0, node, zone) for node, zone in sorted(tags.items())]
    while todo:
        far, node, zone = heappop(todo)
        if node not in found:
            found[node] = zone
            for other, length in links.get(node, ()):
                heappush(todo, (far + length, other, zone))
    return found
