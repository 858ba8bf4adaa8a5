"""Tanks and the pumps that follow their level, read from the network file. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import ConfigurationError
from simulator.inp import number, read_sections


@dataclass(frozen=True, slots=True, kw_only=True)
class Tank:
    """A round tank with upright walls."""

    key: str
    initial_m: float
    min_m: float
    max_m: float
    area_m2: float

    def after(self, level_m: float, inflow_m3h: float, seconds: float) -> float:
        """Level after a while of constant net inflow [m]; it stays inside the tank: the rest overflows or is not there."""
        level = level_m + inflow_m3h * seconds / 3600 / self.area_m2
        return min(self.max_m - 1e-3, max(self.min_m + 1e-3, level))


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSwitch:
    """A pump that starts below one level of a tank and stops above another."""

    pump: str
    tank: str
    start_below_m: float
    stop_above_m: float

    def on(self, was_on: bool, level_m: float) -> bool:
        """Whether the pump runs now."""
        if level_m < self.start_below_m:
            return True
        if level_m > self.stop_above_m:
            return False
        return was_on


def read_tanks(inp_text: str) -> tuple[Tank, ...]:
    """Tanks of a network file.

    Raises:
        ConfigurationError: A number is missing.
    """
    tanks = []
    for row in read_sections(inp_text).get("TANKS", ()):
        initial, low, high, diameter = (
            number(row, i, section="TANKS", what=what)
            for i, what in ((2, "an initial level"), (3, "a least level"), (4, "a largest level"), (5, "a diameter"))
        )
        area = math.pi * diameter**2 / 4
        tanks.append(Tank(key=row.words[0], initial_m=initial, min_m=low, max_m=high, area_m2=area))
    return tuple(tanks)


def read_switches(inp_text: str) -> tuple[LevelSwitch, ...]:
    """Pumps that follow a tank: a pair of lines such as ``LINK PUMP OPEN IF NODE TANK BELOW 3.0`` and ``… CLOSED … ABOVE 5.6``.

    Raises:
        ConfigurationError: A control of another kind, or half a pair.
    """
    levels: dict[tuple[str, str], dict[str, float]] = {}
    for row in read_sections(inp_text).get("CONTROLS", ()):
        words = tuple(w.upper() for w in row.words)
        known = len(words) == 8 and words[0] == "LINK" and words[3:5] == ("IF", "NODE")
        if not known or (words[2], words[6]) not in (("OPEN", "BELOW"), ("CLOSED", "ABOVE")):
            raise ConfigurationError(
                file="network file", key=f"[CONTROLS] line {row.line}", value=" ".join(row.words),
                expected="LINK <pump> OPEN IF NODE <tank> BELOW <level>, or CLOSED … ABOVE <level>",
            )  # fmt: skip
        levels.setdefault((row.words[1], row.words[5]), {})[words[2]] = number(row, 7, section="CONTROLS", what="a level")
    return tuple(_switch(pump, tank, found) for (pump, tank), found in levels.items())


def _switch(pump: str, tank: str, levels: Mapping[str, float]) -> LevelSwitch:
    if not levels.keys() >= {"OPEN", "CLOSED"} or levels["OPEN"] >= levels["CLOSED"]:
        raise ConfigurationError(
            file="network file",
            key=f"[CONTROLS] {pump}",
            value=dict(levels),
            expected="a level to open below and a higher one to close above",
        )
    return LevelSwitch(pump=pump, tank=tank, start_below_m=levels["OPEN"], stop_above_m=levels["CLOSED"])
