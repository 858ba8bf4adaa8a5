"""Which blocks are on their way, and which must be sent again. Pure: the time is an argument.

The window is the back-pressure: as long as receipts do not come, no new block leaves. Each lane has its share, so that fresh
readings always find room, and so do the oldest: receipts wait for them, because they name only so many ranges above the first gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from edge.readings import BlockHead, Lane

_SLOWEST = 3
"""The wait before a resend doubles at most this often."""


@dataclass(slots=True, kw_only=True)
class _Flight:
    head: BlockHead
    sent_at: float
    attempts: int
    first_sent_at: float


class Window:
    """The blocks without receipt that have been handed to the connection."""

    def __init__(self, *, size: int, resend_s: float, live_share: float = 0.5, random: Random | None = None) -> None:
        """``size`` blocks at most, of which live ones take at most ``live_share`` and the backlog the rest; each at least one."""
        self._size = size
        live = int(size * live_share)
        self._share = {Lane.LIVE: max(1, live), Lane.BACKLOG: max(1, size - live)}
        self._resend_s = resend_s
        self._random = random or Random()
        self._flights: dict[int, _Flight] = {}
        self._progress_at = float("-inf")
        self._heard_at = float("-inf")

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, first: int) -> bool:
        return first in self._flights

    def room(self, lane: Lane) -> int:
        """How many more blocks of a lane may leave."""
        return max(0, min(self._size - len(self._flights), self._share[lane] - self.in_flight(lane)))

    def in_flight(self, lane: Lane) -> int:
        """How many blocks of a lane are on their way."""
        return sum(f.head.lane is lane for f in self._flights.values())

    def sent(self, head: BlockHead, now: float) -> None:
        """Notes that a block was handed to the connection, for the first time or again."""
        flight = self._flights.setdefault(head.first, _Flight(head=head, sent_at=now, attempts=0, first_sent_at=now))
        flight.sent_at = now
        flight.attempts += 1

    def acked(self, firsts: Iterable[int], now: float) -> int:
        """Takes the blocks out that a receipt has newly named, if any; returns how many were on their way."""
        self._heard_at = now
        gone = sum(self._flights.pop(first, None) is not None for first in firsts)
        if gone:
            self._progress_at = now
        return gone

    def forget(self, first: int) -> None:
        """Takes out a block that the spool no longer holds."""
        self._flights.pop(first, None)

    def reconnected(self) -> None:
        """What was on its way may be lost: all of it is due at once."""
        for flight in self._flights.values():
            flight.sent_at, flight.attempts = float("-inf"), 0

    def due(self, now: float) -> list[BlockHead]:
        """Blocks to send again, shuffled: a fixed order can meet a dead member of a share group again and again.

        One that was sent often, while receipts came that did not name it, gives its place up: they may be waiting for another.
        """
        late = [f for f in self._flights.values() if now >= self._due_at(f)]
        for flight in late:
            if flight.attempts > _SLOWEST and self._heard_at > flight.sent_at:
                del self._flights[flight.head.first]
        heads = [f.head for f in late if f.head.first in self._flights]
        self._random.shuffle(heads)
        return heads

    def oldest_wait(self, now: float) -> float:
        """How long the block that left first has been without receipt; 0 with none on its way."""
        return max((now - f.first_sent_at for f in self._flights.values()), default=0.0)

    def next_due(self) -> float:
        """When the next block will be due; infinite with nothing on its way."""
        return min((self._due_at(f) for f in self._flights.values()), default=float("inf"))

    def _due_at(self, flight: _Flight) -> float:
        """A block waits its turn, longer with each attempt; while receipts for others arrive, three times as long."""
        wait = self._resend_s * 2.0 ** min(max(flight.attempts - 1, 0), _SLOWEST)
        if flight.attempts == 0:
            return flight.sent_at
        return min(flight.sent_at + 3 * wait, max(flight.sent_at + wait, self._progress_at + self._resend_s))
