"""Alerts in a dictionary, every change logged, as the real store does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.alerts import Alert, AlertChange, AlertState, Annunciation, Withholding
from domain.notices import Notice


class MemoryAlertStore:
    """``AlertStore`` for tests. ``log`` holds (key, actor, action, state) in order."""

    def __init__(self) -> None:
        self.by_key: dict[str, Alert] = {}
        self.log: list[tuple[str, str, str, AlertState]] = []
        self.notices: list[Notice] = []
        self.by_plan: dict[str, Withholding] = {}
        self.told: list[Annunciation] = []

    async def save_alert(self, alert: Alert, *, actor: str, action: str, notices: Sequence[Notice] = ()) -> None:
        self.notices += notices
        self.by_key[alert.key] = alert
        self.log.append((alert.key, actor, action, alert.state))

    async def save_changes(self, changes: Sequence[tuple[AlertChange, Sequence[Notice]]]) -> None:
        for change, notices in changes:
            await self.save_alert(change.alert, actor=change.actor, action=change.action, notices=notices)

    async def alert(self, key: str) -> Alert | None:
        return self.by_key.get(key)

    async def alerts_about(self, finding: str, zone: str, since: datetime) -> Sequence[Alert]:
        def is_about(alert: Alert) -> bool:
            there = zone in (alert.zone, *alert.areas) and (alert.active or alert.updated_at >= since)
            return alert.finding == finding or there

        return [a for a in await self.alerts(include_closed=True) if is_about(a)]

    async def plans(self, *, ended_after: datetime) -> Sequence[Withholding]:
        return sorted((p for p in self.by_plan.values() if p.ends_at > ended_after), key=lambda p: p.ends_at)

    async def save_plan(self, plan: Withholding) -> None:
        self.by_plan[plan.key] = plan

    async def annunciations(self, start: datetime, end: datetime) -> Sequence[Annunciation]:
        return [a for a in self.told if start <= a.at < end]

    async def alerts(self, *, include_closed: bool = False) -> Sequence[Alert]:
        kept = [a for a in self.by_key.values() if include_closed or a.state is not AlertState.NORMAL]
        return sorted(kept, key=lambda a: a.raised_at, reverse=True)
