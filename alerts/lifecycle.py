"""The life of an alarm, after ANSI/ISA-18.2: a closed set of events, a table of what each does in each state, and nothing else.

States: unacknowledged (U), acknowledged (A), returned unacknowledged (R), latched unacknowledged (V), latched acknowledged (L),
normal (N), shelved (S), suppressed by design (D), out of service (O). U* is U while the condition is there, else N; R/V and N/L:
the second for a code that latches.

         raised  returned  acknowledged  reset  shelved  unshelved  suppressed  unsuppressed  takenout  putback  worsened*
    U    –       R/V       A             –      S        –          D           –             O         –        U
    A    –       N/L       –             –      S        –          D           –             O         –        U
    R    U       –         N             –      –        –          D           –             O         –        –
    V    U       –         L             –      –        –          D           –             O         –        –
    L    U       –         –             N      –        –          D           –             O         –        –
    N    U       –         –             –      –        –          –           –             –         –        –
    S    S       S         –             –      –        U*         D           –             O         –        S
    D    D       D         –             –      –        –          D           U*            O         –        D
    O    O       O         –             –      –        –          –           –             –         U*       O

* and ``explained``: the cause of what was known is found.

An alarm that is kept back (S, D, O) follows its condition silently and comes back unacknowledged if the condition is still there
when that ends. One that worsens on the shelf stays there at most as long as its new priority allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from alerts.definitions import LONGEST_SHELF, definition
from domain.alerts import Alert, AlertState, Priority
from domain.errors import KhettaraError


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
class Reset:
    """A person has dealt with an alarm that latches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A person lets it wait, until a time and for a reason."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshelved:
    """A person takes it back, or its time on the shelf is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A plan, or the alarm ``parent``, accounts for it."""

    reason: str
    until: datetime | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsuppressed:
    """Nothing accounts for it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """A person takes it out of service, until a time and for a reason."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """It is in service again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worsened:
    """The same condition is now more urgent: who has acknowledged it must look again."""

    priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What caused it is now known: who has acknowledged it must look again, for there is something else to do."""


Event = (
    Raised
    | Returned
    | Acknowledged
    | Reset
    | Shelved
    | Unshelved
    | Suppressed
    | Unsuppressed
    | TakenOut
    | PutBack
    | Worsened
    | Explained
)


@dataclass(frozen=True, slots=True)
class ByCondition:
    """Where an alarm goes that was kept back: by whether its condition is there."""

    there: AlertState
    over: AlertState


@dataclass(frozen=True, slots=True)
class ByCode:
    """Where an alarm goes whose condition is over: by whether its code latches."""

    plain: AlertState
    latching: AlertState


_U, _A, _R, _V, _L, _N, _S, _D, _O = (
    AlertState.UNACKNOWLEDGED,
    AlertState.ACKNOWLEDGED,
    AlertState.RETURNED_UNACKNOWLEDGED,
    AlertState.LATCHED_UNACKNOWLEDGED,
    AlertState.LATCHED_ACKNOWLEDGED,
    AlertState.NORMAL,
    AlertState.SHELVED,
    AlertState.SUPPRESSED,
    AlertState.OUT_OF_SERVICE,
)
_BACK = ByCondition(there=_U, over=_N)
_Entry = tuple[tuple[AlertState, type[Event]], AlertState | ByCondition | ByCode]
_MOVES: tuple[_Entry, ...] = (
    ((_U, Returned), ByCode(plain=_R, latching=_V)),
    ((_U, Acknowledged), _A),
    ((_U, Shelved), _S),
    ((_A, Returned), ByCode(plain=_N, latching=_L)),
    ((_A, Shelved), _S),
    ((_R, Raised), _U),
    ((_R, Acknowledged), _N),
    ((_V, Raised), _U),
    ((_V, Acknowledged), _L),
    ((_L, Raised), _U),
    ((_L, Reset), _N),
    ((_N, Raised), _U),
    ((_S, Unshelved), _BACK),
    ((_D, Unsuppressed), _BACK),
    ((_O, PutBack), _BACK),
)
_SILENT: tuple[_Entry, ...] = tuple(((s, e), s) for s in (_S, _D, _O) for e in (Raised, Returned, Worsened, Explained))
_LOUDER: tuple[_Entry, ...] = tuple(((s, e), _U) for s in (_U, _A) for e in (Worsened, Explained))
_ASIDE: tuple[_Entry, ...] = tuple(
    ((s, e), to) for e, to in ((Suppressed, _D), (TakenOut, _O)) for s in (_U, _A, _R, _V, _L, _S, _D)
)
TABLE: dict[tuple[AlertState, type[Event]], AlertState | ByCondition | ByCode] = dict((*_MOVES, *_SILENT, *_LOUDER, *_ASIDE))
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
        by: User name, rule, or ``system``.

    Raises:
        ImpossibleTransition: The table has no entry, or the shelf has no reason or a wrong end, or worse is not more urgent.
    """
    after = replace(alert, state=_target(alert, type(event)), updated_at=max(at, alert.updated_at))
    match event:
        case Raised() | Returned():
            return _condition(after, event, at)
        case Acknowledged() | Reset() | Explained():
            return _looked_at(after, event, by)
        case Shelved() | Suppressed() | TakenOut():
            return _put_aside(alert, after, event, at, by)
        case Unshelved() | Unsuppressed() | PutBack():
            # One that is closed behind its parent stays its child.
            return replace(_plain(after), parent=alert.parent if after.state is _N else None)
        case Worsened(priority=priority):
            return _worse(alert, after, priority, at)


