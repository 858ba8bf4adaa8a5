"""Every state that a model can reach, breadth first, and the shortest way to a wrong one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol


class Searchable(Protocol):
    """A model of states and steps; states are values that can be compared."""

    first: Any

    def steps(self, state: Any) -> Iterable[tuple[Any, Any]]:
        """Each step that may happen now, and the state after it."""
        ...

    def violation(self, state: Any) -> str:
        """What is wrong with a state, or nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search found."""

    states: int
    violation: str = ""
    trace: tuple[Any, ...] = ()
    counted: int = 0
    """States that the caller asked to count."""


def search(model: Searchable, *, limit: int, count: Callable[[Any, bool], bool]) -> Search:
    """Stops at the first violation, whose trace is then a shortest one.

    Args:
        model: To be searched.
        limit: States at the most.
        count: Whether a state counts, given also whether anything can still happen in it.

    Raises:
        RuntimeError: More states than that.
    """
    parents: dict[Hashable, tuple[Any, Any] | None] = {model.first: None}
    waiting, counted = deque([model.first]), 0
    while waiting:
        state = waiting.popleft()
        if found := model.violation(state):
            return Search(states=len(parents), violation=found, trace=_trace(parents, state))
        moves = False
        for step, after in model.steps(state):
            moves = moves or after != state
            if after not in parents:
                parents[after] = (state, step)
                waiting.append(after)
        counted += count(state, moves)
        if len(parents) > limit:
            raise RuntimeError(f"more than {limit} states: the model has grown too large to be searched")
    return Search(states=len(parents), counted=counted)


def _trace(parents: dict[Hashable, tuple[Any, Any] | None], state: Any) -> tuple[Any, ...]:
    steps = []
    while (found := parents[state]) is not None:
        state, step = found
        steps.append(step)
    return tuple(reversed(steps))
