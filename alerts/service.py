"""Alerts over their life: findings and conditions open, join and end them; people acknowledge, reset, shelve and plan.

Every round is one book (``alerts.book``), settled (``alerts.settling``) and saved in one transaction with the notices it causes;
``notifier`` sends them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.book import SYSTEM, Book
from alerts.conditions import Condition, condition_key
from alerts.grouping import PriorityRules, group
from alerts.incidents import is_event
from alerts.lifecycle import Acknowledged, Event, Reset, Shelved, Unshelved, apply
from alerts.settling import settle
from alerts.topology import Topology
from alerts.withholding import LONGEST, PlanRefused, check_plan
from domain.alerts import Alert, AlertState, Withholding, WithholdingKind
from domain.errors import NotAllowed
from domain.findings import Finding
from domain.notices import Notice
from domain.ports import AlertStore, Clock, User
from domain.setpoints import Reason
from domain.zones import Zone

Notices = Callable[[Alert, str], Sequence[Notice]]
"""(alert after a change, what was done) → who is to be told."""
Authorise = Callable[[User, str, str | None], Reason | None]
"""(user, ``acknowledge`` or ``shelve`` or ``take_out``, zone) → None, or why not."""


class Alerts:
    """Keeps one alert for one cause.

    Args:
        store: Where alerts live.
        clock: Process time, for what people do.
        authorise: Who may do what.
        rules: From which loss on an alert is how urgent.
        notices: Who is told of a change; nobody without.
        zones: The site's zones, to know what lies in what; without, every zone stands alone.
    """

    def __init__(
        self,
        *,
        store: AlertStore,
        clock: Clock,
        authorise: Authorise,
        rules: PriorityRules | None = None,
        notices: Notices | None = None,
        zones: Mapping[str, Zone] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._authorise = authorise
        self._rules = rules or PriorityRules()
        self._notices = notices or (lambda _alert, _action: ())
        self._topology = Topology(zones)
        self._lock = asyncio.Lock()

    async def on_findings(self, findings: Sequence[Finding], now: datetime) -> tuple[Alert, ...]:
        """Opens, joins, worsens and ends alerts by what the detectors believe now; returns those that changed.

        Args:
            findings: Every finding that is open now, of all detectors and zones: a leak that is not among them is over. Findings
                with ``open`` False may be among them and say the same.
            now: Data time of the detectors' round.
        """
        async with self._lock:
            book = await self._open(now)
            book.findings(group(f for f in findings if f.open))
            return await self._close(book)

    async def on_condition(self, condition: Condition, now: datetime) -> Alert | None:
        """Opens or ends the alert of a condition; returns it if it changed."""
        async with self._lock:
            book = await self._open(now)
            key = book.condition(condition)
            return next((a for a in await self._close(book) if a.key == key), None)

    async def on_conditions(self, conditions: Sequence[Condition], now: datetime) -> tuple[Alert, ...]:
        """The same for all that is known at one time, so that several with one cause are one alarm from the beginning."""
        async with self._lock:
            book = await self._open(now)
            for condition in conditions:
                if not await self._is_closed(condition, now):
                    book.condition(condition)
            return await self._close(book)

    async def acknowledge(self, user: User, key: str) -> Alert:
        """A person has seen the alert; one that stands behind another is seen with it.

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
            book = await self._open(self._clock.now())
            alert = book.alerts.get(key)
            if alert is None or alert.raised_at != raised_at:
                raise KeyError(f"no open alert has the key {key!r}, raised then")
            return await self._do(book, alert, Acknowledged(), by)

    async def reset(self, user: User, key: str) -> Alert:
        """A person has dealt with an alert that stays when its condition is over; raises as ``acknowledge``."""
        return await self._by_person(user, key, "acknowledge", Reset())

    async def shelve(self, user: User, key: str, until: datetime, reason: str) -> Alert:
        """A person lets the alert wait; raises as ``acknowledge``, and without a reason or with an end too far ahead
        (``definitions.LONGEST_SHELF``)."""
        return await self._by_person(user, key, "shelve", Shelved(until=until, reason=reason), reason)

    async def unshelve(self, user: User, key: str) -> Alert:
        """A person takes the alert from the shelf: it alarms again if its condition is there; raises as ``acknowledge``."""
        return await self._by_person(user, key, "shelve", Unshelved())

    async def take_out(self, user: User, key: str, until: datetime, reason: str) -> Withholding:
        """A person takes the alarm of this alert out of service: this one and what its condition raises until then.

        Raises:
            KeyError: No open alert has this key.
            NotAllowed: The user may not, in this zone.
            PlanRefused: No reason, an end that is past or too far ahead, or an event: it has no sensor that could be repaired.
        """
        now = self._clock.now()
        alert = next((a for a in await self._store.alerts() if a.key == key), None)
        if alert is None:
            raise KeyError(f"no open alert has the key {key!r}")
        if is_event(alert):
            raise PlanRefused("is_event", f"{key} stands for several alarms: shelve it, or take out what is wrong among them")
        plan = Withholding(
            key=f"out:{alert.key}",
            kind=WithholdingKind.OUT_OF_SERVICE,
            zone=alert.zone,
            code=alert.code,
            subject=alert.parameters.get("subject"),
            by=user.name,
            reason=reason,
            starts_at=now,
            ends_at=until,
        )
        return await self.plan(user, plan)

    async def plan(self, user: User, plan: Withholding) -> Withholding:
        """Keeps alarms back by plan; raises as ``take_out``, and for an unknown zone."""
        self._need(user, "take_out" if plan.kind is WithholdingKind.OUT_OF_SERVICE else "shelve", plan.zone)
        now = self._clock.now()
        plan = replace(check_plan(plan, now, self._topology), reason=plan.reason.strip(), by=user.name)
        async with self._lock:
            await self._store.save_plan(plan)
            await self._close(await self._open(now))
        return plan

    async def plans(self) -> Sequence[Withholding]:
        """Plans that hold or are to come."""
        return await self._store.plans(ended_after=self._clock.now())

    async def end_plan(self, user: User, key: str) -> Withholding:
        """Ends a plan now; what it kept back and is still there alarms. Raises as ``take_out``."""
        now = self._clock.now()
        found = next((p for p in await self.plans() if p.key == key), None)
        if found is None:
            raise KeyError(f"no plan has the key {key!r}")
        self._need(user, "take_out" if found.kind is WithholdingKind.OUT_OF_SERVICE else "shelve", found.zone)
        ended = replace(found, starts_at=min(found.starts_at, now), ends_at=now)
        async with self._lock:
            await self._store.save_plan(ended)
            await self._close(await self._open(now))
        return ended

    async def tick(self, now: datetime) -> None:
        """Brings back what was kept back until now, and looks again at what belongs to what."""
        async with self._lock:
            await self._close(await self._open(now))

    async def _is_closed(self, condition: Condition, now: datetime) -> bool:
        """Whether a repeated message tells of an occurrence that was closed long ago."""
        if not (condition.once and condition.active):
            return False
        alert = await self._store.alert(condition_key(condition, now))
        return alert is not None and alert.state is AlertState.NORMAL

    async def _open(self, now: datetime) -> Book:
        return Book(await self._store.alerts(), now, self._rules)

    async def _close(self, book: Book) -> tuple[Alert, ...]:
        """Settles and saves a round; the alerts that have changed."""
        # Plans that ended a while ago are read too: what they kept back learns from them that they are over.
        plans = await self._store.plans(ended_after=book.now - max(LONGEST.values()))
        settle(book, self._topology, plans)
        changes = book.changes
        if changes:
            await self._store.save_changes([(c, self._notices(c.alert, c.action)) for c in changes])
        return tuple(c.alert for c in changes)

    async def _by_person(self, user: User, key: str, right: str, event: Event, reason: str = "") -> Alert:
        async with self._lock:
            book = await self._open(self._clock.now())
            alert = book.alerts.get(key)
            if alert is None:
                raise KeyError(f"no open alert has the key {key!r}")
            self._need(user, right, alert.zone)
            return await self._do(book, alert, event, user.name, reason)

    async def _do(self, book: Book, alert: Alert, event: Event, by: str, reason: str = "") -> Alert:
        if isinstance(event, Acknowledged) and alert.parent in book.alerts:
            alert = book.alerts[alert.parent]
        after = book.put(apply(alert, event, book.now, by), type(event).__name__.lower(), actor=by, reason=reason.strip())
        await self._close(book)
        return book.alerts.get(after.key, after)

    def _need(self, user: User, right: str, zone: str | None) -> None:
        reason = self._authorise(user, right, zone)
        if reason is not None:
            raise NotAllowed(reason.text)


__all__ = ["SYSTEM", "Alerts", "Authorise", "Notices"]
