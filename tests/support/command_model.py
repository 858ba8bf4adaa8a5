"""An explicit-state model of the road to a valve: desk, broker, edge, valve and time, small enough to be searched whole.

    desk    decides the law's order in auto and gives it its counter later, as a second centre would that does not know it has been
            replaced; issues an operator's (newer owner), and once an order beyond the limits that it should never have signed;
            takes each result once; past expiry and grace it says ``unknown``
    broker  loses, delays, replays and reorders at will: whatever was ever sent may arrive at any time, any number of times, or
            never; forges: a command nobody signed, and a copy of a true one with a flipped bit
    edge    admit (counter, token: durable) ▸ expiry, limits ▸ STARTED (durable) ▸ expiry, owner again ▸ write ▸ read back ▸ DONE
            (durable); may lose power between any two of these; the lease's watchdog
    valve   takes a write and confirms it, takes it silently, or does not take it

The names of C1-C7 and C11 are those of ``docs/commands.md``. ``Mutant`` holds the reasonable thoughts that are wrong; the search
must find each of them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from tests.support.state_search import Search
from tests.support.state_search import search as search_states

LAST_MOMENT = 5
"""Time stops here; everything of interest has happened by then."""
TTL = 2
GRACE = 1
LEASE = 2
SAFE = -1
FORGED = 9


class Mutant(Enum):
    """One wrong thought each."""

    JOURNAL_AFTER_ACTUATION = "the journal is written when there is something to write down"
    COUNTER_IN_MEMORY = "the counter grows only, so memory will do"
    RE_EXECUTE_ON_RECOVERY = "it was started and not finished: finish it"
    NO_EXPIRY_CHECK = "the desk knows when to stop sending"
    EXPIRY_ON_RECEIPT_ONLY = "it was in time when it came"
    NO_TOKEN = "the counter orders commands well enough"
    TOKEN_ON_RECEIPT_ONLY = "it was the owner's when it came"
    NO_WATCHDOG = "the centre will say when to go back"
    WATCHDOG_IN_MEMORY = "a restart begins with a fresh state"
    LEASE_FROM_DONE_ONLY = "a lease begins when the value is verified"
    NO_LIMITS_AT_EDGE = "the desk has checked the limits"
    NO_SIGNATURE = "the broker lets only the desk publish commands"
    FORGERY_ANSWERED_BY_NAME = "a refusal should say which command was refused"
    EXPIRED_WITHOUT_GRACE = "past its expiry it cannot be executed any more"
    RESEND_UNKNOWN = "no answer came: order it again"
    OUTCOME_OVERWRITTEN = "the newest answer is the truest"
    MODE_IGNORED = "the law may order, the operator will see"
    COUNTER_REUSED = "one more than the newest command that was answered"


class Order(NamedTuple):
    """A command as the desk keeps it."""

    status: str
    """``-`` not issued, ``decided``, ``pending``, or its outcome."""
    expires: int
    counter: int
    token: int


class State(NamedTuple):
    """Everything. Durable at the edge: counter, token, journal, lease. The rest of the edge is lost with its power."""

    now: int
    crashes: int
    mode: str
    owner: int
    orders: tuple[Order, ...]
    up: bool
    counter: int
    token: int
    journal: tuple[str, ...]
    """``-``, ``received``, ``started`` or an outcome, of each order."""
    queue: tuple[int, ...]
    """Admitted, not looked at yet."""
    running: int
    """Order being executed, SAFE for none."""
    stage: str
    valve: int
    """Whose value is set."""
    lease: int | None
    watched: bool
    wrote: tuple[int, ...]
    """How often the value of each order was written."""
    wrong: str


class Step(NamedTuple):
    """What happens."""

    name: str
    order: int = SAFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Which orders there are: ``law``, ``operator``, ``beyond`` (the limits)."""

    kinds: tuple[str, ...]
    crashes: int = 2


SCENARIOS = (Scenario(kinds=("law", "operator"), crashes=1), Scenario(kinds=("operator", "beyond"), crashes=1))


