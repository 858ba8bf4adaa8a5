"""What is connected with what in a network file: what hangs on a source, which meters feed the rest, what lies behind a tank."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.leak_network_units import Sections
from domain.errors import ConfigurationError
from simulator.inp import Row


def check_fed(network: Path, nodes: tuple[str, ...], ends: NDArray[np.int64], fixed: set[int]) -> None:
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


def beside(ends: NDArray[np.int64], node: int) -> NDArray[np.int64]:
    """Nodes at the other ends of a node's links."""
    return np.concatenate([ends[ends[:, 0] == node, 1], ends[ends[:, 1] == node, 0]])


def open_links(sections: Sections, link: dict[str, int], pipes: tuple[Row, ...], valves: tuple[Row, ...]) -> list[int]:
    """Pipes and valves that the file does not close."""
    closed = {r.words[0] for r in pipes if len(r.words) > 6 and r.words[-1].upper() == "CLOSED"}
    for row in sections.get("STATUS", ()):
        if len(row.words) > 1 and row.words[1].upper() == "CLOSED":
            closed.add(row.words[0])
        else:
            closed.discard(row.words[0])
    return [link[r.words[0]] for r in (*pipes, *valves) if r.words[0] not in closed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
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


def inlets_of(
    reach: Reach,
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
