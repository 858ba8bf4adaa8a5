"""From the law to the desk: what is refused as an emergency moves by an ordinary step; what was learned is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from app.control import Steering, learners_file, read_learners, read_models
from domain.setpoints import Mode, Refused
from pressure_control.advice import Advice
from pressure_control.learner import ZoneLearner

NOW = datetime(2026, 5, 3, tzinfo=UTC)


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
        self.dropped: dict[str, str] = {}

    async def tick(self, now: datetime) -> dict[str, Advice]:
        return self.advice


class Desk:
    """Refuses what is called an emergency."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, bool]] = []

    def law_decided(self, actuator: str, now: datetime) -> None:
        pass

    async def order(self, law: str, actuator: str, value_m: float, reason: str, *, emergency: bool = False) -> Refused:
        self.asked.append((value_m, emergency))
        return Refused(command_id="c", at=NOW, by="desk", reasons=())


async def no_modes() -> dict[str, Any]:
    return {}


def steering(law: Law, file: Path) -> Steering:
    view = SimpleNamespace(note_advice=lambda *_: None)
    store = SimpleNamespace(modes=no_modes)
    return Steering(cast("Any", law), cast("Any", view), cast("Any", store), first_mode=Mode.AUTO, models_file=file)


async def test_an_emergency_that_nobody_confirms_is_an_ordinary_step(tmp_path: Path) -> None:
    law, desk = Law(), Desk()
    law.advice = {"v": advice(emergency=True)}
    await steering(law, tmp_path / "models.json").tick(NOW, cast("Any", desk))
    assert desk.asked == [(36.0, True), (33.0, False)]
    law.advice, desk.asked = {"v": advice()}, []
    await steering(law, tmp_path / "models.json").tick(NOW, cast("Any", desk))
    assert desk.asked == [(36.0, False)]


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
