"""The real executor does, step for step, what the checked model does: with deliveries of anything at any time, power cuts at any
step, valves that do not answer, leases that end. So what the search has proved of the model holds for the code."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge import actuators
from tests.support.command_model import Model, Scenario, State, Step
from tests.support.executor_rig import ExecutorRig


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated valve has nothing to say later that it does not say now."""
    monkeypatch.setattr(actuators, "_FIRST_PAUSE_S", 0.0)


SCENARIO = Scenario(kinds=("law", "operator"), crashes=3)
DESK_ONLY = frozenset({"result", "give up", "decide"})
EAGER = ("look", "fall back")
"""What the executor does by itself as soon as it can."""


def enabled(model: Model, state: State) -> list[tuple[Step, State]]:
    """The steps that may come now; what the executor does by itself comes first."""
    found = list(model.steps(state))
    eager = [pair for pair in found if pair[0].name in EAGER]
    return eager[:1] or [pair for pair in found if pair[0].name not in DESK_ONLY or pair[0].name == "decide"]


async def follow(folder: Path, choose: Callable[[list[tuple[Step, State]]], tuple[Step, State]], length: int) -> set[str]:
    """One life of the road, taken by model and executor alike; returns what happened in it."""
    model, taken = Model(SCENARIO), []
    state, rig, seen = model.first, ExecutorRig(folder, SCENARIO.kinds), set()
    await rig.boot()
    try:
        for _ in range(length):
            steps = enabled(model, state)
            if not steps:
                break
            step, state = choose(steps)
            taken.append(tuple(step))
            await rig.follow(step, state)
            rig.compare(state)
            seen |= {step.name, *state.journal}
    except (AssertionError, TimeoutError) as error:
        raise AssertionError(f"{error!r} after {taken}") from error
    finally:
        if state.up:
            await rig.crash()
    return seen


@given(choices=st.lists(st.integers(0, 11), min_size=5, max_size=40))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_life_of_the_model_is_lived_alike(impatient: None, choices: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        left = iter(choices)
        asyncio.run(follow(Path(folder), lambda steps: steps[next(left) % len(steps)], len(choices)))


async def walk(seed: int, folder: Path) -> set[str]:
    """A random life; forward more often than in circles, for ticks and deliveries of the same teach little."""
    lot = random.Random(seed)

    def choose(steps: list[tuple[Step, State]]) -> tuple[Step, State]:
        return lot.choices(steps, [0.3 if step.name in ("tick", "crash", "deliver") else 1.0 for step, _ in steps])[0]

    return await follow(folder, choose, 60)


ALL_OF_IT = {
    "issue", "deliver", "look", "start", "write", "write unanswered", "write not taken", "withdrawn", "done", "crash", "restart",
    "fall back", "verified", "refused", "expired", "failed",
}  # fmt: skip


async def lives(folder: Path, seeds: range) -> None:
    seen: set[str] = set()
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir()
        seen |= await walk(seed, place)
    assert seen >= ALL_OF_IT, ALL_OF_IT - seen


async def test_random_lives_of_the_model_are_lived_alike(tmp_path: Path) -> None:
    await lives(tmp_path, range(40))


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_many_random_lives_of_the_model_are_lived_alike(tmp_path: Path) -> None:
    await lives(tmp_path, range(1000, 2000))
