"""The outbox of notices (port ``NoticeOutbox``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.alerts import Priority
from domain.notices import Notice, NoticeKind, NoticeState
from domain.ports import RoadTest
from storage.database import Database
from storage.sql import queries

_Q = queries("notices")


def notice_values(notice: Notice) -> dict[str, Any]:
    """A notice as the parameters of ``add``."""
    return {
        "key": notice.key,
        "kind": notice.kind.value,
        "recipient": notice.recipient,
        "language": notice.language,
        "priority": notice.priority.value,
        "alert": notice.alert,
        "raised_at": notice.raised_at,
        "due_at": notice.due_at,
    }


class PostgresNotices:
    """``NoticeOutbox``. Notices of alerts come in through ``PostgresAlerts``, in the transaction of the alert's change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, notices: Sequence[Notice]) -> None:
        """Puts notices in that belong to no alert; those already there stay as they are."""
        async with self._database.transaction("add notices") as connection:
            for notice in notices:
                await connection.execute(_Q["add"], notice_values(notice))

    async def claim(self, now: datetime, *, again_at: datetime, limit: int) -> Sequence[Notice]:
        """Takes what is due; whatever is neither ``sent`` nor ``not_sent`` by ``again_at`` is due again."""
        async with self._database.transaction("claim notices") as connection:
            await connection.execute(_Q["cancel_untold"], {"now": now})
            values = {"now": now, "again": again_at, "limit": limit}
            rows = await (await connection.execute(_Q["claim"], values)).fetchall()
        return tuple(
            Notice(
                key=key,
                kind=NoticeKind(kind),
                recipient=recipient,
                language=language,
                due_at=due_at,
                priority=Priority(priority),
                alert=alert,
                raised_at=raised_at,
                attempts=attempts,
            )
            for key, kind, recipient, language, due_at, priority, alert, raised_at, attempts in rows
        )

    async def sent(self, key: str, at: datetime) -> None:
        """It has arrived."""
        await self._one("sent", {"key": key, "at": at})

    async def not_sent(self, key: str, error: str, again_at: datetime | None) -> None:
        """It has not; None is never again."""
        state = NoticeState.FAILED if again_at is None else NoticeState.WAITING
        again: datetime | str = "infinity" if again_at is None else again_at
        await self._one("not_sent", {"key": key, "error": error[:300], "state": state.value, "again": again})

    async def acknowledge(self, key: str, at: datetime) -> None:
        """The recipient has seen it; the first time counts."""
        await self._one("acknowledge", {"key": key, "at": at})

    async def tests(self) -> Sequence[RoadTest]:
        """The newest test of each recipient that has arrived."""
        async with self._database.transaction("read the tests of recipients") as connection:
            rows = await (await connection.execute(_Q["unanswered"])).fetchall()
        return tuple(RoadTest(recipient=r, due_at=due, sent_at=sent, acked_at=acked) for r, due, sent, acked in rows)

    async def _one(self, name: str, values: dict[str, Any]) -> None:
        async with self._database.transaction(f"{name} of a notice") as connection:
            await connection.execute(_Q[name], values)
