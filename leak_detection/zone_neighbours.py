"""What looks like one zone's loss and is another zone's water, by a valve between them that was left open. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from domain.findings import FindingKind
from leak_detection.zone_watch import ZoneAlarm

_AS_MUCH = 0.3
"""Of a rise, by which the fall on the other side of the valve may differ from it."""


def boundary_valve(
    zone: str, rise_m3h: float, unexplained_m3h: Mapping[str, float], neighbours: frozenset[str] | None = None
) -> str | None:
    """The zone whose inflow fell by what this one's rose, as when a valve between them was left open; None if there is none.

    Args:
        zone: Where the rise is.
        rise_m3h: How much [m³/h].
        unexplained_m3h: Inflow beyond expectation of every zone at the same moment.
        neighbours: Zones that share a boundary valve with it; None: not known, any may.
    """
    others = [z for z in unexplained_m3h if z != zone and (neighbours is None or z in neighbours)]
    match = [z for z in others if unexplained_m3h[z] < 0 and abs(rise_m3h + unexplained_m3h[z]) <= _AS_MUCH * abs(rise_m3h)]
    return min(match, key=lambda z: abs(rise_m3h + unexplained_m3h[z]), default=None)


def with_neighbours(
    found: Sequence[ZoneAlarm], unexplained_m3h: Mapping[str, float], neighbours: Mapping[str, frozenset[str]] | None = None
) -> list[ZoneAlarm]:
    """The alarms of one moment; what is another zone's water says so.

    Args:
        found: Each zone judged by itself.
        unexplained_m3h: Inflow beyond expectation of every zone at that moment.
        neighbours: Zones that share a boundary valve, by zone; None: not known, any may.
    """
    out: list[ZoneAlarm] = []
    for alarm in found:
        near = None if neighbours is None else neighbours.get(alarm.zone, frozenset())
        other = boundary_valve(alarm.zone, alarm.flow_m3h, unexplained_m3h, near) if alarm.cause == "slope" else None
        out.append(replace(alarm, kind=FindingKind.METER_FAULT, cause=f"boundary_valve:{other}") if other else alarm)
    return out
