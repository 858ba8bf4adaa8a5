"""Street plans: where the junctions of a quarter lie and which of them a pipe joins. Pure and seeded.

Three ways a town grows: ``organic`` (an old core: irregular, dense), ``planned`` (a grid laid out on a drawing board, with squares
left free) and ``along`` (houses that follow a river). Only ``random.Random.random`` is drawn from: Python guarantees its sequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

Place = tuple[float, float]
"""x east, y north [m]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetPlan:
    """Junctions and the pairs that are joined, by position in ``places``."""

    places: tuple[Place, ...]
    edges: tuple[tuple[int, int], ...]


def organic(random: Random, *, centre: Place, radii: Place, spacing: float, inside: Callable[[Place], bool]) -> StreetPlan:
    """An old core inside a wavy ellipse.

    Args:
        random: Source of chance.
        centre: Middle of the ellipse [m].
        radii: Half axes [m].
        spacing: Least distance between two junctions [m].
        inside: Further condition on a place, e.g. "not in the river".
    """
    phase, second = random.random() * math.tau, random.random() * math.tau

    def within(place: Place) -> bool:
        dx, dy = (place[0] - centre[0]) / radii[0], (place[1] - centre[1]) / radii[1]
        angle = math.atan2(dy, dx)
        edge = 1 + 0.13 * math.sin(3 * angle + phase) + 0.07 * math.sin(5 * angle + second)
        return math.hypot(dx, dy) <= edge and inside(place)

    box = (centre[0] - 1.25 * radii[0], centre[1] - 1.25 * radii[1], 2.5 * radii[0], 2.5 * radii[1])
    places = _scatter(random, box=box, spacing=spacing, within=within)
    return StreetPlan(places=places, edges=neighbourhood_graph(places, reach=3.2 * spacing))


def along(random: Random, *, line: Sequence[Place], near: float, far: float, side: float, spacing: float) -> StreetPlan:
    """A quarter that follows a line on one side of it.

    Args:
        random: Source of chance.
        line: Points of the line, e.g. a river bank [m].
        near: Least distance of a junction to the line [m].
        far: Largest distance [m].
        side: +1 for the left of the line's direction, -1 for the right.
        spacing: Least distance between two junctions [m].
    """

    def within(place: Place) -> bool:
        distance, left = to_line(place, line)
        return near <= distance <= far and left * side > 0

    xs, ys = [p[0] for p in line], [p[1] for p in line]
    box = (min(xs), min(ys) - far, max(xs) - min(xs), max(ys) - min(ys) + 2 * far)
    places = _scatter(random, box=box, spacing=spacing, within=within)
    return StreetPlan(places=places, edges=neighbourhood_graph(places, reach=3.2 * spacing))


def planned(
    random: Random, *, centre: Place, columns: int, rows: int, block: Place, angle: float, closed: float, squares: int
) -> StreetPlan:
    """A grid of blocks turned by ``angle``.

    Args:
        random: Source of chance.
        centre: Middle of the grid [m].
        columns: Junctions in a row.
        rows: Junctions in a column.
        block: Sides of a block [m].
        angle: Turn of the grid, anticlockwise [rad].
        closed: Share of the streets without a pipe, 0..1; avenues (each fourth row, each fifth column) all have one, and the grid
            stays in one piece.
        squares: Number of junctions left out, for squares and parks.
    """
    cells = [(c, r) for r in range(rows) for c in range(columns)]
    for _ in range(squares):
        free = 1 + int(random.random() * (columns - 2)), 1 + int(random.random() * (rows - 2))
        cells = [cell for cell in cells if cell != free]
    number = {cell: i for i, cell in enumerate(cells)}
    places = []
    for c, r in cells:
        dx = (c - (columns - 1) / 2) * block[0] + (random.random() - 0.5) * 14
        dy = (r - (rows - 1) / 2) * block[1] + (random.random() - 0.5) * 14
        places.append(
            (
                round(centre[0] + dx * math.cos(angle) - dy * math.sin(angle), 1),
                round(centre[1] + dx * math.sin(angle) + dy * math.cos(angle), 1),
            )
        )
    avenues: list[tuple[int, int]] = []
    streets: list[tuple[int, int]] = []
    for c, r in cells:
        for step, avenue in (((c + 1, r), r % 4 == 2), ((c, r + 1), c % 5 == 0)):
            if step in number:
                (avenues if avenue else streets).append((number[c, r], number[step]))
    return StreetPlan(places=tuple(places), edges=_thin_out(random, len(places), avenues, streets, share=closed))


def neighbourhood_graph(places: Sequence[Place], *, reach: float) -> tuple[tuple[int, int], ...]:
    """The relative neighbourhood graph (Toussaint 1980): two places are joined unless a third is nearer to both.

    It holds the shortest spanning tree, so it is in one piece as long as no gap is wider than ``reach`` [m].
    """
    edges = []
    for i, a in enumerate(places):
        for j in range(i + 1, len(places)):
            length = math.dist(a, places[j])
            if length <= reach and not any(
                max(math.dist(a, c), math.dist(places[j], c)) < length for k, c in enumerate(places) if k not in (i, j)
            ):
                edges.append((i, j))
    return tuple(edges)


def to_line(place: Place, line: Sequence[Place]) -> tuple[float, float]:
    """Distance to a line of segments [m], and on which side of it: positive is left of its direction."""
    best, side = math.inf, 0.0
    for a, b in pairwise(line):
        dx, dy = b[0] - a[0], b[1] - a[1]
        along_it = ((place[0] - a[0]) * dx + (place[1] - a[1]) * dy) / (dx * dx + dy * dy)
        along_it = min(1.0, max(0.0, along_it))
        distance = math.dist(place, (a[0] + along_it * dx, a[1] + along_it * dy))
        if distance < best:
            best, side = distance, dx * (place[1] - a[1]) - dy * (place[0] - a[0])
    return best, side


def _scatter(
    random: Random, *, box: tuple[float, float, float, float], spacing: float, within: Callable[[Place], bool]
) -> tuple[Place, ...]:
    """Darts thrown at a box; one that lands too near another is taken away. 4000 misses in a row fill it."""
    found: list[Place] = []
    misses = 0
    while misses < 4000:
        place = (round(box[0] + random.random() * box[2], 1), round(box[1] + random.random() * box[3], 1))
        if within(place) and all(math.dist(place, other) >= spacing for other in found):
            found.append(place)
            misses = 0
        else:
            misses += 1
    return tuple(found)


def _thin_out(
    random: Random, count: int, avenues: list[tuple[int, int]], streets: list[tuple[int, int]], *, share: float
) -> tuple[tuple[int, int], ...]:
    """All avenues and the streets without a share of them, all places still joined."""
    order = sorted(streets, key=lambda _: random.random())
    kept = avenues + order
    for edge in order[: int(len(order) * share)]:
        fewer = [e for e in kept if e != edge]
        if _in_one_piece(count, fewer):
            kept = fewer
    return tuple(sorted(kept))


def _in_one_piece(count: int, edges: Sequence[tuple[int, int]]) -> bool:
    reach: dict[int, list[int]] = {i: [] for i in range(count)}
    for a, b in edges:
        reach[a].append(b)
        reach[b].append(a)
    seen, waiting = {0}, [0]
    while waiting:
        for near in reach[waiting.pop()]:
            if near not in seen:
                seen.add(near)
                waiting.append(near)
    return len(seen) == count
