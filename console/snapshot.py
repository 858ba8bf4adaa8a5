"""What the whole control room sees at one moment: built purely from what the ports said, sent to every browser as JSON.

Nothing in it is text for people: codes, numbers and UTC times, so that one snapshot serves three languages.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, tzinfo

from domain.alerts import Alert, AlertState, Priority
from domain.inventory import Inventory
from domain.ports import CommandRow, GatewayNow, ZoneNow
from domain.setpoints import ActuatorState, Mode
from domain.zones import Zone

RANK = {Priority.HIGH: 1, Priority.MEDIUM: 2, Priority.LOW: 3}
"""The number shown with an alert's colour and shape."""
UNSEEN = frozenset({AlertState.UNACKNOWLEDGED, AlertState.RETURNED_UNACKNOWLEDGED})
_ACTIVE = frozenset({AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneView:
    """One zone."""

    key: str
    inflow_m3h: float | None
    inflow_age_s: float | None
    """Process seconds since the newest inflow."""
    night_flow_m3h: float | None
    night: date | None
    critical_m: float | None
    critical_age_s: float | None
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
    age_s: float | None
    stale: bool
    """Commands are off while this holds."""
    advice_m: float | None
    advice_reason: str


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
    data_age_s: float | None
    """Age of the newest inflow of the zone that is furthest behind."""
    alerts_version: str
    """Changes when the list of alerts does: the page then asks for it anew."""
    commands_version: str
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
) -> Snapshot:
    """The snapshot; ages are ``now`` minus the time of observation, stale is older than ``stale_after_s``."""
    actuators = tuple(
        actuator_now(states[key], zone=a.zone, now=now, stale_after_s=stale_after_s)
        for key, a in inventory.actuators.items()
        if key in states
    )
    rows = {row.zone: row for row in zones}
    views = tuple(
        _zone_view(zone, rows[zone.key], actuators, alerts, now, stale_after_s)
        for zone in inventory.metered_zones()
        if zone.key in rows
    )
    active = [a for a in alerts if a.state in _ACTIVE]
    ages = [v.inflow_age_s for v in views if v.inflow_age_s is not None]
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
        open_alerts=sum(a.state is not AlertState.NORMAL for a in alerts),
        unseen_alerts=sum(a.state in UNSEEN for a in alerts),
        worst=min((RANK[a.priority] for a in active), default=None),
        gateways_online=sum(g.online for g in gateways),
        gateways=len(gateways),
        data_age_s=max(ages, default=None),
        alerts_version=_fingerprint([(a.key, a.state.value, a.updated_at.isoformat()) for a in alerts]),
        commands_version=_fingerprint([(c.command.command_id, c.state) for c in commands]),
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
        age_s=age_s,
        stale=age_s is None or age_s > stale_after_s,
        advice_m=_finite(state.advice_m),
        advice_reason=state.advice_reason,
    )


def _zone_view(
    zone: Zone, row: ZoneNow, actuators: Sequence[ActuatorNow], alerts: Sequence[Alert], now: datetime, stale_after_s: float
) -> ZoneView:
    mine = [a for a in alerts if a.zone == zone.key]
    inflow_age_s, critical_age_s = _age(now, row.inflow_at), _age(now, row.critical_at)
    critical_m = _finite(row.critical_m)
    critical_stale = critical_age_s is None or critical_age_s > stale_after_s
    return ZoneView(
        key=zone.key,
        inflow_m3h=_finite(row.inflow_m3h),
        inflow_age_s=inflow_age_s,
        night_flow_m3h=_finite(row.night_flow_m3h),
        night=row.night,
        critical_m=critical_m,
        critical_age_s=critical_age_s,
        min_pressure_m=zone.min_pressure_m,
        below_minimum=critical_m is not None and not critical_stale and critical_m < zone.min_pressure_m,
        suspect=row.suspect,
        stale=inflow_age_s is None or inflow_age_s > stale_after_s,
        critical_stale=critical_stale,
        modes=tuple(a.mode for a in actuators if a.zone == zone.key),
        open_alerts=sum(a.state is not AlertState.NORMAL for a in mine),
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


def snapshot_json(snapshot: Snapshot) -> str:
    """The snapshot as one line of JSON; zones and actuators as objects by key."""
    document = asdict(snapshot)
    document["zones"] = {z["key"]: z for z in document["zones"]}
    document["actuators"] = {a["key"]: a for a in document["actuators"]}
    return json.dumps(document, default=_plain, separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a snapshot")
