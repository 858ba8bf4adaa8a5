"""Alerts over their life: findings and conditions open, join and end them; people acknowledge and shelve them.

Every change goes into the store with the notices it causes, in one transaction; ``notifier`` sends them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.conditions import Condition, condition_alert, prefix
from alerts.grouping import Group, PriorityRules, family_of, group, new_alert, parameters_of, priority_of, stands_for
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
from domain.alerts import Alert
from domain.errors import NotAllowed
from domain.findings import Finding
from domain.notices import Notice
from domain.ports import AlertStore, Clock, User
from domain.setpoints import Reason

SYSTEM = "system"
Notices = Callable[[Alert, str], Sequence[Notice]]
"""(alert after a change, what was done) → who is to be told."""
Authorise = Callable[[User, str, str | None], Reason | None]
"""(user, ``acknowledge`` or ``shelve``, zone) → None, or why not."""


class Alerts:
    """Keeps one alert for one cause.

    Args:
        store: Where alerts live.
        clock: Process time, for what people do.
        authorise: Who may acknowledge and shelve.
        rules: From which loss on an alert is how urgent.
        notices: Who is told of a change; nobody without.
    """

    def __init__(
        self,
        *,
        store: AlertStore,
        clock: Clock,
        authorise: Authorise,
        rules: PriorityRules | None = None,
        notices: Notices | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._authorise = authorise
        self._rules = rules or PriorityRules()
        self._notices = notices or (lambda _alert, _action: ())
        self._lock = asyncio.Lock()

    async def on_findings(self, findings: Sequence[Finding], now: datetime) -> tuple[Alert, ...]:
        """Opens, joins, worsens and ends alerts by what the detectors believe now; returns those that changed.

        Args:
            findings: Every finding that is open now, of all detectors and zones: a leak that is not among them is over. Findings
                with ``open`` False may be among them and say the same.
            now: Data time of the detectors' round.
        """
        async with self._lock:
            groups = group(f for f in findings if f.open)
            changed: list[Alert | None] = []
            for alert in [a for a in await self._store.alerts() if family_of(a) is not None]:
                found = next((g for g in groups if stands_for(alert, g)), None)
                if found is None:
                    changed.append(await self._event(alert, Returned(), now, SYSTEM))
                else:
                    groups = tuple(g for g in groups if g is not found)
                    changed.append(await self._follow(alert, found, now))
            changed += [await self._save(new_alert(found, self._rules, now), SYSTEM, "raised") for found in groups]
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

    async def acknowledge_raise(self, by: str, key: str, raised_at: datetime | None) -> Alert:
        """Somebody has seen the alert through the link in a message: good for that raise of it alone.

        Raises:
            KeyError: No open alert has this key, or it was raised anew since.
            ImpossibleTransition: It is acknowledged or shelved already.
        """
        async with self._lock:
            alert = next((a for a in await self._store.alerts() if a.key == key and a.raised_at == raised_at), None)
            if alert is None:
                raise KeyError(f"no open alert has the key {key!r}, raised then")
            return await self._save(apply(alert, Acknowledged(), self._clock.now(), by), by, "acknowledged")

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

    async def _follow(self, alert: Alert, found: Group, now: datetime) -> Alert | None:
        back = await self._event(alert, Raised(), now, SYSTEM)
        return await self._update(back or alert, found, now) or back

    async def _update(self, alert: Alert, found: Group, now: datetime) -> Alert | None:
        """New numbers, and a new alarm where the alert has become more urgent; it never becomes less urgent by itself."""
        parameters = parameters_of(found)
        parameters["since"] = min(parameters["since"], alert.parameters.get("since", parameters["since"]))
        fresh = replace(alert, code=found.code, parameters=parameters, finding=found.spokesman.key)
        priority = priority_of(found, self._rules)
        if URGENCY[priority] > URGENCY[alert.priority]:
            return await self._save(apply(fresh, Worsened(priority=priority), now, SYSTEM), SYSTEM, "worsened")
        if fresh == alert:
            return None
        return await self._save(replace(fresh, updated_at=max(now, alert.updated_at)), SYSTEM, "updated")

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
        await self._store.save_alert(alert, actor=actor, action=action, notices=self._notices(alert, action))
        return alert
