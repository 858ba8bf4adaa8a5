"""The slope of a zone's balance watched tick by tick: what its inflow follows of its meters, and whether that relation has moved.

    slope off for more than a window ─▶ held, told once ─▶ back ─▶ free again
                                                        └▶ stayed moved, or at its former value ─▶ settled: the slope of now

An inlet meter, a boundary valve or customers that are no longer read turn the slope; a leak leaves it alone. Pure and causal.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from leak_detection import robust
from leak_detection.zone_balance import PER_DAY

_SCALED_LEAST, _SCALED_SHARE, _SCALED_SDS = 0.01, 0.6, 2.0
"""Least change of the slope that counts; least part of a level's change that it must explain; and its own spreads."""
_SUSPECT = 6
"""Ticks: the windows that still hold the moment of a change; a slope moved in these alone is the edge of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlopeNews:
    """What one more slope has brought."""

    change: float | None = None
    """Relative change, once, when the slope has stayed moved for more than a window."""
    settled: float | None = None
    """Ratio of the slope of now to the one before, at the tick at which it settles."""


@dataclass(slots=True, kw_only=True)
class SlopeWatch:
    """The slopes of one zone: at most 40 days."""

    share: float = 0.025
    """Change of the slope that holds the watch, and ``sds`` of its own spread if that is more."""
    sds: float = 6.0
    settle_days: int = 21
    """A slope that has stayed moved so long is the new one."""
    held: bool = False
    """The slope has moved and not settled."""
    _slopes: deque[float] = field(default_factory=lambda: deque(maxlen=40 * PER_DAY))
    _moved: deque[float] = field(default_factory=lambda: deque(maxlen=200))
    _clear: int = 0
    _former: float = 0.0

    @property
    def turned(self) -> bool:
        """Held by windows that lie wholly after the change."""
        return self.held and len(self._moved) > _SUSPECT

    def usual(self) -> float:
        """The slope of the last 15 days; NaN before any."""
        return robust.scalar_median(np.array(self._slopes)[-15 * PER_DAY :]) if self._slopes else float("nan")

    def follow(self, slope: float) -> SlopeNews:
        """Takes the newest slope."""
        if not np.isfinite(slope):
            return SlopeNews()
        if len(self._slopes) < 5 * PER_DAY:
            self._slopes.append(slope)
            return SlopeNews()
        if not self.off(slope):
            self._clear += 1
            if len(self._moved) <= _SUSPECT or self._clear > PER_DAY:
                self.release()
                self._slopes.append(slope)
            return SlopeNews()
        usual = robust.scalar_median(np.array(self._slopes))
        self._clear = 0
        self.held = True
        self._moved.append(slope)
        if len(self._moved) >= self.settle_days * PER_DAY or self._is_former(slope):
            return SlopeNews(settled=self._settle(list(self._moved)[-7 * PER_DAY :]))
        return SlopeNews(change=ratio(slope, usual) - 1.0 if len(self._moved) == _SUSPECT + 1 else None)

    def off(self, slope: float) -> bool:
        """Whether a slope is farther from the usual one than slopes have been."""
        if not np.isfinite(slope) or len(self._slopes) < 5 * PER_DAY:
            return False
        known = np.array(self._slopes)
        usual = robust.scalar_median(known)
        # Not as a ratio: an inlet meter that reads zero for weeks has a slope of zero.
        return abs(slope - usual) > max(self.share * abs(usual), self.sds * robust.scalar_sd(known))

    def release(self) -> None:
        """Nothing has moved after all."""
        self.held = False
        self._moved.clear()

    def settle(self) -> float:
        """The slope of the last day is the slope now; its ratio to the one before."""
        return self._settle(list(self._slopes)[-PER_DAY:])

    def explains(self, share: float) -> float | None:
        """Ratio of the newest slopes to the usual one if it explains a change of the level by this share of the inflow, else None.

        A meter that reads wrong, or water that follows a neighbour's use, changes slope and level alike; a leak the level alone.
        """
        known = np.array(self._slopes)
        if known.size < 10 * PER_DAY:
            return None
        recent, older = known[-5:], known[: -2 * PER_DAY][-15 * PER_DAY :]
        usual = robust.scalar_median(older)
        if usual <= 0.0:
            return None
        change = robust.scalar_median(recent) / usual - 1.0
        sure = abs(change) > max(_SCALED_LEAST, _SCALED_SDS * robust.scalar_sd(older) / usual)
        return 1.0 + change if sure and change * share > 0 and abs(change) > _SCALED_SHARE * abs(share) else None

    def _is_former(self, slope: float) -> bool:
        """Whether the slope has been back for two days at what it was before it last settled."""
        recent = np.array(self._moved)[-2 * PER_DAY :]
        return bool(
            self._former > 0
            and recent.size == 2 * PER_DAY
            and np.abs(recent / self._former - 1.0).max() <= self.share
            and abs(slope / self._former - 1.0) <= self.share
        )

    def _settle(self, recent: list[float]) -> float:
        self._former = robust.scalar_median(np.array(self._slopes))
        change = ratio(robust.scalar_median(np.array(recent)), self._former)
        self._slopes.clear()
        self._slopes.extend((recent * (6 * PER_DAY))[: 6 * PER_DAY])
        self.release()
        return change


def ratio(value: float, usual: float, otherwise: float = 1.0) -> float:
    """Their ratio; ``otherwise`` where nothing is usual, as with an inlet meter that has read zero."""
    return value / usual if usual > 0.0 else otherwise
