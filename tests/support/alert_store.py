"""Alerts in a dictionary, every change logged, as the real store does."""

from __future__ import annotations

from collections.abc import Sequence

from domain.alerts import Alert, AlertState
from domain.notices import Notice


class MemoryAlertStore:
    """``AlertStore`` for tests. ``log`` holds (key, actor, action, state) in order."""

    def __init__(self) -> None:
        self.by_key: dict[str, Alert] = {}
        self.log: list[tuple[str, str, str, AlertState]] = []
        self.notices: list[Notice] = []

    async def save_alert(self, alert: Alert, *, actor: str, action: str, notices: Sequence[Notice] = ()) -> None:
        self.notices += notices
        self.by_key[alert.key] = alert
        self.log.append((alert.key, actor, action, alert.state))

    async def alerts(self, *, include_closed: bool = False) -> Sequence[Alert]:
        kept = [a for a in self.by_key.values() if include_closed or a.state is not AlertState.NORMAL]
        return sorted(kept, key=lambda a: a.raised_at, reverse=True)
