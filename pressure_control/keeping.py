"""What a ``ZoneLearner`` knows as a JSON text that survives a restart, with its version and the span of data it rests on."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any, Protocol

from domain.errors import ConfigurationError
from domain.points import PointKey
from pressure_control.learner import PumpStart, ZoneLearner
from pressure_control.recursive_loss import RecursiveLoss

VERSION = 2


class History(Protocol):
    """Readings kept on a grid."""

    @property
    def step_s(self) -> float:
        """Length of a step [s]."""

    @property
    def start_s(self) -> float:
        """Start of the first step, seconds since 1970 UTC."""


class Kept(Protocol):
    """What was learned from such readings before a restart."""

    @property
    def step_s(self) -> float:
        """Length of its steps [s]."""

    @property
    def until_s(self) -> float:
        """End of the last one, seconds since 1970 UTC."""


def learner_to_json(learner: ZoneLearner) -> str | None:
    """The text; None while nothing was learned."""
    if not math.isfinite(learner.from_s) or not math.isfinite(learner.until_s):
        return None
    pumps = [{"tank": p.tank, "level_m": p.level_m, "jump_m3h": p.jump_m3h, "seen": p.seen} for p in learner.pumps]
    return json.dumps(
        {
            "version": VERSION,
            "data_from": datetime.fromtimestamp(learner.from_s, UTC).isoformat(),
            "data_until": datetime.fromtimestamp(learner.until_s, UTC).isoformat(),
            "step_s": learner.step_s,
            "flow": learner.flow.state(),
            "losses": {str(point): loss.state() for point, loss in learner.losses.items()},
            "pumps": pumps,
            "response": learner.response.state(),
        },
        sort_keys=True,
    )


def learner_from_json(text: str) -> ZoneLearner:
    """The learner of such a text.

    Raises:
        ConfigurationError: Not such a text, damaged, or of another version: learn anew.
    """
    try:
        data: dict[str, Any] = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError("another version")
        learner = ZoneLearner(float(data["step_s"]))
        learner.from_s = datetime.fromisoformat(data["data_from"]).timestamp()
        learner.until_s = datetime.fromisoformat(data["data_until"]).timestamp()
        learner.flow.restore(data["flow"])
        for point, state in data["losses"].items():
            learner.losses[PointKey(point)] = loss = RecursiveLoss()
            loss.restore(state)
        learner.pumps = [PumpStart(**pump) for pump in data["pumps"]]
        learner.response.restore(data["response"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            file="learned head losses",
            key=str(error),
            value=str(text)[:40],
            expected=f"what was learned, in version {VERSION}; delete it to learn anew",
        ) from None
    return learner


def unusable(kept: Kept, history: History, now_s: float) -> str | None:
    """Why what was kept from before must not go on from this history; None where it may.

    Args:
        kept: A learner or a twin, as it was kept.
        history: What is there to go on from.
        now_s: End of the newest readings, seconds since 1970 UTC.
    """
    until = f"{datetime.fromtimestamp(kept.until_s, UTC):%Y-%m-%d %H:%M} UTC" if math.isfinite(kept.until_s) else "never"
    if kept.step_s != history.step_s:
        return f"learned in steps of {kept.step_s:.0f} s, readings come in steps of {history.step_s:.0f} s: learned anew"
    if kept.until_s > now_s + kept.step_s:
        return f"learned until {until}, later than the newest reading: learned anew"
    if kept.until_s < history.start_s:
        return f"learned until {until}, before the history kept: what happened since is not known, learned anew"
    return None
