"""The breaker opens after three failures, probes once, and the dead get no more than their tenth."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from edge.health import FAILURES_TO_DIE, Breaker, DeadTime, Health


def probed(health: Health) -> Breaker:
    health.probe()
    return health.breaker


def test_closed_open_half_open() -> None:
    health = Health()
    for _ in range(FAILURES_TO_DIE - 1):
        assert not health.failed()
    assert health.breaker is Breaker.CLOSED
    assert (health.failed(), health.breaker) == (True, Breaker.OPEN)
    assert probed(health) is Breaker.HALF_OPEN
    assert (health.failed(), health.breaker) == (False, Breaker.OPEN)
    health.probe()
    assert (health.answered(), health.breaker) == (True, Breaker.CLOSED)
    assert probed(health) is Breaker.CLOSED


def test_pauses_differ_from_device_to_device() -> None:
    health = Health(failures=6)
    assert len({health.pause_s(10.0, Random(i)) for i in range(20)}) == 20


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 5.0)), min_size=1, max_size=60))
def test_the_dead_never_take_more_than_a_tenth(steps: list[tuple[float, float]]) -> None:
    budget, now, spent, last = DeadTime(), 0.0, 0.0, 0.0
    budget.allowed(now)
    for idle, cost in steps:
        now += idle
        if budget.allowed(now):
            now += cost
            budget.spent(cost, now)
            spent, last = spent + cost, cost
    assert spent - last <= 0.1 * now + 1e-6  # the last one may still be owed for


@given(st.floats(0.2, 30))
def test_the_wait_it_names_is_enough(cost: float) -> None:
    budget = DeadTime()
    budget.allowed(0.0)
    budget.spent(cost, 1.0)
    assert not budget.allowed(1.0)
    assert budget.allowed(1.0 + budget.wait_s(1.0))
