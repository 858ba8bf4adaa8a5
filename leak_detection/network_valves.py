"""Valves that were turned, by their names: what the network layer tells of settings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import hypot

from domain.valves import ValveTurned
from leak_detection.model.valve_turns import SettingTurned

_LEAST_ERROR = 0.15
"""Of a change: so well the copy knows what a setting does to the gauges, where that is in proportion to it."""
_MOST_BEND = 0.25
"""With more neither size nor direction is told: valves bent by 0.4 were told the wrong way round."""
_DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureValve:
    """A pressure reducing valve of the network file."""

    name: str
    bend: float
    """How far what its setting does to the gauges is from being in proportion to the change, as a share: 0 is a straight line."""


def valves_turned(
    turned: Sequence[SettingTurned], valves: Sequence[PressureValve], opening: int, start_s: float
) -> list[ValveTurned]:
    """What a watch has told, in order.

    Args:
        turned: By the watch.
        valves: Of the network file, in its order.
        opening: Whole days that only teach; nothing is told before.
        start_s: Of the first day, seconds since 1970 UTC.
    """
    return [_named(one, valves[one.valve], opening, start_s) for one in turned]


def _named(turned: SettingTurned, valve: PressureValve, opening: int, start_s: float) -> ValveTurned:
    known = valve.bend <= _MOST_BEND
    error_m = hypot(turned.error_m, max(valve.bend, _LEAST_ERROR) * turned.change_m)
    return ValveTurned(
        valve=valve.name,
        day=_moment(turned.day, start_s),
        told_at=_moment(max(turned.told_day, opening), start_s),
        change_m=turned.change_m if known else None,
        error_m=error_m if known else None,
        share=turned.share,
    )


def _moment(day: int, start_s: float) -> datetime:
    return datetime.fromtimestamp(start_s + day * _DAY_S, UTC)
