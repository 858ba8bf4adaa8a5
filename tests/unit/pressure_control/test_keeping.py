"""What was learned step by step survives a restart exactly, and what is not understood is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from domain.errors import ConfigurationError
from domain.points import PointKey
from domain.readings import Reading
from pressure_control.keeping import VERSION, learner_from_json, learner_to_json
from pressure_control.learner import PumpStart, ZoneLearner
from pressure_control.service import PressureControl
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown
from tests.unit.pressure_control.laws.test_learned_critical_point import NIGHT, TASK, inputs


class PastSource(ToySource):
    """All of a stretch is there, and its newest readings."""

    def __init__(self, town: ToyTown, steps: int) -> None:
        super().__init__(town)
        self.steps = steps

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        at = self.town.time(self.steps - 1) + timedelta(seconds=240)
        values = {p: float(self.town.data[p][self.steps - 1]) for p in points}
        return {p: Reading(point=p, observed_at=at, value=v) for p, v in values.items() if np.isfinite(v)}


def test_a_learner_comes_back_as_it_was_and_goes_on_the_same_way() -> None:
    before = inputs(NIGHT).learner
    assert before is not None
    before.pumps.append(PumpStart(tank="t", level_m=2.4, jump_m3h=43.0, seen=3))
    text = learner_to_json(before)
    assert text is not None
    after = learner_from_json(text)
    assert learner_to_json(after) == text
    assert after.pumps == before.pumps
    for point in (w.point for w in TASK.watched if w.valve is None):
        old, new = before.loss(point), after.loss(point)
        assert old is not None
        assert new is not None
        assert new.margin(1.0, 0.997, 0.0) == pytest.approx(old.margin(1.0, 0.997, 0.0), abs=1e-3)
        assert np.allclose(new.at(np.array([1.0]), np.array([60.0])), old.at(np.array([1.0]), np.array([60.0])))


def test_it_says_what_data_it_rests_on() -> None:
    learner = inputs(NIGHT).learner
    assert learner is not None
    text = learner_to_json(learner)
    assert text is not None
    data = json.loads(text)
    assert data["version"] == VERSION
    assert data["data_from"] < data["data_until"]
    assert data["data_from"].endswith("+00:00")


def test_nothing_learned_is_nothing_to_keep() -> None:
    assert learner_to_json(ZoneLearner(300.0)) is None


@pytest.mark.parametrize("spoil", ["version", "flow", "losses", "nan", "text"])
def test_another_version_or_damage_is_told(spoil: str) -> None:
    learner = inputs(NIGHT).learner
    assert learner is not None
    data = json.loads(learner_to_json(learner) or "")
    if spoil == "version":
        data["version"] = VERSION + 1
    elif spoil == "flow":
        data["flow"]["curve"] = [1.0]
    elif spoil == "losses":
        next(iter(data["losses"].values())).pop("theta")
    elif spoil == "nan":
        data["flow"]["weights"][0] = float("nan")
    text = "[]" if spoil == "text" else json.dumps(data)
    with pytest.raises(ConfigurationError, match="learn anew"):
        learner_from_json(text)


async def test_after_a_restart_the_law_goes_on_from_what_it_knew() -> None:
    town = ToyTown(seed=4, days=10)
    town.run(0, 8 * PER_DAY)
    source = PastSource(town, 8 * PER_DAY)
    now = town.time(8 * PER_DAY) + timedelta(seconds=130)
    first = PressureControl(town.inventory(), source, history_days=8)
    advised = await first.tick(now)
    kept = {k: learner_from_json(learner_to_json(v) or "") for k, v in first.learners.items()}
    spans = {k: v.from_s for k, v in kept.items()}
    again = PressureControl(town.inventory(), source, history_days=2, learners=kept)
    resumed = await again.tick(now)
    for key, advice in advised.items():
        assert resumed[key].target_m == pytest.approx(advice.target_m, abs=0.02)
        assert again.learners[key].from_s == spans[key], "learned anew instead of going on"


@pytest.mark.parametrize(
    ("step_s", "until_days", "reason"),
    [(300.0, 7.9, None), (900.0, 7.9, "steps of 900 s"), (300.0, 9.0, "later than the newest"), (300.0, 5.0, "before the history")],
)
async def test_what_cannot_be_gone_on_from_is_refused_with_a_reason(step_s: float, until_days: float, reason: str | None) -> None:
    town = ToyTown(seed=4, days=10)
    town.run(0, 8 * PER_DAY)
    kept = ZoneLearner(step_s)
    kept.from_s, kept.until_s = town.seconds[0], town.seconds[0] + until_days * 86400.0
    kept.flow.samples = 10**6
    control = PressureControl(town.inventory(), PastSource(town, 8 * PER_DAY), history_days=2, learners={"prv_medina": kept})
    await control.tick(town.time(8 * PER_DAY) + timedelta(seconds=130))
    assert (control.learners["prv_medina"] is kept) == (reason is None)
    if reason is None:
        assert not control.dropped
    else:
        assert reason in control.dropped["prv_medina"]
        assert list(control.dropped) == ["prv_medina"]
