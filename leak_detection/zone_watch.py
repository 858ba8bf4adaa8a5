"""A zone's leakage watched tick by tick: steps, slow growth, ends, and what looks like a leak but is a meter or a valve.

    slope moved ─▶ hold: the relation itself changed (``zone_slope``); nothing is said of leaks until it is back or has settled
    rise of 2 days over the median of the 14 before   ─▶ burst            (18 h suffice for three times the threshold)
    rise of 5 days over the least of 60               ─▶ creeping
    fall                                              ─▶ over; the baseline starts anew

Neither rise is told before it shows at all parts of the day but one, with the slope of today on both sides (``zone_parts``).
A step moves the baseline: what was known before it is put back, moved by it, so that growth below the threshold is not forgotten.
The threshold is a few standard deviations of the zone's own day-to-day changes, never below a share of its inflow. Pure and causal:
``ZoneWatch.step`` sees one row of the balance at a time, so a replay and the service are one code.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from domain.findings import FindingKind
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.zone_balance import PER_DAY, TICK_H, BalanceRow
from leak_detection.zone_open import OpenLeak, fallen, grown
from leak_detection.zone_parts import DayParts, PartRow
from leak_detection.zone_slope import SlopeWatch, ratio

_ADDITIVE = 3.0
_METER_SHARE = 0.12
"""Of the inflow: more than so much no meter begins to read wrong."""
_CHANCE = 0.5
"""Of the threshold, by which a slow rise must pass a level that the zone has only come back to."""
_STEP_KNOWN = 3 * PER_DAY
"""Ticks after which the last two days say how large a step was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """How much must change before anything is said."""

    least_m3h: float = 0.3
    least_share: float = 0.008
    """Of the mean inflow."""
    sds: float = 6.0
    again_days: float = 7.0
    """A slow rise beside what is open is told no sooner than so long after the last alarm; a step always is."""
    everywhere: float = 0.4
    """Of a rise, that all parts of the day but one must show; three times the threshold is told without."""


