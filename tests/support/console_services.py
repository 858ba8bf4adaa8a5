"""A believable town for the console: the demonstration site's inventory and map, values as functions of time, the real desk.

``python -m tests.support.console_services`` serves it on a free port, for looking at.
"""

from __future__ import annotations

import asyncio
import math
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from alerts.complaint_desk import ComplaintDesk
from alerts.inbox import AlertInbox
from alerts.service import Alerts
from alerts.work_service import WorkDesk
from commands.authorisation import Right, authorise
from commands.desk import Desk
from commands.settings import DeskSettings
from console.passwords import hash_password
from console.ports import ConsoleOptions, ConsoleServices, MapGeometry
from domain.alerts import AlertState
from domain.inventory import Inventory, build_inventory
from domain.network_status import NetworkStatus
from domain.points import Point, PointKey, Role
from domain.ports import Clock, GatewayNow, User, ZoneNow
from domain.readings import Reading
from domain.series import Series
from domain.setpoints import ActuatorState, Command, Failed, Mode, Outcome, PredictedEffect, Verified
from domain.valves import ValveTurned
from leak_detection.measured_nights import MeasuredNights
from simulator.geometry import read_geometry
from tests.support.alert_store import MemoryAlertStore
from tests.support.command_store import MemoryCommandStore
from tests.support.console_customers import past_customers
from tests.support.console_field import fill_field, past_findings
from tests.support.console_past import BURST_AT, NOW, fill_past
from tests.support.customer_store import MemoryCustomerStore
from tests.support.two_people_store import MemoryTwoPeople
from tests.support.work_store import MemoryComplaintStore, MemoryFindings, MemoryPhotos, MemoryWorkStore

SITE = Path(__file__).parents[2] / "sites" / "demo"
PASSWORD = "correct horse"
INBOX_TOKEN = "t" * 24
USERS = {
    "samira": User(name="samira", role="supervisor", zones=frozenset(), language="fr"),
    "omar": User(name="omar", role="operator", zones=frozenset(), language="en"),
    "leila": User(name="leila", role="operator", zones=frozenset({"medina"}), language="ar"),
    "vera": User(name="vera", role="viewer", zones=frozenset(), language="en"),
    "adam": User(name="adam", role="admin", zones=frozenset(), language="en"),
}
NETWORK = NetworkStatus(
    network="network.inp", learning=False, start=NOW - timedelta(days=70), opened=NOW - timedelta(days=14),
    until=NOW - timedelta(minutes=30), gauges=7, named=8, silent=("oued.low",), repairs=2,
    doubts=("medina.low is left out: fewer than 20% of its samples came in the days that teach",),
    valves=tuple(
        ValveTurned(
            valve=valve, day=NOW - timedelta(days=6), told_at=NOW - timedelta(days=4), change_m=change_m,
            error_m=None if change_m is None else 0.14, share=0.99, ordered=ordered,
        )
        for valve, change_m, ordered in (("PRV-MED", 0.8, True), ("PRV-OUE", -0.9, False), ("PRV-IND", None, None))
    ),
)  # fmt: skip
_BASE_M3H = {"medina": 92.0, "plateau": 71.0, "oued": 44.0, "industrie": 33.0}
_NIGHT_M3H = {"medina": 37.4, "plateau": 18.9, "oued": 14.2, "industrie": 8.1}


@cache
def demo_inventory() -> Inventory:
    """The demonstration site."""
    return build_inventory({p.name: tomllib.loads(p.read_text("utf-8")) for p in SITE.glob("*.toml")})


@cache
def demo_geometry() -> MapGeometry:
    """Its network as the console draws it."""
    found = read_geometry((SITE / "network.inp").read_text("utf-8"))
    return MapGeometry(
        nodes={key: (x, y) for key, (x, y, _) in found.nodes.items()},
        links=tuple(
            (link.key, link.start, link.end, found.zones.get(link.end, "") if same_zone(found.zones, link.start, link.end) else "")
            for link in found.links
        ),
    )


def same_zone(zones: Mapping[str, str], start: str, end: str) -> bool:
    """Whether both ends of a link lie in one zone."""
    return zones.get(start) is not None and zones.get(start) == zones.get(end)


@cache
def password_hash() -> str:
    """One hash for everybody: it costs a moment to make."""
    return hash_password(PASSWORD)


@dataclass
class SteppedClock:
    """Process time that stands at ``at`` plus what has passed on the wall times ``speed``."""

    at: datetime = NOW
    speed: float = 0.0
    started: float = 0.0

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.speed * (monotonic() - self.started)) if self.speed else self.at

    def timestamp(self) -> float:
        return self.now().timestamp()

    def wall_delay(self, until: datetime) -> float:
        return max(0.0, (until - self.now()).total_seconds() / (self.speed or 1.0))


