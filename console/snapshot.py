"""What the whole control room sees at one moment: built purely from what the ports said, sent to every browser (``wire``).

Nothing in it is text for people: codes, numbers and UTC times, so that one snapshot serves three languages.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from console.leak_marks import LeakNow
from domain.alerts import LISTED, UNSEEN, Alert, AlertState, Priority
from domain.inventory import Inventory
from domain.points import Point, PointKey, Role
from domain.ports import GatewayNow, ZoneNow
from domain.ports_commands import CommandRow
from domain.readings import Quality, Reading
from domain.setpoints import ActuatorState, Mode
from domain.zones import Zone

__all__ = ["PLACES", "RANK", "UNSEEN", "ActuatorNow", "PlaceNow", "Snapshot", "ZoneView", "actuator_now", "build_snapshot"]

RANK = {Priority.HIGH: 1, Priority.MEDIUM: 2, Priority.LOW: 3}
"""The number shown with an alert's colour and shape."""
_ACTIVE = frozenset({AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED})
PLACES = {Role.TANK_LEVEL: "tank", Role.PUMP_FLOW: "pump"}
"""Points that the map shows with their value, and as what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneView:
    """One zone."""

    key: str
    inflow_m3h: float | None
    inflow_at: datetime | None
    inflow_age_s: float | None
    """Process seconds since the newest inflow."""
    night_flow_m3h: float | None
    night: date | None
    critical_m: float | None
    min_pressure_m: float
    below_minimum: bool
    """The lowest critical pressure is fresh and below the zone's minimum."""
    suspect: bool
    stale: bool
    """Inflow is older than the limit, or absent."""
    critical_stale: bool
    modes: tuple[str, ...]
    """Mode of each actuator of the zone, in the inventory's order."""
    open_alerts: int
    unseen_alerts: int
    worst: int | None
    """Rank of the worst active alert, 1 to 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActuatorNow:
    """One actuator."""

    key: str
    zone: str
    mode: str
    mode_until: datetime | None
    owner: str
    setpoint_m: float | None
    outlet_m: float | None
    inlet_m: float | None
    flow_m3h: float | None
    at: datetime | None
    """The oldest of what is shown."""
    age_s: float | None
    stale: bool
    """Commands are off while this holds."""
    advice_m: float | None
    advice_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceNow:
    """A tank's level or a pump's flow."""

    key: str
    """Of its point."""
    kind: str
    """``tank`` (value in m) or ``pump`` (value in m³/h)."""
    zone: str | None
    value: float | None
    at: datetime | None
    stale: bool
    suspect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything, at ``now``."""

    number: int
    now: datetime
    """Process time, UTC."""
    now_local: str
    """The same on the utility's clock, ``YYYY-MM-DDTHH:MM:SS``."""
    zones: tuple[ZoneView, ...]
    actuators: tuple[ActuatorNow, ...]
    inflow_m3h: float | None
    """Sum over the zones; None where one is missing."""
    night_flow_m3h: float | None
    zones_below: int
    actuators_auto: int
    open_alerts: int
    unseen_alerts: int
    worst: int | None
    gateways_online: int
    gateways: int
    gateways_offline: int
    data_at: datetime | None
    data_age_s: float | None
    """Age of the newest inflow of the zone that is furthest behind."""
    alerts_version: str
    """Changes when the list of alerts does: the page then asks for it anew."""
    commands_version: str
    zones_judged: int = 0
    """Zones whose critical pressure is known and fresh: ``zones_below`` says nothing of the others."""
    places: tuple[PlaceNow, ...] = ()
    leaks: tuple[LeakNow, ...] = ()
    """Open leaks whose place is known."""
    problem: str = ""
    """Code of what keeps the console from seeing, e.g. ``source``; the rest is then the last known."""

    def zone(self, key: str) -> ZoneView | None:
        """The zone with this key."""
        return next((z for z in self.zones if z.key == key), None)

    def actuator(self, key: str) -> ActuatorNow | None:
        """The actuator with this key."""
        return next((a for a in self.actuators if a.key == key), None)


