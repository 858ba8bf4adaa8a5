"""Scenarios: which faults happen in a run. What a scenario leaves open (zone, place, size, minute) is drawn from the seed. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from domain.calendar import Calendar
from domain.tables import Table
from domain.zones import ZoneKind
from simulator.faults import Burst, Fault, LinkLost, MeterStuck, PrvStuck, SensorDrift
from simulator.noise import keys, uniforms
from simulator.site import SimulatedSite, read_toml

ANY = "any"
Range = tuple[float, float]


class FaultKind(StrEnum):
    """Word of a fault in a scenario file."""

    BURST = "burst"
    CREEPING_LEAK = "creeping_leak"
    METER_STUCK = "meter_stuck"
    SENSOR_DRIFT = "sensor_drift"
    PRV_STUCK = "prv_stuck"
    LINK_LOST = "link_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """One ``[[fault]]``; ranges are drawn from evenly."""

    kind: FaultKind
    at_min: Range
    """Minutes after the live start."""
    for_min: float | None
    """How long it lasts; None is to the end."""
    zone: str
    """Key of a DMA, or ``any``."""
    flow_m3h: Mapping[str, Range]
    """Size of a leak by zone; ``any`` is for zones not named."""
    growth_h: float
    points: tuple[str, ...]
    per_hour: float
    actuator: str
    gateway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens in a run."""

    name: str
    description: str
    start_local: time
    duration_h: float
    faults: tuple[FaultSpec, ...]


def load_scenario(site: SimulatedSite, name: str) -> Scenario:
    """Reads ``scenarios/<name>.toml`` of a site.

    Raises:
        ConfigurationError: It is missing or says something that cannot be; lists the scenarios there are.
    """
    folder = site.folder / "scenarios"
    known = sorted(p.stem for p in folder.glob("*.toml"))
    if name not in known:
        raise Table.root("scenarios", {}).wrong("scenario", name, f"one of {', '.join(known)}")
    return parse_scenario(read_toml(folder / f"{name}.toml"), f"scenarios/{name}.toml", site)


def parse_scenario(document: Mapping[str, Any], file: str, site: SimulatedSite) -> Scenario:
    """A scenario from its tables.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    root = Table.root(file, document)
    root.only("scenario", "fault")
    head = root.table("scenario")
    head.only("name", "description", "start_local", "duration_h")
    text = head.text("start_local", "00:30")
    try:
        start = time.fromisoformat(text)
    except ValueError:
        raise head.wrong("start_local", text, 'a local time such as "00:30"') from None
    return Scenario(
        name=head.text("name"),
        description=head.text("description", ""),
        start_local=start,
        duration_h=head.number("duration_h", 3.0, low=0.1, high=24 * 366),
        faults=tuple(_fault(table, site) for table in root.tables("fault")),
    )


def live_start(scenario: Scenario, calendar: Calendar, *, before: datetime) -> datetime:
    """The latest moment at the scenario's local start whose run is over ``before`` a moment (UTC)."""
    day = calendar.local(before).date() + timedelta(days=1)
    while True:
        found = datetime.combine(day, scenario.start_local, tzinfo=calendar.zone).astimezone(UTC)
        if found + timedelta(hours=scenario.duration_h) <= before:
            return found
        day -= timedelta(days=1)


def plant_faults(scenario: Scenario, *, seed: int, start: datetime, site: SimulatedSite) -> tuple[Fault, ...]:
    """The faults of a run that goes live at ``start``: the same seed plants the same."""
    return tuple(_planted(spec, seed=seed, number=i, start=start, site=site) for i, spec in enumerate(scenario.faults))


