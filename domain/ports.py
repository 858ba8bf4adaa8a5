"""Ports: what services ask of the world, without knowing who answers.

Only ``app`` knows both sides. Every method that may wait is ``async``; none reads a clock.
The ports of commanding are in ``domain.ports_commands``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from domain.alerts import Alert, AlertChange, AlertEvent, Annunciation, CrewReport, Withholding, WorkOrder
from domain.complaints import Complaint
from domain.customers import CustomerFinding
from domain.delivery import AliasBinding, BlockRows, DeadLetter, Receipt, Stream, WriteResult
from domain.findings import Finding
from domain.notices import Notice
from domain.photos import Photo
from domain.points import PointKey
from domain.readings import Reading
from domain.series import Series


class Clock(Protocol):
    """Process time: the time of the water, which a demonstration may run faster than the wall's."""

    def now(self) -> datetime:
        """Now, UTC."""
        ...

    def timestamp(self) -> float:
        """Now, seconds since 1970 UTC."""
        ...

    def wall_delay(self, until: datetime) -> float:
        """Wall seconds to wait until this clock shows ``until``."""
        ...


class SeriesSource(Protocol):
    """Readings out of the database."""

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        """Readings with start <= time < end of each point (an empty series where there are none).

        With ``step_s``, means of the good values over buckets aligned to 1970, stamped at their start, quality 0.
        """
        ...

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        """The newest reading of each point that has one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterHour:
    """What the customers' meters of a zone saw in one hour."""

    zone: str
    start: datetime
    """UTC"""
    flow_m3h: float
    """Sum of the means of those that reported."""
    reported: int
    meters: int
    """Customers' meters that the zone has."""


class MeterSums(Protocol):
    """Sums of the customers' meters by zone and hour."""

    async def meter_hours(self, start: datetime, end: datetime) -> Sequence[MeterHour]:
        """Hours with start <= hour < end that have a reading, by zone and time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPart:
    """Some customers' meters that are watched together."""

    number: int
    looked_at: datetime
    """End of the hours they were last judged by, UTC."""
    meters: tuple[PointKey, ...]
    """In the order of the state."""


class CustomerReader(Protocol):
    """Leaks behind customers' meters as the pages show them."""

    async def customer_findings(self, *, key: str | None = None, ended_since: datetime | None = None) -> Sequence[CustomerFinding]:
        """Those that are open, and with ``ended_since`` those that ended since; or the one of a key. Oldest onset first."""
        ...


class CustomerStore(CustomerReader, Protocol):
    """The watch of customers' meters over restarts."""

    async def parts(self) -> Sequence[WatchPart]:
        """Every part, in order."""
        ...

    async def state(self, part: int) -> bytes | None:
        """What a part remembers; None of one that is not there."""
        ...

    async def save_look(self, part: WatchPart, state: bytes, findings: Sequence[CustomerFinding]) -> None:
        """What a look has changed, all of it or nothing: a restart neither forgets nor repeats."""
        ...