def monotonic() -> float:
    """Wall seconds."""
    return time.monotonic()


def wall_now() -> datetime:
    """Wall time."""
    return datetime.now(UTC)


class Town:
    """Zones, fleet, series, actuators and predictions, all from a few functions of time; ``broken`` makes every read fail."""

    def __init__(self, inventory: Inventory, clock: Clock) -> None:
        self.inventory = inventory
        self.clock = clock
        self.setpoint_m = {"prv_medina": 37.0, "prv_plateau": 38.5, "prv_oued": 30.0}
        self.changes: dict[str, list[tuple[datetime, float]]] = {}
        self.lag_s = 80.0
        """Age of every value."""
        self.broken = False
        self.extra_m3h = 0.0
        """Added to the old town's inflow: something for a live number to show."""
        self.store: MemoryCommandStore | None = None
        self.suspect = {"industrie"}

    async def zones_now(self) -> Sequence[ZoneNow]:
        self._check()
        now = self.clock.now()
        seen = now - timedelta(seconds=self.lag_s)
        rows = []
        for zone in self.inventory.metered_zones():
            flow = self.net_m3h(zone.key, seen.timestamp()) + (self.extra_m3h if zone.key == "medina" else 0.0)
            lowest = min(self.pressure(p, seen.timestamp()) for p in zone.critical_points)
            rows.append(
                ZoneNow(
                    zone=zone.key, inflow_m3h=flow, inflow_at=seen, night_flow_m3h=_NIGHT_M3H.get(zone.key), night=now.date(),
                    critical_m=lowest, critical_at=seen, suspect=zone.key in self.suspect,
                )
            )  # fmt: skip
        return rows

    async def gateways_now(self) -> Sequence[GatewayNow]:
        self._check()
        now = self.clock.now()
        day = timedelta(days=14, hours=2)
        return [
            GatewayNow(
                edge="demo/gw-north",
                online=True,
                since=now - day,
                last_block_at=now - timedelta(seconds=70),
                rows_stored=412_806,
                dead_letters=0,
                missing=0,
            ),
            GatewayNow(
                edge="demo/gw-south",
                online=True,
                since=now - day,
                last_block_at=now - timedelta(seconds=95),
                rows_stored=388_214,
                dead_letters=2,
                missing=0,
            ),
        ]

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        self._check()
        step = step_s or 60
        seconds = np.arange(math.ceil(start.timestamp() / step) * step, min(end, self.clock.now()).timestamp(), step)
        found = {}
        for key in points:
            values = np.array([self.value(key, float(s)) for s in seconds])
            times = (seconds * 1000).astype("datetime64[ms]")
            found[key] = Series(point=key, times=times, values=values, quality=np.zeros(values.shape, np.int16))
        return found

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        at = self.clock.now() - timedelta(seconds=self.lag_s)
        return {p: Reading(point=p, observed_at=at, value=self.value(p, at.timestamp())) for p in points}

    async def states(self, actuators: Sequence[str]) -> dict[str, ActuatorState]:
        return {key: await self.state(key) for key in actuators}

    async def state(self, actuator: str) -> ActuatorState:
        self._check()
        a = self.inventory.actuators[actuator]
        at = self.clock.now() - timedelta(seconds=self.lag_s)
        row = (await self.store.modes()).get(actuator) if self.store else None
        outlet = self.value(a.outlet_pressure, at.timestamp())
        return ActuatorState(
            actuator=actuator, mode=row.mode if row else Mode.ADVISORY, mode_until=row.until if row else None,
            owner=row.owner if row else "law", owner_token=row.owner_token if row else 1, setpoint_m=self.setpoint_m[actuator],
            outlet_m=outlet, inlet_m=self.value(a.inlet_pressure, at.timestamp()) if a.inlet_pressure else None,
            flow_m3h=self.value(a.flow, at.timestamp()), observed_at=at,
            advice_m=self.setpoint_m[actuator] - (0.8 if actuator == "prv_oued" else 0.4),
            advice_reason="feed-forward from the inflow; the lowest critical point has 4.1 m to spare",
        )  # fmt: skip

    async def predict(self, actuator: str, value_m: float) -> PredictedEffect:
        a = self.inventory.actuators[actuator]
        zone = self.inventory.zones[a.zone]
        now_s = self.clock.timestamp()
        change = value_m - self.setpoint_m[actuator]
        critical = {str(p): round(self.pressure(p, now_s) + change, 2) for p in zone.critical_points}
        lowest = min(critical.values())
        below = 0 if lowest >= zone.min_pressure_m else int((zone.min_pressure_m - lowest) * 85)
        leakage = round(0.024 * _NIGHT_M3H[a.zone] * change, 2)
        return PredictedEffect(
            actuator=actuator, value_m=value_m, current_m=self.setpoint_m[actuator], critical_m=critical, lowest_m=lowest,
            min_pressure_m=zone.min_pressure_m, customers_below=below, customer_minutes_below_day=1440 * below,
            leakage_change_m3h=leakage, leakage_change_error_m3h=round(abs(0.2 * leakage), 2),
            basis="lowest fresh critical pressures moved by the step; leakage by the night flow with exponent 1.1",
        )  # fmt: skip

    def value(self, key: PointKey, at_s: float) -> float:
        """Any point at any time."""
        point = self.inventory.points[key]
        if point.role is Role.SETPOINT:
            return self.setpoint_at(str(point.zone), at_s)
        if point.quantity.value == "flow":
            return self.flow(point, at_s)
        if point.quantity.value == "pressure":
            return self.pressure(key, at_s)
        return 5.0 + math.sin(at_s / 9000)

    def net_m3h(self, zone: str, at_s: float) -> float:
        """What a zone takes."""
        base = _BASE_M3H[zone] * pattern(at_s, zone)
        burst = 21.5 * min(1.0, max(0.0, (at_s - BURST_AT.timestamp()) / 900)) if zone == "medina" else 0.0
        return base + burst + 0.7 * wobble(at_s, zone)

    def flow(self, point: Point, at_s: float) -> float:
        zone = str(point.zone)
        if zone not in _BASE_M3H:
            return sum(self.net_m3h(z, at_s) for z in _BASE_M3H)
        return self.net_m3h(zone, at_s) + (self.net_m3h("oued", at_s) if zone == "plateau" else 0.0)

    def pressure(self, key: PointKey, at_s: float) -> float:
        """Outlet and inlet of a valve, or a critical point behind it."""
        point = self.inventory.points[key]
        zone = str(point.zone)
        load = self.net_m3h(zone, at_s) / _BASE_M3H[zone] if zone in _BASE_M3H else 1.0
        outlet = self.setpoint_at(zone, at_s) + 0.15 * wobble(at_s, str(key))
        if point.role is Role.CRITICAL_PRESSURE:
            rank = int(next(c for c in str(key) if c.isdigit()))
            return outlet - (2.6 + 0.9 * rank) * math.pow(load, 1.6) - 1.2 * rank
        if point.role is Role.INLET_PRESSURE or "inlet" in str(key):
            return 61.0 - 5.0 * load
        return outlet

    def setpoint_at(self, zone: str, at_s: float) -> float:
        key = f"prv_{zone}"
        if key not in self.setpoint_m:
            return 41.0
        value = self.setpoint_m[key]
        for moment, before in reversed(self.changes.get(key, [])):
            if at_s < moment.timestamp():
                value = before
        hour = local_hour(at_s)
        night = 3.0 if hour < 5.5 or hour > 23 else 0.0
        fresh = self.clock.timestamp() - at_s < 4 * 3600
        return value - (0.0 if fresh else night)

    def move(self, actuator: str, value_m: float) -> None:
        """The valve goes to a setpoint."""
        self.changes.setdefault(actuator, []).append((self.clock.now(), self.setpoint_m[actuator]))
        self.setpoint_m[actuator] = value_m

    def _check(self) -> None:
        if self.broken:
            raise ConnectionError("the database is away")