def burst_places(site: SimulatedSite, zone: str) -> tuple[str, ...]:
    """Junctions where a pipe may break: the eighth of a zone's leaking junctions that lie on its largest mains.

    A break in a thin pipe would starve its street at once, whatever the valve does; breaks that dry taps are another study.
    """
    geometry = site.geometry
    largest: dict[str, float] = {}
    for pipe in (k for k in geometry.links if k.kind == "pipe"):
        for node in (pipe.start, pipe.end):
            largest[node] = max(largest.get(node, 0.0), pipe.diameter_mm)
    places = [n for n in geometry.emitters if geometry.zones.get(n) == zone]
    places.sort(key=lambda n: (-largest.get(n, 0.0), n))
    return tuple(sorted(places[: max(1, len(places) // 8)]))


def _planted(spec: FaultSpec, *, seed: int, number: int, start: datetime, site: SimulatedSite) -> Fault:
    dice = uniforms(keys(seed, "scenario", [f"{number}/{what}" for what in ("minute", "zone", "place", "size")]), 0).tolist()
    minute = math.floor(_between(spec.at_min, dice[0]))
    begin = start + timedelta(minutes=minute)
    end = None if spec.for_min is None else begin + timedelta(minutes=spec.for_min)
    match spec.kind:
        case FaultKind.METER_STUCK:
            return MeterStuck(start=begin, end=end, points=spec.points)
        case FaultKind.SENSOR_DRIFT:
            return SensorDrift(start=begin, end=end, points=spec.points, per_hour=spec.per_hour)
        case FaultKind.PRV_STUCK:
            return PrvStuck(start=begin, end=end, actuator=spec.actuator)
        case FaultKind.LINK_LOST:
            return LinkLost(start=begin, end=end, gateway=spec.gateway)
        case _:
            zone = spec.zone if spec.zone != ANY else _pick(_dmas(site), dice[1])
            node = _pick(burst_places(site, zone), dice[2])
            sizes = spec.flow_m3h.get(zone) or spec.flow_m3h[ANY]
            return Burst(
                start=begin,
                end=end,
                zone=zone,
                node=node,
                flow_m3h=round(_between(sizes, dice[3]), 1),
                reference_m=_night_pressure_m(site, zone, node),
                growth_h=spec.growth_h,
            )


def _night_pressure_m(site: SimulatedSite, zone: str, node: str) -> float:
    """About the pressure at a node on an ordinary night: the inlet valve's setting less the climb and a metre of losses."""
    geometry = site.geometry
    valve = next(k for k in geometry.links if k.kind == "valve" and geometry.zones.get(k.end) == zone)
    setting = geometry.settings[valve.key]
    return round(max(5.0, setting + geometry.nodes[valve.end][2] - geometry.nodes[node][2] - 1), 1)


def _dmas(site: SimulatedSite) -> tuple[str, ...]:
    return tuple(sorted(z.key for z in site.inventory.zones.values() if z.kind is ZoneKind.DMA))


def _pick(choices: Sequence[str], dice: float) -> str:
    return choices[int(dice * len(choices))]


def _between(limits: Range, dice: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * dice


def _fault(table: Table, site: SimulatedSite) -> FaultSpec:
    table.only(
        "kind", "at_min", "for_min", "zone", "flow_m3h", "growth_h", "points", "per_hour", "actuator", "gateway"
    )  # fmt: skip
    kind: FaultKind = table.word("kind", FaultKind)
    inventory = site.inventory
    points = table.texts("points")
    if kind in (FaultKind.METER_STUCK, FaultKind.SENSOR_DRIFT) and not points:
        raise table.wrong("points", list(points), "at least one point the fault sits on")
    for point in points:
        _known(table, "points", point, inventory.points)
    leak = kind in (FaultKind.BURST, FaultKind.CREEPING_LEAK)
    return FaultSpec(
        kind=kind,
        at_min=_range(table, "at_min", table.data.get("at_min", 30)),
        for_min=table.number("for_min", None, low=0.1),
        zone=_known(table, "zone", table.text("zone", ANY), (ANY, *_dmas(site))),
        flow_m3h=_sizes(table, site) if leak else {},
        growth_h=table.number("growth_h", 24.0, low=0.1) if kind is FaultKind.CREEPING_LEAK else 0.0,
        points=points,
        per_hour=table.number("per_hour") if kind is FaultKind.SENSOR_DRIFT else 0.0,
        actuator=_known(table, "actuator", table.text("actuator"), inventory.actuators) if kind is FaultKind.PRV_STUCK else "",
        gateway=_known(table, "gateway", table.text("gateway"), inventory.gateways) if kind is FaultKind.LINK_LOST else "",
    )


def _sizes(table: Table, site: SimulatedSite) -> dict[str, Range]:
    value = table.data.get("flow_m3h")
    if not isinstance(value, Mapping):
        return {ANY: _range(table, "flow_m3h", value)}
    zone = table.text("zone", ANY)
    needed = _dmas(site) if zone == ANY else (zone,)
    if ANY not in value and not set(value) >= set(needed):
        raise table.wrong("flow_m3h", dict(value), f"a size for each of {', '.join(needed)}, or for any")
    return {_known(table, "flow_m3h", key, (ANY, *_dmas(site))): _range(table, "flow_m3h", size) for key, size in value.items()}


def _range(table: Table, key: str, value: object) -> Range:
    pair = value if isinstance(value, list) else [value, value]
    numbers = [v for v in pair if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(pair) != 2 or len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1]:
        raise table.wrong(key, value, "a number >= 0, or [least, largest]")
    return float(numbers[0]), float(numbers[1])


def _known(table: Table, key: str, value: str, known: Sequence[str] | Mapping[Any, Any]) -> str:
    if value not in known:
        raise table.wrong(key, value, f"one of {', '.join(known)}")
    return value
