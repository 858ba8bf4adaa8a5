"""Pipes as a drawing that is small on the wire: walked end to end as long as they join, in whole steps of a grid. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

Cell = tuple[int, int]
Pipe = tuple[Cell, Cell]

GRID = 16_384
"""Steps across the longer side of the drawing: finer than a pixel at the map's closest look."""
FINEST_M = 0.1


def grid_step_m(width_m: float, height_m: float) -> float:
    """The grid's step for a drawing of this size [m]."""
    return max(FINEST_M, round(max(width_m, height_m) / GRID, 2))


def walk(pipes: Iterable[Pipe]) -> list[list[int]]:
    """The pipes as walks: ``[x, y, dx, dy, dx, dy, …]``, a start and then steps. Each pipe is walked exactly once.

    Walks begin where an odd number of pipes meet, so that there are as few as greed can make. A pipe both of whose ends fall on one
    cell has no length to draw and is left out.
    """
    ways: dict[Cell, Counter[Cell]] = defaultdict(Counter)
    for start, end in pipes:
        if start != end:
            ways[start][end] += 1
            ways[end][start] += 1
    odd = [cell for cell, to in ways.items() if to.total() % 2]
    found = []
    for first in (*odd, *ways):
        while ways[first]:
            found.append(_one_walk(ways, first))
    return found


def unwalk(walks: Iterable[Sequence[int]]) -> list[Pipe]:
    """The pipes again, in the order and direction in which they are walked."""
    pipes: list[Pipe] = []
    for walked in walks:
        corners = list(zip(accumulate(walked[0::2]), accumulate(walked[1::2]), strict=True))
        pipes += pairwise(corners)
    return pipes


def _one_walk(ways: dict[Cell, Counter[Cell]], first: Cell) -> list[int]:
    walked, here = [*first], first
    while ways[here]:
        there = next(iter(ways[here]))
        for a, b in ((here, there), (there, here)):
            ways[a][b] -= 1
            if not ways[a][b]:
                del ways[a][b]
        walked += (there[0] - here[0], there[1] - here[1])
        here = there
    return walked
