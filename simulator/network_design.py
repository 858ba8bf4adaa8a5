"""Lays out the water network of the demonstration town and writes it as EPANET text. Pure: the same seed gives the same file.

    SOURCE ─ pumps ─ rising main ─ TANK (water tower) ─ trunk ─┬─ PRV ─ plateau ─ PRV ─ oued      (cascaded)
                                                               ├─ PRV ─ medina
                                                               └─ PRV ─ industrie                (a plain valve, not remotely set)

Mains are sized on the tree of shortest ways from each inlet for twice the mean demand; the other streets get the smallest pipe and
close the loops. Leakage is an emitter at each junction in proportion to half the length of its pipes (N1 = 1.1, a mixed system).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from domain.calendar import DayClass
from simulator.demand import HOMES
from simulator.inp import write_sections
from simulator.streets import Place
from simulator.town_plan import (
    LITRES_PER_PERSON_DAY,
    PEOPLE_PER_CONNECTION,
    QUARTERS,
    SOURCE,
    TOWER,
    Quarter,
    ground_m,
    street_plan,
)

N1 = 1.1
"""Leakage exponent: L1/L0 = (P1/P0)^N1."""
PEAK = 2.0
"""Peak demand over mean demand the mains are laid out for."""
INSIDE_MM = (81.4, 99.4, 113.0, 144.6, 180.8, 226.2, 285.0, 361.8)
"""Inside diameters of PE 100 PN 10 pipes of 90 to 400 mm."""
GROUPS = 6
"""Demand groups of a quarter, as sectors around its middle."""


@dataclass(slots=True)
class _Draft:
    """The network while it is drawn."""

    places: dict[str, Place] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)
    connections: dict[str, int] = field(default_factory=dict)
    demands: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Mean demand [m³/h] and pattern."""
    pipes: dict[str, tuple[str, str, float, float, float]] = field(default_factory=dict)
    """From, to, length [m], diameter [mm], roughness."""
    valves: dict[str, tuple[str, str, float, float]] = field(default_factory=dict)
    """From, to, diameter [mm], setting [m]."""
    emitters: dict[str, float] = field(default_factory=dict)

    def pipe(self, key: str, a: str, b: str, *, diameter: float, roughness: float = 130) -> None:
        length = max(5.0, round(math.dist(self.places[a], self.places[b]) * 1.04, 1))
        self.pipes[key] = (a, b, length, diameter, roughness)


def design_network(seed: int = 7) -> str:
    """The network as .inp text."""
    random, draft = Random(seed), _Draft()
    streets = {q.zone: _quarter(draft, q, random) for q in QUARTERS}
    _trunk(draft)
    oued_load = _inlets(draft)
    for quarter in QUARTERS:
        extra = {oued_load[0]: oued_load[1]} if quarter.zone == "plateau" else {}
        _size(draft, quarter, streets[quarter.zone], extra)
        _leaks(draft, quarter)
    return write_sections(_sections(draft))


def _quarter(draft: _Draft, quarter: Quarter, random: Random) -> list[tuple[str, str]]:
    """Junctions with their customers; the streets are returned as pairs of names, without pipes yet."""
    plan = street_plan(quarter.zone, random)
    names = [f"{quarter.prefix}{i + 1:03d}" for i in range(len(plan.places))]
    shares = [0.5 + random.random() for _ in names]
    middle = (sum(p[0] for p in plan.places) / len(names), sum(p[1] for p in plan.places) / len(names))
    for name, place, count in zip(names, plan.places, _apportion(quarter.connections, shares), strict=True):
        draft.places[name], draft.zones[name] = place, quarter.zone
        angle = math.atan2(place[1] - middle[1], place[0] - middle[0])
        group = min(GROUPS, 1 + int((angle + math.pi) / math.tau * GROUPS))
        draft.connections[name] = count
        mean = count * PEOPLE_PER_CONNECTION * LITRES_PER_PERSON_DAY / 24_000
        draft.demands[name] = (round(mean, 4), f"homes.{quarter.zone}-{group}")
    edges = [(names[a], names[b]) for a, b in plan.edges]
    for user in quarter.users:
        street = names[int(random.random() * len(names))]
        x, y = draft.places[street]
        draft.places[user.key], draft.zones[user.key] = (x + 12.0, y + 9.0), quarter.zone
        draft.connections[user.key], draft.demands[user.key] = 1, (user.mean_m3h, user.pattern)
        edges.append((street, user.key))
    return edges


