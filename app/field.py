"""Wiring of what people do and say in the field: work orders with photographs and proof by night flow, complaints as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from alerts.complaint_desk import ComplaintDesk, Tell
from alerts.work_service import WorkDesk
from app.settings import ComplaintSettings
from domain.inventory import Inventory
from domain.ports import AlertStore, Clock
from leak_detection.measured_nights import MeasuredNights
from storage.complaints import PostgresComplaints
from storage.database import Database
from storage.findings import PostgresFindings
from storage.photos import PostgresPhotos
from storage.series import PostgresSeries
from storage.work import PostgresWork

log = structlog.get_logger(__name__)
FORGET_EVERY_S = 86_400.0
FORGET_AT_S = 3.5 * 3600.0
"""Once a day at this time of UTC [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The services of the field."""

    findings: PostgresFindings
    nights: MeasuredNights
    work: WorkDesk
    complaints: ComplaintDesk

    async def tick(self, now: datetime) -> None:
        """Proves or refutes repairs, and looks whether many complain where nothing is found."""
        for order in await self.work.tick(now):
            log.info("work order", order=order.key, state=order.state.value, reopened=order.reopened)
        await self.complaints.tick(now)

    async def forget(self, now: datetime) -> None:
        """Callers' numbers whose time is over."""
        forgotten = await self.complaints.forget(now)
        if forgotten:
            log.info("callers forgotten", numbers=forgotten)


def field_services(
    settings: ComplaintSettings, inventory: Inventory, command: Database, alerts: AlertStore, clock: Clock, tell: Tell
) -> Field:
    """The field over the command role's connections.

    Args:
        settings: ``[complaints]``.
        inventory: The site.
        command: Connections of the command role.
        alerts: Where alerts live.
        clock: Process time.
        tell: Opens and ends alerts of conditions.
    """
    findings, nights = PostgresFindings(command), MeasuredNights(inventory, PostgresSeries(command))
    work = WorkDesk(store=PostgresWork(command), alerts=alerts, clock=clock, nights=nights, photos=PostgresPhotos(command))
    complaints = ComplaintDesk(
        store=PostgresComplaints(command),
        findings=findings,
        clock=clock,
        tell=tell,
        keep_phones=timedelta(days=settings.phone_days),
    )
    return Field(findings=findings, nights=nights, work=work, complaints=complaints)
