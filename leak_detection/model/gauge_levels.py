"""Faults of level from day to day: found by ``gauge_level``, followed until they are gone or have settled on a new level."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from domain.series import FloatArray
from leak_detection.model import gauge_level, gauge_windows
from leak_detection.model.gauge_level import Shifted
from leak_detection.model.gauge_memory import DaySums, GaugeMemory
from leak_detection.model.gauge_record import GaugeFault, GaugeRecord
from leak_detection.model.gauge_windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSettings:
    """When a level is a fault, and when it no longer is."""

    windows: tuple[Window, ...] = gauge_windows.WINDOWS
    warm_days: int = 28
    sure_evidence: float = 150.0
    """So clear a fault is told at once; others on their second day."""
    most_a_day: int = 4
    most_open: float = 0.34
    """Share of the gauges: more at once is the network's doing."""
    back_m: float = 0.06
    back_share: float = 0.15
    back_days: int = 3
    settle_days: int = 14
    settle_m: float = 0.05
    settle_share: float = 0.08
    return_share: float = 0.25


@dataclass(slots=True, kw_only=True, eq=False)
class _Followed:
    """An open fault, the days it is compared with, and how it went since."""

    fault: GaugeFault
    x: FloatArray
    y: FloatArray
    trail_m: list[float] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class LevelWatch:
    """Follows the level of every gauge."""

    signatures: FloatArray
    """Change per m³/h at each place, shape (P, G)."""
    settings: LevelSettings
    _open: dict[int, _Followed] = field(default_factory=dict)
    _suspects: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Day and shift of yesterday's suspicion."""
    _leaks: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self._leaks = gauge_level.leak_covariance(self.signatures)

    def look(self, record: GaugeRecord, memory: GaugeMemory, sums: DaySums) -> None:
        """Judges the newest day, which the memory holds already."""
        if record.day >= self.settings.warm_days:
            levels = memory.levels()
            change = gauge_level.change_covariance(levels)
            for gauge in list(self._open):
                self._follow(gauge, record, memory, sums, levels, change)
            self._search(record, memory, levels, change)

    def hold(self, record: GaugeRecord) -> None:
        """Keeps the gauges at fault out of today."""
        for gauge in self._open:
            record.block(gauge, record.day)

    def _search(self, record: GaugeRecord, memory: GaugeMemory, levels: FloatArray, change: FloatArray) -> None:
        suspects: dict[int, tuple[int, float]] = {}
        for window in self.settings.windows:
            for _ in range(self.settings.most_a_day):
                found = self._found(window, suspects, record, memory, change)
                if found is None:
                    break
        for gauge, days_out in _back(levels):
            self._found(gauge_windows.window_after(days_out), suspects, record, memory, change, only=gauge)
        self._suspects = suspects

    def _found(
        self,
        window: Window,
        suspects: dict[int, tuple[int, float]],
        record: GaugeRecord,
        memory: GaugeMemory,
        change: FloatArray,
        only: int | None = None,
    ) -> int | None:
        """The gauge most at fault over a window: told, or suspected until tomorrow; ``only`` asks for one gauge, told at once."""
        if len(self._open) >= self.settings.most_open * record.gauges:
            return None
        x = gauge_windows.contrast(memory.levels(), window)
        x[list(suspects)] = np.nan
        here = np.flatnonzero(np.isfinite(x))
        if only is not None and only not in here:
            return None
        covariance = gauge_windows.window_covariance(change, window)[np.ix_(here, here)]
        found = gauge_level.most_shifted(x[here], covariance, self._leaks[np.ix_(here, here)], self.signatures[:, here], window)
        if found is None:
            return None
        gauge = int(here[found.gauge])
        if only is not None and gauge != only:
            return None
        day, shift = self._suspects.get(gauge, (-9, 0.0))
        again = day == record.day - 1 and shift * found.shift_m > 0
        if again or only is not None or found.evidence >= self.settings.sure_evidence:
            self._begin(gauge, found, window, record, memory, covariance, here)
        else:
            suspects[gauge] = (record.day, found.shift_m)
        return gauge

    def _begin(
        self,
        gauge: int,
        found: Shifted,
        window: Window,
        record: GaugeRecord,
        memory: GaugeMemory,
        covariance: FloatArray,
        here: np.ndarray,
    ) -> None:
        """Tells a fault from the day on which it began."""
        span = window.now + window.gap + window.before
        days = list(memory.days)[-span:]
        x, y = gauge_windows.mean_days(days[: window.before])
        levels = memory.level(np.stack([d[0] for d in days]), np.stack([d[1] for d in days])) - memory.level(x, y)
        both = covariance + window.leak_m3h**2 * self._leaks[np.ix_(here, here)]
        course = gauge_level.alone(np.nan_to_num(levels[:, here]), both)[0][:, found.gauge]
        missing = ~np.isfinite(levels[:, gauge])
        quiet = np.flatnonzero((course * np.sign(found.shift_m) < 0.25 * abs(found.shift_m)) & ~missing)
        back = span - 1 - int(quiet[-1]) if quiet.size else span
        back = max(back, 1)
        sudden = abs(course[span - back]) >= 0.6 * abs(found.shift_m)
        since = record.day - back + 1
        if abs(found.shift_m + record.level_m[gauge]) < self.settings.return_share * abs(record.level_m[gauge]):
            self._return(gauge, since, record, memory, back)
            return
        fault = GaugeFault(
            gauge=gauge, kind="step" if sudden else "drift", since_day=since, found_day=record.day, size=found.shift_m, unit="m",
            words=(
                f"reads {found.shift_m:+.2f} ± {found.sigma_m:.2f} m beyond what the flows and the other gauges explain; the best "
                f"leak leaves a misfit of {found.leak_misfit:.0f}, with this gauge left out {found.misfit_without:.0f}"
            ),
        )  # fmt: skip
        record.tell(fault)
        memory.forget(gauge, back)
        self._open[gauge] = _Followed(fault=fault, x=x, y=y)

    def _return(self, gauge: int, since: int, record: GaugeRecord, memory: GaugeMemory, back: int) -> None:
        """The gauge is back on its first level: the offset is no longer taken off."""
        memory.shift(gauge, float(record.level_m[gauge]), back)
        record.level_m[gauge] = 0.0
        record.offset_m[max(since, 0) :, gauge] = 0.0

    def _follow(
        self, gauge: int, record: GaugeRecord, memory: GaugeMemory, sums: DaySums, levels: FloatArray, change: FloatArray
    ) -> None:
        """Where the gauge stands now against the days before its fault."""
        followed = self._open[gauge]
        y = np.where(np.isfinite(levels[-1]), sums.y, np.nan)
        y[gauge] = sums.y[gauge]
        x = memory.level(sums.x, y) - memory.level(followed.x, followed.y)
        here = np.flatnonzero(np.isfinite(x))
        if gauge not in here or here.size < 4:
            return
        covariance = 4.0 * change + 0.02**2 * np.eye(len(change)) + 15.0**2 * self._leaks
        shift, _ = gauge_level.alone(x[here], covariance[np.ix_(here, here)])
        now = float(shift[int(np.searchsorted(here, gauge))])
        followed.trail_m.append(now)
        del followed.trail_m[: -self.settings.settle_days]
        fault, s = followed.fault, self.settings
        if abs(now) > abs(fault.size):
            fault.size = now
        last = np.abs(followed.trail_m[-s.back_days :])
        if len(last) == s.back_days and last.max() <= s.back_m + s.back_share * abs(fault.size):
            del self._open[gauge]
            record.close(fault, record.day)
        elif len(followed.trail_m) == s.settle_days and np.ptp(followed.trail_m) <= s.settle_m + s.settle_share * abs(now):
            del self._open[gauge]
            level = float(np.median(followed.trail_m))
            record.level_m[gauge] += level
            fault.corrected = True
            fault.words += f"; for {s.settle_days} days it has stood {level:+.2f} m off: used again with that taken off"
            record.close(fault, record.day)
            record.offset_m[-1][gauge] = record.level_m[gauge]


def _back(levels: FloatArray) -> list[tuple[int, int]]:
    """Gauges that have been read again for two days, each with the days on which it was not."""
    known = np.isfinite(levels)
    out = []
    for gauge in np.flatnonzero(known[-2:].all(axis=0) & ~known[-3]) if len(levels) > 3 else ():
        before = np.flatnonzero(known[:-2, gauge])
        if before.size and (days_out := len(levels) - 3 - int(before[-1])) >= 2:
            out.append((int(gauge), days_out))
    return out
