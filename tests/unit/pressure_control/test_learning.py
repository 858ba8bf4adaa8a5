from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from domain.errors import ConfigurationError
from domain.points import PointKey
from pressure_control.fit import fit_loss, fit_valve, robust_fit
from pressure_control.forecast import ahead, daily_profile
from pressure_control.learning import from_json, to_json
from pressure_control.observations import Window, newest, valve_tasks, window
from pressure_control.settings import ControlSettings
from tests.support.toy_zone import PER_DAY, ToyTown

SETTINGS = ControlSettings()


def past(town: ToyTown, key: str) -> Window:
    task = valve_tasks(town.inventory())[f"prv_{key}"]
    minute = (town.seconds / 60.0 + 60.0) % 1440
    return window(task, town.data, start_s=town.seconds[0], step_s=300.0, minute=minute)


def town(**changes: Any) -> ToyTown:
    made = ToyTown(seed=1, days=10, **changes)
    made.run(0, made.size)
    return made


def test_the_loss_is_learned_to_centimetres_through_noise_and_outliers() -> None:
    rng = np.random.default_rng(0)
    flow = rng.uniform(20, 120, 3000)
    loss = 4.0 + 6.0 * (flow / 100) ** 1.85 + rng.normal(0, 0.1, 3000)
    loss[::50] -= 5.0
    static, resistance, sd = robust_fit(flow, loss)
    assert static == pytest.approx(4.0, abs=0.03)
    assert resistance * 100**1.85 == pytest.approx(6.0, abs=0.05)
    assert 0.05 < sd < 0.15


def test_resistance_is_never_negative() -> None:
    flow = np.linspace(20, 120, 500)
    assert robust_fit(flow, 10.0 - 0.05 * flow)[1] == 0.0


def test_margins_hold_the_promised_share_of_the_moments_that_came() -> None:
    made = town()
    task = valve_tasks(made.inventory())["prv_medina"]
    model = fit_valve(task, past(made, "medina"), SETTINGS)
    assert model is not None
    other = ToyTown(seed=99, days=10)
    other.run(0, other.size)
    seen = past(other, "medina")
    forecast_flow = ahead(seen.flow_m3h, seen.minute, np.array(model.profile_m3h), SETTINGS.look_ahead_steps)
    for loss in model.losses:
        promised = loss.over(forecast_flow) + np.array([loss.margin(f) for f in seen.flow_m3h])
        came = seen.outlet_m - seen.watched_m[loss.point]
        broken = np.mean(came[3:] > promised[:-3])
        assert broken < 0.01


def test_the_inlet_of_a_valve_downstream_is_watched_and_learned() -> None:
    made = town()
    tasks = valve_tasks(made.inventory())
    assert [w.valve for w in tasks["prv_plateau"].watched if w.valve] == ["prv_oued"]
    assert not any(w.valve for w in tasks["prv_medina"].watched)
    model = fit_valve(tasks["prv_plateau"], past(made, "plateau"), SETTINGS)
    assert model is not None
    assert model.loss(PointKey("oued.inlet")) is not None
    assert model.loss(PointKey("nowhere")) is None


def test_too_little_data_teach_nothing() -> None:
    made = town()
    task = valve_tasks(made.inventory())["prv_medina"]
    assert fit_valve(task, past(made, "medina").tail(200), SETTINGS) is None


def test_a_sensor_that_suddenly_reads_metres_more_does_not_teach() -> None:
    made = town(bias={"medina.cp1": (6 * PER_DAY, 4.0)})
    task = valve_tasks(made.inventory())["prv_medina"]
    whole = past(made, "medina")
    before = fit_valve(task, Window(**{n: _first(getattr(whole, n), 5 * PER_DAY) for n in Window.__dataclass_fields__}), SETTINGS)
    assert before is not None
    after = fit_valve(task, whole, SETTINGS, before)
    assert after is not None
    usual = 60.0
    old, new = before.loss(PointKey("medina.cp1")), after.loss(PointKey("medina.cp1"))
    assert old is not None
    assert new is not None
    assert new.at(usual) > old.at(usual) - 0.2


def test_a_slow_drift_lowers_a_lesson_by_half_a_metre_at_most() -> None:
    made = town()
    whole = past(made, "medina")
    point = PointKey("medina.cp1")
    profile = daily_profile(whole.flow_m3h, whole.minute)
    before = fit_loss(point, whole, profile, SETTINGS, None)
    assert before is not None
    whole.watched_m[point] = whole.watched_m[point] + 1.8
    after = fit_loss(point, whole, profile, SETTINGS, before)
    assert after is not None
    assert before.at(60.0) - after.at(60.0) == pytest.approx(0.5, abs=0.1)


def test_the_forecast_sees_the_morning_coming_and_never_promises_less_than_now() -> None:
    minute = np.tile(np.arange(PER_DAY, dtype=np.float64) * 5.0, 3)
    flow = np.where((minute >= 360) & (minute < 600), 90.0, 50.0)
    profile = daily_profile(flow, minute)
    expected = ahead(flow, minute, profile, 3)
    at = int(355 / 5) + PER_DAY
    assert expected[at] > 1.2 * flow[at]
    assert (expected >= flow - 1e-9).all()


def test_a_model_survives_as_json_and_another_version_is_refused() -> None:
    made = town()
    model = fit_valve(valve_tasks(made.inventory())["prv_plateau"], past(made, "plateau"), SETTINGS)
    assert model is not None
    assert from_json(to_json(model)) == model
    other = json.loads(to_json(model)) | {"version": 99}
    for text in (json.dumps(other), "{}", "[]", "not json", json.dumps({"version": 1})):
        with pytest.raises(ConfigurationError):
            from_json(text)


def test_the_newest_finite_value() -> None:
    assert newest(np.array([1.0, 2.0, np.nan]), 2) == 2.0
    assert np.isnan(newest(np.array([1.0, np.nan]), 1))


def _first(value: Any, size: int) -> Any:
    if isinstance(value, np.ndarray):
        return value[:size]
    return {k: v[:size] for k, v in value.items()} if isinstance(value, dict) else value
