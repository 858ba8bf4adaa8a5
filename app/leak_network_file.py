"""What the leak detection needs of a network file: demands by pattern and hour, pipes, valves, and which meters feed what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.leak_network_reach import Reach, beside, check_fed, inlets_of, open_links
from app.leak_network_units import Sections, read_demands, read_units
from domain.errors import ConfigurationError
from domain.series import FloatArray
from simulator.inp import Row, number, read_sections, word


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
    units = read_units(network, sections)
    ends = np.full((len(links), 2), -1, dtype=np.int64)
    for kind in ("PIPES", "PUMPS", "VALVES"):
        for row in sections.get(kind, ()):
            ends[link[row.words[0]]] = [node[row.words[1]], node[row.words[2]]]
    check_fed(network, nodes, ends, {node[r.words[0]] for kind in ("RESERVOIRS", "TANKS") for r in sections.get(kind, ())})
    pipes = sections.get("PIPES", ())
    if not pipes:
        raise ConfigurationError(file=network.name, key="[PIPES]", value=None, expected="one pipe or more")
    for name in tanks:
        if node[name] not in tank_rows:
            raise ConfigurationError(file=network.name, key="tank", value=name, expected=f"a tank: {_some(tank_rows, nodes)}")
    fixed = tuple(node[row.words[0]] for kind in ("RESERVOIRS", "TANKS") for row in sections.get(kind, ()))
    patterns, factors, demand = read_demands(network, sections, node)
    if not demand.sum() > 0:
        raise ConfigurationError(
            file=network.name, key="[DEMANDS]", value=f"{demand.sum() * units.demand:g} m³/h in all",
            expected="base demands there or in [JUNCTIONS]: they say how what the meters measure is drawn over the network",
        )  # fmt: skip
    positions, tank_nodes = tuple(link[m] for m in meters), tuple(node[t] for t in tanks)
    pumps, valves = _positions(sections.get("PUMPS", ()), link), sections.get("VALVES", ())
    reach = Reach(ends=ends, open=open_links(sections, link, pipes, valves), count=len(nodes))
    fills = {k: int(ends[m, 1]) for k, m in enumerate(positions) if m in set(pumps) and int(ends[m, 1]) in tank_rows}
    behind = {tank: reach.without(tank, fixed, set(positions)) for tank in fills.values()}
    # A tank that feeds the very part its pump draws from floats on it.
    cut = tuple(k for k, tank in fills.items() if not behind[tank][ends[positions[k], 0]])
    filled = {k: fills[k] for k in cut}
    behind = {tank: behind[tank] for tank in filled.values()}
    reservoirs = [node[row.words[0]] for row in sections.get("RESERVOIRS", ())]
    inlets, inward, metered = inlets_of(reach, ends, positions, cut, reservoirs, behind, fixed)
    floating = [t for t in tank_rows if t not in filled.values() and metered[beside(ends, t)].any()]
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


def _some(positions: Iterable[int], nodes: tuple[str, ...]) -> str:
    names = sorted(nodes[p] for p in positions)
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "") if names else "the network has none"


def _positions(rows: tuple[Row, ...], index: dict[str, int]) -> list[int]:
    return [index[r.words[0]] for r in rows]
