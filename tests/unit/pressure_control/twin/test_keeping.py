"""What a twin learned survives a restart, goes on from there, and is not taken for another copy's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from domain.errors import ConfigurationError
from domain.points import PointKey
from pressure_control.advice import Advice
from pressure_control.keeping import learner_from_json, learner_to_json
from pressure_control.laws.table import TWIN_LAW
from pressure_control.observations import valve_tasks
from pressure_control.service import PressureControl
from pressure_control.twin.keeping import VERSION, restore_twin, twin_to_json
from pressure_control.twin.zone_twin import ZoneTwin
from tests.support.toy_zone import PER_DAY, ToyTown, ToyZone
from tests.unit.pressure_control.twin.test_service import STEPS, Copy, Past

ZONE, VALVE = "oued", "prv_oued"


@pytest.fixture(scope="module")
def town() -> ToyTown:
    found = ToyTown(seed=4, days=7, zones={ZONE: ToyZone(ZONE, mean_m3h=35.0, leak_m3h=8.0)}, fixed_m={ZONE: 38.0})
    found.run(0, STEPS)
    return found


def blank(town: ToyTown) -> ZoneTwin:
    task = valve_tasks(town.inventory())[VALVE]
    return ZoneTwin(Copy(town, tuple(w.point for w in task.watched)), (VALVE,))


@pytest.fixture(scope="module")
def taught(town: ToyTown) -> PressureControl:
    control = PressureControl(town.inventory(), Past(town), history_days=6, law=TWIN_LAW, twins={ZONE: blank(town)})
    asyncio.run(tick(town, control))
    return control


@pytest.fixture
def again(town: ToyTown, taught: PressureControl) -> Callable[[ZoneTwin, float], PressureControl]:
    """The control room after a restart, with so many days of readings; what the learners know was kept."""
    learners = {k: learner_from_json(learner_to_json(v) or "") for k, v in taught.learners.items()}

    def start(twin: ZoneTwin, days: float) -> PressureControl:
        return PressureControl(
            town.inventory(), Past(town), history_days=days, law=TWIN_LAW, learners=learners, twins={ZONE: twin}
        )  # fmt: skip

    return start


async def tick(town: ToyTown, control: PressureControl) -> Advice:
    return (await control.tick(town.time(STEPS) + timedelta(seconds=130)))[VALVE]


def kept(control: PressureControl) -> str:
    text = twin_to_json(control.twins[ZONE])
    assert text is not None
    return text


def test_a_twin_comes_back_as_it_was(town: ToyTown, taught: PressureControl) -> None:
    before, after = taught.twins[ZONE], blank(town)
    restore_twin(after, kept(taught))
    assert twin_to_json(after) == kept(taught)
    assert after.agreed
    asked = (30.0, before.until_s, 480.0, (0.0,))
    old, new = before.expected(*asked), after.expected(*asked)
    assert old is not None
    assert new is not None
    assert new.place_m == pytest.approx(old.place_m, abs=1e-9)
    point = next(iter(before.residuals))
    assert after.residuals[point].sd(2.0) == pytest.approx(before.residuals[point].sd(2.0))
    assert json.loads(kept(taught))["data_from"] < json.loads(kept(taught))["data_until"]


async def test_after_a_restart_the_twin_leads_at_once_where_the_readings_are_too_few_to_learn_from(
    town: ToyTown, taught: PressureControl, again: Callable[[ZoneTwin, float], PressureControl]
) -> None:
    twin, unkept = blank(town), blank(town)
    restore_twin(twin, kept(taught))
    advice = await tick(town, again(twin, 0.25))
    assert advice.target_m == pytest.approx(taught.advice[VALVE].target_m, abs=0.05)
    assert twin.agreed
    assert twin.from_s == taught.twins[ZONE].from_s
    await tick(town, again(unkept, 0.25))
    assert not unkept.agreed


async def test_what_came_in_while_it_was_down_is_learned(
    town: ToyTown, taught: PressureControl, again: Callable[[ZoneTwin, float], PressureControl]
) -> None:
    point, twin = PointKey(f"{ZONE}.cp1"), blank(town)
    restore_twin(twin, kept(taught))
    twin.until_s -= 86400.0
    samples = twin.residuals[point].state()["samples"]
    await tick(town, again(twin, 6))
    assert twin.until_s == taught.twins[ZONE].until_s
    assert twin.residuals[point].state()["samples"] == pytest.approx(samples + PER_DAY, abs=10)


async def test_one_kept_before_the_history_begins_is_learned_anew_and_told(
    town: ToyTown, taught: PressureControl, again: Callable[[ZoneTwin, float], PressureControl]
) -> None:
    old = blank(town)
    restore_twin(old, kept(taught))
    old.until_s -= 30 * 86400.0
    control = again(old, 6)
    await tick(town, control)
    assert "before the history" in control.dropped[ZONE]
    assert control.twins[ZONE] is not old
    assert control.twins[ZONE].agreed


def test_nothing_learned_is_nothing_to_keep(town: ToyTown) -> None:
    assert twin_to_json(blank(town)) is None


def test_another_copy_of_the_network_does_not_get_it(town: ToyTown, taught: PressureControl) -> None:
    other = blank(town)
    copy = other.model
    assert isinstance(copy, Copy)
    copy._a = copy._a + 0.5
    with pytest.raises(ConfigurationError, match="another copy"):
        restore_twin(other, kept(taught))


@pytest.mark.parametrize(
    "spoil",
    [
        {"version": VERSION + 1},
        {"residuals": {"elsewhere.cp1": {}}},
        {"residuals": {f"{ZONE}.cp1": {"theta": [1.0]}}},
        {"accord": "much"},
        {"data_until": "yesterday"},
        {"step_s": None},
    ],
)
def test_damage_is_told_and_leaves_the_twin_blank(town: ToyTown, taught: PressureControl, spoil: dict[str, object]) -> None:
    twin = blank(town)
    with pytest.raises(ConfigurationError, match="learn anew"):
        restore_twin(twin, json.dumps(json.loads(kept(taught)) | spoil))
    assert not twin.residuals
    assert not np.isfinite(twin.until_s)
    with pytest.raises(ConfigurationError, match="learn anew"):
        restore_twin(twin, "[]")
