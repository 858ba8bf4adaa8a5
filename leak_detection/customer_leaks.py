"""Leaks behind a customer's meter: flow that never stops and did not run before, told from tanks, softeners and cooling.

    120 hours of every meter ─▶ least flow of the last 36, 72 and 120 h ─▶ more than lasted so long before ─▶ flat ─▶ told

A dwelling has hours without use; water that runs in every hour of some days runs by itself. How long a meter runs without a leak is
its own affair: a large family, a roof tank or a hotel is compared with what it did in the five weeks before, over as long a time.
A leak's floor is flat: quiet hours crowd at it, one day's floor is the next's, and after use flow is back at it within the hour.
A leak that grows is flat once its days are brought up to today's flow. It shows in every part of the day by one amount.
A float valve closes slowly as its tank fills, so its flow sinks to the floor hour by hour; cooling goes with the sun, and in a
month of fasting the nights alone rise (``leak_detection.customer_shape``).
A sudden large flow is told sooner, by ``leak_detection.customer_bursts``; it is the same leak when it then goes on for days.
What is found belongs to the customer and to the zone's metered use, not to the utility's losses.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from domain.customers import CustomerKind
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.customer_bursts import Bursts, sudden_flows
from leak_detection.customer_readings import rounding as pulse_rounding
from leak_detection.customer_readings import set_right
from leak_detection.customer_shape import brought_up, part_mean, shown_all_day

TICK_H = 6
"""Hours between two looks."""
WINDOW_H = 120
"""Hours that a look takes."""
HISTORY_DAYS = 35
GROWTH_DAYS = 14
"""What lasted longer ago than this is what a flow may have grown from."""
RECENT_DAYS = 7
"""The newest past is none: what comes and goes, or took days to be told, would be taken for habit."""
_SLOTS = HISTORY_DAYS * 24 // TICK_H
_LEAST_KNOWN = 0.8
_LEAST_SLOTS = 10 * 24 // TICK_H
_FULL_SLOTS = 28 * 24 // TICK_H
"""Looks before which a meter's past says nothing, and all it has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLeak:
    """Flow at one meter that does not stop."""

    meter: str
    kind: CustomerKind = CustomerKind.CONTINUOUS
    found_h: int
    """Hours from the start of the recording to the moment of issue."""
    since_h: int
    """First hour of the continuous flow, no farther back than the window."""
    end_h: int | None
    """Hour at which the flow was seen to have stopped; None while it runs."""
    flow_l_h: float
    """Steady flow above what the meter's customer is used to [L/h]."""
    usual_l_h: float = 0.0
    """What lasted so long in the weeks before [L/h]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """What must hold over one length of time."""

    hours: int
    least_l_h: float
    """Flow that must have lasted: in a short time a large family may have an event in every hour."""
    near: float
    """Hours a day at the floor, where flow fell back to it at once after use."""
    near_alone: float
    """Hours a day at the floor where it never did."""
    near_new: float
    """Hours a day at the floor where nothing like it lasted so long before."""
    floors: float = 0.35
    """Of the largest: how far apart the floors of single days may be."""


_BY_DAY_H = 72
"""A register coarser than the flow scatters the hours of a shorter time, which then crowd at any floor."""
LENGTHS = (
    Length(hours=36, least_l_h=15.0, near=7.0, near_alone=10.0, near_new=7.0),
    Length(hours=72, least_l_h=6.0, near=5.0, near_alone=9.0, near_new=5.0),
    Length(hours=120, least_l_h=2.0, near=2.5, near_alone=8.0, near_new=3.0, floors=0.15),
)
_SUDDEN = slice(len(LENGTHS), len(LENGTHS) + 2)
"""Numbers a look that sudden flows are judged by: what lasted ``customer_bursts.SUDDEN_H``, and the largest hour."""
_LARGEST, _PART, _NUMBERS = len(LENGTHS) + 1, len(LENGTHS) + 2, len(LENGTHS) + 3
"""Where the largest hour stands, the mean of the six hours, and how many numbers a look leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSettings:
    """How far above its past, and how flat, a flow must be."""

    least_l_h: float = 2.0
    """Above a meter's starting flow."""
    rise: float = 0.3
    """Of what lasted as long before."""
    width: float = 0.2
    """What is at the floor: so much above it (a hole's flow goes with pressure), and a litre of rounding."""
    width_narrow: float = 0.15
    """The same of what never rests, and of a register coarser than the flow, whose rounding is wide already."""
    new: float = 0.3
    """Of the floor: with less in the past nothing like it was there before."""
    new_l_h: float = 10.0
    """Below this a float valve that closes slowly leaves the same floor day by day."""
    pulse_h: float = 6.0
    """Hours without a pulse that a house at rest has in any case: with fewer pulses of a coarse register no leak is seen."""
    small_l_h: float = 4.0
    near_doubtful: float = 3.0
    """So many hours a day more at the floor, where it is small or the register coarse: many hours come near it by chance."""
    fall: float = 2.5
    """Times the floor: a flow from which a return within the hour is no float valve's."""
    grown_l_h: float = 6.0
    """The least that is told of what has crept up."""
    grown_from: float = 0.25
    """Of it: so much ran at least in every hour, before the days are brought up to today's flow."""
    over: float = 0.4
    """Of the leak's flow: with less above the former level it is over."""


