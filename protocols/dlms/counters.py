"""Invocation counters: AES-GCM is broken by one repetition, so a number is on disk before it is used and never comes back.

A ``CounterStore`` hands out numbers in blocks. What was handed out and not used when the process dies is lost: 2³² numbers allow
it.
"""

from __future__ import annotations

from typing import Protocol

from protocols.dlms.errors import CounterExhausted

LAST = 0xFFFF_FFFF
BLOCK = 128
"""Numbers reserved at a time: one fsync for so many APDUs."""
MAX_JUMP = 1 << 24
"""Farthest that an unauthenticated exception-response may move our counter: a forged one must not use up the key."""


class CounterStore(Protocol):
    """Where counters outlive the process. One name belongs to one key and one system title, and to nothing else."""

    async def reserve(self, name: str, count: int, *, at_least: int = 0) -> int:
        """The first of ``count`` numbers that no call has returned before, at least ``at_least``; durable when it returns."""
        ...


class Lease:
    """The numbers reserved and not used yet."""

    __slots__ = ("_end", "_next")

    def __init__(self, first: int = 0, count: int = 0) -> None:
        self._next = first
        self._end = first + count

    @property
    def remaining(self) -> int:
        """How many are left."""
        return self._end - self._next

    @property
    def next(self) -> int:
        """The number that ``take`` gives next."""
        return self._next

    def renew(self, first: int, count: int) -> None:
        """Takes a newly reserved block; what was left of the old one is never used.

        Raises:
            ValueError: The block begins before what was used already.
        """
        if first < self._next:
            raise ValueError(f"counters from {first} were reserved, but {self._next - 1} is used already")
        self._next, self._end = first, first + count

    def take(self) -> int:
        """The next number.

        Raises:
            CounterExhausted: None is reserved, or the 32 bits are used up.
        """
        if self._next >= self._end or self._next > LAST:
            raise CounterExhausted(
                f"no invocation counter is left at {self._next} (reserved up to {self._end}, the last is {LAST})"
            )
        number = self._next
        self._next += 1
        return number


class MemoryCounterStore:
    """A store that forgets: for tests, and for meters whose counter is read before each association."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    async def reserve(self, name: str, count: int, *, at_least: int = 0) -> int:
        """See ``CounterStore``."""
        first = max(self._next.get(name, 0), at_least)
        self._next[name] = first + count
        return first
