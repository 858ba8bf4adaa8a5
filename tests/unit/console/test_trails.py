from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from console.trails import FINEST_M, Pipe, grid_step_m, unwalk, walk

cells = st.tuples(st.integers(0, 6), st.integers(0, 6))


def undirected(pipes: list[Pipe]) -> Counter[frozenset[tuple[int, int]]]:
    return Counter(frozenset(pipe) for pipe in pipes)


@given(st.lists(st.tuples(cells, cells), max_size=60))
def test_every_pipe_is_walked_once(pipes: list[Pipe]) -> None:
    drawn = [pipe for pipe in pipes if pipe[0] != pipe[1]]
    assert undirected(unwalk(walk(pipes))) == undirected(drawn)


@given(st.lists(cells, min_size=2, max_size=40, unique=True))
def test_a_line_is_one_walk(line: list[tuple[int, int]]) -> None:
    assert len(walk(pairwise(line))) == 1


def test_a_walk_is_a_start_and_steps() -> None:
    assert walk([((5, 5), (5, 8)), ((5, 8), (2, 8))]) == [[5, 5, 0, 3, -3, 0]]


def test_the_step_follows_the_size_down_to_the_finest() -> None:
    assert grid_step_m(10, 20) == FINEST_M
    assert grid_step_m(163_840, 20) == 10.0