def _apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to the shares, of the right sum (largest remainder)."""
    exact = [total * s / sum(shares) for s in shares]
    whole = [int(e) for e in exact]
    order = sorted(range(len(exact)), key=lambda i: whole[i] - exact[i])
    for i in order[: total - sum(whole)]:
        whole[i] += 1
    return whole


def _trunk(draft: _Draft) -> None:
    """Rising main and trunk main; nobody is connected to them."""
    places: dict[str, Place] = {
        "SOURCE": SOURCE, "PS-IN": (3585.0, 4150.0), "PS-OUT": (3560.0, 4150.0), "R1": (2700.0, 4220.0), "R2": (1700.0, 4260.0),
        "TANK": TOWER, "A1": (760.0, 4110.0), "A2": (1040.0, 3865.0), "A3": (2690.0, 3290.0), "A4": (2960.0, 2560.0),
        "A5": (3480.0, 2690.0),
    }  # fmt: skip
    for name, place in places.items():
        draft.places[name] = place
        if name not in ("SOURCE", "TANK"):
            draft.zones[name] = "adduction"
    draft.pipe("SUCTION", "SOURCE", "PS-IN", diameter=400)
    for key, a, b in (("RM1", "PS-OUT", "R1"), ("RM2", "R1", "R2"), ("RM3", "R2", "TANK")):
        draft.pipe(key, a, b, diameter=350)
    draft.pipe("TANK-OUT", "TANK", "A1", diameter=450)
    draft.pipe("T1", "A1", "A2", diameter=450)
    draft.pipe("T2", "A2", "A3", diameter=361.8)
    draft.pipe("T3", "A3", "A4", diameter=361.8)
    draft.pipe("T4", "A4", "A5", diameter=226.2)


def _inlets(draft: _Draft) -> tuple[str, float]:
    """A valve chamber at each quarter's inlet: meter pipe, PRV, first main.

    Returns the junction of the plateau the river quarter is fed from and that quarter's peak [m³/h].
    """
    places = draft.places
    near_oued = _nearest(draft, "plateau", (760.0, 2700.0))
    feeds = {"plateau": "A2", "medina": "A4", "industrie": "A5", "oued": near_oued}
    for quarter in QUARTERS:
        feed, zone = feeds[quarter.zone], quarter.zone
        first = _nearest(draft, zone, places[feed])
        short = zone[:3].upper()
        ax, ay = places[feed]
        bx, by = places[first]
        for end, share in (("A", 0.6), ("B", 0.63)):
            name = f"V-{short}-{end}"
            places[name] = (round(ax + (bx - ax) * share, 1), round(ay + (by - ay) * share, 1))
            draft.zones[name] = zone if end == "B" else draft.zones[feed]
        draft.pipe(f"METER-{short}", feed, f"V-{short}-A", diameter=285.0)
        draft.valves[f"PRV-{short}"] = (f"V-{short}-A", f"V-{short}-B", 200.0, quarter.setpoint_m)
        draft.pipe(f"INLET-{short}", f"V-{short}-B", first, diameter=285.0)
    oued = next(q for q in QUARTERS if q.zone == "oued")
    mean = sum(d for n, (d, _) in draft.demands.items() if draft.zones[n] == "oued")
    return near_oued, PEAK * mean + oued.leakage_m3h


def _nearest(draft: _Draft, zone: str, place: Place) -> str:
    return min((math.dist(draft.places[n], place), n) for n in draft.connections if draft.zones[n] == zone and n[1:].isdigit())[1]


def _size(draft: _Draft, quarter: Quarter, streets: Sequence[tuple[str, str]], extra: Mapping[str, float]) -> None:
    """A pipe in each street: mains by the flow of the tree behind them, the rest of the smallest kind."""
    inlet = draft.pipes[f"INLET-{quarter.zone[:3].upper()}"][1]
    near: dict[str, list[tuple[str, float]]] = {}
    for a, b in streets:
        length = math.dist(draft.places[a], draft.places[b])
        near.setdefault(a, []).append((b, length))
        near.setdefault(b, []).append((a, length))
    parent, order = _tree(near, inlet)
    mean = sum(draft.demands[n][0] for n in order)
    load = {n: draft.demands[n][0] * (PEAK + quarter.leakage_m3h / mean) + extra.get(n, 0.0) for n in order}
    for name in reversed(order):
        if name in parent:
            load[parent[name]] += load[name]
    for i, (a, b) in enumerate(streets, 1):
        carried = load[b] if parent.get(b) == a else load[a] if parent.get(a) == b else 0.0
        service = not (a[1:].isdigit() and b[1:].isdigit())
        key = f"S-{b}" if service else f"{quarter.prefix}-{i:03d}"
        draft.pipe(key, a, b, diameter=_diameter(carried, quarter), roughness=quarter.roughness)


def _tree(near: Mapping[str, Sequence[tuple[str, float]]], root: str) -> tuple[dict[str, str], list[str]]:
    """Shortest ways from the root (Dijkstra): the junction before each, and all junctions from near to far."""
    parent: dict[str, str] = {}
    order: list[str] = []
    done: set[str] = set()
    heap: list[tuple[float, str, str]] = [(0.0, root, "")]
    while heap:
        distance, name, before = heapq.heappop(heap)
        if name in done:
            continue
        done.add(name)
        order.append(name)
        if before:
            parent[name] = before
        for other, length in near.get(name, ()):
            if other not in done:
                heapq.heappush(heap, (distance + length, other, name))
    return parent, order


def _diameter(flow_m3h: float, quarter: Quarter) -> float:
    """Smallest pipe whose Hazen-Williams loss 10.67 q^1.852 / (C^1.852 d^4.871) stays below the quarter's aim."""
    for inside in INSIDE_MM:
        loss = 10.67 * (flow_m3h / 3600) ** 1.852 / (quarter.roughness**1.852 * (inside / 1000) ** 4.871)
        if loss <= quarter.unit_loss:
            return inside
    return INSIDE_MM[-1]


