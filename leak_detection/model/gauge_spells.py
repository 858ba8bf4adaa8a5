"""Spells of days on which a gauge was dead, stuck, coarse, noisy or late, from what ``gauge_shape`` says of each day."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.gauge_record import GaugeFault, GaugeRecord
from leak_detection.model.gauge_shape import NOISE_OF_STEP, DayShape, ShapeSettings, shape_of

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_USUAL_DAYS = 60
_LEAST_USUAL_DAYS = 7
_NOISE_STAYS = 0.7
"""A noisy gauge is in order again below this share of the limit."""
_MOST_ALIKE = 0.34
"""What so many gauges show in one day is no gauge's fault."""


@dataclass(slots=True, kw_only=True, eq=False)
class SpellWatch:
    """Follows the shape of every gauge from day to day."""

    settings: ShapeSettings
    least_share: float
    """Of a day's samples, below which a gauge is dead that day."""
    _open: dict[tuple[str, int], GaugeFault] = field(default_factory=dict)
    _usual: list[FloatArray] = field(default_factory=list)
    """Noise, resolution and misfit of each gauge on the last days, shape (3, G); NaN where it was not fit for use."""
    _last: FloatArray | None = None
    """The same in the middle, with what was known last of gauges that are not fit for use."""
    _clock: dict[int, int] = field(default_factory=dict)
    """Yesterday's offset of gauges not yet told."""
    _right: dict[int, int] = field(default_factory=dict)
    """Days in order of gauges whose clock was off."""

    def dead(self, record: GaugeRecord, pressure_m: FloatArray) -> None:
        """Gauges that sent too little today."""
        share = np.isfinite(pressure_m).mean(axis=0)
        for g in range(record.gauges):
            words = f"only {share[g]:.0%} of the day's samples came, {self.least_share:.0%} are needed"
            self._spell(record, "dead", g, bool(share[g] < self.least_share), float(share[g]), "of samples", words)

    def look(self, record: GaugeRecord, pressure_m: FloatArray, explained_m: FloatArray) -> FloatArray:
        """Judges the shape of the day.

        Returns:
            The readings with the clocks set right, shape (S, G).
        """
        shape = shape_of(pressure_m, explained_m, self.settings)
        noise, resolution, misfit = self._as_usual(record.gauges)
        self._stuck(record, shape, misfit, self._coarse(record, shape, resolution))
        self._noisy(record, shape, np.maximum(noise, NOISE_OF_STEP * resolution))
        off = np.where(shape.misfit_m > self.settings.clock_unusual * misfit, shape.clock_samples, 0)
        pressure_m = self._clocks(record, shape, off, pressure_m)
        fine = record.usable[-1] & shape.valid & (record.clock_samples[-1] == 0) & (off == 0)
        self._usual.append(np.where(fine, np.stack([shape.noise_m, shape.resolution_m, shape.misfit_m]), np.nan))
        del self._usual[:-_USUAL_DAYS]
        return pressure_m

    def _as_usual(self, gauges: int) -> FloatArray:
        """Noise, resolution and misfit as they usually are, shape (3, G); infinite while that is not known."""
        if len(self._usual) < _LEAST_USUAL_DAYS:
            return np.full((3, gauges), np.inf)
        usual = robust.median(np.stack(self._usual))
        self._last = usual if self._last is None else np.where(np.isfinite(usual), usual, self._last)
        return np.where(np.isfinite(self._last), self._last, np.inf)

    def _stuck(self, record: GaugeRecord, shape: DayShape, misfit_m: FloatArray, coarse: BoolArray) -> None:
        s = self.settings
        # Of the first days the misfit is not known: then their own noise decides.
        misfit_m = np.where(np.isfinite(misfit_m), misfit_m, 0.0)
        need = np.maximum(np.maximum(s.still_move_m, s.still_move_sd * shape.noise_m), s.still_move_misfit * misfit_m)
        still = (shape.still_samples >= s.still_samples) & (shape.still_m >= need)
        judged = shape.valid & (shape.signal_m > max(s.signal_sd, 3.0) * np.maximum(shape.noise_m, 0.01))
        judged &= shape.signal_m > s.signal_sd * misfit_m
        flat = judged & (np.abs(shape.slope) < s.flat_slope) & (shape.signal_m > 0.1)
        if np.mean(flat) > _MOST_ALIKE or np.mean(still) > _MOST_ALIKE:
            flat, still = np.zeros_like(flat), np.zeros_like(still)
        still, flat = still & ~coarse, flat & ~coarse  # in its steps it stands by nature
        for g in range(record.gauges):
            words = (
                f"{shape.still_samples[g]} samples of one reading while the flows explain a change of {shape.still_m[g]:.2f} m"
                if still[g]
                else f"moves {shape.slope[g]:.2f} m for each metre that the flows explain"
            )
            self._spell(record, "stuck", g, bool(still[g] | flat[g]), float(shape.still_m[g]), "m", words)

    def _noisy(self, record: GaugeRecord, shape: DayShape, usual_m: FloatArray) -> None:
        s = self.settings
        usual = np.maximum(usual_m, 1e-3)
        ratio = shape.noise_m / usual
        # A day on which the whole town is restless makes no gauge noisy.
        ratio = ratio / max(robust.scalar_median(np.where(shape.valid, ratio, np.nan)), 1.0)
        more = shape.noise_m - usual
        for g in range(record.gauges):
            limit = _NOISE_STAYS if ("noise", g) in self._open else 1.0
            noisy = shape.valid[g] and ratio[g] > limit * s.noise_ratio and more[g] > limit * s.noise_more_m
            words = f"noise of {shape.noise_m[g]:.3f} m from sample to sample, {usual[g]:.3f} m is usual"
            self._spell(record, "noise", g, bool(noisy), float(shape.noise_m[g]), "m", words)

    def _coarse(self, record: GaugeRecord, shape: DayShape, usual_m: FloatArray) -> BoolArray:
        """Which have lost their last figures: the mean of such a day is off by a share of a step that no averaging takes away."""
        step_m, s = shape.resolution_m, self.settings
        was = np.array([("coarse", g) in self._open for g in range(record.gauges)])
        coarse = (step_m >= np.maximum(s.coarse_m, s.coarse_ratio * usual_m)) & (shape.again >= s.coarse_again)
        coarse |= was & (step_m == 0.0)  # a day on which it did not move says nothing
        for g in range(record.gauges):
            words = f"reads in steps of {step_m[g]:.2f} m, {usual_m[g]:.2f} m is usual"
            self._spell(record, "coarse", g, bool(coarse[g]), float(step_m[g]), "m", words)
        return np.asarray(coarse)

    def _clocks(self, record: GaugeRecord, shape: DayShape, off: IntArray, pressure_m: FloatArray) -> FloatArray:
        """An offset that two days in succession agree on is set right from the first of them; two days without it end it.

        Args:
            off: Offsets on days unusual enough to begin a fault, shape (G,); one that is open is followed by the day's own.
        """
        known = np.array([("clock", g) in self._open for g in range(record.gauges)])
        found = np.where(known, shape.clock_samples, off)
        if np.mean(found != 0) > _MOST_ALIKE:  # the meters' clock, or a change of the hour
            return pressure_m
        out = pressure_m
        for g in range(record.gauges):
            fault, now = self._open.get(("clock", g)), int(found[g])
            if fault is not None:
                if shape.valid[g] and not _agree(now, int(fault.size)):
                    self._right[g] = self._right.get(g, 0) + 1
                    record.block(g, record.day)  # neither right nor known to be off: not today
                    if self._right[g] >= 2:
                        self._end_clock(record, fault)
                    continue
                self._right.pop(g, None)
            elif now and _agree(now, self._clock.get(g, 0)):
                fault = self._begin_clock(record, g, now)
            elif now:
                record.block(g, record.day)
            self._clock[g] = now
            if fault is not None:
                record.clock_samples[-1][g] = int(fault.size)
                out = out.copy() if out is pressure_m else out
                out[:, g] = shifted(pressure_m[:, g], int(fault.size))
        return out

    def _begin_clock(self, record: GaugeRecord, gauge: int, late: int) -> GaugeFault:
        side = "late" if late > 0 else "early"
        fault = GaugeFault(
            gauge=gauge, kind="clock", since_day=record.day - 1, found_day=record.day, size=float(late), unit="samples",
            words=f"its readings come {abs(late)} samples {side}: only so do they follow the flows", corrected=True,
        )  # fmt: skip
        self._open["clock", gauge] = fault
        record.tell(fault)
        record.usable[-2][gauge], record.clock_samples[-2][gauge] = True, late
        return fault

    def _end_clock(self, record: GaugeRecord, fault: GaugeFault) -> None:
        del self._open["clock", fault.gauge]
        self._right.pop(fault.gauge, None)
        self._clock[fault.gauge] = 0
        record.close(fault, record.day - 1)

    def _spell(self, record: GaugeRecord, kind: str, gauge: int, bad: bool, size: float, unit: str, words: str) -> None:
        """Opens, keeps or ends a fault that is judged day by day."""
        fault = self._open.get((kind, gauge))
        if bad and fault is None:
            fault = GaugeFault(
                gauge=gauge, kind=kind, since_day=record.day, found_day=record.day, size=size, unit=unit, words=words
            )
            self._open[kind, gauge] = record.tell(fault)
        elif bad:
            record.block(gauge, record.day)
        elif fault is not None:
            del self._open[kind, gauge]
            fault.until_day = fault.closed_day = record.day


def _agree(now: int, before: int) -> bool:
    """Whether two days found the same offset of a clock; none at all is another, also than that of a single sample."""
    return abs(now - before) <= 1 and (now == 0) == (before == 0)


def shifted(readings: FloatArray, late: int) -> FloatArray:
    """Readings of a day moved ``late`` samples towards the past; what the day does not hold is NaN."""
    out = np.full_like(readings, np.nan)
    n = len(readings)
    if abs(late) < n:
        out[max(-late, 0) : n - max(late, 0)] = readings[max(late, 0) : n + min(late, 0)]
    return out