class CustomerWatch:
    """What is remembered of some meters between two looks: five weeks of looks, six numbers each.

    Args:
        meters: Names, M of them.
        settings: How far and how flat.
        state: What ``state`` gave for the same meters, to go on from there; None to begin.

    Raises:
        ValueError: The state is not of so many meters.
    """

    def __init__(self, meters: tuple[str, ...], settings: CustomerSettings | None = None, state: bytes | None = None) -> None:
        self._meters = meters
        self._settings = settings or CustomerSettings()
        # Half the memory of doubles, and exact for whole litres.
        self._past = np.full((len(meters), _NUMBERS, _SLOTS), np.nan, dtype=np.float32)
        self._open = np.zeros(len(meters))
        self._level = np.zeros(len(meters))
        self._sudden = np.zeros(len(meters), dtype=np.bool_)
        if state is not None:
            self._restore(state)

    def step(self, end_h: int, readings_l_h: FloatArray, local_hour: int | None = None) -> tuple[list[CustomerLeak], list[str]]:
        """Takes the ``WINDOW_H`` hours up to ``end_h``, shape (M, 120), NaN where missing; each call ``TICK_H`` after the last.

        Args:
            end_h: Of the window, in hours from any midnight.
            readings_l_h: Hourly use.
            local_hour: Hour of the clock at the end; by default as if ``end_h`` were counted from a local midnight.

        Returns:
            Leaks told at this look, and meters whose leak is over: also one that a sudden flow goes far beyond.
        """
        values, pulse = set_right(readings_l_h, self._past[:, _LARGEST, : _SLOTS - WINDOW_H // TICK_H])
        days = np.stack([_floor(values[:, k : k + 24]) for k in range(WINDOW_H - 24, -1, -24)], axis=1)
        lasting = np.stack([_floor(values[:, -length.hours :]) for length in LENGTHS], axis=1)
        coarse = np.where(pulse > 1.0, pulse / self._settings.pulse_h, 0.0)
        was_open, was_sudden = self._open > 0, self._sudden.copy()
        burst = self._bursts(values, (end_h if local_hour is None else local_hour) % 24)
        beyond = burst.told & was_open
        self._take(burst.told, burst.flow_l_h, burst.level_l_h, sudden=True)
        told = burst.told.copy()
        for k, length in enumerate(LENGTHS):
            floor = lasting[:, k]
            rounding = pulse_rounding(pulse, floor)
            level, need, known = self._past_of(k, length, pulse)
            with np.errstate(invalid="ignore"):
                now = ~was_open & ~told & ~burst.filling & (floor >= np.maximum(need, np.maximum(length.least_l_h, coarse)))
                new = known & (level <= self._settings.new * floor) & (floor >= self._settings.new_l_h)
            now &= self._is_flat(values, floor, days, rounding, length, known, new, pulse, level)
            now = self._all_day(now, values, floor, rounding, length, RECENT_DAYS)
            self._take(now, floor - level, level, sudden=False)
            told |= now
            grown, today, former = self._has_grown(k, length, values, floor, days, pulse)
            grown &= ~was_open & ~told & ~burst.filling
            self._take(grown, today - former, former, sudden=False)
            told |= grown
        # A day must pass without it; of a sudden flow, which is younger than that, a look.
        least = np.where(was_sudden, _floor(values[:, -TICK_H:]), days[:, 0])
        with np.errstate(invalid="ignore"):
            over = was_open & ~beyond & (least < self._level + self._settings.over * self._open)
        self._open = np.where(over, 0.0, self._open)
        self._sudden &= self._open > 0
        # What a leak made lasting is no habit of the customer; what was sudden and passed by itself may be.
        self._past[:, :, :-1] = self._past[:, :, 1:]
        self._past[:, : len(LENGTHS), -1] = np.where((self._open > 0)[:, None], np.nan, lasting)
        self._past[:, _SUDDEN, -1] = np.stack((burst.floor_l_h, burst.largest_l_h), axis=1)
        self._past[:, _PART, -1] = np.where(self._open > 0, np.nan, part_mean(values[:, -TICK_H:]))
        leaks = [self._leak(int(j), end_h, values[j]) for j in np.flatnonzero(told)]
        return leaks, [self._meters[j] for j in np.flatnonzero(over | beyond)]

    @staticmethod
    def understands(state: bytes, meters: int) -> bool:
        """Whether a state is of so many meters and remembers what this version does; of another one it is learnt anew."""
        return len(zlib.decompress(state)) == meters * (_NUMBERS * _SLOTS * 4 + 2 * 8 + 1)

    def state(self) -> bytes:
        """All that is remembered, packed: most of it are zeros."""
        parts = (self._past, self._open, self._level, self._sudden)
        return zlib.compress(b"".join(part.tobytes() for part in parts), 1)

    def _restore(self, state: bytes) -> None:
        data, at = zlib.decompress(state), 0
        parts = (self._past, self._open, self._level, self._sudden)
        if len(data) != sum(part.nbytes for part in parts):
            raise ValueError(f"state of {len(data)} bytes; expected {sum(p.nbytes for p in parts)} for {len(self._meters)} meters")
        for part in parts:
            part[...] = np.frombuffer(data, part.dtype, part.size, at).reshape(part.shape)
            at += part.nbytes

    def _take(self, which: NDArray[np.bool_], flow: FloatArray, level: FloatArray, *, sudden: bool) -> None:
        self._open, self._level = np.where(which, flow, self._open), np.where(which, level, self._level)
        self._sudden = np.where(which, sudden, self._sudden)

    def _bursts(self, values: FloatArray, local_hour: int) -> Bursts:
        """Sudden flows, at meters where none runs; one may begin beside a smaller leak that runs already."""
        running = np.where(self._sudden, np.inf, self._level + self._open)
        return sudden_flows(values, self._past[:, _SUDDEN], local_hour=local_hour, running_l_h=running, slot_h=TICK_H)

    def _past_of(self, k: int, length: Length, pulse: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """The most that lasted so long before, what a leak must reach (more if the past swings), and whether that is known."""
        past = self._past[:, k, : _SLOTS - length.hours // TICK_H].astype(np.float64)
        newest = max(24 * RECENT_DAYS, length.hours) // TICK_H - length.hours // TICK_H
        if newest:
            # A young record has nothing but its newest days.
            older = np.isfinite(past[:, :-newest]).sum(axis=1) >= _LEAST_SLOTS
            past[older, -newest:] = np.nan
        known = np.isfinite(past).sum(axis=1)
        most = np.where(known > 0, np.where(np.isfinite(past), past, 0.0).max(axis=1), 0.0)
        middle = np.where(known > 0, robust.median(past, axis=1), 0.0)
        young = np.sqrt(_FULL_SLOTS / np.clip(known, 1, _FULL_SLOTS))
        # A coarse register's floor follows how busy a house is: the more it was, the more is wanted.
        least = np.maximum(self._settings.least_l_h, np.where(pulse > 1.0, np.minimum(pulse / 2, 2.5 * most), 0.0))
        need = most + young * (most - middle) + np.maximum(least, self._settings.rise * young * most)
        return most, need, known >= _LEAST_SLOTS

    def _has_grown(
        self, k: int, length: Length, values: FloatArray, floor: FloatArray, days: FloatArray, pulse: FloatArray
    ) -> tuple[NDArray[np.bool_], FloatArray, FloatArray]:
        """Where flow has crept up to several times what lasted before the last days, which it made usual; now, and before."""
        s, recent = self._settings, _SLOTS - GROWTH_DAYS * 24 // TICK_H
        past = self._past[:, k].astype(np.float64)
        seen = np.isfinite(past)
        level = np.where(seen, past, 0.0)[:, :recent].max(axis=1)
        known = seen[:, :recent].sum(axis=1) >= _LEAST_SLOTS
        values, days = brought_up(values, days[:, : max(1, length.hours // 24)])
        today = _floor(values[:, -length.hours :])
        rounding = pulse_rounding(pulse, today)
        with np.errstate(invalid="ignore"):
            large = today >= np.maximum(max(s.grown_l_h, length.least_l_h), np.where(pulse > 1.0, pulse / s.pulse_h, 0.0))
            large &= floor >= s.grown_from * today
            large &= (level <= s.new * today) & (today + rounding >= np.where(seen, past, 0.0)[:, recent:].max(axis=1))
        none = np.zeros(len(floor), dtype=np.bool_)
        alone = replace(length, near_alone=24.0, floors=0.35)
        flat = large & known & self._is_flat(values, today, days, rounding, alone, known, none, pulse, level)
        return self._all_day(flat, values, today, rounding, length, GROWTH_DAYS), today, level

    def _all_day(
        self, which: NDArray[np.bool_], values: FloatArray, floor: FloatArray, rounding: FloatArray, length: Length, since_days: int
    ) -> NDArray[np.bool_]:
        """Those of ``which`` that show in every part of the day against what was before ``since_days``."""
        rows = np.flatnonzero(which)
        if rows.size:
            looks = _SLOTS - max(24 * since_days, length.hours) // TICK_H
            past = self._past[rows, _PART, :looks]
            shown = shown_all_day(values[rows, -length.hours :], floor[rows], rounding[rows], past, _SLOTS - looks + 1)
            which = which.copy()
            which[rows] = shown
        return which

    def _is_flat(
        self, values: FloatArray, floor: FloatArray, days: FloatArray, rounding: FloatArray, length: Length,
        known: NDArray[np.bool_], new: NDArray[np.bool_], pulse: FloatArray, level: FloatArray,
    ) -> NDArray[np.bool_]:  # fmt: skip
        """Whether the hours crowd at the floor as a leak's do, and a float valve's or cooling's do not."""
        s, window, days = self._settings, values[:, -length.hours :], days[:, : max(1, length.hours // 24)]
        coarse = (pulse > 1.0) & ((floor < pulse) | (length.hours < _BY_DAY_H))
        with np.errstate(invalid="ignore"):
            narrow = coarse | (level > s.new * floor)
            at_floor = (floor * (1.0 + np.where(narrow, s.width_narrow, s.width)) + rounding)[:, None]
            near = (window <= at_floor).sum(axis=1) * 24.0 / length.hours
            high, low = window[:, :-1] >= (s.fall * floor + 4.0 * rounding)[:, None], window[:, 1:] <= at_floor
            returns = (high & low).any(axis=1)
            most = np.where(np.isfinite(days), days, -np.inf).max(axis=1)
            least = np.where(np.isfinite(days), days, np.inf).min(axis=1)
            alike = most - least <= length.floors * most + rounding
        wanted = np.where(new, min(length.near_alone, length.near_new), length.near_alone)
        doubtful = (pulse > 1.0) | (floor < s.small_l_h)
        wanted = np.where(returns, np.minimum(wanted, length.near + s.near_doubtful * doubtful), wanted)
        return np.asarray(alike & (near >= wanted) & (known | (returns & (length.hours == WINDOW_H) & (pulse == 1.0))))

    def _leak(self, j: int, end_h: int, values: FloatArray) -> CustomerLeak:
        low = np.flatnonzero(values < self._level[j] + 0.5 * self._open[j])
        since = end_h - WINDOW_H + (int(low[-1]) + 1 if low.size else 0)
        kind = CustomerKind.SUDDEN if self._sudden[j] else CustomerKind.CONTINUOUS
        return CustomerLeak(
            meter=self._meters[j], kind=kind, found_h=end_h, since_h=since, end_h=None, flow_l_h=float(self._open[j]),
            usual_l_h=float(self._level[j]),
        )  # fmt: skip


def find_customer_leaks(
    readings_l_h: FloatArray, meters: tuple[str, ...], settings: CustomerSettings | None = None
) -> tuple[CustomerLeak, ...]:
    """Every leak of a recording in order of ``found_h``; each is told from its past alone.

    Args:
        readings_l_h: Hourly use, shape (H, M), NaN where missing, from a local midnight on.
        meters: Names, M of them.
        settings: How far and how flat.
    """
    watch = CustomerWatch(meters, settings)
    found: list[CustomerLeak] = []
    ends: dict[tuple[str, int], int] = {}
    running: dict[str, int] = {}
    for end in range(WINDOW_H, len(readings_l_h) + 1, TICK_H):
        leaks, over = watch.step(end, readings_l_h[end - WINDOW_H : end].T)
        ends |= {(meter, running.pop(meter)): end for meter in over}
        running |= {leak.meter: leak.found_h for leak in leaks}
        found += leaks
    return tuple(replace(f, end_h=ends.get((f.meter, f.found_h))) for f in found)


def _floor(window: FloatArray) -> FloatArray:
    """Least reading of each meter, shape (M,) of (M, N); NaN where less than four fifths is known."""
    known = np.isfinite(window)
    least = np.where(known, window, np.inf).min(axis=1)
    return np.where(known.mean(axis=1) >= _LEAST_KNOWN, least, np.nan)
