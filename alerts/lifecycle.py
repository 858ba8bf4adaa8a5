"""The life of an alert, after ANSI/ISA-18.2: a closed set of events, a table of what each does in each state, and nothing else.

                     raised    returned      acknowledged  shelved   unshelved  worsened
    unacknowledged   –         returned_un.  acknowledged  shelved   –          unacknowledged
    acknowledged     –         normal        –             shelved   –          unacknowledged
    returned_un.     unack.    –             normal        –         –          –
    normal           unack.    –             –             –         –          –
    shelved          –         normal        –             –         unack.     shelved

A shelved alert whose condition ends is closed: somebody has looked at it and said why it may wait. One that is unshelved, by hand
or at its end, alarms again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.alerts import Alert, AlertState, Priority
from domain.errors import KhettaraError

LONGEST_SHELF = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """The condition is there again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The condition is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A person has seen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A person lets it wait, until a time and for a reason."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshelved:
    """A person takes it back, or its time on the shelf is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worsened:
    """The same condition is now more urgent: who has acknowledged it must look again."""

    priority: Priority


Event = Raised | Returned | Acknowledged | Shelved | Unshelved | Worsened

_U, _A, _R, _N, _S = (
    AlertState.UNACKNOWLEDGED,
    AlertState.ACKNOWLEDGED,
    AlertState.RETURNED_UNACKNOWLEDGED,
    AlertState.NORMAL,
    AlertState.SHELVED,
)
TABLE: dict[tuple[AlertState, type[Event]], AlertState] = {
    (_U, Returned): _R,
    (_U, Acknowledged): _A,
    (_U, Shelved): _S,
    (_U, Worsened): _U,
    (_A, Returned): _N,
    (_A, Shelved): _S,
    (_A, Worsened): _U,
    (_R, Raised): _U,
    (_R, Acknowledged): _N,
    (_N, Raised): _U,
    (_S, Returned): _N,
    (_S, Unshelved): _U,
    (_S, Worsened): _S,
}
URGENCY = {Priority.LOW: 0, Priority.MEDIUM: 1, Priority.HIGH: 2}


class ImpossibleTransition(KhettaraError):
    """An event that cannot happen to an alert in its state, or says something that cannot be."""


def possible(state: AlertState, event: type[Event]) -> bool:
    """Whether the event can happen in this state."""
    return (state, event) in TABLE


def apply(alert: Alert, event: Event, at: datetime, by: str) -> Alert:
    """The alert after an event.

    Args:
        alert: The alert before.
        event: What happened.
        at: When, process time.
        by: User name, or ``system``.

    Raises:
        ImpossibleTransition: The table has no entry, or the shelf has no reason or a wrong end, or worse is not more urgent.
    """
    state = TABLE.get((alert.state, type(event)))
    if state is None:
        known = ", ".join(e.__name__.lower() for s, e in TABLE if s is alert.state)
        raise ImpossibleTransition(f"alert {alert.key} is {alert.state.value}: it cannot be {_word(event)}, only {known}")
    after = replace(alert, state=state, updated_at=max(at, alert.updated_at))
    match event:
        case Raised():
            return replace(after, raised_at=at, acknowledged_by=None)
        case Returned():
            return replace(after, shelved_until=None, shelved_reason=None)
        case Acknowledged():
            return replace(after, acknowledged_by=by)
        case Shelved(until=until, reason=reason):
            _check_shelf(alert, until, reason, at)
            return replace(after, shelved_until=until, shelved_reason=reason.strip())
        case Unshelved():
            return replace(after, acknowledged_by=None, shelved_until=None, shelved_reason=None)
        case Worsened(priority=priority):
            if URGENCY[priority] <= URGENCY[alert.priority]:
                raise ImpossibleTransition(f"alert {alert.key} is {alert.priority.value} already; {priority.value} is not worse")
            return replace(after, priority=priority, acknowledged_by=None)


def is_shelf_over(alert: Alert, now: datetime) -> bool:
    """Whether the time on the shelf has ended."""
    return alert.state is AlertState.SHELVED and alert.shelved_until is not None and now >= alert.shelved_until


def _check_shelf(alert: Alert, until: datetime, reason: str, at: datetime) -> None:
    if not reason.strip():
        raise ImpossibleTransition(f"alert {alert.key} cannot be shelved without a reason")
    if until.tzinfo is None or not at < until <= at + LONGEST_SHELF:
        raise ImpossibleTransition(
            f"alert {alert.key} cannot be shelved until {until.isoformat()}: the end must lie within "
            f"{LONGEST_SHELF.total_seconds() / 3600:.0f} h after {at.isoformat()}"
        )


def _word(event: Event) -> str:
    return type(event).__name__.lower()
