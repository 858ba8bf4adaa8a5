"""The centre: detection, control, the command desk, alarms and the console, in one process, meeting only through ports."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import structlog

from alerts.conditions import Condition, command_condition, gateway_conditions, quarantine_condition
from alerts.delivery import delivery_conditions
from alerts.pressure import PressureWatch
from alerts.service import Alerts
from app.alert_inbox import alert_inbox
from app.audit_anchors import Anchoring
from app.control import Steering, read_learners, read_models, restore_twins
from app.database_life import REFRESH_EVERY_S, RETAIN_AT_S, RETAIN_EVERY_S, DatabaseLife
from app.field import FORGET_AT_S, FORGET_EVERY_S, field_services
from app.files import write_private
from app.geometry import map_geometry
from app.leak_apart import LearnApart
from app.leak_customers import LOOK_EVERY_S, CustomerLeaks
from app.leak_site import load_network_points
from app.logs import configure_logs
from app.loops import every, every_wall, stopped_within
from app.notify import load_plan, notifying, planner
from app.oidc import oidc_login
from app.settings import Settings
from app.site import load_site
from app.twin_site import load_twins
from commands.alarms import GatewayAlarm
from commands.authorisation import Right, authorise
from commands.desk import Desk
from commands.dispatch import CommandDispatch
from commands.effect import Effect
from commands.emergencies import Measurements
from commands.keys import ensure_key_pair
from commands.second_person import SecondPersonRules
from commands.settings import BrokerSettings, DeskSettings
from commands.view import CurrentActuators
from console.app import create_app
from console.ports import ConsoleServices
from console.server import serve
from domain.alerts import Priority
from domain.clock import WallClock
from domain.errors import KhettaraError
from domain.inventory import Inventory
from domain.ports import Clock, User
from domain.setpoints import Command, Outcome, Reason
from leak_detection.network_service import NetworkService
from leak_detection.service import LeakDetection
from pressure_control.laws.table import DEFAULT_LAW, TWIN_LAW
from pressure_control.service import PressureControl
from protocols.tasks import end_tasks
from storage.alerts import PostgresAlerts
from storage.audit import PostgresAnchors
from storage.commands import PostgresCommands
from storage.customers import PostgresCustomers
from storage.database import Database
from storage.delivery import PostgresDelivery
from storage.findings import PostgresFindings
from storage.notices import PostgresNotices
from storage.series import PostgresSeries
from storage.two_people import PostgresTwoPeople
from storage.users import PostgresUsers
from storage.work import PostgresWork
from storage.zones import PostgresZones

log = structlog.get_logger(__name__)

SETTLE_S = 120.0
"""A bucket of readings is looked at this long after its end: polls, spools and commits take their time [process s]."""
SUSPECT_FOR = timedelta(hours=1)
"""An alert of suspicious commands returns to normal after so long without another [process time]."""
LAST_OUTCOMES_S = 10.0
"""How long a stop waits for the outcomes of commands on their way [wall s]."""


async def run_centre(settings: Settings, stop: asyncio.Event) -> None:
    """Runs the centre until ``stop``; then gives no new orders, waits for the last outcomes, and ends."""
    configure_logs("centre")
    inventory = load_site(settings.site.folder)
    async with AsyncExitStack() as stack:
        centre = Centre(settings, inventory)
        for database in centre.databases:
            await stack.enter_async_context(database)
        await centre.run(stop)


class Centre:
    """Everything of the centre, wired.

    Args:
        settings: All of them.
        inventory: The site's.
        clock: Process time; by default as the settings say.
    """

    def __init__(self, settings: Settings, inventory: Inventory, clock: Clock | None = None) -> None:
        self._settings = settings
        self._inventory = inventory
        self._clock: Clock = clock or settings.clock.clock()
        analytics = Database(settings.database.of("analytics"), size=4)
        command = Database(settings.database.of("command"), size=6)
        self.databases = (analytics, command)
        self._series, self._store = PostgresSeries(analytics), PostgresCommands(command)
        self._life = DatabaseLife(analytics, self._clock)
        self._findings, self._zones = PostgresFindings(analytics), PostgresZones(command)
        self._delivery = PostgresDelivery(command)
        self._users, self._alert_store = PostgresUsers(command), PostgresAlerts(command)
        first_mode = settings.centre.first_mode
        self._view = CurrentActuators(inventory=inventory, source=PostgresSeries(command), store=self._store, first_mode=first_mode)
        self._apart = LearnApart()
        points = load_network_points(settings.site.folder, inventory)
        self._network = network = (
            None if points is None else NetworkService(points, inventory.site.calendar, self._series, self._apart, self._store)
        )
        self._detection = LeakDetection(
            inventory,
            self._series,
            self._findings,
            meters=PostgresZones(analytics),
            network=network,
            past=self._findings,
            repairs=PostgresWork(command),
            customers=PostgresCustomers(analytics),
        )
        plan = load_plan(settings.site.folder, inventory)
        self._alerts = Alerts(
            store=self._alert_store,
            clock=self._clock,
            authorise=self._may,
            notices=planner(plan, inventory),
            zones=inventory.zones,
        )
        self._customers = CustomerLeaks(inventory, self._series, analytics, self._alerts, self._alert_store)
        self._pressures = PressureWatch(inventory.zones)
        self._field = field_services(
            settings.complaints, inventory, command, self._alert_store, self._clock, self._alerts.on_condition
        )
        self._notifier, self._links = notifying(
            plan, inventory, self._alerts, self._alert_store, PostgresNotices(command), self._secret("link-secret"), self._clock
        )
        models_file = settings.centre.state_folder / "models.json"
        restore_twins(models_file, twins := load_twins(settings.site.folder, inventory))
        law = settings.centre.control_law or (TWIN_LAW if twins else DEFAULT_LAW)
        self._control = control = PressureControl(
            inventory,
            self._series,
            clock=self._clock.now,
            night_leakage=self._detection.night_leakage,
            models=read_models(models_file),
            learners=read_learners(models_file),
            twins=twins,
            law=law,
        )
        self._steering = Steering(control, self._view, self._store, first_mode=first_mode, models_file=models_file, law=law)
        self._dispatch, key_id = self._make_dispatch()
        self._desk = Desk(
            inventory=inventory,
            store=self._store,
            two_people=PostgresTwoPeople(command),
            view=self._view,
            predictor=control,
            sender=self._dispatch,
            clock=self._clock,
            monotonic=time.monotonic,
            wall=WallClock(wall=time.time).now,
            settings=DeskSettings(
                key_id=key_id,
                first_mode=first_mode,
                second_person=SecondPersonRules(**settings.centre.second_person.model_dump()),
            ),
            on_concluded=self._tell,
            on_effect=self._tell_effect,
            on_alarm=self._tell_alarm,
            evidence=Measurements(inventory=inventory, source=PostgresSeries(command), clock=self._clock),
        )
        self._dispatch.listen(self._desk.on_outcome)
        self._suspected: dict[str, datetime] = {}
        self._anchoring = Anchoring(
            store=self._store, anchors=PostgresAnchors(command), clock=self._clock, folder=settings.centre.state_folder
        )

    async def run(self, stop: asyncio.Event) -> None:
        """All loops until ``stop``, then the last outcomes."""
        settings, clock = self._settings.centre, self._clock
        dispatching = asyncio.create_task(self._dispatch.run(), name="dispatch")
        upkeep_stop = asyncio.Event()
        upkeep = asyncio.create_task(every_wall("upkeep", upkeep_stop, self._desk.tick, period_s=1.0))
        anchoring = asyncio.create_task(every_wall("anchors", upkeep_stop, self._anchoring.tick, period_s=1.0))
        await self._desk.start()
        loops = [
            every("detection", clock, stop, self.detect, period_s=settings.detect_every_s, phase_s=SETTLE_S),
            every("control", clock, stop, self._steer, period_s=settings.control_every_s, phase_s=SETTLE_S),
            every("alerts", clock, stop, self.look_after, period_s=60.0),
            every("customers", clock, stop, self.watch_customers, period_s=LOOK_EVERY_S, phase_s=SETTLE_S),
            every_wall("rollups", stop, self._life.refresh, period_s=REFRESH_EVERY_S),
            every("retention", clock, stop, self._life.retain, period_s=RETAIN_EVERY_S, phase_s=RETAIN_AT_S),
            every("callers", clock, stop, self._field.forget, period_s=FORGET_EVERY_S, phase_s=FORGET_AT_S),
        ]
        await self._learn_first()
        app = create_app(self.console())
        async with serve(app, host=self._settings.console.host, port=self._settings.console.port) as url:
            log.info("console", url=url)
            await asyncio.gather(*loops, stop.wait())
            await self._apart.close()
            await self._last_outcomes()
        upkeep_stop.set()
        await asyncio.gather(upkeep, anchoring)
        await self._anchoring.tick()
        await end_tasks([dispatching])

    async def _learn_first(self) -> None:
        """What the past teaches, before the first order: a tick then takes little time. No past yet is no error."""
        try:
            await self._control.refit(self._clock.now())
        except KhettaraError as error:
            log.warning("could not learn from the past yet", error=str(error))

    async def detect(self, now: datetime) -> None:
        """A round of the detectors, and the alerts of what they believe."""
        await self._detection.tick(now)
        await self._alerts.on_findings(await self._findings.open_findings(), now)

    async def watch_customers(self, now: datetime) -> None:
        """A look at the customers' meters, where one is due, and the alarms of their desk."""
        await self._customers.tick(now)

    async def learning(self) -> None:
        """Waits until no network is being learnt."""
        await self._apart.finished()

    async def _steer(self, now: datetime) -> None:
        await self._steering.tick(now, self._desk)
        for key, advice in self._steering.turned().items():
            # The same alert as for a command without effect: a valve to look at.
            await self._alerts.on_condition(self._no_effect(key, advice.follows, advice.value_m), now)

    async def look_after(self, now: datetime) -> None:
        """What no detector sees: plans that end, low pressure, gateways that are silent, lose readings or err in time."""
        await self._alerts.tick(now)
        for edge in [e for e, at in self._suspected.items() if now - at > SUSPECT_FOR]:
            del self._suspected[edge]
            await self._alerts.on_condition(Condition(code="command.suspect", subject=edge, active=False), now)
        seen = (
            *gateway_conditions(await self._zones.gateways_now(), now),
            *self._pressures.conditions(await self._zones.zones_now()),
            *delivery_conditions(await self._delivery.delivery_now()),
            *await self._notifier.tick(now),
        )
        await self._alerts.on_conditions(seen, now)
        await self._field.tick(now)

    async def _tell(self, command: Command, outcome: Outcome) -> None:
        zone = self._inventory.actuators[command.actuator].zone
        condition = command_condition(command, outcome, zone)
        if condition is not None:
            await self._alerts.on_condition(condition, self._clock.now())

    async def _tell_effect(self, command: Command, effect: Effect) -> None:
        """A setpoint that is there and a pressure that does not follow is a valve to look at."""
        if effect not in (Effect.CONFIRMED, Effect.MISSING):
            return
        condition = self._no_effect(command.actuator, effect is Effect.CONFIRMED, command.value_m)
        await self._alerts.on_condition(condition, self._clock.now())

    def _no_effect(self, actuator: str, follows: bool, value_m: float) -> Condition:
        return Condition(
            code="command.no_effect",
            subject=actuator,
            active=not follows,
            zone=self._inventory.actuators[actuator].zone,
            priority=Priority.HIGH,
            parameters={} if follows else {"value": f"{value_m:.2f} m"},
        )

    async def _tell_alarm(self, alarm: GatewayAlarm) -> None:
        """A gateway was sent a command that nobody here signed, or sent now; or a meter refuses its credentials."""
        meter = quarantine_condition(alarm.code, alarm.claimed_id, alarm.reasons)
        if meter is not None:
            await self._alerts.on_condition(meter, self._clock.now())
            return
        detail = "; ".join(reason.text for reason in alarm.reasons)[:300]
        self._suspected[alarm.edge] = self._clock.now()
        parameters = {"reason": alarm.code, "detail": detail}
        condition = Condition(
            code="command.suspect", subject=alarm.edge, active=True, priority=Priority.HIGH, parameters=parameters
        )
        await self._alerts.on_condition(condition, self._clock.now())

    async def _last_outcomes(self) -> None:
        deadline = time.monotonic() + LAST_OUTCOMES_S
        while await self._store.pending() and time.monotonic() < deadline:
            await stopped_within(asyncio.Event(), 0.1)

    def _may(self, user: User, action: str, zone: str | None) -> Reason | None:
        return authorise(user, Right(action), zone, self._inventory.zones)

    def _make_dispatch(self) -> tuple[CommandDispatch, str]:
        private, _, key_id = ensure_key_pair(self._settings.centre.state_folder)
        broker = self._settings.broker
        dispatch = CommandDispatch(
            broker=BrokerSettings(
                host=broker.host, port=broker.port, username=broker.username, password=broker.password, tls=broker.tls()
            ),
            private_key=private,
            inventory=self._inventory,
            clock=self._clock,
        )
        return dispatch, key_id

    def console(self) -> ConsoleServices:
        """What the pages are built from."""
        return ConsoleServices(
            inventory=self._inventory,
            zones=self._zones,
            fleet=self._zones,
            series=self._series,
            alerts=self._alert_store,
            acknowledge=self._alerts.acknowledge,
            commands=self._store,
            desk=self._desk,
            view=self._view,
            users=self._users,
            clock=self._clock,
            session_secret=self._secret("session-secret"),
            work=self._field.work,
            findings=self._field.findings,
            network=None if self._network is None else self._network.now,
            nights=self._field.nights,
            customers=self._customers.reader,
            complaints=self._field.complaints,
            links=self._links,
            oidc=oidc_login(self._settings.console.oidc),
            alarms=self._alerts,
            inbox=alert_inbox(self._settings.alerts, self._alerts, self._clock, self._inventory),
            geometry=map_geometry(self._settings.site.folder, self._inventory),
        )

    def _secret(self, name: str) -> bytes:
        """Made once, so that a restart logs nobody out and links in messages stay good."""
        path = self._settings.centre.state_folder / name
        if not path.exists():
            write_private(path, secrets.token_hex(32))
        return bytes.fromhex(path.read_text().strip())
