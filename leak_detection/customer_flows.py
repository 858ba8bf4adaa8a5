"""What runs at customers' meters and does not stop, judged at one look over 36, 72 and 120 hours. Pure.

lasted more than in the weeks before ─┬─ flat, and every part of the day rose by it                            all lengths
                                      ├─ every part of the day rose by one amount, though no hour shows it     84, 120 h
                                      ├─ all is still but this: a house that was left with its leak            120 h
                                      ├─ several times what lasted two weeks ago, days brought up to today's   all lengths
                                      └─ each day more than the one before, and every part of the day with it  120 h
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.customer_creeping import creeping
from leak_detection.customer_flat import Lasting, alike, flatness, is_left_alone, least
from leak_detection.customer_memory import CustomerMemory
from leak_detection.customer_readings import rounding
from leak_detection.customer_settings import (
    ALIKE,
    GROWTH_DAYS,
    LEAST_SLOTS,
    LENGTHS,
    RECENT_DAYS,
    SLOTS,
    TICK_H,
    WINDOW_H,
    CustomerSettings,
    Length,
)
from leak_detection.customer_shape import Rises, brought_up, risen_alike, rises, shown_all_day

Which = NDArray[np.bool_]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What M meters said up to now."""

    values_l_h: FloatArray
    """Hourly use, set right, shape (M, 120)."""
    pulse_l: FloatArray
    days_l_h: FloatArray
    """Least hour of each day, the newest first, shape (M, 5)."""
    lasting_l_h: FloatArray
    """Least hour of each of ``LENGTHS``, shape (M, 3)."""
    town: FloatArray
    """How many times as much others use in each part of the day, the newest first, shape (4,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Of M meters."""

    told: Which
    flow_l_h: FloatArray
    """Above ``level_l_h``, where told."""
    level_l_h: FloatArray
    """What lasted so long before."""


def lasting_flows(look: Look, memory: CustomerMemory, settings: CustomerSettings, free: Which) -> Running:
    """What is told of the meters that are ``free`` for it, by the shortest time that shows it."""
    told, above = np.zeros(free.size, dtype=np.bool_), np.full(free.size, np.inf)
    flow, level = np.zeros(free.size), np.zeros(free.size)
    shortest = np.full(free.size, np.inf)
    for k, length in enumerate(LENGTHS):
        judge = _Judge(look, memory, settings, k, length, shortest)
        lasting = judge.lasting
        now = judge.runs(free & ~told)
        if length.hours == WINDOW_H:
            now |= judge.left_alone(free & ~told & ~now)
        now |= judge.risen(free & ~told & ~now, above)
        flow, level = np.where(now, judge.flow_l_h, flow), np.where(now, lasting.level_l_h, level)
        told |= now
        grown, today, former = judge.grown(free & ~told)
        flow, level = np.where(grown, today - former, flow), np.where(grown, former, level)
        told |= grown
        if length.hours == WINDOW_H:
            creeps = judge.creeps(free & ~told)
            flow = np.where(creeps, look.days_l_h[:, 0] - lasting.level_l_h, flow)
            level = np.where(creeps, lasting.level_l_h, level)
            told |= creeps
        if k == 0:
            shortest = np.where(lasting.known, lasting.level_l_h, np.inf)
        above = np.minimum(above, judge.flow_l_h)
    return Running(told=told, flow_l_h=flow, level_l_h=level)


