"""What belongs to what: which alarm is the consequence of which, and which several have one cause. Pure.

Three rules, in this order:

1. **Consequence.** A burst accounts for low pressure, and for valves that do not follow, in its zone, in what lies in it and in
   what is fed through it, if they begin within a day of it. What was its child once stays so as long as it lasts.
2. **The same water.** Losses in a zone and in one that it feeds, begun within the same hour, are one leak: the one known first
   speaks for both, the more urgent takes over. Two whose pipes are known are two.
3. **Common cause.** Losses or low pressures that begin within the same hour in several areas are one event: the supply, a pump, a
   clock, and not so many leaks. The same of gateways that fall silent together. A loss whose pipe the pressures show is a leak.

Thin: onsets that a detector knows only to the night (slow growth) make two such leaks of one night look like one event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from alerts.definitions import (
    COMMAND_NO_EFFECT,
    EVENT_FLOW,
    EVENT_LINK,
    EVENT_PRESSURE,
    GATEWAY_OFFLINE,
    LEAK_BURST,
    LEAK_CREEPING,
    LEAK_STANDING,
    PRESSURE_LOW,
)
from alerts.lifecycle import URGENCY
from alerts.places import PIPE
from alerts.topology import Topology
from domain.alerts import Alert, Priority

LEAKS = frozenset({LEAK_BURST, LEAK_CREEPING, LEAK_STANDING})
HYDRAULIC = frozenset({PRESSURE_LOW, COMMAND_NO_EFFECT})
"""What a fall of the pressure upstream brings about."""
SAME_HOUR = timedelta(hours=1)
SLACK = timedelta(hours=1)
"""So much earlier than its cause may a consequence seem to begin: onsets are estimates."""
FELT_FOR = timedelta(hours=24)
"""A burst brings the pressure down at the latest at the next peak of use."""
SETTLE = timedelta(minutes=30)
"""So long after its cause is over may a child take to follow, before it stands for itself."""
REMAINS = timedelta(hours=6)
"""A loss that stands so long after the other areas of its event have recovered is a leak of its own."""
SHARE = 0.1
"""An event takes at least two areas, and this share of those it could have struck: two of five hundred are chance."""
FEWEST_GATEWAYS = 3
EVENT_PREFIX = "event:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Several alarms with one cause."""

    zone: str | None
    members: tuple[Alert, ...]
    """First begun first."""


def is_event(alert: Alert) -> bool:
    """Whether an alarm stands for several others, whatever it speaks of now."""
    return alert.key.startswith(EVENT_PREFIX)


def onset(alert: Alert) -> datetime:
    """When its condition began, as far as anybody knows."""
    return alert.since or alert.raised_at


def is_placed(alert: Alert) -> bool:
    """Whether it is a leak whose pipe is known."""
    return alert.code in LEAKS and PIPE in alert.parameters


def first_out(members: Iterable[Alert]) -> Alert | None:
    """The one that came first."""
    return min(members, key=lambda a: (onset(a), a.raised_at, a.key), default=None)


def accounts_for(head: Alert, alert: Alert, members: Sequence[Alert], topology: Topology) -> bool:
    """Whether ``head``, whose condition is there, is the reason of ``alert``.

    Args:
        head: A leak, or an event.
        alert: Anything else that is there now.
        members: The children the head has; none for a leak of its own.
        topology: The zones.
    """
    if is_event(head):
        return _event_takes(members, alert, topology)
    if head.code not in LEAKS:
        return False
    if alert.code in HYDRAULIC:
        lag = onset(alert) - onset(head)
        return head.code == LEAK_BURST and topology.reaches(head.zone, alert.zone) and -SLACK <= lag <= FELT_FOR
    return alert.code in LEAKS and _same_water(head, alert, topology) and _same_hour(head, alert)


def speaks_first(one: Alert, other: Alert, topology: Topology) -> bool:
    """Of two leaks of the same water, whether the first speaks for both: the more urgent; then the one people know of already; then
    the one whose place is told more exactly.
    """

    def rank(alert: Alert) -> tuple[int, datetime, int, str]:
        return (-URGENCY[alert.priority], alert.raised_at, len(topology.reach(alert.zone)), alert.key)

    return rank(one) < rank(other)


