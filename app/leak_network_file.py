"""What the leak detection needs of a network file: demands by pattern and hour, pipes, valves, and which meters feed what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.series import FloatArray
from simulator.inp import Row, read_sections

Sections = dict[str, tuple[Row, ...]]


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
    metered: NDArray[np.bool_]
    """Nodes behind the inlets that no tank feeds."""
    behind: dict[int, NDArray[np.bool_]]
    """Nodes that each filled tank feeds, by tank."""
    tank_area_m2: dict[int, float]


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
        ConfigurationError: A gauge, meter or tank is not in the network.
    """
    sections: Sections = read_sections(network.read_text(errors="replace"))
    node, link = {n: i for i, n in enumerate(nodes)}, {n: i for i, n in enumerate(links)}
    for key, names, known in (("gauge", gauges, node), ("meter", meters, link), ("tank", tanks, node)):
        for missing in sorted(set(names) - set(known)):
            raise ConfigurationError(file=network.name, key=key, value=missing, expected="a name of the network")
    ends = np.full((len(links), 2), -1, dtype=np.int64)
    for kind in ("PIPES", "PUMPS", "VALVES"):
        for row in sections.get(kind, ()):
            ends[link[row.words[0]]] = [node[row.words[1]], node[row.words[2]]]
    pipes = sections["PIPES"]
    fixed = tuple(node[row.words[0]] for kind in ("RESERVOIRS", "TANKS") for row in sections.get(kind, ()))
    patterns, factors, demand = _demands(sections, node)
    positions = tuple(link[m] for m in meters)
    reach = _Reach(ends=ends, pipes=_positions(pipes, link), valves=_positions(sections.get("VALVES", ()), link), count=len(nodes))
    pumps, tank_nodes = set(_positions(sections.get("PUMPS", ()), link)), set(_positions(sections.get("TANKS", ()), node))
    cut = tuple(k for k, m in enumerate(positions) if m in pumps and int(ends[m, 1]) in tank_nodes)
    filled = {k: int(ends[positions[k], 1]) for k in cut}
    behind = {tank: reach.without(tank, fixed, set(positions)) for tank in filled.values()}
    reservoirs = [node[row.words[0]] for row in sections.get("RESERVOIRS", ())]
    inlets, metered = _fed(reach, ends, positions, cut, reservoirs, behind, fixed)
    looks = np.array([[float(r.words[5]), float(r.words[4])] for r in pipes])
    return NetworkFile(
        junctions=np.array([i for i in range(len(nodes)) if i not in set(fixed)]),
        fixed=fixed,
        ends=ends,
        pipes=np.array(_positions(pipes, link)),
        names=tuple(r.words[0] for r in pipes),
        roughness=looks[:, 0],
        length_m=np.array([float(r.words[3]) for r in pipes]),
        kind=np.unique(looks, axis=0, return_inverse=True)[1].ravel(),
        valves=tuple((link[r.words[0]], float(r.words[5])) for r in sections.get("VALVES", ()) if r.words[4].upper() == "PRV"),
        patterns=patterns,
        factors=factors,
        demand=demand,
        gauges=tuple(node[g] for g in gauges),
        meters=positions,
        tanks=tuple(node[t] for t in tanks),
        cut=cut,
        suction={k: int(ends[positions[k], 0]) for k in cut},
        filled=filled,
        inlets=inlets,
        metered=metered,
        behind=behind,
        tank_area_m2={
            node[r.words[0]]: float(np.pi * float(r.words[5]) ** 2 / 4) for r in sections.get("TANKS", ()) if len(r.words) > 5
        },
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
    step_h = _pattern_step_h(sections)
    factors = np.ones((len(names), 24))
    demand = np.zeros((len(names), len(node)))
    for k, name in enumerate(names):
        if series := values.get(name):
            hours = (np.arange(len(series)) * step_h % 24).astype(int)
            mean = float(np.mean(series))
            factors[k] = [float(np.mean(np.array(series)[hours == h])) if (hours == h).any() else mean for h in range(24)]
    for name_, base, pattern in rows:
        demand[names.index(pattern), node[name_]] += base
    return tuple(values), factors, demand


def _pattern_step_h(sections: Sections) -> float:
    for row in sections.get("TIMES", ()):
        if [w.upper() for w in row.words[:2]] == ["PATTERN", "TIMESTEP"]:
            hours, _, minutes = row.words[2].partition(":")
            return float(hours) + float(minutes.partition(":")[0] or 0) / 60 if minutes else float(hours)
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """What is connected with what."""

    ends: NDArray[np.int64]
    pipes: list[int]
    valves: list[int]
    count: int

    def without(self, start: int, fixed: tuple[int, ...], closed: set[int]) -> NDArray[np.bool_]:
        """Nodes that can be reached through pipes and valves without another source and without closed links."""
        near: dict[int, list[int]] = {}
        for link in (*self.pipes, *self.valves):
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
) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
    """Meters between the reservoirs and the rest, and the nodes that only they feed."""
    upstream = np.zeros(reach.count, dtype=bool)
    for source in reservoirs:
        upstream |= reach.without(source, fixed, set(meters))
    inlets = tuple(k for k, m in enumerate(meters) if k not in cut and upstream[ends[m, 0]] != upstream[ends[m, 1]])
    fed = ~upstream
    for nodes in behind.values():
        fed &= ~nodes
    fed[list(fixed)] = False
    # More before the meters than behind them: they are not what feeds the network.
    return (inlets, fed) if fed.sum() > upstream.sum() else ((), fed)
