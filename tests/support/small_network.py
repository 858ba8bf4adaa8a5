"""A network of 25 nodes and its recording: gauges and the main's meter, from pipes that are rougher than the file says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator.toolkit import Epanet

SIDE, PIPE_M = 5, 200.0
STEP_S, PER_DAY = 1800, 48
GAUGES = ("J02", "J10", "J14", "J22", "J31", "J33", "J40", "J44", "J04")
METER = "MAIN"


@dataclass(frozen=True, slots=True)
class Leak:
    """A leak at a node, in days since the start."""

    node: str
    first: float
    last: float
    flow_m3h: float


def write_network(path: Path) -> list[str]:
    """Writes the network file; names of its 25 nodes."""
    nodes = [f"J{r}{c}" for r in range(SIDE) for c in range(SIDE)]
    lines = ["[JUNCTIONS]", *(f"{n} 10" for n in nodes), "S 10", "[RESERVOIRS]", "R 70"]
    lines += ["[PIPES]", "MAIN R S 100 300 110 0 Open", f"IN S J00 {PIPE_M} 200 110 0 Open"]
    for r in range(SIDE):
        for c in range(SIDE):
            lines += [f"H{r}{c} J{r}{c} J{r}{c + 1} {PIPE_M} 125 100 0 Open"] if c + 1 < SIDE else []
            lines += [f"V{r}{c} J{r}{c} J{r + 1}{c} {PIPE_M} 125 100 0 Open"] if r + 1 < SIDE else []
    lines += ["[DEMANDS]", *(f"{n} 3 DAY" for n in nodes)]
    lines += ["[PATTERNS]", "DAY " + " ".join(f"{0.4 + 0.1 * min(h, 24 - h):.2f}" for h in range(24))]
    lines += ["[COORDINATES]", *(f"{n} {100 + PIPE_M * int(n[2])} {PIPE_M * int(n[1])}" for n in nodes), "S -100 0", "R -200 0"]
    lines += ["[TIMES]", "Pattern Timestep 1:00", "[OPTIONS]", "Units CMH", "Headloss H-W", "[END]"]
    path.write_text("\n".join(lines))
    return nodes


def record(path: Path, leaks: Sequence[Leak], days: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pressures at the gauges [m] and flow of the main [m³/h], shapes (T, G) and (T, 1)."""
    nodes = [f"J{r}{c}" for r in range(SIDE) for c in range(SIDE)]
    rows = days * PER_DAY
    day = np.arange(rows) / PER_DAY
    hour = (np.arange(rows) * STEP_S // 3600) % 24
    usual = 0.4 + 0.1 * np.minimum(hour, 24 - hour)
    own = rng.lognormal(0.0, 0.15, len(nodes))
    whole = usual * (1 + 0.03 * rng.normal(size=days))[(day).astype(int)] * (1 + 0.03 * rng.normal(size=rows))
    pressure, flow = np.empty((rows, len(GAUGES))), np.empty((rows, 1))
    with Epanet(path) as net:
        net.set_accuracy(1e-5)
        net.set_multiplier(net.pattern("DAY"), 1.0)
        for link in range(len(net.links)):
            net.set_roughness(link, 100.0 * float(np.exp(rng.normal(-0.12, 0.06))))
        where = {n: k for k, n in enumerate(net.nodes)}
        for t in range(rows):
            demand = 3.0 * own * whole[t] * (1 + 0.05 * rng.normal(size=len(nodes)))
            for leak in leaks:
                if leak.first <= day[t] < leak.last:
                    demand[nodes.index(leak.node)] += leak.flow_m3h
            for k, node in enumerate(nodes):
                net.set_demand(where[node], float(demand[k]))
            net.solve()
            head = net.pressures()
            pressure[t] = head[[where[g] for g in GAUGES]]
            flow[t] = net.flows()[net.links.index(METER)]
    return pressure + rng.normal(0, 0.01, pressure.shape), flow * (1 + 0.002 * rng.normal(size=flow.shape))


def is_near(pipe: str, node: str) -> bool:
    """Whether a pipe begins or ends at most one street from a node."""
    if pipe in (METER, "IN"):
        return node == "J00"
    row, column = int(pipe[1]), int(pipe[2])
    ends = [(row, column), (row + (pipe[0] == "V"), column + (pipe[0] == "H"))]
    return min(abs(r - int(node[1])) + abs(c - int(node[2])) for r, c in ends) <= 1
