"""Work orders in the store: made by operators, reported on by crews, closed or reopened by the night flow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from alerts.work import WorkRefused, new_order, proved, reported
from domain.alerts import CrewReport, WorkOrder
from domain.ports import AlertStore, Clock, WorkStore


class WorkDesk:
    """Everything that may happen to an order. Who may do it, the caller has asked."""

    def __init__(self, *, store: WorkStore, alerts: AlertStore, clock: Clock) -> None:
        self._store, self._alerts, self._clock = store, alerts, clock
        self._lock = asyncio.Lock()

    async def orders(self, *, include_closed: bool = False) -> Sequence[WorkOrder]:
        """Orders, newest first."""
        return await self._store.orders(include_closed=include_closed)

    async def order(self, key: str) -> tuple[WorkOrder, Sequence[CrewReport]] | None:
        """One order and its reports, oldest first."""
        return await self._store.order(key)

    async def create(self, alert_key: str, by: str) -> WorkOrder:
        """Sends a crew for an alert.

        Raises:
            KeyError: No open alert has this key.
            WorkRefused: See ``alerts.work.new_order``.
        """
        async with self._lock:
            alert = next((a for a in await self._alerts.alerts() if a.key == alert_key), None)
            if alert is None:
                raise KeyError(f"no open alert has the key {alert_key!r}")
            order = new_order(alert, by, self._clock.now(), await self._store.orders())
            await self._store.save_order(order)
            return order

    async def report(self, report: CrewReport) -> WorkOrder:
        """Takes a crew's report; one that has come before changes nothing and is no error.

        Raises:
            KeyError: No order has this key.
            WorkRefused: See ``alerts.work.reported``.
        """
        async with self._lock:
            found = await self._store.order(report.order)
            if found is None:
                raise KeyError(f"no work order has the key {report.order!r}")
            order, before = found
            if any(r.key == report.key for r in before):
                return order
            after = reported(order, report, self._clock.now())
            await self._store.save_order(after, report=report)
            return after

    async def tick(self, now: datetime) -> tuple[WorkOrder, ...]:
        """Closes orders whose loss is gone, reopens those whose loss is not; returns them."""
        async with self._lock:
            alerts = {a.key: a for a in await self._alerts.alerts(include_closed=True)}
            changed = []
            for order in await self._store.orders():
                after = proved(order, alerts.get(order.alert), now)
                if after != order:
                    await self._store.save_order(after)
                    changed.append(after)
            return tuple(changed)


__all__ = ["WorkDesk", "WorkRefused"]