class PointIndex(Protocol):
    """Which point a metric of a device feeds, as the ingestor needs it."""

    async def channels(self) -> Sequence[ChannelRow]:
        """Every channel with its point's number, resolution and plausible limits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """One channel as the ingestor uses it."""

    edge: str
    """``group/node``"""
    device: str
    metric: str
    point_id: int
    point: PointKey
    resolution: float
    low: float | None
    high: float | None
    valid_from_ms: int | None
    valid_to_ms: int | None


class IngestStore(Protocol):
    """Where the ingestor writes. ``write`` is the only way a reading enters the database."""

    async def channels(self) -> Sequence[ChannelRow]:
        """See ``PointIndex``."""
        ...

    async def bindings(self) -> Sequence[AliasBinding]:
        """Alias bindings of every birth seen so far: they survive a restart of the ingestor."""
        ...

    async def save_bindings(self, bindings: Sequence[AliasBinding]) -> None:
        """Keeps what a birth certificate said."""
        ...

    async def write(self, blocks: Sequence[BlockRows]) -> WriteResult:
        """Ledger, rows and dead letters of these blocks in one transaction; returns after COMMIT.

        Numbers the ledger already holds are skipped before they reach the readings table.

        Raises:
            StorageUnavailable: The database is away; nothing was written, the same blocks may be tried again.
        """
        ...

    async def dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keeps letters that belong to no block (undecodable payloads)."""
        ...

    async def gateway_state(self, edge: str, *, online: bool, at: datetime) -> None:
        """Notes a birth or death of a gateway."""
        ...

    async def receipts(self, streams: Sequence[Stream]) -> Sequence[Receipt]:
        """What is committed of these streams now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryNow:
    """What is wrong with the delivery of one gateway."""

    edge: str
    """``group/node``"""
    lost: int
    """Readings that it had to drop and told of within the last day; those of a spool that is gone are not among them."""
    reasons: str
    """Why, e.g. ``spool_full, new_spool``; empty where nothing was lost lately."""
    losing: bool
    """Whether it told of a loss within the last day."""
    clock_wrong: bool
    """Whether it sent times within the last hour that could not be believed."""
    ahead_s: float
    """How far the farthest of them lay ahead."""


class DeliveryReadModel(Protocol):
    """Gateways whose readings do not all arrive, or not at their time."""

    async def delivery_now(self) -> Sequence[DeliveryNow]:
        """One row a gateway that has ever lost readings or told a wrong time."""
        ...


class FindingStore(Protocol):
    """Findings over their life."""

    async def save_findings(self, findings: Sequence[Finding]) -> None:
        """Inserts or updates by ``key``."""
        ...

    async def open_findings(self) -> Sequence[Finding]:
        """Findings that are not over, oldest first."""
        ...


class FindingReader(Protocol):
    """Findings as the pages show them."""

    async def findings(self, *, key: str | None = None, since: datetime | None = None) -> Sequence[Finding]:
        """Findings over their whole life, oldest first: only this one, or only those still open or found since."""
        ...


class AlertStore(Protocol):
    """Alerts over their life; every change is logged with who and when."""

    async def save_alert(self, alert: Alert, *, actor: str, action: str, notices: Sequence[Notice] = ()) -> None:
        """Inserts or updates by ``key``, logs the change, and puts its notices into the outbox, all of it or nothing. An alert that
        is acknowledged or over takes its waiting notices out."""
        ...

    async def save_changes(self, changes: Sequence[tuple[AlertChange, Sequence[Notice]]]) -> None:
        """The same for several, each with its notices, all of it or nothing: no alarm goes behind another that is not kept."""
        ...

    async def alerts(self, *, include_closed: bool = False) -> Sequence[Alert]:
        """Alerts, newest first."""
        ...

    async def alert(self, key: str) -> Alert | None:
        """One alert, closed or not; None if there never was one."""
        ...

    async def alerts_about(self, finding: str, zone: str, since: datetime) -> Sequence[Alert]:
        """Alerts that name a finding, or that stood in its zone at some time since; closed ones among them, newest first."""
        ...

    async def plans(self, *, ended_after: datetime) -> Sequence[Withholding]:
        """Plans by which alarms are kept back, without those that ended before; next end first."""
        ...

    async def save_plan(self, plan: Withholding) -> None:
        """Inserts a plan, or moves its end."""
        ...

    async def annunciations(self, start: datetime, end: datetime) -> Sequence[Annunciation]:
        """Each time an operator was made to look, start <= at < end, oldest first."""
        ...


class WorkStore(Protocol):
    """Work orders and what crews report on them."""

    async def orders(self, *, include_closed: bool = False) -> Sequence[WorkOrder]:
        """Orders, newest first."""
        ...

    async def orders_of(self, alert: str) -> Sequence[WorkOrder]:
        """Orders of one alert, closed ones among them, newest first."""
        ...

    async def order(self, key: str) -> tuple[WorkOrder, Sequence[CrewReport]] | None:
        """One order and its reports, oldest first."""
        ...

    async def save_order(self, order: WorkOrder, *, report: CrewReport | None = None) -> bool:
        """Inserts or updates by ``key``, with the report that caused it, in one transaction; False, and nothing is changed, if that
        report is there already."""
        ...

    async def history(self, alert: str) -> Sequence[AlertEvent]:
        """What has happened to an alert, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A repair that a crew reported on the order of a finding's alert."""

    finding: str
    pipe: str | None
    """The finding's most probable; None where only its zone is known."""
    at: datetime
    proved: bool
    """Whether the night flow, or where nights are not measured the detectors, have said so, too."""


class RepairReader(Protocol):
    """Repairs by the work orders; those that were refuted are not among them."""

    async def repairs(self, since: datetime) -> Sequence[Repaired]:
        """Made since, oldest first."""
        ...


