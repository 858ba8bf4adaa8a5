"""From the law to the desk: what is refused as an emergency moves by an ordinary step; what was learned is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from app.control import Steering, learners_file, read_learners, read_models, restore_twins, twins_file
from domain.points import PointKey
from domain.setpoints import Mode, Refused
from pressure_control.advice import Advice
from pressure_control.learner import ZoneLearner
from pressure_control.twin.keeping import twin_to_json
from pressure_control.twin.residual import Residual
from pressure_control.twin.zone_model import Places
from pressure_control.twin.zone_twin import ZoneTwin

NOW = datetime(2026, 5, 3, tzinfo=UTC)
POINT = PointKey("oued.cp1")


def advice(*, follows: bool = True, emergency: bool = False) -> Advice:
    return Advice(
        actuator="v", value_m=36.0, reason="r", hold=False, basis="b", follows=follows,
        emergency=emergency, ordinary_m=33.0 if emergency else None,
    )  # fmt: skip


class Law:
    def __init__(self) -> None:
        self.advice = {"v": advice()}
        self.models: dict[str, Any] = {}
        self.learners: dict[str, ZoneLearner] = {}
        self.twins: dict[str, ZoneTwin] = {}
        self.dropped: dict[str, str] = {}

    async def tick(self, now: datetime) -> dict[str, Advice]:
        return self.advice


class Desk:
    """Refuses what is called an emergency."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, bool]] = []
        self.authors: set[str] = set()

    def law_decided(self, actuator: str, now: datetime) -> None:
        pass

    async def order(self, law: str, actuator: str, value_m: float, reason: str, *, emergency: bool = False) -> Refused:
        self.asked.append((value_m, emergency))
        self.authors.add(law)
        return Refused(command_id="c", at=NOW, by="desk", reasons=())


async def no_modes() -> dict[str, Any]:
    return {}


def steering(law: Law, file: Path) -> Steering:
    view = SimpleNamespace(note_advice=lambda *_: None)
    store = SimpleNamespace(modes=no_modes)
    return Steering(
        cast("Any", law), cast("Any", view), cast("Any", store), first_mode=Mode.AUTO, models_file=file, law="time_of_day"
    )


async def test_an_emergency_that_nobody_confirms_is_an_ordinary_step(tmp_path: Path) -> None:
    law, desk = Law(), Desk()
    law.advice = {"v": advice(emergency=True)}
    await steering(law, tmp_path / "models.json").tick(NOW, cast("Any", desk))
    assert desk.asked == [(36.0, True), (33.0, False)]
    law.advice, desk.asked = {"v": advice()}, []
    await steering(law, tmp_path / "models.json").tick(NOW, cast("Any", desk))
    assert desk.asked == [(36.0, False)]
    assert desk.authors == {"time_of_day"}, "the audit names the law that ordered"


def test_a_valve_is_told_once_when_it_stops_to_follow_and_once_when_it_follows_again(tmp_path: Path) -> None:
    law = Law()
    found = steering(law, tmp_path / "models.json")
    assert found.turned() == {}
    law.advice = {"v": advice(follows=False)}
    assert list(found.turned()) == ["v"]
    assert found.turned() == {}
    law.advice = {"v": advice()}
    assert found.turned()["v"].follows


async def test_what_was_learned_is_kept_and_a_damaged_part_is_learned_anew(tmp_path: Path) -> None:
    law, file = Law(), tmp_path / "models.json"
    learner = ZoneLearner(300.0)
    learner.from_s, learner.until_s = NOW.timestamp() - 86400.0, NOW.timestamp()
    learner.flow.scale_m3h = 20.0
    law.learners = {"v": learner}
    await steering(law, file).tick(NOW + timedelta(minutes=5), cast("Any", Desk()))
    kept = read_learners(file)
    assert kept["v"].flow.scale_m3h == 20.0
    assert kept["v"].from_s == learner.from_s
    assert read_models(file) == {}
    learners_file(file).write_text('{"v": "[]", "w": "no"}')
    assert read_learners(file) == {}


async def test_what_a_twin_learned_is_kept_and_what_another_copy_taught_is_not_taken(tmp_path: Path) -> None:
    law, file = Law(), tmp_path / "models.json"
    law.twins = {"oued": (taught := twin(5.0))}
    taught.residuals[POINT] = Residual()
    taught.from_s, taught.until_s, taught.step_s = NOW.timestamp() - 86400.0, NOW.timestamp(), 300.0
    await steering(law, file).tick(NOW + timedelta(minutes=5), cast("Any", Desk()))
    again, other = twin(5.0), twin(6.0)
    restore_twins(file, {"oued": again})
    assert twin_to_json(again) == twin_to_json(taught)
    restore_twins(file, {"oued": other, "medina": twin(5.0)})
    assert not other.residuals
    twins_file(file).write_text('{"oued": "[]", "gone": "no"}')
    restore_twins(file, {"oued": other})
    assert not other.residuals


def twin(loss_m: float) -> ZoneTwin:
    """Of a copy with one place, which always loses as much."""
    places = Places(names=("n",), connections=np.ones(1), nearest=(POINT,), measured=(True,), points=(POINT,))
    losses = np.full(1, loss_m), np.full(1, loss_m)
    model = SimpleNamespace(places=places, losses=lambda *_: losses, still=lambda *_: losses)
    return ZoneTwin(cast("Any", model), ("v",))