class _Judge:
    """One length of time at one look.

    ``shortest_l_h`` is the most that lasted the shortest of them in the weeks before; infinite where it is not known.
    """

    def __init__(
        self, look: Look, memory: CustomerMemory, settings: CustomerSettings, k: int, length: Length, shortest_l_h: FloatArray
    ) -> None:
        floor, pulse = look.lasting_l_h[:, k], look.pulse_l
        level, need, known = memory.lasted_before(k, length, pulse, settings, float(look.town.mean()))
        if length.hours == WINDOW_H and look.town.max() <= settings.quiet_town:
            # No hour in five days as quiet as every day and a half had: that is rare, however little it is.
            need = np.minimum(need, np.maximum(shortest_l_h, (1.0 + settings.quiet_rise) * level + settings.quiet_l_h))
        self._look, self._memory, self._settings, self._k, self._length = look, memory, settings, k, length
        self._shortest_l_h = shortest_l_h
        self._countable_l_h = np.where(pulse > 1.0, pulse / settings.pulse_h, 0.0)
        self.lasting = Lasting(
            values_l_h=look.values_l_h[:, -length.hours :],
            days_l_h=look.days_l_h[:, : max(1, length.hours // 24)],
            floor_l_h=floor,
            rounding_l_h=rounding(pulse, floor),
            pulse_l=pulse,
            level_l_h=level,
            need_l_h=np.maximum(need, length.small_l_h),
            known=known,
        )
        self.flow_l_h = floor - level

    def runs(self, which: Which) -> Which:
        """Where enough lasts, is flat, and shows in every part of the day."""
        lasting = self.lasting
        with np.errstate(invalid="ignore"):
            enough = lasting.floor_l_h >= np.maximum(lasting.need_l_h, self._countable_l_h)
        rows = np.flatnonzero(which & enough)
        if not rows.size:
            return _where(rows, which.size)
        begun = self._memory.rested(rows, self._settings.new * lasting.floor_l_h[rows])
        found = flatness(lasting.of(rows), self._length, self._settings, begun)
        rows, plain = rows[found.flat], found.plain[found.flat]
        shown = shown_all_day(self._rises(rows), lasting.floor_l_h[rows], lasting.rounding_l_h[rows], plain)
        return _where(rows[shown], which.size)

    def left_alone(self, which: Which) -> Which:
        """Where all is still but what runs: no part of the day shows a rise, for use is gone."""
        rows = self._above(which, self._settings.still_rise, self._settings.still_l_h)
        if not rows.size:
            return _where(rows, which.size)
        return _where(rows[is_left_alone(self.lasting.of(rows), self._settings)], which.size)

    def risen(self, which: Which, above_l_h: FloatArray) -> Which:
        """Where every part of the day rose by one amount; of a length of time after which that is asked.

        Args:
            which: Meters to look at.
            above_l_h: The least that lasted shorter times, above what lasted as long before.
        """
        if self._length.hours not in ALIKE:
            return np.zeros(which.size, dtype=np.bool_)
        stage, s, look = ALIKE[self._length.hours], self._settings, self._look
        rows = self._above(which, s.alike_rise, s.least_l_h)
        if not rows.size:
            return _where(rows, which.size)
        # The past of a shorter time stands for that of the stage: what lasts longer is no larger.
        floor, level = least(look.values_l_h[rows, -stage.hours :]), self.lasting.level_l_h[rows]
        flow, round_l_h = floor - level, self.lasting.rounding_l_h[rows]
        with np.errstate(invalid="ignore"):
            enough = np.maximum((1.0 + s.alike_rise) * level + s.least_l_h, self._countable_l_h[rows])
            some = (floor >= enough) & (flow >= s.alike_l_h)
            some &= np.minimum(above_l_h, self.flow_l_h)[rows] > s.alike_sooner * flow
        some &= alike(look.days_l_h[rows, : -(-stage.hours // 24)], stage.floors, round_l_h)
        rows, flow, round_l_h = rows[some], flow[some], round_l_h[some]
        return _where(rows[risen_alike(self._rises(rows, look.values_l_h[rows]), flow, round_l_h, stage.most)], which.size)

    def grown(self, which: Which) -> tuple[Which, FloatArray, FloatArray]:
        """Where flow has crept up to several times what lasted before the last days, which it made usual; now, and before."""
        s, length, recent = self._settings, self._length, SLOTS - GROWTH_DAYS * 24 // TICK_H
        wanted = np.maximum(max(s.grown_l_h, length.least_l_h), self._countable_l_h)
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(which & (self.lasting.floor_l_h >= s.grown_from * wanted))
        if not rows.size:
            return _where(rows, which.size), np.zeros(which.size), np.zeros(which.size)
        past = self._memory.past[rows, self._k].astype(np.float64)
        seen = np.isfinite(past)
        filled = np.where(seen, past, 0.0)
        level, newest = filled[:, :recent].max(axis=1), filled[:, recent:].max(axis=1)
        values, days = brought_up(self.lasting.values_l_h[rows], self.lasting.days_l_h[rows])
        today = least(values)
        round_l_h = rounding(self._look.pulse_l[rows], today)
        with np.errstate(invalid="ignore"):
            large = (today >= wanted[rows]) & (self.lasting.floor_l_h[rows] >= s.grown_from * today)
            large &= (level <= s.new * today) & (today + round_l_h >= newest)
        large &= seen[:, :recent].sum(axis=1) >= LEAST_SLOTS
        lasting = replace(self.lasting.of(rows), values_l_h=values, days_l_h=days, floor_l_h=today, level_l_h=level, known=large)
        lasting = replace(lasting, rounding_l_h=round_l_h)
        as_long = replace(length, least_l_h=0.0, near_alone=24.0, near_new=24.0, floors=0.35)
        flat = np.flatnonzero(flatness(lasting, as_long, s, np.zeros(rows.size, dtype=np.bool_)).flat)
        shown = flat[shown_all_day(self._rises(rows[flat], values[flat], GROWTH_DAYS), today[flat], round_l_h[flat])]
        now, former = np.zeros(which.size), np.zeros(which.size)
        now[rows], former[rows] = today, level
        return _where(rows[shown], which.size), now, former

    def creeps(self, which: Which) -> Which:
        """Where each day lets more run than the one before: use comes back down, a hole only widens."""
        lasting, s = self.lasting, self._settings
        rows = np.flatnonzero(which & lasting.known & creeping(lasting.days_l_h, lasting.level_l_h, self._shortest_l_h, s))
        if not rows.size:
            return _where(rows, which.size)
        flow = lasting.days_l_h[rows].mean(axis=1) - lasting.level_l_h[rows]
        # The mean of five floors: what a register's counting adds to one is gone.
        return _where(rows[risen_alike(self._rises(rows), flow, np.zeros(rows.size), s.creeps_most)], which.size)

    def _above(self, which: Which, share: float, more_l_h: float) -> Rows:
        """Meters at which so much more lasts than before, and a register that shows it."""
        lasting = self.lasting
        with np.errstate(invalid="ignore"):
            enough = lasting.floor_l_h >= np.maximum((1.0 + share) * lasting.level_l_h + more_l_h, self._countable_l_h)
        return np.flatnonzero(which & lasting.known & enough)

    def _rises(self, rows: Rows, values_l_h: FloatArray | None = None, since_days: int = RECENT_DAYS) -> Rises:
        """Of some meters, in what lasted, or in these hours of theirs, against what was before ``since_days``."""
        window = self.lasting.values_l_h[rows] if values_l_h is None else values_l_h
        past, newest = self._memory.parts_before(max(24 * since_days, self._length.hours))
        return rises(window, past[rows], newest, self._look.town)


def _where(rows: Rows, meters: int) -> Which:
    found = np.zeros(meters, dtype=np.bool_)
    found[rows] = True
    return found
