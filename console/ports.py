"""What the console asks of the world, and the services it is built from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from alerts.complaint_desk import ComplaintDesk
from alerts.inbox import AlertInbox
from alerts.link_desk import LinkDesk
from alerts.service import Alerts
from alerts.work_service import WorkDesk
from commands.selection import Accepted, Selection
from console.oidc import OidcLogin
from domain.clock import WallClock
from domain.inventory import Inventory
from domain.network_status import NetworkStatus
from domain.ports import (
    AlertStore,
    Clock,
    CustomerReader,
    FindingReader,
    FleetReadModel,
    NightFlows,
    SeriesSource,
    User,
    UserStore,
    ZoneReadModel,
)
from domain.ports_commands import ActuatorView, CommandStore, ModeRow
from domain.setpoints import Command, Mode, Outcome, PredictedEffect, Refused
from domain.two_people import ApprovalRequest, Emergency


class DeskPort(Protocol):
    """The commands desk, as the pages use it: propose → select → execute → outcome."""

    async def preview(self, actuator: str, value_m: float) -> PredictedEffect:
        """What a setpoint would do; nothing is kept."""
        ...

    async def propose(self, user: User, actuator: str, value_m: float, reason: str) -> Accepted | Refused:
        """Authorises and checks a wish."""
        ...

    async def select(self, user: User, proposal_id: str) -> Selection | Refused:
        """Reserves the actuator for this user."""
        ...

    async def execute(self, user: User, selection_id: str, confirm_value_m: float) -> Command | ApprovalRequest | Refused:
        """Sends the command or keeps it for a second person, if the value was typed again rightly and the selection holds."""
        ...

    async def approvals(self, user: User) -> tuple[ApprovalRequest, ...]:
        """Orders that wait for a second person."""
        ...

    async def approve(self, user: User, request_id: str, confirm_value_m: float) -> Command | Refused:
        """The second person's yes, with the value typed again."""
        ...

    async def decline(self, user: User, request_id: str, reason: str) -> ApprovalRequest | Refused:
        """The second person's no, or the first one's withdrawal."""
        ...

    async def emergencies(self, user: User) -> tuple[Emergency, ...]:
        """Emergencies that are not over, confirmed or not, where this person sees."""
        ...

    async def declare_emergency(self, user: User, actuator: str, lasts_s: float, reason: str) -> Emergency | Refused:
        """Says that there is one, for so many process seconds."""
        ...

    async def confirm_emergency(self, user: User, emergency_id: str) -> Emergency | Refused:
        """The second person's yes to exactly this one."""
        ...

    async def end_emergency(self, user: User, emergency_id: str, reason: str) -> Emergency | Refused:
        """Ends it before its time."""
        ...

    async def set_mode(self, user: User, actuator: str, mode: Mode, until: datetime | None, reason: str) -> ModeRow | Refused:
        """Changes who moves the actuator."""
        ...

    async def wait(self, command_id: str, timeout_s: float) -> Outcome | None:
        """The outcome, or None if there is none after ``timeout_s``."""
        ...


class Acknowledge(Protocol):
    """Acknowledges an alert in a user's name."""

    async def __call__(self, user: User, key: str) -> object:
        """Marks the alert with this key as seen by ``user``.

        Raises:
            KeyError: No open alert has this key.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MapGeometry:
    """The network as it is drawn."""

    nodes: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Name → (x, y) in the network's own coordinates [m], y pointing north."""
    links: tuple[tuple[str, str, str, str], ...] = ()
    """(name, from node, to node, zone key or ``""``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleOptions:
    """Numbers an installation may wish to change."""

    poll_s: float = 1.0
    """Wall seconds between two snapshots."""
    stale_after_s: float = 900.0
    """Process seconds after which a value is stale."""
    session_s: float = 12 * 3600.0
    """Wall seconds a session lives: one shift."""
    idle_s: float = 4 * 3600.0
    """Wall seconds without a request after which a session ends."""
    outcome_wait_s: float = 4.0
    """Wall seconds a page waits for an outcome before it asks again."""
    trend_hours: int = 24
    """Span of the trends on a zone's page [h]."""
    trend_step_s: int = 300
    """Step of those trends [s]."""
    heartbeat_s: float = 15.0
    """Wall seconds after which an idle event stream sends a comment, so that dead connections are noticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleServices:
    """Everything the console needs; ``app`` fills it."""

    inventory: Inventory
    zones: ZoneReadModel
    fleet: FleetReadModel
    series: SeriesSource
    alerts: AlertStore
    acknowledge: Acknowledge
    commands: CommandStore
    desk: DeskPort
    view: ActuatorView
    users: UserStore
    clock: Clock
    session_secret: bytes
    """At least 32 random bytes; signs the session cookie."""
    work: WorkDesk | None = None
    """Work orders; None where crews are sent by other means."""
    findings: FindingReader | None = None
    """What the detectors believe; None where nothing is looked for."""
    network: Callable[[], NetworkStatus] | None = None
    """The layer that knows pipes; None where the site names no network."""
    nights: NightFlows | None = None
    """Night flows as they were measured, for a finding's page."""
    customers: CustomerReader | None = None
    """Leaks behind customers' meters; None where nobody looks for them."""
    complaints: ComplaintDesk | None = None
    """Complaints of customers; None where others take them."""
    links: LinkDesk | None = None
    """Acknowledging by the links in messages; None where nobody is sent any."""
    alarms: Alerts | None = None
    """What people do about alarms besides acknowledging; None where this console only shows them."""
    inbox: AlertInbox | None = None
    """Other systems' alerts; None where none are taken."""
    geometry: MapGeometry = field(default_factory=MapGeometry)
    options: ConsoleOptions = field(default_factory=ConsoleOptions)
    monotonic: Callable[[], float] = time.monotonic
    """Wall seconds, for sessions and lock-out: people live in wall time whatever the process clock does."""
    oidc: OidcLogin | None = None
    """Logging in through the utility's identity provider; None where people have local accounts only."""
    wall: Callable[[], datetime] = WallClock(wall=time.time).now
    """Wall time, for what people wait for over a restart."""
