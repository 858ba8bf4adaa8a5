"""What stands in the list, what is kept back and why, and what belongs to what: the end of every round. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zlib import crc32

from alerts.book import Book
from alerts.definitions import EVENT_FLOW
from alerts.incidents import (
    EVENT_PREFIX,
    LEAKS,
    REMAINS,
    SETTLE,
    Event,
    accounts_for,
    causes,
    event_code,
    event_priority,
    events,
    is_event,
    is_placed,
    onset,
    speaks_first,
)
from alerts.lifecycle import (
    URGENCY,
    Explained,
    PutBack,
    Raised,
    Returned,
    Suppressed,
    TakenOut,
    Unshelved,
    Unsuppressed,
    is_shelf_over,
)
from alerts.topology import Topology
from alerts.withholding import covering
from domain.alerts import LISTED, UNSEEN, Alert, AlertState, Withholding, WithholdingKind

_STANDING = frozenset({AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED})


def settle(book: Book, topology: Topology, plans: Sequence[Withholding] = ()) -> None:
    """Ends what is over, keeps back what plans account for, puts consequences behind their cause, lets events speak.

    Args:
        book: The round.
        topology: How zones hang together.
        plans: Plans by which alarms are kept back; those that are over may be among them.
    """
    _end_what_is_over(book, plans)
    _keep_back(book, topology, plans)
    free: set[str] = set()
    alone: set[str] = set()
    while True:
        _let_events_speak(book, topology)  # one that is over leaves its children before they are looked at
        if _set_free(book, topology, free):
            continue
        found = _group(book, topology)
        _let_events_speak(book, topology)
        # What stands for itself from now on may account for others.
        if not _set_free(book, topology, free) and found <= alone:
            break
        alone |= found
    _keep_back(book, topology, plans)  # events that have just come about


def _end_what_is_over(book: Book, plans: Sequence[Withholding]) -> None:
    ends = {p.key: p.ends_at for p in plans}
    for alert in list(book.alerts.values()):
        if is_shelf_over(alert, book.now):
            book.happens(alert.key, Unshelved(), reason="its time on the shelf is over")
        elif alert.parent is None and _is_plan_over(alert, ends, book.now):
            back = PutBack() if alert.state is AlertState.OUT_OF_SERVICE else Unsuppressed()
            book.happens(alert.key, back, reason="its plan is over")


def _is_plan_over(alert: Alert, ends: Mapping[str, datetime], now: datetime) -> bool:
    """A plan may have been ended early; one that is not known any more ends as it once said."""
    return alert.withheld_until is not None and now >= ends.get(alert.withheld_by or "", alert.withheld_until)


def _keep_back(book: Book, topology: Topology, plans: Sequence[Withholding]) -> None:
    for alert in [a for a in book.alerts.values() if a.state in LISTED]:
        plan = covering(alert, alert.parameters.get("subject", ""), plans, book.now, topology)
        if plan is None:
            continue
        if plan.kind is WithholdingKind.OUT_OF_SERVICE:
            book.happens(alert.key, TakenOut(until=plan.ends_at, reason=plan.reason), actor=plan.key, reason=plan.reason)
        else:
            book.happens(alert.key, Suppressed(until=plan.ends_at, reason=plan.reason), actor=plan.key, reason=plan.reason)


def _group(book: Book, topology: Topology) -> set[str]:
    """Puts what belongs together behind its cause; the keys of children that stand for themselves from now on."""
    loose = [*_left_behind(book), *_standing(book)]
    left = _place(book, loose, topology)
    while found := events([book.alerts[k] for k in left], topology):
        for event in found:
            _open_event(book, event, topology)
        grouped = {a.key for event in found for a in event.members}
        left = _place(book, [k for k in left if k not in grouped], topology)
    alone = {key for key in left if book.alerts[key].parent is not None}
    for key in left:
        if key in alone:
            book.happens(key, Unsuppressed(), reason="its cause is over, and it is not")
    return alone


def _place(book: Book, loose: list[str], topology: Topology) -> list[str]:
    """Puts behind its cause what has one; the keys that are left. What joins an event may be what ties another to it: so again."""
    left = sorted(loose, key=lambda k: _order(book.alerts[k]))
    while True:
        before = len(left)
        heads = book.heads()
        for key in list(left):
            head = _head_of(book, heads, book.alerts[key], topology)
            if head is not None:
                _go_behind(book, key, head)
                left.remove(key)
        if len(left) == before:
            return left


def _order(alert: Alert) -> tuple[bool, object, str]:
    return (alert.code not in LEAKS, onset(alert), alert.key)


def _standing(book: Book) -> list[str]:
    """Alarms that are there, in the list, and stand for themselves."""
    return [a.key for a in book.alerts.values() if a.active and a.state in _STANDING and a.parent is None and not is_event(a)]


def _left_behind(book: Book) -> list[str]:
    """Children whose cause is over for so long that they must stand for themselves; those that are over too are closed."""
    found = []
    for child in [a for a in book.alerts.values() if a.parent is not None]:
        head = book.alerts.get(child.parent or "")
        if head is not None and head.active and head.state is not AlertState.OUT_OF_SERVICE:
            book.update(replace(child, withheld_until=None))
        elif not child.active:
            book.happens(child.key, Unsuppressed(), reason="over with its cause")
        elif child.withheld_until is None:
            book.update(replace(child, withheld_until=book.now + SETTLE))
        elif book.now >= child.withheld_until:
            found.append(child.key)
    return found


def _set_free(book: Book, topology: Topology, free: set[str]) -> bool:
    """Losses that went into an event only because they began in that hour, and whose pipe is known by now, stand for themselves.

    Args:
        book: The round.
        topology: The zones.
        free: Those of this round, added to; none is set free twice.

    Returns:
        Whether there was one.
    """
    before = len(free)
    for event in [a for a in book.alerts.values() if is_event(a) and a.code == EVENT_FLOW]:
        members = book.children(event.key)
        for child in [m for m in members if m.active and is_placed(m) and m.key not in free]:
            others = [m for m in members if m.key != child.key]
            if not accounts_for(event, child, others, topology):
                book.happens(child.key, Unsuppressed(), reason="its place is known by now")
                free.add(child.key)
    return len(free) > before


def _head_of(book: Book, heads: Sequence[Alert], alert: Alert, topology: Topology) -> Alert | None:
    """The alarm that accounts for this one: events first, then the most urgent."""
    found = [
        head
        for head in heads
        if head.key != alert.key
        and book.alerts[head.key].parent is None  # it may have gone behind another in this pass
        and accounts_for(head, alert, book.children(head.key), topology)
        and (is_event(head) or alert.code not in LEAKS or speaks_first(head, alert, topology))
    ]
    return min(found, key=lambda h: (not is_event(h), -URGENCY[h.priority], onset(h), h.key), default=None)


def _go_behind(book: Book, key: str, head: Alert) -> None:
    """Puts an alarm, with its own children, behind its cause."""
    for each in (key, *(c.key for c in book.children(key))):
        reason = f"accounted for by {head.key}"
        book.happens(each, Suppressed(parent=head.key, reason=reason), reason=reason)


def _open_event(book: Book, event: Event, topology: Topology) -> None:
    """A new alarm for several with one cause. Where people look at one of them already and it is as urgent, it takes that one's
    place without another call.
    """
    priority = event_priority(event.members)
    looked_at = [book.before[a.key] for a in event.members if a.key in book.before]
    quiet = any(a.state in UNSEEN and URGENCY[a.priority] >= URGENCY[priority] for a in looked_at)
    # Its members are in its key: another event of the same zone and second, even one that is closed by now, is another one.
    mark = crc32("\n".join(sorted(a.key for a in event.members)).encode())
    alert = Alert(
        key=f"{EVENT_PREFIX}{event.zone or 'network'}:{book.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}:{mark:08x}",
        code=event_code(event.members, topology),
        zone=event.zone,
        priority=priority,
        state=AlertState.UNACKNOWLEDGED,
        raised_at=book.now,
        updated_at=book.now,
        since=min(onset(a) for a in event.members),
    )
    book.put(_described(alert, event.members, topology), "tookover" if quiet else "raised")
    for member in event.members:
        _go_behind(book, member.key, alert)


def _let_events_speak(book: Book, topology: Topology) -> None:
    for event in [a for a in book.alerts.values() if is_event(a)]:
        _speak(book, event.key, topology)


def _speak(book: Book, key: str, topology: Topology) -> None:
    """An event ends with its cause, or with the last of its members, and says what its members say."""
    members = book.children(key)
    event = book.alerts[key]
    by_leak = event.code in LEAKS
    there = any(a.active and (a.code in LEAKS or not by_leak) for a in members)
    if there != event.active:
        book.happens(key, Raised() if there else Returned())
    if not there:
        return
    said = event.code
    fresh = _described(book.alerts[key], _still_speaking(event, members, book.now), topology)
    # What it has become says which of its members count: so once more, and it says the same in the next round.
    book.update(_described(fresh, _still_speaking(fresh, members, book.now), topology))
    event = book.alerts[key]
    if event.code in LEAKS and said not in LEAKS:
        if event.state is AlertState.ACKNOWLEDGED:
            book.happens(key, Explained(), reason="its cause is found")
        elif key in book.before and event.state is AlertState.UNACKNOWLEDGED:
            book.put(replace(event, updated_at=book.now), "causefound", reason="its cause is found")
    book.worsen(key, event_priority(members))


def _still_speaking(event: Alert, members: Sequence[Alert], now: datetime) -> list[Alert]:
    """The members as an event of several losses counts them: areas recover one after the other, and the last is no leak for that.

    One that stands so long after the others are over is.
    """
    if event.code != EVENT_FLOW:
        return list(members)
    return [replace(m, active=m.active or (m.code in LEAKS and now - m.updated_at < REMAINS)) for m in members]


def _described(event: Alert, members: Sequence[Alert], topology: Topology) -> Alert:
    """The event in the words of its cause, or counted."""
    leaks = causes(members, topology)
    areas = tuple(sorted({a.zone for a in members if a.zone is not None} | set(event.areas)))
    code = event_code(members, topology)
    since = min([onset(a) for a in members], default=onset(event))
    fresh = replace(event, code=code, areas=areas, since=since)
    if code in LEAKS:
        lead = leaks[0]
        return replace(fresh, zone=lead.zone, parameters=lead.parameters, finding=lead.finding, flow_m3h=lead.flow_m3h)
    flow_m3h = sum(a.flow_m3h or 0.0 for a in leaks) if leaks else None
    parameters = {"count": str(len(areas) or len(members)), "since": f"{since.astimezone(UTC):%Y-%m-%dT%H:%MZ}"}
    if flow_m3h is not None:
        parameters["flow"] = f"{flow_m3h:.1f} m³/h"
    return replace(fresh, zone=topology.meeting(areas) if areas else None, parameters=parameters, finding=None, flow_m3h=flow_m3h)
