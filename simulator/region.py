"""A whole region to measure against: hundreds of zones of streets hung on trunk mains, as inventory documents and as a drawing.

Pure and seedable. No hydraulics run in it: it is there for what must be quick at that size, the map and the tables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

COLUMNS, ROWS = 6, 4
"""Street corners of a zone, across and down."""
BLOCK_M = 90.0
"""Between two corners [m]."""
ZONE_M = BLOCK_M * (COLUMNS + 1.5)
"""Between the middles of two zones [m]."""
GATEWAY_ZONES = 50
"""Zones a gateway serves."""
_NAMES = ("Oulad", "Aïn", "Bir", "Douar", "Ksar", "Riad", "Jnane", "Hay", "Dar", "Sidi")
_SECOND = ("Amal", "Atlas", "Bahia", "Chems", "Fath", "Hana", "Itran", "Karma", "Louz", "Mers", "Nakhil", "Oued", "Qods", "Rmel",
           "Salam", "Tamesna", "Yasmine", "Zitoun")  # fmt: skip
_REGION = {"en": "Region", "fr": "Région", "ar": "الجهة"}

Place = tuple[float, float]


@dataclass(slots=True, kw_only=True)
class Region:
    """The region."""

    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """A site's files as parsed TOML."""
    nodes: dict[str, Place] = field(default_factory=dict)
    """x, y [m]."""
    links: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Name, from, to, zone; the zone is empty for trunk mains."""


def make_region(*, zones: int = 500, pipes: int = 15_000, valves: int = 300, seed: int = 1) -> Region:
    """A region with exactly so many zones and pipes.

    Args:
        zones: District metered areas.
        pipes: Pipes of all zones and trunk mains together.
        valves: Zones with a remote pressure reducing valve at their inlet.
        seed: Of every choice.

    Raises:
        ValueError: Too few or too many pipes for so many zones.
    """
    random, region = Random(seed), Region()
    across = max(1, math.ceil(math.sqrt(zones * 1.25)))
    trunk = [_inlet(region, n, across, random) for n in range(zones)]
    _trunk(region, trunk, across)
    left = pipes - len(region.links)
    corners = COLUMNS * ROWS
    if not zones * (corners - 1) <= left <= zones * (2 * corners - COLUMNS - ROWS):
        raise ValueError(f"{pipes} pipes are too few or too many for {zones} zones of {corners} street corners each")
    for number in range(zones):
        share = left * (number + 1) // zones - left * number // zones
        _streets(region, number, share, random)
    region.documents = _documents(zones, valves, random)
    return region


def zone_key(number: int) -> str:
    """Key of a zone by its number."""
    return f"z{number:03d}"


def _inlet(region: Region, number: int, across: int, random: Random) -> str:
    name = f"{zone_key(number)}.in"
    x, y = number % across * ZONE_M, number // across * ZONE_M
    region.nodes[name] = (x + random.uniform(-40, 40), y + random.uniform(-40, 40))
    return name


def _trunk(region: Region, inlets: list[str], across: int) -> None:
    """Mains along each row of zones, joined at its first zone."""
    for number, name in enumerate(inlets):
        before = number - 1 if number % across else number - across
        if before >= 0:
            region.links.append((f"t{number:04d}", inlets[before], name, ""))


def _streets(region: Region, number: int, pipes: int, random: Random) -> None:
    """A jittered grid that leans: a random tree first, so that every corner has water, then loops up to the number of pipes."""
    zone, lean = zone_key(number), random.uniform(-0.5, 0.5)
    left, top = region.nodes[f"{zone}.in"]
    names = {}
    for column in range(COLUMNS):
        for row in range(ROWS):
            x = (column - COLUMNS / 2) * BLOCK_M + random.uniform(-28, 28)
            y = (row - ROWS / 2) * BLOCK_M + random.uniform(-28, 28)
            names[column, row] = name = f"{zone}.{column}{row}"
            turned = (left + x * math.cos(lean) - y * math.sin(lean), top + x * math.sin(lean) + y * math.cos(lean))
            region.nodes[name] = turned
    middle = (COLUMNS // 2, ROWS // 2)
    region.nodes[f"{zone}.in"] = region.nodes[names[middle]]
    edges = [((c, r), (c + 1, r)) for c in range(COLUMNS - 1) for r in range(ROWS)]
    edges += [((c, r), (c, r + 1)) for c in range(COLUMNS) for r in range(ROWS - 1)]
    random.shuffle(edges)
    group = {corner: corner for corner in names}

    def root(corner: tuple[int, int]) -> tuple[int, int]:
        while group[corner] != corner:
            corner = group[corner]
        return corner

    tree: list[tuple[tuple[int, int], tuple[int, int]]] = []
    loops: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for a, b in edges:
        (loops if root(a) == root(b) else tree).append((a, b))
        group[root(a)] = root(b)
    chosen = tree + loops[: pipes - len(tree)]
    region.links += [(f"{zone}.p{n:02d}", names[a], names[b], zone) for n, (a, b) in enumerate(chosen)]


def _documents(zones: int, valves: int, random: Random) -> dict[str, Mapping[str, Any]]:
    controlled = set(random.sample(range(zones), min(valves, zones)))
    points: list[dict[str, Any]] = []
    devices: list[dict[str, Any]] = []
    actuators: list[dict[str, Any]] = []
    for number in range(zones):
        zone, gateway = zone_key(number), f"gw-{number // GATEWAY_ZONES:02d}"
        channels = {"flow_m3h": f"{zone}.inlet.flow"}
        points.append(_point(f"{zone}.inlet.flow", "flow", "inflow", zone, f"{zone}.in"))
        points.append(_point(f"{zone}.critical1.pressure", "pressure", "critical_pressure", zone, f"{zone}.00"))
        devices.append({"key": f"{zone}-flow", "gateway": gateway, "model": "flowmeter", "channels": channels})
        if number in controlled:
            points.append(_point(f"{zone}.prv.outlet", "pressure", "outlet_pressure", zone, f"{zone}.in"))
            points.append(_point(f"{zone}.prv.setpoint", "pressure", "setpoint", zone, f"{zone}.in"))
            channels = {"outlet_m": f"{zone}.prv.outlet", "setpoint_m": f"{zone}.prv.setpoint"}
            devices.append({"key": f"{zone}-prv", "gateway": gateway, "model": "prv", "channels": channels})
            actuators.append(_valve(zone))
    gateways = [{"node": f"gw-{n:02d}", "group": "region", "name": f"Gateway {n}"} for n in range(-(-zones // GATEWAY_ZONES))]
    return {
        "site.toml": {"site": {"key": "region", "names": _REGION, "timezone": "Africa/Casablanca"}},
        "zones.toml": {"zone": [_root(), *(_zone(n, random) for n in range(zones))]},
        "points.toml": {"point": points},
        "devices.toml": {"gateway": gateways, "device": devices, "actuator": actuators},
    }


def _root() -> dict[str, Any]:
    return {"key": "region", "kind": "region", "names": _REGION}


def _zone(number: int, random: Random) -> dict[str, Any]:
    zone = zone_key(number)
    name = f"{_NAMES[number % len(_NAMES)]} {_SECOND[number // len(_NAMES) % len(_SECOND)]} {number}"
    return {
        "key": zone, "kind": "dma", "parent": "region", "names": {"en": name, "fr": name},
        "inlets": [{"point": f"{zone}.inlet.flow", "sign": 1}], "critical_points": [f"{zone}.critical1.pressure"],
        "min_pressure_m": 20.0, "connections": random.randint(400, 3200), "mains_km": 3.0,
    }  # fmt: skip


def _point(key: str, quantity: str, role: str, zone: str, node: str) -> dict[str, Any]:
    return {
        "key": key, "quantity": quantity, "kind": "instant", "role": role, "zone": zone, "node": node, "resolution": "0.01",
        "period_s": 60,
    }  # fmt: skip


def _valve(zone: str) -> dict[str, Any]:
    return {
        "key": f"prv_{zone}", "device": f"{zone}-prv", "zone": zone, "min_m": 20.0, "max_m": 50.0, "safe_m": 40.0,
        "setpoint": f"{zone}.prv.setpoint", "outlet_pressure": f"{zone}.prv.outlet", "flow": f"{zone}.inlet.flow",
    }  # fmt: skip
