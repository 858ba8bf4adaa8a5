"""Gauges that lie: screened day by day before any leak is looked for.

Dead, stuck, coarse, noisy and late or early gauges show within a day (``gauge_shape``); steps, gains and drifts show as a change
of one gauge that neither the flows, the other gauges nor a leak anywhere explains (``gauge_level``: both hypotheses). Every verdict
may be withdrawn: a gauge that comes back is used again, one that stays on another level is used again from there with its offset
taken off, a clock that is off is set right. ``Screener`` sees one day after another and never the next; ``screen`` is the same over
a recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.gauge_levels import LevelSettings, LevelWatch
from leak_detection.model.gauge_memory import GaugeMemory, day_sums
from leak_detection.model.gauge_record import GaugeFault, GaugeRecord
from leak_detection.model.gauge_shape import ShapeSettings
from leak_detection.model.gauge_spells import SpellWatch, shifted

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

__all__ = ["DayVerdict", "GaugeFault", "ScreenSettings", "Screener", "Screening", "doubts", "screen", "set_all_right", "set_right"]

_SPIKE_SD = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenSettings:
    """When a gauge is not used."""

    shape: ShapeSettings = field(default_factory=ShapeSettings)
    level: LevelSettings = field(default_factory=LevelSettings)
    least_share: float = 0.5
    """Of a day's samples."""
    keep_days: int = 130
    """Days remembered: the longest window and what the covariance is taken from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayVerdict:
    """What is known of the gauges after a day, shape (G,)."""

    day: int
    usable: BoolArray
    offset_m: FloatArray
    """To be taken off the readings."""
    clock_samples: IntArray
    """Readings come so many samples late (early if negative)."""
    judged: bool
    """False while the regression learns and when the meters were silent: then only dead gauges are told."""
    opened: tuple[GaugeFault, ...]
    closed: tuple[GaugeFault, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Screening:
    """All days, shape (D, G)."""

    usable: BoolArray
    """With what was known at the end."""
    told: BoolArray
    """As it was known at the end of each day itself."""
    offset_m: FloatArray
    clock_samples: IntArray
    faults: tuple[GaugeFault, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class Screener:
    """Screens one day after another."""

    per_day: int
    signatures: FloatArray
    """Change of the residual per m³/h at each place, shape (P, G)."""
    settings: ScreenSettings = field(default_factory=ScreenSettings)
    record: GaugeRecord = field(init=False)
    _memory: GaugeMemory = field(init=False)
    _spells: SpellWatch = field(init=False)
    _levels: LevelWatch = field(init=False)

    def __post_init__(self) -> None:
        s = self.settings
        self.record = GaugeRecord(gauges=self.signatures.shape[1])
        self._memory = GaugeMemory(keep_days=s.keep_days)
        self._spells = SpellWatch(settings=s.shape, least_share=s.least_share)
        self._levels = LevelWatch(signatures=self.signatures, settings=s.level)

    @property
    def usable(self) -> BoolArray:
        """As known now, shape (D, G): a fault found late takes back the days since it began."""
        return self.record.usable.copy()

    @property
    def offset_m(self) -> FloatArray:
        """As known now, shape (D, G)."""
        return self.record.offset_m.copy()

    @property
    def clock_samples(self) -> IntArray:
        """As known now, shape (D, G)."""
        return self.record.clock_samples.copy()

    def look(self, pressure_m: FloatArray, drivers: FloatArray) -> DayVerdict:
        """Judges the newest day.

        Args:
            pressure_m: Readings of the day, shape (per_day, G); NaN where missing.
            drivers: Metered flows and levels, shape (per_day, D).

        Raises:
            ConfigurationError: The shapes do not belong together.
        """
        _check(pressure_m, drivers, self.per_day, self.record.gauges)
        record, memory = self.record, self._memory
        told, was_open = len(record.faults), [f for f in record.faults if f.closed_day is None]
        record.begin_day()
        self._spells.dead(record, pressure_m)
        x, known = memory.features_of(drivers)
        judged = memory.weights is not None and bool(known.mean() >= self.settings.least_share / 2)
        read = pressure_m - record.level_m
        valid = np.isfinite(read) & known[:, None]
        if judged and memory.weights is not None:
            explained = np.where(known[:, None], x @ memory.weights, np.nan)
            read = self._spells.look(record, read, explained)
            valid = np.isfinite(read) & known[:, None] & _no_spikes(read - explained)
        self._levels.hold(record)
        sums = day_sums(x, read, valid)
        memory.remember(sums, record.usable[-1])
        if judged:
            self._levels.look(record, memory, sums)
        memory.learn(sums, record.usable[-1])
        return DayVerdict(
            day=record.day,
            usable=record.usable[-1].copy(),
            offset_m=record.offset_m[-1].copy(),
            clock_samples=record.clock_samples[-1].copy(),
            judged=judged,
            opened=tuple(record.faults[told:]),
            closed=tuple(f for f in was_open if f.closed_day is not None),
        )


def screen(
    pressure_m: FloatArray,
    drivers: FloatArray,
    per_day: int,
    signatures: FloatArray,
    settings: ScreenSettings | None = None,
) -> Screening:
    """Screens a recording day by day, as it would have been online; rows after the last whole day are left out.

    Args:
        pressure_m: Raw readings, shape (T, G); NaN where missing.
        drivers: Metered flows and levels, shape (T, D).
        per_day: Rows of a day.
        signatures: Change of the residual per m³/h at each place, shape (P, G).
        settings: When a gauge is not used.

    Raises:
        ConfigurationError: The shapes do not belong together.
    """
    screener = Screener(per_day=per_day, signatures=signatures, settings=settings or ScreenSettings())
    days = [slice(start, start + per_day) for start in range(0, len(pressure_m) - per_day + 1, per_day)]
    told = [screener.look(pressure_m[day], drivers[day]).usable for day in days]
    if not told:
        raise ConfigurationError(
            file="gauges", key="rows", value=len(pressure_m), expected=f"a whole day of {per_day} samples or more"
        )
    return Screening(
        usable=screener.usable,
        told=np.stack(told),
        offset_m=screener.offset_m,
        clock_samples=screener.clock_samples,
        faults=tuple(screener.record.faults),
    )


def doubts(faults: Sequence[GaugeFault], names: Sequence[str], day: int) -> tuple[str, ...]:
    """What a finding of a day has to say of its gauges: how many were not used, and each with its reason; empty if all were."""
    now = [f for f in faults if f.since_day <= day and (f.until_day is None or f.until_day > day) and not f.corrected]
    gauges = sorted({f.gauge for f in now})
    if not gauges:
        return ()
    share = f"{len(gauges)} of {len(names)} gauges are not used: what is said of the place is less sure by them"
    return (share, *(f"{names[f.gauge]} ({f.kind}): {f.words}" for f in sorted(now, key=lambda f: f.gauge)))


def set_right(pressure_m: FloatArray, verdict: DayVerdict) -> FloatArray:
    """Readings of one day fit for use, shape (per_day, G): NaN where not usable, clock set right, offset taken off."""
    out = np.where(verdict.usable, pressure_m - verdict.offset_m, np.nan)
    for gauge in np.flatnonzero(verdict.clock_samples):
        out[:, gauge] = shifted(out[:, gauge], int(verdict.clock_samples[gauge]))
    return out


def set_all_right(pressure_m: FloatArray, screening: Screening, per_day: int) -> FloatArray:
    """The same for all days with what was known at the end; rows after the last whole day are left out, shape (D * per_day, G)."""
    rows = len(screening.usable) * per_day
    offset_m = np.repeat(screening.offset_m, per_day, axis=0)
    out = np.where(np.repeat(screening.usable, per_day, axis=0), pressure_m[:rows] - offset_m, np.nan)
    for day, gauge in np.argwhere(screening.clock_samples != 0):
        part = slice(day * per_day, (day + 1) * per_day)
        out[part, gauge] = shifted(out[part, gauge], int(screening.clock_samples[day, gauge]))
    return out


def _no_spikes(rest_m: FloatArray) -> BoolArray:
    middle = robust.median(rest_m)
    spread = robust.SD_OF_MAD * robust.median(np.abs(rest_m - middle))
    return np.asarray(np.abs(rest_m - middle) <= _SPIKE_SD * np.maximum(spread, 0.01))


def _check(pressure_m: FloatArray, drivers: FloatArray, per_day: int, gauges: int) -> None:
    if pressure_m.shape != (per_day, gauges):
        raise ConfigurationError(
            file="gauges",
            key="pressure_m",
            value=pressure_m.shape,
            expected=f"({per_day}, {gauges}): a day of samples by the gauges of the signatures",
        )
    if drivers.ndim != 2 or len(drivers) != per_day:
        raise ConfigurationError(
            file="gauges", key="drivers", value=drivers.shape, expected=f"({per_day}, meters), as many samples as pressures"
        )