class Model:
    """The transitions of one scenario, right or with one wrong thought."""

    def __init__(self, scenario: Scenario, mutant: Mutant | None = None) -> None:
        self.kinds = scenario.kinds
        self.mutant = mutant
        none = tuple(Order("-", 0, 0, 0) for _ in self.kinds)
        empty = tuple(0 for _ in self.kinds)
        self.first = State(
            now=0, crashes=scenario.crashes, mode="auto", owner=1, orders=none, up=True, counter=0, token=0,
            journal=tuple("-" for _ in self.kinds), queue=(), running=SAFE, stage="", valve=SAFE, lease=None, watched=True,
            wrote=empty, wrong="",
        )  # fmt: skip

    def is_(self, *mutants: Mutant) -> bool:
        return self.mutant in mutants

    def steps(self, s: State) -> Iterator[tuple[Step, State]]:
        """Everything that may happen next."""
        if s.now < LAST_MOMENT and not self._watchdog_due(s):
            yield Step("tick"), self._ticked(s)
        yield from self._desk(s)
        if not s.up:
            yield Step("restart"), self._recovered(s)
            return
        yield from self._arrivals(s)
        if s.running != SAFE:
            yield from self._execution(s)
        elif s.queue:
            yield Step("look", s.queue[0]), self._looked_at(s)
        if self._watchdog_due(s):
            yield Step("fall back"), s._replace(valve=SAFE, lease=None)
        if s.crashes:
            memory = s._replace(up=False, crashes=s.crashes - 1, queue=(), running=SAFE, stage="")
            if self.is_(Mutant.COUNTER_IN_MEMORY):
                memory = memory._replace(counter=0, journal=tuple(_forgotten(j) for j in s.journal))
            if self.is_(Mutant.WATCHDOG_IN_MEMORY):
                memory = memory._replace(watched=False)
            yield Step("crash"), memory

    # ── desk ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _desk(self, s: State) -> Iterator[tuple[Step, State]]:
        for i, order in enumerate(s.orders):
            if order.status == "-" and self.kinds[i] == "law":
                if s.mode == "auto" or self.is_(Mutant.MODE_IGNORED):
                    wrong = s.wrong if s.mode == "auto" else "C11: the law decides outside auto"
                    yield Step("decide", i), _with_order(s, i, status="decided", token=s.owner)._replace(wrong=wrong)
            elif order.status in ("-", "decided") and self._may_issue(s, i):
                yield Step("issue", i), self._issued(s, i)
            if order.status in ("-", "decided"):
                continue
            told = s.journal[i] not in ("-", "received", "started")
            if told and (order.status == "pending" or self.is_(Mutant.OUTCOME_OVERWRITTEN)):
                changed = order.status not in ("pending", s.journal[i])
                wrong = "C7: a second outcome" if changed else s.wrong
                yield Step("result", i), _with_order(s, i, status=s.journal[i])._replace(wrong=wrong)
            late = s.now >= order.expires + (0 if self.is_(Mutant.EXPIRED_WITHOUT_GRACE) else GRACE)
            if order.status == "pending" and late:
                yield Step("give up", i), self._given_up(s, i)

    def _may_issue(self, s: State, i: int) -> bool:
        return self.kinds[i] != "beyond" or all(o.status != "pending" for o in s.orders)

    def _issued(self, s: State, i: int) -> State:
        person = self.kinds[i] != "law"
        owner = s.owner + 1 if person and s.mode == "auto" else s.owner
        token = owner if person else s.orders[i].token
        answered = [o.counter for o in s.orders if o.status not in ("-", "decided", "pending")]
        counters = answered if self.is_(Mutant.COUNTER_REUSED) else [o.counter for o in s.orders]
        order = Order("pending", s.now + TTL, max(counters, default=0) + 1, token)
        wrong = s.wrong
        if any(o.counter == order.counter for o in s.orders):
            wrong = "C3: a counter given twice"
        orders = (*s.orders[:i], order, *s.orders[i + 1 :])
        return s._replace(orders=orders, owner=owner, mode="manual" if person else s.mode, wrong=wrong)

    def _given_up(self, s: State, i: int) -> State:
        if self.is_(Mutant.RESEND_UNKNOWN):
            # The same wish as a new command, and the edge takes it as one.
            fresh = s.orders[i]._replace(expires=s.now + TTL, counter=max(o.counter for o in s.orders) + 1)
            journal = (*s.journal[:i], "-", *s.journal[i + 1 :])
            return s._replace(orders=(*s.orders[:i], fresh, *s.orders[i + 1 :]), journal=journal)
        return _with_order(s, i, status="expired" if self.is_(Mutant.EXPIRED_WITHOUT_GRACE) else "unknown")

    # ── edge ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _arrivals(self, s: State) -> Iterator[tuple[Step, State]]:
        for i, order in enumerate(s.orders):
            if order.status not in ("-", "decided"):
                yield Step("deliver", i), self._admitted(s, i)
                if self.is_(Mutant.FORGERY_ANSWERED_BY_NAME) and s.journal[i] == "-" and order.status == "pending":
                    yield Step("flipped bit", i), _with_order(s, i, status="refused")
        if self.is_(Mutant.NO_SIGNATURE):
            yield Step("forged"), s._replace(valve=FORGED, wrong="C4: a forged command moved the valve")

    def _admitted(self, s: State, i: int) -> State:
        order = s.orders[i]
        if s.journal[i] != "-":
            return s  # answered from the journal
        stale = order.counter <= s.counter or (order.token < s.token and not self._no_token())
        journal = (*s.journal[:i], "refused" if stale else "received", *s.journal[i + 1 :])
        fresh = s._replace(counter=max(s.counter, order.counter), token=max(s.token, order.token), journal=journal)
        return fresh if stale else fresh._replace(queue=(*s.queue, i))

    def _no_token(self) -> bool:
        return self.is_(Mutant.NO_TOKEN)

    def _looked_at(self, s: State) -> State:
        i, rest = s.queue[0], s.queue[1:]
        if s.now >= s.orders[i].expires and not self.is_(Mutant.NO_EXPIRY_CHECK):
            return _ended(s, i, "expired")._replace(queue=rest)
        if self.kinds[i] == "beyond" and not self.is_(Mutant.NO_LIMITS_AT_EDGE):
            return _ended(s, i, "refused")._replace(queue=rest)
        return s._replace(queue=rest, running=i, stage="allowed")

    def _execution(self, s: State) -> Iterator[tuple[Step, State]]:
        i = s.running
        if s.stage == "allowed":
            in_time = s.now < s.orders[i].expires or self.is_(Mutant.NO_EXPIRY_CHECK, Mutant.EXPIRY_ON_RECEIPT_ONLY)
            if not in_time:
                yield Step("withdrawn", i), _ended(s, i, "expired")._replace(running=SAFE, stage="")
            elif self.is_(Mutant.JOURNAL_AFTER_ACTUATION):
                yield Step("start", i), s._replace(stage="started")
            else:
                lease = s.now + LEASE if s.lease is None and not self.is_(Mutant.LEASE_FROM_DONE_ONLY) else s.lease
                journal = (*s.journal[:i], "started", *s.journal[i + 1 :])
                yield Step("start", i), s._replace(stage="started", journal=journal, lease=lease)
        elif s.stage == "started":
            yield from self._written(s, i)
        else:
            idle = s._replace(running=SAFE, stage="")
            if s.stage == "confirmed":
                yield Step("done", i), _ended(idle, i, "verified")._replace(lease=s.now + LEASE)
            else:
                yield Step("done", i), _ended(idle, i, "failed")

    def _written(self, s: State, i: int) -> Iterator[tuple[Step, State]]:
        late_is_fine = self.is_(Mutant.NO_EXPIRY_CHECK, Mutant.EXPIRY_ON_RECEIPT_ONLY)
        if s.now >= s.orders[i].expires and not late_is_fine:
            yield Step("withdrawn", i), _ended(s, i, "expired")._replace(running=SAFE, stage="")
        elif s.orders[i].token < s.token and not self.is_(Mutant.NO_TOKEN, Mutant.TOKEN_ON_RECEIPT_ONLY):
            yield Step("withdrawn", i), _ended(s, i, "refused")._replace(running=SAFE, stage="")
        else:
            yield Step("write", i), self._wrote(s, i, "confirmed")
            yield Step("write unanswered", i), self._wrote(s, i, "silent")
            yield Step("write not taken", i), s._replace(stage="not taken")

    def _wrote(self, s: State, i: int, stage: str) -> State:
        order = s.orders[i]
        wrote = (*s.wrote[:i], s.wrote[i] + 1, *s.wrote[i + 1 :])
        wrong = s.wrong
        if s.now >= order.expires:
            wrong = "C2: executed after its expiry"
        if wrote[i] > 1:
            wrong = "C3: executed twice"
        if self.kinds[i] == "beyond":
            wrong = "C1: a value beyond the limits"
        if order.token < s.token:
            wrong = "C5: a former owner acts although the edge knows the present one"
        return s._replace(valve=i, wrote=wrote, stage=stage, wrong=wrong)

    def _recovered(self, s: State) -> State:
        up = s._replace(up=True)
        for i, state in enumerate(s.journal):
            if state == "received":
                if self.is_(Mutant.JOURNAL_AFTER_ACTUATION, Mutant.RE_EXECUTE_ON_RECOVERY):
                    up = up._replace(queue=(*up.queue, i))
                else:
                    up = _ended(up, i, "refused")
            elif state == "started" and self.is_(Mutant.RE_EXECUTE_ON_RECOVERY):
                up = up._replace(queue=(*up.queue, i))
            elif state == "started" and s.valve == i:
                up = _ended(up, i, "verified")._replace(lease=s.now + LEASE)
            elif state == "started":
                up = _ended(up, i, "failed")
        return up

    def _watchdog_due(self, s: State) -> bool:
        """It waits for a move under way, and for nothing else: time does not go on before it has acted."""
        watching = s.up and s.running == SAFE and s.watched and not self.is_(Mutant.NO_WATCHDOG)
        return watching and s.lease is not None and s.now >= s.lease

    @staticmethod
    def _ticked(s: State) -> State:
        return s._replace(now=s.now + 1)

    # ── what must never be ──────────────────────────────────────────────────────────────────────────────────────────────────

    def violation(self, s: State) -> str:
        """Which property does not hold here; empty if all do."""
        if s.wrong:
            return s.wrong
        for i, order in enumerate(s.orders):
            if order.status in ("refused", "expired") and s.wrote[i]:
                return f"C7: said to be {order.status}, and it moved the valve"
            if order.status == "verified" and not s.wrote[i]:
                return "C7: said to be verified, and nothing moved"
        at_rest = s.up and s.running == SAFE
        if at_rest and s.valve != SAFE and (s.lease is None or (s.now > s.lease and not self._watchdog_due(s))):
            return "C6: a setpoint stands and nothing will end it"
        return ""


def _with_order(s: State, i: int, *, status: str, token: int | None = None) -> State:
    order = s.orders[i]._replace(status=status, token=s.orders[i].token if token is None else token)
    return s._replace(orders=(*s.orders[:i], order, *s.orders[i + 1 :]))


def _ended(s: State, i: int, outcome: str) -> State:
    return s._replace(journal=(*s.journal[:i], outcome, *s.journal[i + 1 :]))


def _forgotten(journal: str) -> str:
    """Without a durable counter there is no durable row that remembers the command either."""
    return "-" if journal == "refused" or journal in ("verified", "failed", "expired") else journal


def search(model: Model, limit: int = 2_000_000) -> Search:
    """Every state that can be reached; counts those in which nothing more can happen and an order has no outcome."""

    def unsettled(state: State, moves: bool) -> bool:
        return not moves and any(o.status == "pending" and state.now >= o.expires + GRACE for o in state.orders)

    return search_states(model, limit=limit, count=unsettled)
