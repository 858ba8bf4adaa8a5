"""Chance by concern: each has a generator of its own, and a level of how far it is from what the utility believes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

LEVELS = ("absent", "mild", "strong")
_SHARES = (0.25, 0.4, 0.35)


@dataclass(slots=True, kw_only=True)
class Chance:
    """Generators and levels of one seed."""

    seed: int
    forced: str | None = None
    """One of ``LEVELS`` for every concern; drawn one by one without."""
    attempts: Mapping[str, int] = field(default_factory=dict)
    """How often the concerns of a group were drawn anew; see ``rng``."""
    drawn: dict[str, str] = field(default_factory=dict)
    """Levels by concern, as they were asked for."""

    def rng(self, concern: str, group: str = "") -> np.random.Generator:
        """The generator of a concern, from its beginning; another one after each new attempt of its group."""
        return np.random.default_rng([self.seed, zlib.crc32(concern.encode()), self.attempts.get(group, 0)])

    def level(self, concern: str) -> int:
        """0 absent, 1 mild, 2 strong; the same whatever the attempt."""
        word = self.forced or str(
            np.random.default_rng([self.seed, zlib.crc32(f"level of {concern}".encode())]).choice(LEVELS, p=_SHARES)
        )
        self.drawn[concern] = word
        return LEVELS.index(word)

    def pick(self, concern: str, mild: float, strong: float, absent: float = 0.0) -> float:
        """The number that belongs to the level of a concern."""
        return (absent, mild, strong)[self.level(concern)]
