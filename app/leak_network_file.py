"""What the leak detection needs of a network file: demands by pattern and hour, pipes, valves, and which meters feed what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.series import FloatArray
from simulator.inp import Row, number, read_sections, word

Sections = dict[str, tuple[Row, ...]]

_FLOW_M3H = {
    "CFS": 101.94065, "GPM": 0.22712471, "MGD": 157.72549, "IMGD": 189.42048, "AFD": 51.395083,
    "LPS": 3.6, "LPM": 0.06, "MLD": 1000.0 / 24.0, "CMH": 1.0, "CMD": 1.0 / 24.0, "CMS": 3600.0,
}  # fmt: skip
"""EPANET's units of flow, in m³/h."""
AMERICAN = frozenset(("CFS", "GPM", "MGD", "IMGD", "AFD"))
"""With them come feet, psi and thousandths of a foot."""
FOOT_M, _PSI_OF_M, _KPA_OF_PSI = 0.3048, 0.4333 / 0.3048, 6.895
"""As EPANET has them."""
_EXPONENTS = {"H-W": 1.852, "D-W": 2.0, "C-M": 2.0}
"""Of the head loss on the flow: Hazen and Williams, Darcy and Weisbach, Chezy and Manning."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkFile:
    """Positions are those of EPANET's nodes and links."""

    junctions: NDArray[np.int64]
    fixed: tuple[int, ...]
    """Reservoirs and tanks."""
    ends: NDArray[np.int64]
    """Nodes at both ends of each link, shape (links, 2)."""
    pipes: NDArray[np.int64]
    names: tuple[str, ...]
    """Of the pipes."""
    roughness: FloatArray
    length_m: FloatArray
    kind: NDArray[np.int64]
    """Pipes of one roughness and diameter have one number: they were laid alike."""
    valves: tuple[tuple[int, float], ...]
    """Pressure reducing valves and their settings [m]."""
    other: tuple[int, ...]
    """Pumps and valves of other kinds."""
    pumps: tuple[int, ...]
    pressure_per_m: float
    """What the file's unit of pressure is of a metre of water."""
    exponent: float
    """Of the head loss on the flow."""
    patterns: tuple[str, ...]
    """All of the file."""
    factors: FloatArray
    """Mean of each pattern in use in each hour of the day, shape (patterns, 24)."""
    demand: FloatArray
    """Base demand by pattern and node [m³/h], shape (patterns, nodes)."""
    gauges: tuple[int, ...]
    meters: tuple[int, ...]
    tanks: tuple[int, ...]
    """With a measured level."""
    cut: tuple[int, ...]
    """Meters (by place in ``meters``) of pumps that fill a tank."""
    suction: dict[int, int]
    """Node before each of them."""
    filled: dict[int, int]
    """The tank that each of them fills."""
    inlets: tuple[int, ...]
    """Meters (by place) through which the main part is fed; none where it is also fed unmetered."""
    inward: tuple[float, ...]
    """Of each inlet 1 where its link leads into the main part, -1 where out of it."""
    floating: tuple[int, ...]
    """Tanks in the main part that no pump of ``cut`` fills, by place in ``tanks``."""
    at_tank: dict[int, tuple[int, ...]]
    """Open links beside each measured tank."""
    unread_tanks: tuple[str, ...]
    """Tanks in the main part whose level nobody measures."""
    metered: NDArray[np.bool_]
    """Nodes behind the inlets that no tank feeds."""
    behind: dict[int, NDArray[np.bool_]]
    """Nodes that each filled tank feeds, by tank."""
    tank_area_m2: dict[int, float]
    tank_levels_m: dict[int, tuple[float, float]]
    """Lowest and highest level of each tank."""


