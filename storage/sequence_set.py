"""Sets of sequence numbers as ranges: what PostgreSQL calls an ``int8multirange``. Pure.

A gateway's numbers come nearly in order, so a set of millions is a few ranges, and no operation ever lists its numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.delivery import SequenceRange


@dataclass(frozen=True, slots=True, eq=False)
class SequenceSet:
    """Whole numbers as half-open ranges.

    Attributes:
        starts: Shape (R,), ascending, first number of each range.
        ends: Shape (R,), the number after the last of each range; every gap between two ranges holds a number.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> SequenceSet:
        """The union of half-open ranges ``(start, end)`` in any order."""
        pairs = np.array([pair for pair in ranges if pair[0] < pair[1]], dtype=np.int64).reshape(-1, 2)
        return _merged(pairs[:, 0], pairs[:, 1])

    @classmethod
    def of_numbers(cls, numbers: NDArray[np.int64]) -> SequenceSet:
        """The set of these numbers, repeated or not."""
        return _merged(numbers, numbers + 1)

    def __len__(self) -> int:
        """How many numbers."""
        return int((self.ends - self.starts).sum())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SequenceSet) and np.array_equal(self.starts, other.starts) and np.array_equal(self.ends, other.ends)
        )

    def __hash__(self) -> int:
        return hash((self.starts.tobytes(), self.ends.tobytes()))

    def contains(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For each number whether it is in the set; shape of ``numbers``."""
        if self.starts.size == 0:
            return np.zeros(numbers.shape, dtype=np.bool_)
        place = np.searchsorted(self.starts, numbers, side="right") - 1
        return np.asarray((place >= 0) & (numbers < self.ends[place]), dtype=np.bool_)

    def __or__(self, other: SequenceSet) -> SequenceSet:
        """Numbers in either."""
        return _merged(np.concatenate((self.starts, other.starts)), np.concatenate((self.ends, other.ends)))

    def __sub__(self, other: SequenceSet) -> SequenceSet:
        """Numbers in this set and not in the other."""
        pieces: list[tuple[int, int]] = []
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            at = start
            first = int(np.searchsorted(other.ends, start, side="right"))
            last = int(np.searchsorted(other.starts, end, side="left"))
            for i in range(first, last):
                pieces.append((at, int(other.starts[i])))
                at = int(other.ends[i])
            pieces.append((at, end))
        return SequenceSet.of(pieces)

    def prefix(self) -> int:
        """The largest n for which 1..n are all in the set; 0 if 1 is not."""
        return int(self.ends[0]) - 1 if self.starts.size and self.starts[0] <= 1 else 0

    def ranges_above(self, number: int) -> tuple[SequenceRange, ...]:
        """The ranges that lie beyond ``number``, ascending."""
        pairs = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        return tuple(SequenceRange(first=start, last=end - 1) for start, end in pairs if start > number)

    def literal(self) -> str:
        """The set as PostgreSQL writes it: ``{[1,101),[205,300)}``."""
        pairs = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        return "{" + ",".join(f"[{start},{end})" for start, end in pairs) + "}"


EMPTY = SequenceSet(np.array([], dtype=np.int64), np.array([], dtype=np.int64))


def _merged(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> SequenceSet:
    """Overlapping and touching ranges joined."""
    if starts.size == 0:
        return EMPTY
    order = np.argsort(starts, kind="stable")
    starts, reach = starts[order], np.maximum.accumulate(ends[order])
    opens = np.concatenate(([True], starts[1:] > reach[:-1]))
    closes = np.concatenate((opens[1:], [True]))
    return SequenceSet(starts[opens], reach[closes])
