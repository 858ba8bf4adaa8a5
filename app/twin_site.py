"""A site's network file for the law ``model_twin``: ``twin.toml`` in the site folder says which of its names are ours.

    network = "town.inp"          # beside twin.toml

    [valves]                      # actuator = link of the network
    prv_oued = "PRV-1"

    [points]                      # critical point = node of the network
    "oued.low" = "n54"

A zone whose valves and critical points are all named gets a twin; in the others the learner leads alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.twin_network import Network, read_network
from app.twin_zone import EpanetZone, Feed
from domain.errors import ConfigurationError
from domain.inventory import Inventory
from domain.points import PointKey
from pressure_control.observations import ValveTask, valve_tasks
from pressure_control.twin.zone_twin import ZoneTwin

FILE = "twin.toml"
_KEYS = {"network", "valves", "points"}


def load_twins(folder: Path, inventory: Inventory) -> dict[str, ZoneTwin]:
    """Twins by zone; none where the site has no ``twin.toml``.

    Raises:
        ConfigurationError: Not such a file; an actuator, point, link or node that does not exist; a zone named in part only.
        HydraulicsError: No EPANET library, or EPANET does not accept the network.
    """
    file = folder / FILE
    if not file.is_file():
        return {}
    valves, points, network = _read(file, folder)
    for key in set(valves) - set(inventory.actuators):
        raise ConfigurationError(file=FILE, key=f"valves.{key}", value=key, expected="an actuator of the site")
    tasks, twins = valve_tasks(inventory), dict[str, ZoneTwin]()
    for key in set(points) - {str(w.point) for t in tasks.values() for w in t.watched if w.valve is None}:
        raise ConfigurationError(file=FILE, key=f"points.{key}", value=key, expected="a critical point of a zone with a valve")
    for task in tasks.values():
        zone = task.zone.key
        if zone in twins or task.actuator.key not in valves:
            continue
        twins[zone] = _twin(task, network, valves, points)
    return twins


def _read(file: Path, folder: Path) -> tuple[dict[str, str], dict[str, str], Network]:
    try:
        data: dict[str, Any] = tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(file=FILE, key="", value=str(error), expected="a TOML file") from None
    for key in set(data) - _KEYS:
        raise ConfigurationError(file=FILE, key=key, value=key, expected=", ".join(sorted(_KEYS)))
    name, valves, points = data.get("network"), data.get("valves", {}), data.get("points", {})
    if not isinstance(name, str):
        raise ConfigurationError(file=FILE, key="network", value=str(name), expected="the name of a network file (.inp)")
    for table, found in (("valves", valves), ("points", points)):
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise ConfigurationError(file=FILE, key=table, value=str(found), expected='lines like prv_oued = "PRV-1"')
    return valves, points, read_network(folder / name)


def _twin(task: ValveTask, network: Network, valves: Mapping[str, str], points: Mapping[str, str]) -> ZoneTwin:
    together = sorted((task.actuator, *task.siblings), key=lambda a: a.key)
    for actuator in together:
        if actuator.key not in valves:
            raise ConfigurationError(
                file=FILE, key="valves", value=actuator.key, expected=f"its link too: it feeds zone {task.zone.key}"
            )
    critical = [w.point for w in task.watched if w.valve is None]
    for point in critical:
        if str(point) not in points:
            raise ConfigurationError(
                file=FILE, key="points", value=str(point), expected=f"its node too: it is a critical point of {task.zone.key}"
            )
    downstream = {w.point: w.valve for w in task.watched if w.valve is not None and w.valve in valves}
    starts: dict[PointKey, str] = {p: network.nodes[network.link(valves[v]).start] for p, v in downstream.items()}
    model = EpanetZone(
        network,
        [Feed(valve=a.key, node=network.nodes[network.link(valves[a.key]).end]) for a in together],
        critical={p: points[str(p)] for p in critical},
        inlets=starts,
        safe_m=[a.safe_m for a in together],
        min_pressure_m=task.zone.min_pressure_m,
    )
    return ZoneTwin(model, tuple(a.key for a in together))