def read_network_file(
    network: Path,
    nodes: tuple[str, ...],
    links: tuple[str, ...],
    gauges: tuple[str, ...],
    meters: tuple[str, ...],
    tanks: tuple[str, ...],
) -> NetworkFile:
    """Reads it.

    Raises:
        ConfigurationError: A gauge, meter or tank is not in the network, or a row cannot be read.
    """
    sections: Sections = read_sections(network.read_text(encoding="utf-8", errors="replace"))
    node, link = {n: i for i, n in enumerate(nodes)}, {n: i for i, n in enumerate(links)}
    tank_rows = {node[row.words[0]]: row for row in sections.get("TANKS", ())}
    of_tanks = {nodes[t]: t for t in tank_rows}
    for key, names, known, like in (("gauge", gauges, node, node), ("meter", meters, link, link), ("tank", tanks, node, of_tanks)):
        _check_known(network, key, names, known, like)
    units = _units(network, sections)
    ends = np.full((len(links), 2), -1, dtype=np.int64)
    for kind in ("PIPES", "PUMPS", "VALVES"):
        for row in sections.get(kind, ()):
            ends[link[row.words[0]]] = [node[row.words[1]], node[row.words[2]]]
    _check_fed(network, nodes, ends, {node[r.words[0]] for kind in ("RESERVOIRS", "TANKS") for r in sections.get(kind, ())})
    pipes = sections.get("PIPES", ())
    if not pipes:
        raise ConfigurationError(file=network.name, key="[PIPES]", value=None, expected="one pipe or more")
    for name in tanks:
        if node[name] not in tank_rows:
            raise ConfigurationError(file=network.name, key="tank", value=name, expected=f"a tank: {_some(tank_rows, nodes)}")
    fixed = tuple(node[row.words[0]] for kind in ("RESERVOIRS", "TANKS") for row in sections.get(kind, ()))
    patterns, factors, demand = _demands(sections, node)
    if not demand.sum() > 0:
        raise ConfigurationError(
            file=network.name, key="[DEMANDS]", value=f"{demand.sum() * units.demand:g} m³/h in all",
            expected="base demands there or in [JUNCTIONS]: they say how what the meters measure is drawn over the network",
        )  # fmt: skip
    positions, tank_nodes = tuple(link[m] for m in meters), tuple(node[t] for t in tanks)
    pumps, valves = _positions(sections.get("PUMPS", ()), link), sections.get("VALVES", ())
    reach = _Reach(ends=ends, open=_open(sections, link, pipes, valves), count=len(nodes))
    fills = {k: int(ends[m, 1]) for k, m in enumerate(positions) if m in set(pumps) and int(ends[m, 1]) in tank_rows}
    behind = {tank: reach.without(tank, fixed, set(positions)) for tank in fills.values()}
    # A tank that feeds the very part its pump draws from floats on it.
    cut = tuple(k for k, tank in fills.items() if not behind[tank][ends[positions[k], 0]])
    filled = {k: fills[k] for k in cut}
    behind = {tank: behind[tank] for tank in filled.values()}
    reservoirs = [node[row.words[0]] for row in sections.get("RESERVOIRS", ())]
    inlets, inward, metered = _fed(reach, ends, positions, cut, reservoirs, behind, fixed)
    floating = [t for t in tank_rows if t not in filled.values() and metered[_beside(ends, t)].any()]
    looks = np.array(
        [[number(r, 5, section="PIPES", what="a roughness"), number(r, 4, section="PIPES", what="a diameter")] for r in pipes]
    )
    reducing = [r for r in valves if word(r, 4, section="VALVES", what="a kind of valve").upper() == "PRV"]
    return NetworkFile(
        junctions=np.array([i for i in range(len(nodes)) if i not in set(fixed)]),
        fixed=fixed,
        ends=ends,
        pipes=np.array(_positions(pipes, link)),
        names=tuple(r.words[0] for r in pipes),
        roughness=looks[:, 0] * units.roughness,
        length_m=np.array([number(r, 3, section="PIPES", what="a length") for r in pipes]) * units.length,
        kind=np.unique(looks, axis=0, return_inverse=True)[1].ravel(),
        valves=tuple((link[r.words[0]], number(r, 5, section="VALVES", what="a setting") / units.pressure_per_m) for r in reducing),
        other=(*pumps, *(link[r.words[0]] for r in valves if r not in reducing)),
        pumps=tuple(pumps),
        pressure_per_m=units.pressure_per_m,
        exponent=units.exponent,
        patterns=patterns,
        factors=factors,
        demand=demand * units.demand,
        gauges=tuple(node[g] for g in gauges),
        meters=positions,
        tanks=tank_nodes,
        cut=cut,
        suction={k: int(ends[positions[k], 0]) for k in cut},
        filled=filled,
        inlets=inlets,
        inward=inward,
        floating=tuple(tank_nodes.index(t) for t in floating if t in tank_nodes and len(tank_rows[t].words) > 5),
        at_tank={t: tuple(k for k in reach.open if t in ends[k]) for t in tank_nodes},
        unread_tanks=tuple(nodes[t] for t in floating if t not in tank_nodes),
        metered=metered,
        behind=behind,
        tank_levels_m={
            t: (float(r.words[3]) * units.length, float(r.words[4]) * units.length)
            for t, r in tank_rows.items()
            if len(r.words) > 5
        },
        tank_area_m2={t: np.pi * (float(r.words[5]) * units.length) ** 2 / 4 for t, r in tank_rows.items() if len(r.words) > 5},
    )


