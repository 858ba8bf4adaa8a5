"""Zones, findings and alarms of a town with one supply zone and twelve areas in it, for the tests of alarms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.conditions import Condition
from domain.alerts import Priority
from domain.findings import Finding, FindingKind
from domain.points import PointKey
from domain.zones import Inlet, Zone, ZoneKind

START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
AREAS = tuple(f"area{n:02d}" for n in range(1, 13))


def at(minutes: float) -> datetime:
    """A moment of the story."""
    return START + timedelta(minutes=minutes)


def zone(key: str, parent: str | None, *, fed_through: str | None = None, kind: ZoneKind = ZoneKind.DMA) -> Zone:
    """A metered zone; what it takes from ``fed_through`` is taken off there (``with_feeds``)."""
    return Zone(
        key=key, kind=kind, names={"en": key.title()}, parent=parent, inlets=(Inlet(point=PointKey(f"{key}.flow"), sign=1),),
        critical_points=(PointKey(f"{key}.low"),), min_pressure_m=20.0, connections=500,
    )  # fmt: skip


def supply() -> dict[str, Zone]:
    """Region → supply zone ``plain`` with twelve areas; and ``hill`` with two, the second of them fed through the first."""
    found = {"region": Zone(key="region", kind=ZoneKind.REGION, names={"en": "Region"})}
    for sector in ("plain", "hill"):
        found[sector] = zone(sector, "region", kind=ZoneKind.PRESSURE_ZONE)
    for area in AREAS:
        found[area] = zone(area, "plain")
    lower = zone("lower", "hill")
    upper = zone("upper", "hill")
    taken = Inlet(point=PointKey("lower.flow"), sign=-1)
    found["upper"] = Zone(key="upper", kind=ZoneKind.DMA, names={}, parent="hill", inlets=(*upper.inlets, taken))
    found["lower"] = lower
    return found


def burst(
    where: str, since_min: float = 0.0, *, flow_m3h: float = 40.0, kind: FindingKind = FindingKind.BURST, n: int = 1
) -> Finding:
    """What a detector believes of a zone."""
    return Finding(
        key=f"{kind.value}:{where}:{n}", kind=kind, zone=where, detector="flow_step", since=at(since_min),
        found_at=at(since_min + 30), flow_m3h=flow_m3h, flow_error_m3h=2.0, confidence=0.95,
    )  # fmt: skip


def low(where: str, since_min: float = 0.0, *, active: bool = True) -> Condition:
    """Pressure below the minimum in an area, or no longer."""
    return Condition(code="pressure.low", subject=where, active=active, zone=where, since=at(since_min))


def no_effect(where: str, since_min: float = 0.0, *, active: bool = True) -> Condition:
    """A valve that does not follow."""
    return Condition(
        code="command.no_effect", subject=f"prv_{where}", active=active, zone=where, priority=Priority.HIGH, since=at(since_min)
    )


def silent(gateway: str, since_min: float = 0.0, *, active: bool = True) -> Condition:
    """A gateway that does not speak."""
    return Condition(code="gateway.offline", subject=gateway, active=active, since=at(since_min))