def _leaks(draft: _Draft, quarter: Quarter) -> None:
    """Emitter coefficients so that the quarter's leakage is about its aim at the present setpoint."""
    weight: dict[str, float] = {}
    for a, b, length, *_ in draft.pipes.values():
        for name in (a, b):
            if draft.zones.get(name) == quarter.zone and name[1:].isdigit():
                weight[name] = weight.get(name, 0.0) + length / 2
    # Two metres stand for the mean loss in the mains over the day.
    head = ground_m(draft.places[f"V-{quarter.zone[:3].upper()}-B"]) + quarter.setpoint_m - 2
    flow = {n: w * max(1.0, head - ground_m(draft.places[n])) ** N1 for n, w in weight.items()}
    scale = quarter.leakage_m3h / sum(flow.values())
    draft.emitters.update({n: round(w * scale, 7) for n, w in weight.items()})


def _sections(draft: _Draft) -> dict[str, list[tuple[object, ...]]]:
    """The draft as EPANET sections. Flows in m³/h, heads in metres.

    The patterns are a weekday's, for those who open the file in EPANET; the simulator brings its own (``simulator.demand``).
    """
    junctions = [n for n in draft.places if n not in ("SOURCE", "TANK")]
    patterns = sorted({p for _, p in draft.demands.values()})
    return {
        "TITLE": [("Ain Khettara, an invented town: made by simulator/network_design.py, do not edit",)],
        "JUNCTIONS": [(n, ground_m(draft.places[n])) for n in junctions],
        "RESERVOIRS": [("SOURCE", 423.5)],
        "TANKS": [("TANK", 492.0, 4.0, 0.2, 6.5, 19.0, 0)],
        "PIPES": [(k, a, b, length, d, c, 0, "Open") for k, (a, b, length, d, c) in draft.pipes.items()],
        "PUMPS": [("PUMP", "PS-IN", "PS-OUT", "HEAD PUMP-CURVE")],
        "VALVES": [(k, a, b, d, "PRV", setting, 0) for k, (a, b, d, setting) in draft.valves.items()],
        "TAGS": [("NODE", n, z) for n, z in draft.zones.items()],
        "DEMANDS": [(n, d, p, _connections(draft.connections[n])) for n, (d, p) in draft.demands.items()],
        "PATTERNS": [(p, *HOMES[DayClass.WEEKDAY]) for p in patterns],
        "CURVES": [("PUMP-CURVE", 0, 104), ("PUMP-CURVE", 310, 80), ("PUMP-CURVE", 460, 50)],
        "CONTROLS": [("LINK PUMP OPEN IF NODE TANK BELOW 3.0",), ("LINK PUMP CLOSED IF NODE TANK ABOVE 5.6",)],
        "EMITTERS": [(n, c) for n, c in draft.emitters.items()],
        "OPTIONS": [
            ("UNITS", "CMH"), ("HEADLOSS", "H-W"), ("EMITTER EXPONENT", N1), ("ACCURACY", 0.0001), ("TRIALS", 100),
            ("UNBALANCED", "CONTINUE 10"), ("QUALITY", "NONE"),
        ],
        "TIMES": [("DURATION", "24:00"), ("HYDRAULIC TIMESTEP", "0:05"), ("PATTERN TIMESTEP", "1:00"), ("REPORT TIMESTEP", "1:00")],
        "COORDINATES": [(n, x, y) for n, (x, y) in draft.places.items()],
    }  # fmt: skip


def _connections(count: int) -> str:
    return f"; {count} connection{'' if count == 1 else 's'}"