def _check_known(network: Path, key: str, names: tuple[str, ...], known: dict[str, int], like: dict[str, int]) -> None:
    """Whether all names are known.

    Args:
        network: The file.
        key: What they name.
        names: As given.
        known: Names of the file.
        like: Those of them that are what is named, to be proposed.
    """
    missing = sorted(set(names) - set(known))
    if not missing:
        return
    told = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    near, some = get_close_matches(missing[0], like, n=3), ", ".join(sorted(like)[:3])
    proposed = f"; near {missing[0]}: {', '.join(near)}" if near else f", such as {some}" if some else f"; it has no {key}"
    raise ConfigurationError(
        file=network.name,
        key=key,
        value=told,
        expected=f"names of the network ({len(missing)} of {len(set(names))} are not in it{proposed})",
    )


def _check_fed(network: Path, nodes: tuple[str, ...], ends: NDArray[np.int64], fixed: set[int]) -> None:
    """Whether every node hangs on a source by some links, open or not: else no pressure there has a solution.

    Raises:
        ConfigurationError: Some do not.
    """
    near: dict[int, list[int]] = {}
    for a, b in ends[(ends >= 0).all(axis=1)]:
        near.setdefault(int(a), []).append(int(b))
        near.setdefault(int(b), []).append(int(a))
    seen, queue = set(fixed), list(fixed)
    while queue:
        for other in near.get(queue.pop(), ()):
            if other not in seen:
                seen.add(other)
                queue.append(other)
    lonely = [name for k, name in enumerate(nodes) if k not in seen]
    if lonely:
        told = ", ".join(lonely[:5]) + (" …" if len(lonely) > 5 else "")
        raise ConfigurationError(
            file=network.name, key="[PIPES]", value=f"{told} ({len(lonely)} of {len(nodes)} nodes)",
            expected="pipes, pumps or valves that lead from a reservoir or tank to every node: to these none leads",
        )  # fmt: skip


def _some(positions: Iterable[int], nodes: tuple[str, ...]) -> str:
    names = sorted(nodes[p] for p in positions)
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "") if names else "the network has none"


def _beside(ends: NDArray[np.int64], node: int) -> NDArray[np.int64]:
    """Nodes at the other ends of a node's links."""
    return np.concatenate([ends[ends[:, 0] == node, 1], ends[ends[:, 1] == node, 0]])


def _open(sections: Sections, link: dict[str, int], pipes: tuple[Row, ...], valves: tuple[Row, ...]) -> list[int]:
    """Pipes and valves that the file does not close."""
    closed = {r.words[0] for r in pipes if len(r.words) > 6 and r.words[-1].upper() == "CLOSED"}
    for row in sections.get("STATUS", ()):
        if len(row.words) > 1 and row.words[1].upper() == "CLOSED":
            closed.add(row.words[0])
        else:
            closed.discard(row.words[0])
    return [link[r.words[0]] for r in (*pipes, *valves) if r.words[0] not in closed]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    """Factors from the file's units to m³/h, m and mm of roughness; its unit of pressure of a metre of water."""

    demand: float
    length: float
    roughness: float
    pressure_per_m: float
    exponent: float


def _units(network: Path, sections: Sections) -> _Units:
    """What the file's options say.

    Raises:
        ConfigurationError: A unit or formula that EPANET does not know.
    """
    options = {r.words[0].upper(): r.words[-1].upper() for r in sections.get("OPTIONS", ()) if len(r.words) == 2}
    unit, formula = options.get("UNITS", "GPM"), options.get("HEADLOSS", "H-W")
    if unit not in _FLOW_M3H:
        raise ConfigurationError(file=network.name, key="[OPTIONS] UNITS", value=unit, expected=", ".join(_FLOW_M3H))
    if formula not in _EXPONENTS:
        raise ConfigurationError(file=network.name, key="[OPTIONS] HEADLOSS", value=formula, expected=", ".join(_EXPONENTS))
    multiplier = next(
        (float(r.words[-1]) for r in sections.get("OPTIONS", ()) if [w.upper() for w in r.words[:2]] == ["DEMAND", "MULTIPLIER"]),
        1.0,
    )
    american, kpa = unit in AMERICAN, options.get("PRESSURE") == "KPA"
    foot, per_m = (FOOT_M, _PSI_OF_M) if american else (1.0, _PSI_OF_M * _KPA_OF_PSI if kpa else 1.0)
    return _Units(
        demand=_FLOW_M3H[unit] * multiplier,
        length=foot,
        # Thousandths of a foot or millimetres; the other formulas' numbers have no unit.
        roughness=foot if formula == "D-W" else 1.0,
        pressure_per_m=per_m,
        exponent=_EXPONENTS[formula],
    )


def _positions(rows: tuple[Row, ...], index: dict[str, int]) -> list[int]:
    return [index[r.words[0]] for r in rows]


