"""What was learned step by step survives a restart exactly, and what is not understood is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from domain.errors import ConfigurationError
from pressure_control.keeping import VERSION, learner_from_json, learner_to_json
from pressure_control.learner import PumpStart, ZoneLearner
from tests.unit.pressure_control.laws.test_learned_critical_point import NIGHT, TASK, inputs


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
