"""Alerts over their life, every change logged with who and when (port ``AlertStore``)."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from domain.alerts import Alert, AlertState, Priority
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
        values = {
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
            "actor": actor,
            "action": action,
        }
        async with self._database.transaction("save an alert") as connection:
            await connection.execute(_Q["save_alert"], values)
            await connection.execute(_Q["log_alert"], values)
            if alert.state is not AlertState.UNACKNOWLEDGED:
                await connection.execute(_NOTICES["cancel"], {"alert": alert.key})
            for notice in notices:
                await connection.execute(_NOTICES["add"], notice_values(notice))

    async def alerts(self, *, include_closed: bool = False) -> Sequence[Alert]:
        """Alerts, newest first."""
        async with self._database.transaction("read the alerts") as connection:
            rows = await (await connection.execute(_Q["alerts"], {"include_closed": include_closed})).fetchall()
        return tuple(
            Alert(
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
                shelved_until=until,
                shelved_reason=reason,
            )
            for key, code, zone, priority, state, raised_at, updated_at, parameters, finding, by, until, reason in rows
        )