@dataclass(slots=True, kw_only=True)
class _Before:
    """What was known of a zone before a step."""

    levels: list[float]
    parts: list[PartRow]
    ticks: int = 0
    """Levels since the step was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneAlarm:
    """Something to say about one zone."""

    zone: str
    kind: FindingKind
    found_h: int
    """Hours from the start of the recording to the moment of issue."""
    since_h: int
    flow_m3h: float
    flow_error_m3h: float
    confidence: float
    cause: str = "leak"
    """``leak``, or ``boundary_valve:<zone>`` or ``slope`` for what is none."""
    leak: OpenLeak | None = None
    """As it stands now, of those open in the zone: the one that was opened, or that grew."""


@dataclass(slots=True, kw_only=True)
class ZoneWatch:
    """What is remembered of a zone between ticks: at most 60 days."""

    zone: str
    settings: WatchSettings = field(default_factory=WatchSettings)
    open_m3h: float = 0.0
    """Flow of the leaks told and not over."""
    opened: list[OpenLeak] = field(default_factory=list)
    """The same flow leak by leak."""
    unexplained_m3h: float = float("nan")
    """Mean inflow of the last window beyond slope, meters and level; what the neighbour test compares."""
    _relation: SlopeWatch = field(default_factory=SlopeWatch)
    _levels: deque[float] = field(default_factory=lambda: deque(maxlen=60 * PER_DAY))
    _parts: DayParts = field(default_factory=lambda: DayParts(60 * PER_DAY))
    _changes: deque[float] = field(default_factory=lambda: deque(maxlen=60 * PER_DAY))
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=8))
    _before: _Before | None = None
    _told_h: int = -10_000
    _added: int = 0
    _ceiling: float = float("-inf")
    _ceiling_ticks: int = 0
    _floor: float = float("inf")

    @property
    def held(self) -> bool:
        """The relation of inflow and meters has moved and not settled: nothing is said of leaks."""
        return self._relation.held

    def step(self, row: BalanceRow) -> ZoneAlarm | None:
        """Takes one row of the balance; an alarm if there is something new to say."""
        slope, leakage = row.slope, row.leakage_m3h
        usual = self._relation.usual()
        if np.isfinite(usual):
            leakage += (row.usual_slope - usual) * row.usual_meters_m3h
        own = leakage + (usual - slope) * row.usual_meters_m3h
        added = self._is_additive(own, slope - usual, row.usual_meters_m3h, row.mean_inflow_m3h)
        self._added = self._added + 1 if added else 0
        if self._added > PER_DAY and self._relation.off(slope):
            # A large leak bends the relation a little; a valve or a meter turns it. Judged by windows that hold it whole.
            leakage = min(leakage, own)
            self._relation.release()
        else:
            news = self._relation.follow(slope)
            if news.settled is not None:
                self._rescale(news.settled)
            if news.change is not None:
                return self._slope_alarm(row, news.change)
        self._track_unexplained(row)
        if self.held or not np.isfinite(leakage):
            return None
        return self._judge(row, leakage)

    def _is_additive(self, own: float, change: float, meters: float, inflow: float) -> bool:
        """Whether water has been added that no change of the slope explains."""
        if self._relation.turned or not self._levels:
            return False
        rise = own - robust.scalar_median(np.array(self._levels)[-14 * PER_DAY :])
        return rise > self.threshold(inflow) and rise > _ADDITIVE * abs(change) * meters

    def threshold(self, mean_inflow_m3h: float) -> float:
        """Least change that speaks [m³/h]."""
        least = max(self.settings.least_m3h, self.settings.least_share * mean_inflow_m3h)
        return max(least, self.settings.sds * self._sd())

    def _sd(self) -> float:
        sd = robust.SD_OF_MAD * robust.scalar_median(np.abs(np.array(self._changes))) / np.sqrt(2.0) if self._changes else np.nan
        return float(sd) if np.isfinite(sd) else 0.0

    def _rescale(self, slopes: float) -> None:
        """The levels after the slope has settled, by the ratio of the slope of now to the one before.

        A biased meter or a neighbour's water scales the level with the slope, customers that are no longer read leave it alone:
        what is a rise under both is a leak.
        """
        # The windows that held the moment of change say nothing of either side.
        self._relearn([v * max(1.0, slopes) for v in list(self._levels)[: -2 * PER_DAY]])
        self._parts.drop_last(2 * PER_DAY)
        self._recent.clear()
        self._floor = min(self._floor, self._floor * slopes)

    def _track_unexplained(self, row: BalanceRow) -> None:
        level = robust.scalar_median(np.array(self._levels)[-14 * PER_DAY :]) if self._levels else float("nan")
        self.unexplained_m3h = float(row.mean_inflow_m3h - self._relation.usual() * row.mean_meters_m3h - level)

    def _slope_alarm(self, row: BalanceRow, change: float) -> ZoneAlarm:
        self._track_unexplained(row)
        end = row.end_h
        return ZoneAlarm(
            zone=self.zone, kind=FindingKind.METER_FAULT, found_h=end, since_h=end - 24, flow_m3h=self.unexplained_m3h,
            flow_error_m3h=row.residual_m3h, confidence=min(0.95, abs(change) * 10), cause="slope",
        )  # fmt: skip

    def _judge(self, row: BalanceRow, leakage: float) -> ZoneAlarm | None:
        """Compares the newest leakage with the zone's own past."""
        if len(self._recent) >= PER_DAY:
            self._changes.append(leakage - self._recent[-PER_DAY])
        self._recent.append(leakage)
        self._levels.append(leakage)
        self._parts.add(row, usual if np.isfinite(usual := self._relation.usual()) else row.usual_slope)
        self._put_back(limit := self.threshold(row.mean_inflow_m3h))
        levels = np.array(self._levels)
        # The level lags two days behind, so that what is judged has not taught it.
        past, two_days = levels[: -2 * PER_DAY], levels[-2 * PER_DAY :]
        if past.size < PER_DAY:
            return None
        level = robust.scalar_median(past[-14 * PER_DAY :])
        moved = float(np.median(two_days[-5:])) - level
        if abs(moved) > limit and (by := self._relation.explains(ratio(moved, row.mean_inflow_m3h, 0.0))) is not None:
            self._rescale(self._relation.settle())
            return self._slope_alarm(row, by - 1.0)
        if float(two_days.max()) < level - limit and self.open_m3h <= 0:
            self._ceiling, self._ceiling_ticks = level, 45 * PER_DAY
        self._ceiling_ticks -= 1
        least = level
        if self._ceiling_ticks > 0 and float(np.median(two_days)) > level < self._ceiling:
            # The way back from a fall that nobody has explained is no leak, nor what chance lays upon it.
            level, least = self._ceiling, self._ceiling + _CHANCE * limit
        self._learn_floor(past)
        if float(two_days.max()) < max(
            robust.scalar_median(past[-14 * PER_DAY :]) - limit, self._floor + 0.5 * limit if self.open_m3h > 0 else -np.inf
        ):
            self._end(float(np.median(two_days)), limit)
            return None
        rise, quick = float(two_days.min()) - level, float(levels[-3:].min()) - level
        if quick < _METER_SHARE * row.mean_inflow_m3h:
            # A meter that begins to read so much wrong looks the same until a window lies wholly after the change.
            quick = float(levels[-5:].min()) - level
        if rise > limit or quick > 3 * limit:
            flow = float(np.median(two_days)) - level if rise > limit else quick
            before = slice(-14 * PER_DAY, -2 * PER_DAY)
            if quick <= 3 * limit and self._parts.rise(before, 2) < self.settings.everywhere * flow:
                return None
            step = quick > 3 * limit or float(two_days.min() - past[-PER_DAY:].max()) > 0.6 * flow
            onset = row.end_h - TICK_H * (2 * PER_DAY if rise > limit else 3)
            return self._tell(row, FindingKind.BURST if step else FindingKind.CREEPING, onset, flow, limit)
        return self._slow(row, levels, least, limit)

    def _slow(self, row: BalanceRow, levels: FloatArray, least: float, limit: float) -> ZoneAlarm | None:
        """What rises too slowly, or too little, for two days to show it."""
        smooth = float(np.median(levels[-5 * PER_DAY :]))
        days = max(1, levels.size - 5 * PER_DAY)
        low = np.median(np.lib.stride_tricks.sliding_window_view(levels, 2 * PER_DAY)[:days:PER_DAY], axis=1)
        if levels.size > 7 * PER_DAY and smooth - float(low.min()) > limit and smooth > least:
            first, flow = int(low.argmin()) * PER_DAY, smooth - float(low.min())
            around = slice(max(0, first - PER_DAY), first + 3 * PER_DAY)
            if self._parts.rise(around, 5) >= self.settings.everywhere * flow:
                return self._tell(row, FindingKind.CREEPING, row.end_h - (levels.size - first) * TICK_H, flow, limit)
        return None

    def _learn_floor(self, past: FloatArray) -> None:
        """The least level that has lasted three days: what the zone loses when nothing new is open."""
        if past.size >= 3 * PER_DAY:
            self._floor = min(self._floor, float(np.median(past[-3 * PER_DAY :])))

    def _end(self, now: float, limit: float) -> None:
        """Something ended; what stays open is what still stands above the floor."""
        left, before = max(0.0, now - self._floor), self.open_m3h
        self.open_m3h = min(before, left) if left > limit else 0.0
        self.opened = fallen(self.opened, fall_m3h=before - self.open_m3h, left_m3h=self.open_m3h)
        self._keep_last(2 * PER_DAY)

    def _keep_last(self, ticks: int) -> None:
        self._relearn(list(self._levels)[-ticks:])
        self._parts.keep_last(ticks)

    def _relearn(self, levels: list[float]) -> None:
        self._levels.clear()
        self._levels.extend(levels)
        self._before = None

    def _put_back(self, limit: float) -> None:
        """Once a step is known and nothing else moves, the weeks before it teach again."""
        before = self._before
        if before is None:
            return
        before.ticks += 1
        if before.ticks < _STEP_KNOWN:
            return
        now = list(self._levels)
        after, level = np.array(now[-2 * PER_DAY :]), robust.scalar_median(np.array(before.levels[-14 * PER_DAY :]))
        self._before = None
        if float(np.ptp(after)) < limit:
            step = robust.scalar_median(after) - level
            self._relearn([v + step for v in before.levels] + now)
            self._parts.put_back(before.parts, step)

    def _tell(self, row: BalanceRow, kind: FindingKind, since_h: int, flow: float, limit: float) -> ZoneAlarm | None:
        """An alarm, unless it is a slow rise soon after another.

        However much is open: a third of such rises are leaks of their own, half are the growth of those (36 labelled years).
        """
        beside = self.open_m3h > 0
        self.open_m3h += flow
        self.opened = grown(self.opened, since_h=since_h, found_h=row.end_h, flow_m3h=flow, step=kind is FindingKind.BURST)
        before = _Before(levels=list(self._levels)[: -2 * PER_DAY], parts=self._parts.all_but(2 * PER_DAY))
        self._keep_last(2 if kind is FindingKind.BURST and flow > 3 * limit else 2 * PER_DAY)
        self._before = before if kind is FindingKind.BURST and before.levels else None
        if kind is FindingKind.CREEPING and beside and row.end_h - self._told_h < 24 * self.settings.again_days:
            return None
        self._told_h = row.end_h
        sd = self._sd()
        return ZoneAlarm(
            zone=self.zone, kind=kind, found_h=row.end_h, since_h=max(0, since_h), flow_m3h=flow,
            flow_error_m3h=max(sd, row.residual_m3h / 3), confidence=float(1 - 0.5 * np.exp(1 - flow / limit)),
            leak=self.opened[-1],
        )  # fmt: skip
