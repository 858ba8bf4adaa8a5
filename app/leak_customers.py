"""Wiring of leaks behind customers' meters: the watch over the database, and the alarms of the customers' desk."""

from __future__ import annotations

from datetime import datetime

from alerts.customers import customer_conditions
from alerts.service import Alerts
from domain.inventory import Inventory
from domain.ports import AlertStore, CustomerReader, SeriesSource
from leak_detection.customer_service import CustomerService
from storage.customers import PostgresCustomers
from storage.database import Database

LOOK_EVERY_S = 900.0
"""Process seconds between two questions whether a look is due; most cost nothing."""


class CustomerLeaks:
    """What watches customers' meters, and tells.

    Args:
        inventory: The site.
        series: Readings.
        database: Connections of the analytics role.
        alerts: What raises alarms.
        raised: Where alarms live.
    """

    def __init__(self, inventory: Inventory, series: SeriesSource, database: Database, alerts: Alerts, raised: AlertStore) -> None:
        self._store = PostgresCustomers(database)
        self._service = CustomerService(inventory, series, self._store)
        self._alerts, self._raised = alerts, raised

    @property
    def reader(self) -> CustomerReader:
        """What is believed, for the pages."""
        return self._store

    async def tick(self, now: datetime) -> None:
        """Looks, if it is time to; then alarms are brought up to what is believed, also what an earlier end left unsaid."""
        await self._service.tick(now)
        unsaid = customer_conditions(await self._store.customer_findings(), await self._raised.alerts())
        if unsaid:
            await self._alerts.on_conditions(unsaid, now)