def _demands(sections: Sections, node: dict[str, int]) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Patterns in use, their factors by hour of the day, and base demands by pattern and node."""
    default = next((r.words[-1] for r in sections.get("OPTIONS", ()) if r.words[0].upper() == "PATTERN"), "1")
    own = {r.words[0] for r in sections.get("DEMANDS", ())}
    rows = [(r.words[0], float(r.words[1]), r.words[2] if len(r.words) > 2 else default) for r in sections.get("DEMANDS", ())]
    rows += [
        (r.words[0], float(r.words[2]), r.words[3] if len(r.words) > 3 else default)
        for r in sections["JUNCTIONS"]
        if r.words[0] not in own and len(r.words) > 2
    ]
    values: dict[str, list[float]] = {}
    for r in sections.get("PATTERNS", ()):
        values.setdefault(r.words[0], []).extend(float(w) for w in r.words[1:])
    names = sorted({pattern for _, _, pattern in rows})
    step_h = _time_h(sections, "PATTERN", "TIMESTEP", 1.0)
    first_h = _time_h(sections, "START", "CLOCKTIME", 0.0) - _time_h(sections, "PATTERN", "START", 0.0)
    factors = np.ones((len(names), 24))
    demand = np.zeros((len(names), len(node)))
    for k, name in enumerate(names):
        if series := values.get(name):
            hours = ((np.arange(len(series)) * step_h + first_h) % 24).astype(int)
            mean = float(np.mean(series))
            factors[k] = [float(np.mean(np.array(series)[hours == h])) if (hours == h).any() else mean for h in range(24)]
    for name_, base, pattern in rows:
        demand[names.index(pattern), node[name_]] += base
    return tuple(values), factors, demand


def _time_h(sections: Sections, first: str, second: str, default: float) -> float:
    """A time of the file [h]: ``1:30``, ``90 MIN``, ``1.5``, ``6 PM``."""
    for row in sections.get("TIMES", ()):
        if [w.upper() for w in row.words[:2]] != [first, second] or len(row.words) < 3:
            continue
        parts = row.words[2].split(":")
        try:
            hours = sum(float(part) / 60.0**k for k, part in enumerate(parts))
        except ValueError:
            raise ConfigurationError(
                file="network file", key=f"[TIMES] line {row.line}", value=row.words[2], expected="a time such as 1:00"
            ) from None
        unit = row.words[3].upper() if len(row.words) > 3 else ""
        if unit in ("AM", "PM"):
            return hours % 12 + (12 if unit == "PM" else 0)
        return hours * next((of for name, of in (("SEC", 1 / 3600), ("MIN", 1 / 60), ("DAY", 24.0)) if unit.startswith(name)), 1.0)
    return default


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """What is connected with what."""

    ends: NDArray[np.int64]
    open: list[int]
    """Pipes and valves."""
    count: int

    def without(self, start: int, fixed: tuple[int, ...], closed: set[int]) -> NDArray[np.bool_]:
        """Nodes that can be reached through pipes and valves without another source and without closed links."""
        near: dict[int, list[int]] = {}
        for link in self.open:
            if link not in closed:
                a, b = (int(v) for v in self.ends[link])
                near.setdefault(a, []).append(b)
                near.setdefault(b, []).append(a)
        seen, queue = {start}, [start]
        while queue:
            for other in near.get(queue.pop(), ()):
                if other not in seen and other not in fixed:
                    seen.add(other)
                    queue.append(other)
        reached = np.zeros(self.count, dtype=bool)
        reached[sorted(seen)] = True
        return reached


def _fed(
    reach: _Reach,
    ends: NDArray[np.int64],
    meters: tuple[int, ...],
    cut: tuple[int, ...],
    reservoirs: list[int],
    behind: dict[int, NDArray[np.bool_]],
    fixed: tuple[int, ...],
) -> tuple[tuple[int, ...], tuple[float, ...], NDArray[np.bool_]]:
    """Meters between the reservoirs and the rest, whether they lead inwards, and the nodes that only they feed."""
    upstream = np.zeros(reach.count, dtype=bool)
    for source in reservoirs:
        upstream |= reach.without(source, fixed, set(meters))
    inlets = tuple(k for k, m in enumerate(meters) if k not in cut and upstream[ends[m, 0]] != upstream[ends[m, 1]])
    fed = ~upstream
    for nodes in behind.values():
        fed &= ~nodes
    fed[list(fixed)] = False
    # More before the meters than behind them: they are not what feeds the network.
    if fed.sum() <= upstream.sum():
        return (), (), fed
    return inlets, tuple(1.0 if upstream[ends[meters[k], 0]] else -1.0 for k in inlets), fed
