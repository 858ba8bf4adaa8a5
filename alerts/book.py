"""The open alarms during one round: what is seen now goes in, what has changed comes out. Pure: the service loads and saves.

``alerts.settling`` decides at the end of each round what stands in the list; nobody is told of anything before that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.conditions import Condition, condition_alert, prefix
from alerts.grouping import Group, PriorityRules, family_of, matched, new_alert, parameters_of, priority_of
from alerts.incidents import LEAKS, is_event, onset
from alerts.lifecycle import URGENCY, Event, Raised, Returned, Worsened, apply, possible
from alerts.places import PIPE
from domain.alerts import Alert, AlertChange, AlertState, Priority

SYSTEM = "system"
TOLD = frozenset({"raised", "worsened", "explained", "unshelved", "unsuppressed", "putback"})
"""Actions that make an operator look, if the alarm is then unacknowledged."""
PLACED = "placed"
"""Action: its pipe is known by now, or lies in another zone than was said."""


class Book:
    """Args:
    alerts: All that are not closed.
    now: Process time of the round.
    rules: From which loss on a leak is how urgent.
    """

    def __init__(self, alerts: Iterable[Alert], now: datetime, rules: PriorityRules | None = None) -> None:
        self.before = {a.key: a for a in alerts}
        """As they were when the round began: what people know of."""
        self.alerts = dict(self.before)
        self.now = now
        self._behind: dict[str, set[str]] = {}
        for alert in self.before.values():
            if alert.parent is not None:
                self._behind.setdefault(alert.parent, set()).add(alert.key)
        self._rules = rules or PriorityRules()
        self._done: dict[str, AlertChange] = {}

    @property
    def changes(self) -> tuple[AlertChange, ...]:
        """What has changed, parents before their children; one change an alarm and round."""
        found = [c for c in self._done.values() if c.alert != self.before.get(c.alert.key)]
        return tuple(sorted(found, key=lambda c: c.alert.parent is not None))

    def children(self, key: str) -> list[Alert]:
        """The alarms an alarm accounts for."""
        return [self.alerts[k] for k in sorted(self._behind.get(key, ()))]

    def heads(self) -> list[Alert]:
        """What may account for others: leaks and events that are there, stand for themselves and are to be trusted."""
        return [
            a
            for a in self.alerts.values()
            if a.active and a.parent is None and (a.code in LEAKS or is_event(a)) and a.state is not AlertState.OUT_OF_SERVICE
        ]

    def findings(self, groups: Sequence[Group]) -> None:
        """Opens, joins, worsens and ends alarms of leaks and meters, by everything the detectors believe now."""
        mine = [a for a in self.alerts.values() if family_of(a) is not None and not is_event(a)]
        known = matched(mine, groups)
        for alert in mine:
            if alert.key in known:
                self._follow(alert.key, known[alert.key])
            else:
                self.happens(alert.key, Returned())
        told = {id(found) for found in known.values()}
        for found in [g for g in groups if id(g) not in told]:
            self.put(new_alert(found, self._rules, self.now), "raised")

    def condition(self, condition: Condition) -> str | None:
        """Opens, worsens or ends the alarm of a condition; its key, None where there is nothing to say."""
        alert = next((a for a in self.alerts.values() if a.key.startswith(prefix(condition))), None)
        if alert is None:
            return self.put(condition_alert(condition, self.now), "raised").key if condition.active else None
        if condition.once and condition.since is not None and not _is_news(condition, condition.since, alert):
            return None
        if not condition.active:
            self.happens(alert.key, Returned())
            return alert.key
        if self.happens(alert.key, Raised()):
            fresh = condition_alert(condition, self.now)
            self.put(
                replace(self.alerts[alert.key], since=fresh.since, parameters=fresh.parameters, finding=fresh.finding), "updated"
            )
        self.worsen(alert.key, condition.priority)
        return alert.key

    def happens(self, key: str, event: Event, *, actor: str = SYSTEM, reason: str = "") -> bool:
        """Applies an event that may come again and again; False where the alarm has no use for it."""
        alert = self.alerts[key]
        known = isinstance(event, Raised | Returned) and alert.active == isinstance(event, Raised)
        if known or not possible(alert.state, type(event)):
            return False
        self.put(apply(alert, event, self.now, actor), type(event).__name__.lower(), actor=actor, reason=reason)
        return True

    def worsen(self, key: str, priority: Priority) -> None:
        """An alarm becomes more urgent by itself, never less."""
        if URGENCY[priority] > URGENCY[self.alerts[key].priority]:
            self.happens(key, Worsened(priority=priority))

    def put(self, alert: Alert, action: str, *, actor: str = SYSTEM, reason: str = "") -> Alert:
        """Notes a change. New numbers do not hide what else was done in the round."""
        known = self.alerts.get(alert.key)
        if known is not None and known.parent is not None:
            self._behind[known.parent].discard(alert.key)
        if alert.parent is not None:
            self._behind.setdefault(alert.parent, set()).add(alert.key)
        self.alerts[alert.key] = alert
        done = self._done.get(alert.key)
        if done is not None and action == "updated":
            self._done[alert.key] = replace(done, alert=alert)
        else:
            self._done[alert.key] = AlertChange(alert=alert, actor=actor, action=action, reason=reason)
        return alert

    def update(self, alert: Alert) -> None:
        """Notes new numbers, if they are new."""
        if alert != self.alerts[alert.key]:
            self.put(replace(alert, updated_at=max(self.now, alert.updated_at)), "updated")

    def _follow(self, key: str, found: Group) -> None:
        self.happens(key, Raised())
        alert, says = self.alerts[key], found.spokesman
        parameters = parameters_of(found)
        parameters["since"] = min(parameters["since"], alert.parameters.get("since", parameters["since"]))
        fresh = replace(
            alert,
            code=found.code,
            zone=found.zone,
            parameters=parameters,
            finding=says.key,
            since=min(found.since, onset(alert)),
            flow_m3h=new_alert(found, self._rules, self.now).flow_m3h,
        )
        is_news = PIPE in parameters and (PIPE not in alert.parameters or alert.zone != found.zone)
        if is_news and key not in self._done:
            self.put(replace(fresh, updated_at=max(self.now, alert.updated_at)), PLACED)
        else:
            self.update(fresh)
        self.worsen(key, priority_of(found, self._rules))


def _is_news(condition: Condition, since: datetime, alert: Alert) -> bool:
    """Whether a message that may be late, or sent again, says something of this alarm: the end of its own occurrence or of
    a later one, or the beginning of one after it.
    """
    known = onset(alert)
    return since > known or (since == known and not (condition.active and not alert.active))
