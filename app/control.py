"""Between the control laws and the desk: what a law advises becomes an order in auto, and a line on a page in any other mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from app.files import read_json, write_json
from commands.desk import Desk
from commands.view import CurrentActuators
from domain.errors import ConfigurationError
from domain.ports_commands import CommandStore
from domain.setpoints import Command, Mode
from pressure_control.advice import Advice
from pressure_control.keeping import learner_from_json, learner_to_json
from pressure_control.laws.table import DEFAULT_LAW
from pressure_control.learner import ZoneLearner
from pressure_control.learning import ValveModel, from_json, to_json
from pressure_control.service import PressureControl
from pressure_control.twin.keeping import restore_twin, twin_to_json
from pressure_control.twin.zone_twin import ZoneTwin

KEEP_EVERY = timedelta(hours=1)
_Learned = TypeVar("_Learned")
log = structlog.get_logger(__name__)


class Steering:
    """Takes the law's advice to the desk.

    Args:
        control: The laws.
        view: Shows the advice on the pages.
        store: Knows the mode of each actuator.
        first_mode: Mode of an actuator for which none was ever set.
        models_file: Where what was learned is kept over a restart.
        law: Name of the law, the author of its orders in the audit.
    """

    def __init__(
        self,
        control: PressureControl,
        view: CurrentActuators,
        store: CommandStore,
        *,
        first_mode: Mode,
        models_file: Path,
        law: str = DEFAULT_LAW,
    ) -> None:
        self._control = control
        self._view = view
        self._store = store
        self._first_mode = first_mode
        self._models_file = models_file
        self._law = law
        self._kept_at: datetime | None = None
        self._not_following: set[str] = set()
        self._told: set[str] = set()

    async def tick(self, now: datetime, desk: Desk) -> list[Command]:
        """One look at every valve; returns what was ordered."""
        advice = await self._control.tick(now)
        for key, reason in self._control.dropped.items():
            if key not in self._told:
                self._told.add(key)
                log.warning("what was learned is dropped", actuator=key, error=reason)
        modes = await self._store.modes()
        ordered: list[Command] = []
        for key, advised in advice.items():
            self._view.note_advice(key, advised.value_m, advised.reason)
            desk.law_decided(key, now)
            mode = modes[key].mode if key in modes else self._first_mode
            if advised.hold or mode is not Mode.AUTO:
                continue
            answer = await desk.order(self._law, key, advised.value_m, advised.reason, emergency=advised.emergency)
            if not isinstance(answer, Command) and advised.ordinary_m is not None:
                # Nobody and nothing confirms the emergency: the ordinary step is still due.
                answer = await desk.order(self._law, key, advised.ordinary_m, advised.reason)
            if isinstance(answer, Command):
                ordered.append(answer)
            else:
                log.info("order refused", actuator=key, value_m=advised.value_m, reasons=[r.code for r in answer.reasons])
        self._keep(now)
        return ordered

    def turned(self) -> dict[str, Advice]:
        """Advice for each valve that has stopped to follow its setpoint, or follows again, since the last call."""
        advice = self._control.advice
        changed = {key: one for key, one in advice.items() if one.follows == (key in self._not_following)}
        self._not_following = {key for key, one in advice.items() if not one.follows}
        return changed

    def _keep(self, now: datetime) -> None:
        """What was learned survives a restart: written once an hour, the rest is learned again from the readings."""
        if self._kept_at is not None and now - self._kept_at < KEEP_EVERY:
            return
        self._kept_at = now
        write_json(self._models_file, {key: to_json(model) for key, model in self._control.models.items()})
        texts = {key: learner_to_json(learner) for key, learner in self._control.learners.items()}
        write_json(learners_file(self._models_file), {key: text for key, text in texts.items() if text is not None})
        texts = {zone: twin_to_json(twin) for zone, twin in self._control.twins.items()}
        if texts:
            write_json(twins_file(self._models_file), {zone: text for zone, text in texts.items() if text is not None})


def read_models(path: Path) -> dict[str, ValveModel]:
    """What an earlier run learned, by actuator; what another version wrote is learned anew."""
    return _read(path, from_json)


def read_learners(models_file: Path) -> dict[str, ZoneLearner]:
    """What an earlier run learned step by step, by actuator; what another version wrote is learned anew."""
    return _read(learners_file(models_file), learner_from_json)


def restore_twins(models_file: Path, twins: Mapping[str, ZoneTwin]) -> None:
    """Gives twins, by zone, what they learned in an earlier run; what was learned on another copy is learned anew."""
    for zone, text in read_json(twins_file(models_file)).items():
        if zone not in twins:
            continue
        try:
            restore_twin(twins[zone], text)
        except ConfigurationError as error:
            log.warning("what was learned is dropped", zone=zone, file=str(twins_file(models_file)), error=str(error))


def twins_file(models_file: Path) -> Path:
    """Beside the file of models."""
    return models_file.with_name(f"{models_file.stem}-twins.json")


def learners_file(models_file: Path) -> Path:
    """Beside the file of models."""
    return models_file.with_name(f"{models_file.stem}-stepwise.json")


def _read(path: Path, parse: Callable[[str], _Learned]) -> dict[str, _Learned]:
    found: dict[str, _Learned] = {}
    for key, text in read_json(path).items():
        try:
            found[key] = parse(text)
        except ConfigurationError as error:
            log.warning("what was learned is dropped", actuator=key, file=str(path), error=str(error))
    return found
