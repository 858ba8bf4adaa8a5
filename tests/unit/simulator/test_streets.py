import math
from random import Random

import pytest

from simulator.streets import StreetPlan, along, neighbourhood_graph, organic, planned, to_line


def _in_one_piece(plan: StreetPlan) -> bool:
    near: dict[int, set[int]] = {i: set() for i in range(len(plan.places))}
    for a, b in plan.edges:
        near[a].add(b)
        near[b].add(a)
    seen, waiting = {0}, [0]
    while waiting:
        for other in near[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return len(seen) == len(plan.places)


def test_the_relative_neighbourhood_graph_leaves_out_the_longest_side_of_a_triangle():
    assert neighbourhood_graph([(0, 0), (10, 0), (4, 5)], reach=100) == ((0, 2), (1, 2))


def test_an_edge_longer_than_the_reach_is_left_out():
    assert neighbourhood_graph([(0, 0), (50, 0)], reach=40) == ()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_kind_of_quarter_is_in_one_piece(seed: int):
    plans = [
        organic(Random(seed), centre=(0, 0), radii=(250, 200), spacing=50, inside=lambda p: True),
        along(Random(seed), line=((0, 0), (400, -100), (800, 0)), near=30, far=160, side=1, spacing=50),
        planned(Random(seed), centre=(0, 0), columns=8, rows=6, block=(100, 90), angle=0.3, closed=0.4, squares=2),
    ]
    assert all(_in_one_piece(plan) for plan in plans)


def test_junctions_of_an_old_core_keep_their_distance_and_stay_inside():
    plan = organic(Random(5), centre=(0, 0), radii=(200, 200), spacing=40, inside=lambda p: p[0] > 0)
    assert min(math.dist(a, b) for i, a in enumerate(plan.places) for b in plan.places[:i]) >= 40
    assert all(x > 0 for x, _ in plan.places)


def test_a_quarter_along_a_river_lies_on_its_side_of_it():
    line = ((0.0, 0.0), (500.0, 0.0))
    plan = along(Random(1), line=line, near=20, far=100, side=-1, spacing=45)
    assert plan.places
    assert all(-100 <= y <= -20 for _, y in plan.places)


def test_the_left_of_a_line_is_positive():
    assert to_line((5, 3), ((0, 0), (10, 0))) == (3.0, 30.0)
    assert to_line((5, -3), ((0, 0), (10, 0)))[1] < 0


def test_closing_streets_keeps_the_avenues():
    plan = planned(Random(1), centre=(0, 0), columns=6, rows=6, block=(100, 100), angle=0, closed=1.0, squares=0)
    number = {(c, r): r * 6 + c for r in range(6) for c in range(6)}
    assert all((number[c, 2], number[c + 1, 2]) in plan.edges for c in range(5))
    assert _in_one_piece(plan)
