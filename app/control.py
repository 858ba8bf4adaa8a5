"""Between the control laws and the desk: what a law advises becomes an order in auto, and a line on a page in any other mode."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import structlog

from app.files import read_json, write_json
from commands.desk import Desk
from commands.view import CurrentActuators
from domain.errors import ConfigurationError
from domain.ports import CommandStore
from domain.setpoints import Command, Mode
from pressure_control.laws.table import DEFAULT_LAW
from pressure_control.learning import ValveModel, from_json, to_json
from pressure_control.service import PressureControl

LAW = DEFAULT_LAW
log = structlog.get_logger(__name__)


class Steering:
    """Takes the law's advice to the desk.

    Args:
        control: The laws.
        view: Shows the advice on the pages.
        store: Knows the mode of each actuator.
        first_mode: Mode of an actuator for which none was ever set.
        models_file: Where what was learned is kept over a restart.
    """

    def __init__(
        self, control: PressureControl, view: CurrentActuators, store: CommandStore, *, first_mode: Mode, models_file: Path
    ) -> None:
        self._control = control
        self._view = view
        self._store = store
        self._first_mode = first_mode
        self._models_file = models_file

    async def tick(self, now: datetime, desk: Desk) -> list[Command]:
        """One look at every valve; returns what was ordered."""
        advice = await self._control.tick(now)
        modes = await self._store.modes()
        ordered: list[Command] = []
        for key, advised in advice.items():
            self._view.note_advice(key, advised.value_m, advised.reason)
            desk.law_decided(key, now)
            mode = modes[key].mode if key in modes else self._first_mode
            if advised.hold or mode is not Mode.AUTO:
                continue
            answer = await desk.order(LAW, key, advised.value_m, advised.reason)
            if isinstance(answer, Command):
                ordered.append(answer)
            else:
                log.info("order refused", actuator=key, value_m=advised.value_m, reasons=[r.code for r in answer.reasons])
        self._keep()
        return ordered

    def _keep(self) -> None:
        """What was learned survives a restart."""
        write_json(self._models_file, {key: to_json(model) for key, model in self._control.models.items()})


def read_models(path: Path) -> dict[str, ValveModel]:
    """What an earlier run learned, by actuator; what another version wrote is learned anew."""
    models: dict[str, ValveModel] = {}
    for key, text in read_json(path).items():
        try:
            models[key] = from_json(text)
        except ConfigurationError as error:
            log.warning("learned model dropped", actuator=key, error=str(error))
    return models
