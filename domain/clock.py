"""A clock that can run faster than the wall's, as a pure function of it.

    now = min(sim_origin + speed × (wall − wall_origin), wall)

Every process of a demonstration computes the same simulated time from the machine's own clock, and because of the ``min`` an
observed time never lies in the future: when the simulated past has caught up with the present, it goes on at the wall's pace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledClock:
    """A clock that started at ``sim_origin`` when the wall showed ``wall_origin`` and runs at ``speed`` until it has caught up."""

    wall: Callable[[], float]
    """Seconds since 1970 UTC, usually ``time.time``."""
    wall_origin: float
    sim_origin: float
    speed: float = 60.0

    def timestamp(self) -> float:
        """Now, in seconds since 1970 UTC."""
        wall = self.wall()
        return min(self.sim_origin + self.speed * (wall - self.wall_origin), wall)

    def now(self) -> datetime:
        """Now, UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def wall_delay(self, until: datetime) -> float:
        """Wall seconds to wait until this clock shows ``until`` (0 if it has passed)."""
        target = until.timestamp()
        caught_up_wall = self._catch_up_wall()
        at_speed = self.wall_origin + (target - self.sim_origin) / self.speed
        due_wall = at_speed if at_speed <= caught_up_wall else target
        return max(0.0, due_wall - self.wall())

    def _catch_up_wall(self) -> float:
        """Wall time at which simulated and wall time meet; infinite if they never do."""
        behind = self.wall_origin - self.sim_origin
        if behind <= 0:
            return self.wall_origin
        if self.speed <= 1:
            return float("inf")
        return self.wall_origin + behind / (self.speed - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WallClock:
    """The machine's clock behind the same port."""

    wall: Callable[[], float]

    def timestamp(self) -> float:
        """Now, in seconds since 1970 UTC."""
        return self.wall()

    def now(self) -> datetime:
        """Now, UTC."""
        return datetime.fromtimestamp(self.wall(), UTC)

    def wall_delay(self, until: datetime) -> float:
        """Wall seconds to wait until ``until`` (0 if it has passed)."""
        return max(0.0, until.timestamp() - self.wall())


def next_tick(now: datetime, period: timedelta, phase: timedelta = timedelta(0)) -> datetime:
    """The first multiple of ``period`` after 1970, shifted by ``phase``, that lies after ``now``: never drifts."""
    period_s, phase_s = period.total_seconds(), phase.total_seconds()
    ticks = int((now.timestamp() - phase_s) // period_s) + 1
    return datetime.fromtimestamp(ticks * period_s + phase_s, UTC)
