"""Alerts over their life, every change logged with who, when and why (port ``AlertStore``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from domain.alerts import Alert, AlertChange, AlertState, Annunciation, Priority, Withholding, WithholdingKind
from domain.notices import Notice
from storage.database import Database
from storage.notices import notice_values
from storage.sql import queries

_Q, _NOTICES = queries("alerts"), queries("notices")


class PostgresAlerts:
    """``AlertStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_alert(self, alert: Alert, *, actor: str, action: str, notices: Sequence[Notice] = ()) -> None:
        """Inserts or updates by ``key``, logs the change at ``alert.updated_at`` and tells the outbox, in one transaction."""
        await self.save_changes([(AlertChange(alert=alert, actor=actor, action=action), notices)])

    async def save_changes(self, changes: Sequence[tuple[AlertChange, Sequence[Notice]]]) -> None:
        """The same for several, all of it or nothing."""
        async with self._database.transaction("save alerts") as connection:
            for change, notices in changes:
                values = _values(change)
                await connection.execute(_Q["save_alert"], values)
                await connection.execute(_Q["log_alert"], values)
                if change.alert.state is not AlertState.UNACKNOWLEDGED:
                    await connection.execute(_NOTICES["cancel"], {"alert": change.alert.key})
                for notice in notices:
                    await connection.execute(_NOTICES["add"], notice_values(notice))

    async def alerts(self, *, include_closed: bool = False) -> Sequence[Alert]:
        """Alerts, newest first."""
        async with self._database.transaction("read the alerts") as connection:
            rows = await (await connection.execute(_Q["alerts"], {"include_closed": include_closed})).fetchall()
        return tuple(_alert(*row) for row in rows)

    async def alert(self, key: str) -> Alert | None:
        """One alert, closed or not; None if there never was one."""
        async with self._database.transaction("read an alert") as connection:
            row = await (await connection.execute(_Q["alert"], {"key": key})).fetchone()
        return None if row is None else _alert(*row)

    async def alerts_about(self, finding: str, zone: str, since: datetime) -> Sequence[Alert]:
        """Alerts that name a finding, or that stood in its zone at some time since, newest first."""
        values = {"finding": finding, "zone": zone, "since": since}
        async with self._database.transaction("read the alerts of a finding") as connection:
            rows = await (await connection.execute(_Q["alerts_about"], values)).fetchall()
        return tuple(_alert(*row) for row in rows)

    async def plans(self, *, ended_after: datetime) -> Sequence[Withholding]:
        """Plans by which alarms are kept back, without those that ended before; next end first."""
        async with self._database.transaction("read the plans of alarms") as connection:
            rows = await (await connection.execute(_Q["plans"], {"ended_after": ended_after})).fetchall()
        return tuple(
            Withholding(
                key=key,
                kind=WithholdingKind(kind),
                zone=zone,
                code=code,
                subject=subject,
                by=by,
                reason=reason,
                starts_at=starts_at,
                ends_at=ends_at,
            )
            for key, kind, zone, code, subject, by, reason, starts_at, ends_at in rows
        )

    async def save_plan(self, plan: Withholding) -> None:
        """Inserts a plan, or changes its span and reason."""
        values = {
            "key": plan.key,
            "kind": plan.kind.value,
            "zone": plan.zone,
            "code": plan.code,
            "subject": plan.subject,
            "by": plan.by,
            "reason": plan.reason,
            "starts_at": plan.starts_at,
            "ends_at": plan.ends_at,
        }
        async with self._database.transaction("save a plan of alarms") as connection:
            await connection.execute(_Q["save_plan"], values)

    async def annunciations(self, start: datetime, end: datetime) -> Sequence[Annunciation]:
        """Each time an operator was made to look, start <= at < end, oldest first."""
        async with self._database.transaction("read the annunciations") as connection:
            rows = await (await connection.execute(_Q["annunciations"], {"start": start, "end": end})).fetchall()
        return tuple(
            Annunciation(at=at, alert=alert, code=code, zone=zone, subject=subject, priority=Priority(priority))
            for at, alert, code, zone, subject, priority in rows
        )


def _values(change: AlertChange) -> dict[str, Any]:
    alert = change.alert
    return {
        "key": alert.key,
        "code": alert.code,
        "zone": alert.zone,
        "priority": alert.priority.value,
        "state": alert.state.value,
        "raised_at": alert.raised_at,
        "updated_at": alert.updated_at,
        "parameters": Jsonb(alert.parameters),
        "finding": alert.finding,
        "acknowledged_by": alert.acknowledged_by,
        "shelved_until": alert.shelved_until,
        "shelved_reason": alert.shelved_reason,
        "since": alert.since,
        "active": alert.active,
        "flow_m3h": alert.flow_m3h,
        "parent": alert.parent,
        "areas": list(alert.areas),
        "withheld_by": alert.withheld_by,
        "withheld_reason": alert.withheld_reason,
        "withheld_until": alert.withheld_until,
        "actor": change.actor,
        "action": change.action,
        "reason": change.reason,
    }


def _alert(
    key: str,
    code: str,
    zone: str | None,
    priority: str,
    state: str,
    raised_at: datetime,
    updated_at: datetime,
    parameters: dict[str, str],
    finding: str | None,
    *rest: Any,
) -> Alert:
    by, shelved_until, shelved_reason, since, active, flow_m3h, parent, areas, withheld_by, withheld_reason, withheld_until = rest
    return Alert(
        key=key,
        code=code,
        zone=zone,
        priority=Priority(priority),
        state=AlertState(state),
        raised_at=raised_at,
        updated_at=updated_at,
        parameters=parameters,
        finding=finding,
        acknowledged_by=by,
        shelved_until=shelved_until,
        shelved_reason=shelved_reason,
        since=since,
        active=active,
        flow_m3h=flow_m3h,
        parent=parent,
        areas=tuple(areas),
        withheld_by=withheld_by,
        withheld_reason=withheld_reason,
        withheld_until=withheld_until,
    )