def events(free: Sequence[Alert], topology: Topology) -> tuple[Event, ...]:
    """Groups of alarms that nothing accounts for yet and that have one cause."""
    ordered = sorted(free, key=lambda a: (onset(a), a.key))
    silent = [a for a in ordered if a.code == GATEWAY_OFFLINE]
    found = [Event(zone=None, members=run) for run in _runs(silent) if len(run) >= FEWEST_GATEWAYS]
    wet = [a for a in ordered if a.code in LEAKS | HYDRAULIC and a.zone is not None and not is_placed(a)]
    for run in _runs(wet):
        left = list(run)
        for zone in topology.around(a.zone for a in run if a.zone is not None):
            inside = [a for a in left if topology.reaches(zone, a.zone)] if zone is not None else left
            if _is_common(inside, zone, topology):
                met = topology.meeting({a.zone for a in inside if a.zone is not None})
                found.append(Event(zone=met, members=tuple(inside)))
                left = [a for a in left if a not in inside]
    return tuple(found)


def causes(members: Sequence[Alert], topology: Topology) -> list[Alert]:
    """The leaks among them that are not each other's water, the most urgent and then the largest of each first."""
    ranked = sorted(
        (a for a in members if a.code in LEAKS and a.active), key=lambda a: (-URGENCY[a.priority], -(a.flow_m3h or 0.0), a.key)
    )
    chosen: list[Alert] = []
    for leak in ranked:
        if not any(_same_water(leak, other, topology) for other in chosen):
            chosen.append(leak)
    return chosen


def event_code(members: Sequence[Alert], topology: Topology) -> str:
    """What an event is called by its members: a leak where one of them explains the rest."""
    if any(a.code == GATEWAY_OFFLINE for a in members):
        return EVENT_LINK
    leaks = causes(members, topology)
    if len(leaks) == 1:
        return leaks[0].code
    return EVENT_FLOW if leaks else EVENT_PRESSURE


def event_priority(members: Sequence[Alert]) -> Priority:
    """As urgent as its most urgent member, and high where pressure fails, or the link, in three places or more."""
    there = [a for a in members if a.active]
    failing = {a.zone or a.key for a in there if a.code not in LEAKS}
    if len(failing) >= FEWEST_GATEWAYS:
        return Priority.HIGH
    return max((a.priority for a in there), key=lambda p: URGENCY[p], default=Priority.LOW)


def _event_takes(members: Sequence[Alert], alert: Alert, topology: Topology) -> bool:
    """An event grows by what begins within an hour of its last, where it is or is fed from there, and by what one of its leaks
    accounts for, or by the burst that accounts for one of its own.
    """
    if not members:
        return False
    of_links = any(a.code == GATEWAY_OFFLINE for a in members)
    if alert.code not in LEAKS | HYDRAULIC or of_links:
        return of_links and alert.code == GATEWAY_OFFLINE and _near(members, alert)
    if any(accounts_for(leak, alert, (), topology) for leak in members if leak.code in LEAKS and leak.active):
        return True
    if alert.code == LEAK_BURST and any(accounts_for(alert, a, (), topology) for a in members if a.code in HYDRAULIC):
        return True
    if not _near(members, alert) or is_placed(alert):
        return False
    zone = topology.meeting({a.zone for a in members if a.zone is not None})
    return zone is None or topology.related(zone, alert.zone)


def _same_water(one: Alert, other: Alert, topology: Topology) -> bool:
    """Whether losses of two zones can be one by where they are; within a zone ``alerts.grouping`` has told them apart already."""
    return one.zone != other.zone and topology.related(one.zone, other.zone) and not (is_placed(one) and is_placed(other))


def _near(members: Sequence[Alert], alert: Alert) -> bool:
    return min(onset(a) for a in members) - SAME_HOUR <= onset(alert) <= max(onset(a) for a in members) + SAME_HOUR


def _same_hour(one: Alert, other: Alert) -> bool:
    return abs(onset(one) - onset(other)) <= SAME_HOUR


def _runs(ordered: Sequence[Alert]) -> list[tuple[Alert, ...]]:
    """Alarms begun within an hour of the first of their run."""
    runs: list[list[Alert]] = []
    for alert in ordered:
        if runs and onset(alert) - onset(runs[-1][0]) <= SAME_HOUR:
            runs[-1].append(alert)
        else:
            runs.append([alert])
    return [tuple(run) for run in runs]


def _is_common(inside: Sequence[Alert], zone: str | None, topology: Topology) -> bool:
    fewest = max(2, ceil(SHARE * topology.metered(zone)))
    leaks = {a.zone for a in causes(inside, topology)}
    low = {a.zone for a in inside if a.code in HYDRAULIC}
    return max(len(leaks), len(low)) >= fewest