def is_shelf_over(alert: Alert, now: datetime) -> bool:
    """Whether the time on the shelf has ended."""
    return alert.state is AlertState.SHELVED and alert.shelved_until is not None and now >= alert.shelved_until


def _target(alert: Alert, event: type[Event]) -> AlertState:
    match TABLE.get((alert.state, event)):
        case None:
            known = ", ".join(e.__name__.lower() for s, e in TABLE if s is alert.state)
            raise ImpossibleTransition(
                f"alert {alert.key} is {alert.state.value}: it cannot be {event.__name__.lower()}, only {known}"
            )
        case ByCondition(there=there, over=over):
            return there if alert.active else over
        case ByCode(plain=plain, latching=latching):
            return latching if definition(alert.code).latching else plain
        case state:
            return state


def _condition(after: Alert, event: Raised | Returned, at: datetime) -> Alert:
    after = replace(after, active=isinstance(event, Raised))
    # A raise behind a shelf or a plan is told to nobody, so it is no new one.
    told = after.active and after.state is _U
    return replace(after, raised_at=at, acknowledged_by=None) if told else after


def _looked_at(after: Alert, event: Acknowledged | Reset | Explained, by: str) -> Alert:
    match event:
        case Acknowledged():
            return replace(after, acknowledged_by=by)
        case Explained():
            return replace(after, acknowledged_by=None)
        case Reset():
            return after


def _put_aside(alert: Alert, after: Alert, event: Shelved | Suppressed | TakenOut, at: datetime, by: str) -> Alert:
    match event:
        case Shelved(until=until, reason=reason):
            _check_shelf(alert, until, reason, at)
            return replace(after, shelved_until=until, shelved_reason=reason.strip())
        case Suppressed(reason=reason, until=until, parent=parent):
            return replace(_plain(after), parent=parent, withheld_by=by, withheld_reason=reason, withheld_until=until)
        case TakenOut(until=until, reason=reason):
            _check_reason(alert, reason)
            return replace(_plain(after), withheld_by=by, withheld_reason=reason.strip(), withheld_until=until)


def _plain(alert: Alert) -> Alert:
    """Nobody keeps it back, nobody has seen it."""
    return replace(
        alert,
        acknowledged_by=None,
        shelved_until=None,
        shelved_reason=None,
        parent=None,
        withheld_by=None,
        withheld_reason=None,
        withheld_until=None,
    )


def _worse(alert: Alert, after: Alert, priority: Priority, at: datetime) -> Alert:
    if URGENCY[priority] <= URGENCY[alert.priority]:
        raise ImpossibleTransition(f"alert {alert.key} is {alert.priority.value} already; {priority.value} is not worse")
    after = replace(after, priority=priority, acknowledged_by=None)
    if after.shelved_until is None:
        return after
    return replace(after, shelved_until=min(after.shelved_until, at + LONGEST_SHELF[priority]))


def _check_shelf(alert: Alert, until: datetime, reason: str, at: datetime) -> None:
    _check_reason(alert, reason)
    longest = LONGEST_SHELF[alert.priority]
    if until.tzinfo is None or not at < until <= at + longest:
        raise ImpossibleTransition(
            f"alert {alert.key} of {alert.priority.value} priority cannot be shelved until {until.isoformat()}: the end must lie "
            f"within {longest.total_seconds() / 3600:.0f} h after {at.isoformat()}"
        )


def _check_reason(alert: Alert, reason: str) -> None:
    if not reason.strip():
        raise ImpossibleTransition(f"alert {alert.key} cannot be kept back without a reason")
