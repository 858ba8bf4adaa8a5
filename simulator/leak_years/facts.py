"""What a network file says, as arrays; distances, districts and smooth fields over its pipes. Pure but for the reading."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.series import FloatArray
from simulator.leak_years import engine as en

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkFacts:
    """Nodes and links in the order of the file."""

    file: Path
    nodes: tuple[str, ...]
    node_kind: Ints
    elevation_m: FloatArray
    links: tuple[str, ...]
    link_kind: Ints
    ends: Ints
    """Positions of the two nodes, shape (links, 2)."""
    length_m: FloatArray
    diameter_mm: FloatArray
    roughness: FloatArray
    setting: FloatArray
    """As in the file, but of pressure valves in metres."""
    is_open: NDArray[np.bool_]
    headloss: int
    demand_nodes: Ints
    """Positions of the junctions with a demand."""
    demand_m3h: FloatArray
    """Their mean demand, shape (N,)."""
    demand_share: FloatArray
    """Share of each pattern in it, shape (N, patterns used)."""
    patterns: tuple[FloatArray, ...]
    """Those used, mean 1; all patterns of the file for ``all_patterns``."""
    all_patterns: tuple[FloatArray, ...]
    pattern_step_s: int
    pattern_start_s: int
    controls: tuple[en.LevelControl, ...]
    tank_range_m: dict[int, tuple[float, float]]

    def at(self, kind: int) -> Ints:
        """Positions of the links of a kind."""
        return np.asarray(np.flatnonzero(self.link_kind == kind), dtype=np.int64)

    @property
    def pipes(self) -> Ints:
        """Positions of all pipes."""
        return np.asarray(np.flatnonzero(self.link_kind <= en.PIPE), dtype=np.int64)

    @property
    def total_m3h(self) -> float:
        """Mean demand of the whole network."""
        return float(self.demand_m3h.sum())


def read_facts(file: Path) -> NetworkFacts:
    """Reads a network file.

    Raises:
        HydraulicsError: EPANET does not accept it.
        ConfigurationError: It has no demand or no pipe.
    """
    with en.YearEngine(file) as net:
        raw, used = net.base_demands(), net.patterns()
        means = np.array([p.mean() for p in used])
        demand = np.zeros((len(net.nodes), len(used)))
        for node, parts in raw.items():
            for base, pattern in parts:
                demand[node, pattern] += base * means[pattern]
        demand = np.maximum(demand, 0.0)
        nodes = np.flatnonzero(demand.sum(axis=1) > 0)
        if not nodes.size or not (net.link_kinds() <= en.PIPE).any():
            raise ConfigurationError(
                file=str(file), key="[DEMANDS], [PIPES]", value=0, expected="junctions with a demand, and pipes"
            )
        kept = np.flatnonzero(demand.sum(axis=0) > 0)
        step_s, start_s = net.pattern_clock()
        kinds, setting = net.node_kinds(), net.link_values(en.START_SETTING)
        setting[net.link_kinds() == en.PRV] /= _pressure_unit(net)
        return NetworkFacts(
            file=file,
            nodes=net.nodes,
            node_kind=kinds,
            elevation_m=net.elevations(),
            links=net.links,
            link_kind=net.link_kinds(),
            ends=net.link_ends(),
            length_m=net.link_values(en.LENGTH),
            diameter_mm=net.link_values(en.DIAMETER),
            roughness=net.link_values(en.ROUGHNESS),
            setting=setting,
            is_open=net.link_values(en.START_STATUS) > 0,
            headloss=net.headloss(),
            demand_nodes=np.asarray(nodes, dtype=np.int64),
            demand_m3h=demand[nodes].sum(axis=1),
            demand_share=demand[np.ix_(nodes, kept)] / demand[nodes].sum(axis=1, keepdims=True),
            patterns=tuple(used[k] / means[k] for k in kept),
            all_patterns=tuple(used[1:]),
            pattern_step_s=step_s,
            pattern_start_s=start_s,
            controls=tuple(net.controls()),
            tank_range_m={int(n): net.tank_range(int(n)) for n in np.flatnonzero(kinds == en.TANK)},
        )


def _pressure_unit(net: en.YearEngine) -> float:
    net.begin(3600, 3600)
    net.run()
    return net.pressure_unit()


def neighbours(facts: NetworkFacts, across: bool = True) -> list[list[tuple[int, float, int]]]:
    """Of each node: (other node, length of the link [m], link); pumps and valves count 1 m, or do not connect."""
    out: list[list[tuple[int, float, int]]] = [[] for _ in facts.nodes]
    for k, (a, b) in enumerate(facts.ends):
        pipe = facts.link_kind[k] <= en.PIPE
        if pipe or across:
            metres = max(float(facts.length_m[k]), 1e-3) if pipe else 1.0
            out[a].append((int(b), metres, k))
            out[b].append((int(a), metres, k))
    return out


def distances(facts: NetworkFacts, first: int) -> FloatArray:
    """Shortest way over the links from a node to every other [m], shape (nodes,); infinite where there is none."""
    graph, out = neighbours(facts), np.full(len(facts.nodes), np.inf)
    out[first], queue = 0.0, [(0.0, first)]
    while queue:
        so_far, node = heapq.heappop(queue)
        if so_far > out[node]:
            continue
        for other, metres, _ in graph[node]:
            if so_far + metres < out[other]:
                out[other] = so_far + metres
                heapq.heappush(queue, (so_far + metres, other))
    return out


def spread(facts: NetworkFacts, candidates: Ints, count: int, first: int | None = None) -> list[int]:
    """Nodes as far apart as can be: each is the candidate farthest from those before it."""
    chosen = [int(candidates[0]) if first is None else first]
    near = distances(facts, chosen[0])
    while len(chosen) < min(count, len(candidates)):
        far = np.where(np.isfinite(near), near, 1e12)[candidates]
        chosen.append(int(candidates[int(np.argmax(far))]))
        near = np.minimum(near, distances(facts, chosen[-1]))
    return chosen


def areas(facts: NetworkFacts) -> Ints:
    """Number of the area of each node, the largest 0: areas are cut by pumps and valves. Shape (nodes,)."""
    graph, out, count = neighbours(facts, across=False), np.full(len(facts.nodes), -1, dtype=np.int64), 0
    for root in range(len(facts.nodes)):
        if out[root] >= 0:
            continue
        stack, out[root] = [root], count
        while stack:
            for other, _, _ in graph[stack.pop()]:
                if out[other] < 0:
                    out[other] = count
                    stack.append(other)
        count += 1
    order = np.argsort(-np.bincount(out, minlength=count), kind="stable")
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    return np.asarray(rank[out], dtype=np.int64)


def districts(facts: NetworkFacts, rng: np.random.Generator, count: int) -> Ints:
    """District of each node by its nearest of some nodes far apart, shape (nodes,)."""
    junctions = np.flatnonzero(facts.node_kind == en.JUNCTION)
    centres = spread(facts, junctions, count, first=int(rng.choice(junctions)))
    return np.asarray(np.argmin(np.stack([distances(facts, c) for c in centres]), axis=0), dtype=np.int64)


def patches(facts: NetworkFacts, rng: np.random.Generator, count: int = 14) -> FloatArray:
    """A smooth random field over the nodes, mean 0 and standard deviation 1: what is near is alike. Shape (nodes,)."""
    centres = rng.choice(np.flatnonzero(facts.node_kind == en.JUNCTION), size=count)
    away = np.stack([distances(facts, int(c)) for c in centres])
    reach = max(1.0, 0.2 * float(np.max(away[np.isfinite(away)])))
    field = rng.normal(size=count) @ np.where(np.isfinite(away), np.exp(-0.5 * (away / reach) ** 2), 0.0)
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-9))


def on_links(facts: NetworkFacts, field: FloatArray) -> FloatArray:
    """A field of nodes at the middle of each link, shape (links,)."""
    return np.asarray(field[facts.ends].mean(axis=1))