class OrderReader(Protocol):
    """What the product ordered of actuators."""

    async def ordered(self, actuator: str, since: datetime, until: datetime) -> bool:
        """Whether an order, or the end of its lease, may have moved an actuator from ``since`` on and before ``until``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The minimum night flow of a zone in one whole night."""

    night: date
    """Local date of the morning."""
    at: datetime
    """Start of the hour with the least flow, UTC."""
    flow_m3h: float


class NightFlows(Protocol):
    """Minimum night flows as they were measured."""

    def measures(self, zone: str) -> bool:
        """Whether the zone's nights can be measured at all."""
        ...

    async def nights(self, zone: str, since: datetime, until: datetime) -> Sequence[Night]:
        """Nights of a zone that were over by ``until``, began at ``since`` or later and were measured well enough to have a
        minimum, oldest first."""
        ...


class PhotoStore(Protocol):
    """Photographs of work orders."""

    async def add_photo(self, photo: Photo, content: bytes) -> bool:
        """Keeps a photograph; False, and nothing changes, if its key is there already."""
        ...

    async def photos(self, order: str) -> Sequence[Photo]:
        """Photographs of an order, oldest first."""
        ...

    async def photo(self, order: str, key: str) -> tuple[Photo, bytes] | None:
        """One photograph of an order with its bytes."""
        ...


class ComplaintStore(Protocol):
    """Complaints of customers."""

    async def add_complaint(self, complaint: Complaint) -> bool:
        """Keeps a complaint; False, and nothing changes, if its key is there already."""
        ...

    async def complaints(self, *, since: datetime, zone: str | None = None, limit: int = 2000) -> Sequence[Complaint]:
        """Complaints noticed since, of one zone or of all, newest first."""
        ...

    async def forget_phones(self, before: datetime) -> int:
        """Forgets the numbers of callers whose complaints were taken before; how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadTest:
    """The newest test message that has reached a recipient."""

    recipient: str
    due_at: datetime
    sent_at: datetime
    acked_at: datetime | None


class NoticeOutbox(Protocol):
    """Notices on their way."""

    async def add(self, notices: Sequence[Notice]) -> None:
        """Puts notices in; one whose key is there already is left as it is."""
        ...

    async def claim(self, now: datetime, *, again_at: datetime, limit: int) -> Sequence[Notice]:
        """Takes what is due, the most urgent first; what is not settled by ``again_at`` is due again."""
        ...

    async def sent(self, key: str, at: datetime) -> None:
        """It has arrived."""
        ...

    async def not_sent(self, key: str, error: str, again_at: datetime | None) -> None:
        """It has not; None is never again."""
        ...

    async def acknowledge(self, key: str, at: datetime) -> None:
        """The recipient has seen it."""
        ...

    async def tests(self) -> Sequence[RoadTest]:
        """The newest test of each recipient that has arrived."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneNow:
    """One zone as the pages show it."""

    zone: str
    inflow_m3h: float | None
    """Net inflow of the newest minutes."""
    inflow_at: datetime | None
    night_flow_m3h: float | None
    """Minimum night flow of the last complete night."""
    night: date | None
    critical_m: float | None
    """Lowest fresh critical pressure."""
    critical_at: datetime | None
    suspect: bool
    """Any of the values above is of doubtful quality."""


class ZoneReadModel(Protocol):
    """Zones as the pages show them."""

    async def zones_now(self) -> Sequence[ZoneNow]:
        """One row a zone that has inlets."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may log in."""

    name: str
    role: str
    """``viewer``, ``operator``, ``supervisor`` or ``admin``."""
    zones: frozenset[str]
    """Zones the role holds in; empty is every zone."""
    language: str = "fr"


class UserStore(Protocol):
    """Users and their password hashes (argon2id)."""

    async def user(self, name: str) -> tuple[User, str] | None:
        """The user and the password hash, or None."""
        ...

    async def save_user(self, user: User, password_hash: str) -> None:
        """Inserts or updates by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayNow:
    """One gateway as the pages show it."""

    edge: str
    online: bool
    since: datetime | None
    last_block_at: datetime | None
    rows_stored: int
    dead_letters: int
    missing: int
    """Sequence numbers below the highest committed one that are not committed yet."""


class FleetReadModel(Protocol):
    """Gateways as the pages show them."""

    async def gateways_now(self) -> Sequence[GatewayNow]:
        """One row a gateway that has ever been seen."""
        ...