def local_hour(at_s: float) -> float:
    """Hour of the day in Morocco in May (UTC+1)."""
    return (at_s / 3600 + 1) % 24


def pattern(at_s: float, zone: str) -> float:
    """A day's demand, mean near 1."""
    hour = local_hour(at_s) - {"oued": 0.6, "industrie": 0.2}.get(zone, 0.0)

    def bump(middle: float, width: float) -> float:
        apart = abs(hour - middle)
        return math.exp(-0.5 * (min(apart, 24 - apart) / width) ** 2)

    if zone == "industrie":
        return 0.35 + 1.1 * bump(11, 3.2) + 0.4 * bump(16, 2.0)
    return 0.3 + 0.95 * bump(8.2, 1.7) + 0.7 * bump(13, 1.9) + 0.95 * bump(20.4, 2.2)


def wobble(at_s: float, seed: str) -> float:
    """Repeatable noise around 0."""
    phase = sum(map(ord, seed)) % 97
    return math.sin(at_s / 311 + phase) + 0.7 * math.sin(at_s / 97.3 + 2 * phase) + 0.5 * math.sin(at_s / 41.7 + 3 * phase)


class QuickEdge:
    """``CommandSender`` that answers for the gateways after a moment. ``answer`` says what becomes of the next commands."""

    def __init__(self, town: Town, delay_s: float = 0.3) -> None:
        self.town = town
        self.delay_s = delay_s
        self.answer = "verified"
        self.desk: Desk | None = None
        self.sent: list[Command] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, command: Command) -> None:
        self.sent.append(command)
        task = asyncio.create_task(self._work(command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, command: Command) -> None:
        await asyncio.sleep(self.delay_s)
        now = self.town.clock.now()
        outcome: Outcome
        match self.answer:
            case "verified":
                self.town.move(command.actuator, command.value_m)
                outcome = Verified(command_id=command.command_id, at=now, readback_m=command.value_m)
            case "failed":
                outcome = Failed(command_id=command.command_id, at=now, detail="the register holds the old value", readback_m=1.0)
            case _:
                return
        assert self.desk is not None
        await self.desk.on_outcome(outcome, command.gateway)


class MemoryUsers:
    """``UserStore`` in a dictionary."""

    def __init__(self) -> None:
        self.by_name = {name: (user, password_hash()) for name, user in USERS.items()}

    async def user(self, name: str) -> tuple[User, str] | None:
        return self.by_name.get(name)

    async def save_user(self, user: User, password_hash: str) -> None:
        self.by_name[user.name] = (user, password_hash)


@dataclass(kw_only=True)
class ConsoleWorld:
    """The services and the handles that tests turn."""

    services: ConsoleServices
    town: Town
    edge: QuickEdge
    desk: Desk
    store: MemoryCommandStore
    alerts: MemoryAlertStore
    users: MemoryUsers
    clock: SteppedClock
    photos: MemoryPhotos
    complaints: MemoryComplaintStore
    findings: MemoryFindings


async def console_world(
    *, speed: float = 0.0, poll_s: float = 1.0, history: bool = True, settings: DeskSettings | None = None
) -> ConsoleWorld:
    """Everything, with a little history behind it."""
    inventory = demo_inventory()
    clock = SteppedClock(speed=speed, started=monotonic())
    town = Town(inventory, clock)
    store, alerts, users = MemoryCommandStore(), MemoryAlertStore(), MemoryUsers()
    town.store = store
    edge = QuickEdge(town)
    desk = Desk(
        inventory=inventory, store=store, two_people=MemoryTwoPeople(store), view=town, predictor=town, sender=edge, clock=clock,
        monotonic=monotonic, wall=wall_now, settings=settings or DeskSettings(),
    )  # fmt: skip
    edge.desk = desk

    async def acknowledge(user: User, key: str) -> None:
        alert = alerts.by_key[key]
        await alerts.save_alert(
            replace(alert, state=AlertState.ACKNOWLEDGED, acknowledged_by=user.name, updated_at=clock.now()),
            actor=user.name, action="acknowledge",
        )  # fmt: skip

    service = Alerts(
        store=alerts, clock=clock, authorise=lambda u, r, z: authorise(u, Right(r), z, inventory.zones), zones=inventory.zones
    )
    work, photos, complaints = MemoryWorkStore(), MemoryPhotos(), MemoryComplaintStore()
    findings = MemoryFindings(past_findings(demo_geometry()) if history else ())
    services = ConsoleServices(
        inventory=inventory, zones=town, fleet=town, series=town, alerts=alerts, acknowledge=acknowledge, commands=store, desk=desk,
        view=town, users=users, clock=clock, session_secret=b"s" * 32, geometry=demo_geometry(),
        options=ConsoleOptions(poll_s=poll_s, outcome_wait_s=2.0),
        alarms=service, inbox=AlertInbox(alerts=service, clock=clock, token=INBOX_TOKEN, zones=inventory.zones),
        work=WorkDesk(store=work, alerts=alerts, clock=clock, photos=photos), findings=findings,
        nights=MeasuredNights(inventory, town), network=lambda: NETWORK,
        customers=MemoryCustomerStore(past_customers() if history else ()),
        complaints=ComplaintDesk(store=complaints, findings=findings, clock=clock, tell=_nobody),
    )  # fmt: skip
    if history:
        await fill_past(store, alerts)
        await fill_field(complaints, work, demo_geometry())
    return ConsoleWorld(
        services=services, town=town, edge=edge, desk=desk, store=store, alerts=alerts, users=users, clock=clock, photos=photos,
        complaints=complaints, findings=findings,
    )  # fmt: skip


async def _nobody(_condition: object, _now: datetime) -> None:
    """Hears of complaints and tells nobody."""


async def _main() -> None:
    from console.app import create_app
    from console.server import serve

    world = await console_world(speed=60.0)
    async with serve(create_app(world.services)) as url:
        print(url, "users:", ", ".join(USERS), "password:", PASSWORD, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
