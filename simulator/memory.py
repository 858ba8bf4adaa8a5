"""What a plant carries from one step to the next, and its form on disk. With seed, setpoints and faults it decides what follows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantMemory:
    """State of the plant at ``time``."""

    time: datetime
    levels_m: dict[str, float]
    """Level of each tank [m]."""
    pump_on: dict[str, bool]
    registers: dict[str, float]
    """Index of each register point [m³ or kWh]."""
    setpoints_m: dict[str, float]
    """Last order of each actuator [m]."""
    held: dict[str, float] = field(default_factory=dict)
    """What stuck parts hold: ``point:<key>`` or ``prv:<actuator>``."""


def to_json(memory: PlantMemory) -> dict[str, Any]:
    """As JSON values."""
    return {
        "time": memory.time.isoformat(),
        "levels_m": memory.levels_m,
        "pump_on": memory.pump_on,
        "registers": memory.registers,
        "setpoints_m": memory.setpoints_m,
        "held": memory.held,
    }


def from_json(values: dict[str, Any]) -> PlantMemory:
    """From ``to_json``.

    Raises:
        ConfigurationError: Something is missing or of the wrong kind.
    """
    try:
        time = datetime.fromisoformat(values["time"])
        if time.tzinfo is None:
            raise ValueError("time without zone")
        return PlantMemory(
            time=time,
            levels_m={str(k): float(v) for k, v in values["levels_m"].items()},
            pump_on={str(k): bool(v) for k, v in values["pump_on"].items()},
            registers={str(k): float(v) for k, v in values["registers"].items()},
            setpoints_m={str(k): float(v) for k, v in values["setpoints_m"].items()},
            held={str(k): float(v) for k, v in values["held"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            file="plant state", key=str(error), value=None, expected="a state file written by this version; delete it to start anew"
        ) from None


def save(memory: PlantMemory, path: Path) -> None:
    """Writes the state so that a reader sees the old or the new file, never half of one."""
    write_atomically(path, json.dumps(to_json(memory)))


def load(path: Path) -> PlantMemory:
    """Reads a state.

    Raises:
        ConfigurationError: The file is damaged or of another version.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            file=path.name, key="", value=str(error), expected="a state file written by this version"
        ) from None
    return from_json(values)


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".new")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
