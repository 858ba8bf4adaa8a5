"""What a leak of almost nothing changes in a solved state, by the derivative of its balance. Pure.

A junction's balance is linear in the heads where each pipe's flow follows its head loss by ``dq/dh = q / (n h)``; an active
pressure valve holds the head behind it and asks of the node before it whatever the nodes behind it need. How a pump's flow
follows its lift is seen from a second state with a little more demand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.leak_network_file import NetworkFile
from app.leak_network_metered import TankFlows
from domain.series import FloatArray

_STILL_M3H = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolvedState:
    """Of the whole network."""

    head_m: FloatArray
    """Shape (nodes,)."""
    flow_m3h: FloatArray
    """Shape (links,)."""
    regulating: Sequence[int]
    """Pressure valves that hold the pressure behind them."""
    nudged: Callable[[], tuple[FloatArray, FloatArray]]
    """Heads and flows with a little more demand; asked for where a pump runs."""


def slopes(file: NetworkFile, solved: SolvedState, turn: FloatArray, into: Sequence[TankFlows]) -> tuple[FloatArray, FloatArray]:
    """What 1 m³/h more at each junction changes.

    Args:
        file: Of the network.
        solved: The state.
        turn: -1 for each meter that counts against its link, else 1.
        into: Of the floating tanks.

    Returns:
        Heads of the gauges, and flows of the meters with rises of the floating tanks, shapes (junctions, G) and
        (junctions, meters and floating tanks), per m³/h.
    """
    links, carries = _carried(file, solved)
    matrix, charged = _balances(file, links, carries, solved)
    wanted = _wanted(file, links, carries, turn, into, len(solved.head_m))
    change = -(_solve(matrix.T, wanted.T).T @ charged)[:, file.junctions]
    return change[: len(file.gauges)].T, change[len(file.gauges) :].T


def _carried(file: NetworkFile, solved: SolvedState) -> tuple[NDArray[np.int64], FloatArray]:
    """Links that carry more for more head between their ends, and how much more per metre."""
    head, flow = solved.head_m, solved.flow_m3h
    start, end = file.ends[file.pipes, 0], file.ends[file.pipes, 1]
    loss, through = np.abs(head[start] - head[end]), np.abs(flow[file.pipes])
    carries = np.where(through > 0, np.maximum(through, _STILL_M3H) / (file.exponent * np.maximum(loss, 1e-6)), 0.0)
    more, carried = _others(file, solved)
    return np.concatenate([file.pipes, more]), np.concatenate([carries, carried])


def _others(file: NetworkFile, solved: SolvedState) -> tuple[NDArray[np.int64], FloatArray]:
    """Running pumps and open valves."""
    head, flow = solved.head_m, solved.flow_m3h
    valves = (link for link, _ in file.valves if link not in solved.regulating)
    links = np.array([link for link in (*file.other, *valves) if abs(flow[link]) > _STILL_M3H], dtype=np.int64)
    before, behind = file.ends[links, 0], file.ends[links, 1]
    carried = np.abs(flow[links]) / (2.0 * np.maximum(np.abs(head[before] - head[behind]), 1e-3))
    if pumps := [k for k, link in enumerate(links) if link in file.pumps]:
        there_head, there_flow = solved.nudged()
        more = np.abs(there_flow[links] - flow[links])[pumps]
        lift = np.abs((there_head[behind] - there_head[before]) - (head[behind] - head[before]))[pumps]
        carried[pumps] = np.where(lift > 1e-6, more / np.maximum(lift, 1e-6), 0.0)
    return links, carried


def _balances(
    file: NetworkFile, links: NDArray[np.int64], carries: FloatArray, solved: SolvedState
) -> tuple[FloatArray, FloatArray]:
    """The nodes' balances as a matrix on the heads, and what water drawn at each node adds to each, both shape (nodes, nodes)."""
    count = len(solved.head_m)
    start, end = file.ends[links, 0], file.ends[links, 1]
    matrix, charged = np.zeros((count, count)), np.eye(count)
    for a, b, sign in ((start, start, 1.0), (end, end, 1.0), (start, end, -1.0), (end, start, -1.0)):
        np.add.at(matrix, (a, b), sign * carries)
    for link in solved.regulating:
        before, behind = file.ends[link]
        matrix[before] += matrix[behind]
        charged[before] += charged[behind]
        matrix[behind], charged[behind] = 0.0, 0.0
        matrix[behind, behind] = 1.0
    lost = np.flatnonzero(np.abs(matrix).sum(axis=1) == 0)
    for node in (*file.fixed, *lost):
        matrix[node], charged[node] = 0.0, 0.0
        matrix[node, node] = 1.0
    return matrix, charged


def _wanted(
    file: NetworkFile,
    links: NDArray[np.int64],
    carries: FloatArray,
    turn: FloatArray,
    into: Sequence[TankFlows],
    count: int,
) -> FloatArray:
    """Gauges, meters and floating tanks by the heads of all nodes, shape (gauges, meters and floating tanks, nodes)."""
    wanted = np.zeros((len(file.gauges) + len(file.meters) + len(into), count))
    wanted[np.arange(len(file.gauges)), list(file.gauges)] = 1.0
    of_link = {int(link): k for k, link in enumerate(links)}
    for row, (link, sign) in enumerate(zip(file.meters, turn, strict=True), len(file.gauges)):
        if link in of_link:
            wanted[row, file.ends[link, 0]] += sign * carries[of_link[link]]
            wanted[row, file.ends[link, 1]] -= sign * carries[of_link[link]]
    for row, tank in enumerate(into, len(file.gauges) + len(file.meters)):
        for link, sign in tank.links:
            if link in of_link:
                wanted[row, file.ends[link, 0]] += sign * carries[of_link[link]] / tank.area_m2
                wanted[row, file.ends[link, 1]] -= sign * carries[of_link[link]] / tank.area_m2
    return wanted


def _solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solution of a balance; a part without any source, which has none, gets the smallest."""
    try:
        return np.asarray(np.linalg.solve(matrix, right))
    except np.linalg.LinAlgError:
        # Singular: nodes that closed pipes cut off from every source.
        return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0])
