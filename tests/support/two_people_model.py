"""An explicit-state model of the second person: two people, an order that waits, a desk that may die between any two of its steps.

    first    asks for a value; may ask for another, which takes the first one's place; or the valve changes hands meanwhile
    second   sees what waits, and says yes to it, value and all; so may the first, who should not
    browser  delivers a yes late, and as often as it likes, or never
    desk     settles (durable: the yes is used up) ▸ order (durable) ▸ next; whatever it only remembers is gone when it restarts

From the order on, ``command_model`` takes over: an order that is in the book is executed at most once, in time, by its owner.
``Mutant`` holds the reasonable thoughts that are wrong; the search must find each of them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from tests.support.state_search import Search
from tests.support.state_search import search as search_states

LAST_MOMENT = 4
WAITS = 2
PEOPLE = ("first", "second")
VALUES = (1, 2)


class Mutant(Enum):
    """One wrong thought each."""

    IN_MEMORY = "who asked will ask again after a restart"
    USED_UP_AFTERWARDS = "a yes is done with when its order is made"
    RESUMED = "it was approved and not ordered: order it now"
    SAME_PERSON = "two clicks are two decisions"
    BY_ACTUATOR = "only one order waits at a valve, so a yes needs no number"
    EDITED_IN_PLACE = "a slip of the pen can be mended while it waits"
    NO_EXPIRY = "the page says when it is over"
    EXPIRY_FROM_RESTART = "ten minutes by this process's own clock"
    HANDS_IGNORED = "the order is still the same order"
    REPLACED_STILL_GOOD = "it was asked for, and now it is approved"
    DOUBLE_CLICK = "a yes is a yes, however often it comes"


class Request(NamedTuple):
    """An order that waits; durable."""

    asker: str
    value: int
    token: int
    asked: int
    ends: int
    status: str
    """``waiting``, ``approved``, ``replaced``."""


class Yes(NamedTuple):
    """What somebody said yes to, on its way."""

    person: str
    number: int
    value: int


class State(NamedTuple):
    """Everything. ``doing`` is what the desk has settled and not ordered yet: lost with its process."""

    now: int = 0
    restarts: int = 2
    owner: int = 1
    requests: tuple[Request, ...] = ()
    said: frozenset[Yes] = frozenset()
    doing: Yes | None = None
    ordered: tuple[tuple[int, int], ...] = ()
    """(number of the request, value), durable."""
    to_settle: int | None = None
    """Of the mutant that settles afterwards."""
    wrong: str = ""


class Step(NamedTuple):
    """What happens."""

    name: str
    detail: object = None


class TwoPeopleModel:
    """The transitions, right or with one wrong thought."""

    def __init__(self, mutant: Mutant | None = None) -> None:
        self.mutant = mutant
        self.first = State()

    def steps(self, s: State) -> Iterator[tuple[Step, State]]:
        """Everything that may happen next. While the desk is at it, only its death comes in between: it holds the valve's lock."""
        if s.restarts:
            yield Step("restart"), self._restarted(s)
        if s.doing is not None:
            yield Step("order", s.doing), self._ordered(s, s.doing)
            return
        if s.to_settle is not None:
            yield Step("settle"), _with(s, s.to_settle, status="approved")._replace(to_settle=None)
            return
        if s.now < LAST_MOMENT:
            yield Step("tick"), s._replace(now=s.now + 1)
        if s.owner == 1 and s.requests:
            yield Step("changes hands"), s._replace(owner=2)
        yield from self._asking(s)
        for number, request in enumerate(s.requests):
            if request.status == "waiting":
                for person in PEOPLE:
                    yes = Yes(person, number, request.value)
                    yield Step("says yes", yes), s._replace(said=s.said | {yes})
        for yes in s.said:
            yield Step("arrives", yes), self._arrived(s, yes)

    def violation(self, s: State) -> str:
        """What must never be; empty if all is well."""
        return s.wrong

    def _asking(self, s: State) -> Iterator[tuple[Step, State]]:
        if len(s.requests) < 2:
            for value in VALUES:
                fresh = Request("first", value, s.owner, s.now, s.now + WAITS, "waiting")
                old = tuple(r._replace(status="replaced") if r.status == "waiting" else r for r in s.requests)
                yield Step("asks", value), s._replace(requests=(*old, fresh))
        if self.mutant is Mutant.EDITED_IN_PLACE:
            for number, request in enumerate(s.requests):
                if request.status == "waiting" and request.value == 1:
                    yield Step("edits", number), _with(s, number, value=2)

    def _arrived(self, s: State, yes: Yes) -> State:
        number = yes.number
        if self.mutant is Mutant.BY_ACTUATOR:
            number = next((n for n, r in enumerate(s.requests) if r.status == "waiting"), number)
        request = s.requests[number]
        good = {"waiting"}
        good |= {"replaced"} if self.mutant is Mutant.REPLACED_STILL_GOOD else set()
        good |= {"approved"} if self.mutant is Mutant.DOUBLE_CLICK else set()
        in_time = s.now < request.ends or self.mutant is Mutant.NO_EXPIRY
        another = yes.person != request.asker or self.mutant is Mutant.SAME_PERSON
        same_value = yes.value == request.value or self.mutant in (Mutant.BY_ACTUATOR, Mutant.EDITED_IN_PLACE)
        same_hands = request.token == s.owner or self.mutant is Mutant.HANDS_IGNORED
        if not (request.status in good and in_time and another and same_value and same_hands):
            return s
        doing = s._replace(doing=yes._replace(number=number))
        if self.mutant is Mutant.USED_UP_AFTERWARDS:
            return doing
        return _with(doing, number, status="approved")

    def _ordered(self, s: State, doing: Yes) -> State:
        request = s.requests[doing.number]
        wrong = s.wrong
        if Yes("second", doing.number, request.value) not in s.said:
            wrong = "ordered without the second person's yes to this value"
        elif any(number == doing.number for number, _ in s.ordered):
            wrong = "ordered twice"
        elif s.now >= request.asked + WAITS:
            wrong = "ordered after its time"
        elif request.token != s.owner:
            wrong = "ordered although the valve has changed hands"
        elif request.status == "replaced" or doing.number < len(s.requests) - 1:
            wrong = "ordered although another took its place"
        after = s._replace(doing=None, ordered=(*s.ordered, (doing.number, request.value)), wrong=wrong)
        return after._replace(to_settle=doing.number) if self.mutant is Mutant.USED_UP_AFTERWARDS else after

    def _restarted(self, s: State) -> State:
        fresh = s._replace(restarts=s.restarts - 1, doing=None, to_settle=None)
        if self.mutant is Mutant.IN_MEMORY and any(r.status == "waiting" and s.now < r.ends for r in s.requests):
            return fresh._replace(wrong="forgotten while it waited")
        if self.mutant is Mutant.EXPIRY_FROM_RESTART:
            return fresh._replace(requests=tuple(r._replace(ends=s.now + WAITS) for r in s.requests))
        if self.mutant is Mutant.RESUMED:
            done = {number for number, _ in s.ordered}
            open_ = [n for n, r in enumerate(s.requests) if r.status == "approved" and n not in done]
            if open_:  # and a restart takes its time
                doing = Yes("second", open_[0], s.requests[open_[0]].value)
                return fresh._replace(now=min(s.now + WAITS, LAST_MOMENT), doing=doing)
        return fresh


def _with(s: State, number: int, *, status: str | None = None, value: int | None = None) -> State:
    request = s.requests[number]
    changed = request._replace(status=status or request.status, value=value or request.value)
    return s._replace(requests=(*s.requests[:number], changed, *s.requests[number + 1 :]))


def search(model: TwoPeopleModel, limit: int = 500_000) -> Search:
    """Every state that can be reached; counts those in which something was ordered."""
    return search_states(model, limit=limit, count=lambda state, _moves: bool(state.ordered))
