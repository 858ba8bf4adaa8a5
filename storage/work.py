"""Work orders, crews' reports and the log of alerts (ports ``WorkStore`` and ``RepairReader``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.alerts import AlertEvent, AlertState, CrewReport, ReportKind, WorkOrder, WorkState
from domain.ports import Repaired
from storage.database import Database
from storage.sql import queries

_Q = queries("work")


class PostgresWork:
    """``WorkStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def orders(self, *, include_closed: bool = False) -> Sequence[WorkOrder]:
        """Orders, newest first."""
        async with self._database.transaction("read the work orders") as connection:
            rows = await (await connection.execute(_Q["orders"], {"include_closed": include_closed})).fetchall()
        return tuple(_order(row) for row in rows)

    async def orders_of(self, alert: str) -> Sequence[WorkOrder]:
        """Orders of one alert, closed ones among them, newest first."""
        async with self._database.transaction("read an alert's work orders") as connection:
            rows = await (await connection.execute(_Q["orders_of"], {"alert": alert})).fetchall()
        return tuple(_order(row) for row in rows)

    async def order(self, key: str) -> tuple[WorkOrder, Sequence[CrewReport]] | None:
        """One order and its reports, oldest first."""
        async with self._database.transaction("read a work order") as connection:
            row = await (await connection.execute(_Q["order"], {"key": key})).fetchone()
            if row is None:
                return None
            reports = await (await connection.execute(_Q["reports"], {"key": key})).fetchall()
        return _order(row), tuple(
            CrewReport(key=k, order=order, kind=ReportKind(kind), said_at=at, by=by, note=note)
            for k, order, kind, at, by, note in reports
        )

    async def repairs(self, since: datetime) -> Sequence[Repaired]:
        """``RepairReader``: made since, oldest first."""
        async with self._database.transaction("read the repairs") as connection:
            rows = await (await connection.execute(_Q["repairs"], {"since": since})).fetchall()
        return tuple(Repaired(finding=finding, pipe=pipe, at=at, proved=proved) for finding, pipe, at, proved in rows)

    async def save_order(self, order: WorkOrder, *, report: CrewReport | None = None) -> bool:
        """Inserts or updates, with the report that caused it; False, and nothing changes, if the report is there already."""
        async with self._database.transaction("save a work order") as connection:
            if report is not None:
                values = {"key": report.key, "order": report.order, "kind": report.kind.value, "said_at": report.said_at}
                added = await connection.execute(_Q["add_report"], {**values, "by": report.by, "note": report.note})
                if added.rowcount == 0:
                    return False
            await connection.execute(_Q["save_order"], _values(order))
        return True

    async def history(self, alert: str) -> Sequence[AlertEvent]:
        """What has happened to an alert, oldest first."""
        async with self._database.transaction("read an alert's log") as connection:
            rows = await (await connection.execute(_Q["history"], {"alert": alert})).fetchall()
        return tuple(AlertEvent(at=at, actor=actor, action=action, state=AlertState(state)) for at, actor, action, state in rows)


def _values(order: WorkOrder) -> dict[str, Any]:
    return {
        "key": order.key,
        "alert": order.alert,
        "zone": order.zone,
        "state": order.state.value,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "created_by": order.created_by,
        "repaired_at": order.repaired_at,
        "reopened": order.reopened,
        "night_before_m3h": order.night_before_m3h,
        "night_after_m3h": order.night_after_m3h,
    }


def _order(row: Sequence[Any]) -> WorkOrder:
    key, alert, zone, state, created_at, updated_at, created_by, repaired_at, reopened, before, after = row
    return WorkOrder(
        key=key,
        alert=alert,
        zone=zone,
        state=WorkState(state),
        created_at=created_at,
        updated_at=updated_at,
        created_by=created_by,
        repaired_at=repaired_at,
        reopened=reopened,
        night_before_m3h=before,
        night_after_m3h=after,
    )
