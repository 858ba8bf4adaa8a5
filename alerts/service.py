"""Alerts over their life: findings and conditions open, join and end them; people acknowledge and shelve them.

Thin for now: nobody is notified and nothing is escalated; alerts wait in the store for who looks at them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.conditions import Condition, condition_alert, prefix
from alerts.grouping import FAMILY, Family, Group, PriorityRules, family_of, group, new_alert, parameters_of, priority_of
from alerts.lifecycle import (
    URGENCY,
    Acknowledged,
    Event,
    Raised,
    Returned,
    Shelved,
    Unshelved,
    Worsened,
    apply,
    is_shelf_over,
    possible,
)
from domain.alerts import Alert, AlertState
from domain.errors import NotAllowed
from domain.findings import Finding
from domain.ports import AlertStore, Clock, User
from domain.setpoints import Reason

SYSTEM = "system"
Authorise = Callable[[User, str, str | None], Reason | None]
"""(user, ``acknowledge`` or ``shelve``, zone) → None, or why not."""


class Alerts:
    """Keeps one alert for one cause.

    Args:
        store: Where alerts live.
        clock: Process time, for what people do.
        authorise: Who may acknowledge and shelve.
        rules: From which loss on an alert is how urgent.
    """

    def __init__(self, *, store: AlertStore, clock: Clock, authorise: Authorise, rules: PriorityRules | None = None) -> None:
        self._store = store
        self._clock = clock
        self._authorise = authorise
        self._rules = rules or PriorityRules()
        self._members: dict[str, dict[str, Finding]] = {}
        self._lock = asyncio.Lock()

    async def on_findings(self, findings: Sequence[Finding], now: datetime) -> tuple[Alert, ...]:
        """Opens, joins, worsens and ends alerts by what the detectors say now; returns those that changed.

        A finding that is not mentioned stays as it was last said to be; one that is over comes with ``open`` False. After a restart
        an alert is known by the finding it names, so pass every open finding then.
        """
        async with self._lock:
            alerts = {a.key: a for a in await self._store.alerts() if family_of(a) is not None}
            self._members = {key: self._members.get(key, {}) for key in alerts}
            for finding in findings:
                self._place(finding, alerts)
            changed = [await self._follow(alert, now) for alert in alerts.values()]
            new = group(f for f in findings if f.open and not self._is_member(f))
            changed += [await self._open(found, now) for found in new]
        return tuple(a for a in changed if a is not None)

    async def on_condition(self, condition: Condition, now: datetime) -> Alert | None:
        """Opens or ends the alert of a condition; returns it if it changed."""
        async with self._lock:
            alert = next((a for a in await self._store.alerts() if a.key.startswith(prefix(condition))), None)
            if alert is None:
                return await self._save(condition_alert(condition, now), SYSTEM, "raised") if condition.active else None
            return await self._event(alert, Raised() if condition.active else Returned(), now, SYSTEM)

    async def acknowledge(self, user: User, key: str) -> Alert:
        """A person has seen the alert.

        Raises:
            KeyError: No open alert has this key.
            NotAllowed: The user may not, in this zone.
            ImpossibleTransition: It is acknowledged or shelved already.
        """
        return await self._by_person(user, key, "acknowledge", Acknowledged())

    async def shelve(self, user: User, key: str, until: datetime, reason: str) -> Alert:
        """A person lets the alert wait; raises as ``acknowledge``, and without a reason or with an end beyond 12 h."""
        return await self._by_person(user, key, "shelve", Shelved(until=until, reason=reason))

    async def unshelve(self, user: User, key: str) -> Alert:
        """A person takes the alert from the shelf: it alarms again; raises as ``acknowledge``."""
        return await self._by_person(user, key, "shelve", Unshelved())

    async def tick(self, now: datetime) -> None:
        """Takes alerts from the shelf whose time there is over."""
        async with self._lock:
            for alert in await self._store.alerts():
                if is_shelf_over(alert, now):
                    await self._event(alert, Unshelved(), now, SYSTEM)

    def _place(self, finding: Finding, alerts: dict[str, Alert]) -> None:
        """Puts a finding to the alert that knows it, or to the one of its zone and family whose cause is still there."""
        for alert in alerts.values():
            members = self._members[alert.key]
            same = (family_of(alert), alert.zone) == (FAMILY[finding.kind], finding.zone)
            joins = same and finding.open and alert.state is not AlertState.RETURNED_UNACKNOWLEDGED
            if finding.key in members or finding.key == alert.finding or joins:
                members[finding.key] = finding
                return

    def _is_member(self, finding: Finding) -> bool:
        return any(finding.key in members for members in self._members.values())

    async def _follow(self, alert: Alert, now: datetime) -> Alert | None:
        members = tuple(sorted(self._members.get(alert.key, {}).values(), key=lambda f: (f.since, f.key)))
        if not members:
            return None
        found = Group(family=family_of(alert) or Family.LEAK, zone=alert.zone or "", members=members)
        if not found.open:
            return await self._event(alert, Returned(), now, SYSTEM)
        back = await self._event(alert, Raised(), now, SYSTEM)
        return await self._update(back or alert, found, now) or back

    async def _update(self, alert: Alert, found: Group, now: datetime) -> Alert | None:
        """New numbers, and a new alarm where the alert has become more urgent; it never becomes less urgent by itself."""
        fresh = replace(alert, code=found.code, parameters=parameters_of(found), finding=found.spokesman.key)
        priority = priority_of(found, self._rules)
        if URGENCY[priority] > URGENCY[alert.priority]:
            return await self._save(apply(fresh, Worsened(priority=priority), now, SYSTEM), SYSTEM, "worsened")
        if fresh == alert:
            return None
        return await self._save(replace(fresh, updated_at=max(now, alert.updated_at)), SYSTEM, "updated")

    async def _open(self, found: Group, now: datetime) -> Alert:
        alert = new_alert(found, self._rules, now)
        self._members[alert.key] = {f.key: f for f in found.members}
        return await self._save(alert, SYSTEM, "raised")

    async def _by_person(self, user: User, key: str, right: str, event: Event) -> Alert:
        async with self._lock:
            alert = next((a for a in await self._store.alerts() if a.key == key), None)
            if alert is None:
                raise KeyError(f"no open alert has the key {key!r}")
            reason = self._authorise(user, right, alert.zone)
            if reason is not None:
                raise NotAllowed(reason.text)
            return await self._save(apply(alert, event, self._clock.now(), user.name), user.name, type(event).__name__.lower())

    async def _event(self, alert: Alert, event: Event, now: datetime, actor: str) -> Alert | None:
        """Applies an event that may come again and again; None where the alert's state has no use for it."""
        if not possible(alert.state, type(event)):
            return None
        return await self._save(apply(alert, event, now, actor), actor, type(event).__name__.lower())

    async def _save(self, alert: Alert, actor: str, action: str) -> Alert:
        await self._store.save_alert(alert, actor=actor, action=action)
        return alert