def build_snapshot(
    *,
    number: int,
    now: datetime,
    local: tzinfo,
    inventory: Inventory,
    zones: Sequence[ZoneNow],
    states: Mapping[str, ActuatorState],
    alerts: Sequence[Alert],
    gateways: Sequence[GatewayNow],
    commands: Sequence[CommandRow],
    stale_after_s: float,
    readings: Mapping[PointKey, Reading] | None = None,
    leaks: Sequence[LeakNow] = (),
) -> Snapshot:
    """The snapshot; ages are ``now`` minus the time of observation, stale is older than ``stale_after_s``.

    ``readings`` are the newest of tanks and pumps.
    """
    actuators = tuple(
        actuator_now(states[key], zone=a.zone, now=now, stale_after_s=stale_after_s)
        for key, a in inventory.actuators.items()
        if key in states
    )
    rows, mine, modes = {row.zone: row for row in zones}, _alerts_by_zone(alerts), _modes_by_zone(actuators)
    views = tuple(
        _zone_view(zone, rows[zone.key], modes[zone.key], mine[zone.key], now, stale_after_s)
        for zone in inventory.metered_zones()
        if zone.key in rows
    )
    active = [a for a in alerts if a.state in _ACTIVE]
    data_at = min((v.inflow_at for v in views if v.inflow_at is not None), default=None)
    return Snapshot(
        number=number,
        now=now,
        now_local=now.astimezone(local).strftime("%Y-%m-%dT%H:%M:%S"),
        zones=views,
        actuators=actuators,
        inflow_m3h=_total([v.inflow_m3h for v in views]),
        night_flow_m3h=_total([v.night_flow_m3h for v in views]),
        zones_below=sum(v.below_minimum for v in views),
        actuators_auto=sum(a.mode == Mode.AUTO.value for a in actuators),
        open_alerts=sum(a.state in LISTED for a in alerts),
        unseen_alerts=sum(a.state in UNSEEN for a in alerts),
        worst=min((RANK[a.priority] for a in active), default=None),
        gateways_online=sum(g.online for g in gateways),
        gateways=len(gateways),
        gateways_offline=sum(not g.online for g in gateways),
        data_at=data_at,
        data_age_s=_age(now, data_at),
        alerts_version=_fingerprint([(a.key, a.state.value, a.updated_at.isoformat()) for a in alerts]),
        commands_version=_fingerprint([(c.command.command_id, c.state) for c in commands]),
        zones_judged=sum(v.critical_m is not None and not v.critical_stale for v in views),
        places=tuple(
            _place_now(point, (readings or {}).get(point.key), now, stale_after_s)
            for point in inventory.points.values()
            if point.role in PLACES
        ),
        leaks=tuple(leaks),
    )


def actuator_now(state: ActuatorState, *, zone: str, now: datetime, stale_after_s: float) -> ActuatorNow:
    """An actuator with the age of what is known of it."""
    age_s = _age(now, state.observed_at)
    return ActuatorNow(
        key=state.actuator,
        zone=zone,
        mode=state.mode.value,
        mode_until=state.mode_until,
        owner=state.owner,
        setpoint_m=_finite(state.setpoint_m),
        outlet_m=_finite(state.outlet_m),
        inlet_m=_finite(state.inlet_m),
        flow_m3h=_finite(state.flow_m3h),
        at=state.observed_at,
        age_s=age_s,
        stale=age_s is None or age_s > stale_after_s,
        advice_m=_finite(state.advice_m),
        advice_reason=state.advice_reason,
    )


def _alerts_by_zone(alerts: Sequence[Alert]) -> Mapping[str, list[Alert]]:
    """An alert that stands for several zones counts in each."""
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        for zone in {alert.zone, *alert.areas} - {None}:
            found[str(zone)].append(alert)
    return found


def _modes_by_zone(actuators: Sequence[ActuatorNow]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for actuator in actuators:
        found[actuator.zone].append(actuator.mode)
    return found


def _place_now(point: Point, reading: Reading | None, now: datetime, stale_after_s: float) -> PlaceNow:
    age_s = _age(now, reading.observed_at if reading else None)
    return PlaceNow(
        key=str(point.key),
        kind=PLACES[point.role],
        zone=point.zone,
        value=_finite(reading.value) if reading else None,
        at=reading.observed_at if reading else None,
        stale=age_s is None or age_s > stale_after_s,
        suspect=reading is not None and reading.quality not in (Quality.GOOD, Quality.ESTIMATED),
    )


def _zone_view(
    zone: Zone, row: ZoneNow, modes: Sequence[str], mine: Sequence[Alert], now: datetime, stale_after_s: float
) -> ZoneView:
    inflow_age_s, critical_age_s = _age(now, row.inflow_at), _age(now, row.critical_at)
    critical_m = _finite(row.critical_m)
    critical_stale = critical_age_s is None or critical_age_s > stale_after_s
    return ZoneView(
        key=zone.key,
        inflow_m3h=_finite(row.inflow_m3h),
        inflow_at=row.inflow_at,
        inflow_age_s=inflow_age_s,
        night_flow_m3h=_finite(row.night_flow_m3h),
        night=row.night,
        critical_m=critical_m,
        min_pressure_m=zone.min_pressure_m,
        below_minimum=critical_m is not None and not critical_stale and critical_m < zone.min_pressure_m,
        suspect=row.suspect,
        stale=inflow_age_s is None or inflow_age_s > stale_after_s,
        critical_stale=critical_stale,
        modes=tuple(modes),
        open_alerts=sum(a.state in LISTED for a in mine),
        unseen_alerts=sum(a.state in UNSEEN for a in mine),
        worst=min((RANK[a.priority] for a in mine if a.state in _ACTIVE), default=None),
    )


def _age(now: datetime, then: datetime | None) -> float | None:
    return None if then is None else max(0.0, (now - then).total_seconds())


def _total(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) if known and len(known) == len(values) else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _fingerprint(rows: Sequence[tuple[str, ...]]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:12]
