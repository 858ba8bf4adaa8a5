"""What is remembered of customers' meters between two looks: five weeks of looks, a few numbers each, and the leak that runs.

look   what lasted 36, 72, 120 h · what lasted 12 h · the largest hour · the mean of the six hours      × 140 looks
leak   flow [L/h], 0 without one · what was usual before it [L/h] · whether it came suddenly
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.customer_settings import FULL_SLOTS, LEAST_SLOTS, LENGTHS, RECENT_DAYS, SLOTS, TICK_H, CustomerSettings, Length

LASTED = slice(0, len(LENGTHS))
SUDDEN = slice(len(LENGTHS), len(LENGTHS) + 2)
"""Numbers a look that sudden flows are judged by: what lasted ``customer_bursts.SUDDEN_H``, and the largest hour."""
LARGEST, PART, NUMBERS = len(LENGTHS) + 1, len(LENGTHS) + 2, len(LENGTHS) + 3
"""Where the largest hour stands, the mean of the six hours, and how many numbers a look leaves."""


class CustomerMemory:
    """Of M meters.

    Args:
        meters: How many.
        state: What ``packed`` gave for the same meters, to go on from there; None to begin.

    Raises:
        ValueError: The state is not of so many meters.
    """

    def __init__(self, meters: int, state: bytes | None = None) -> None:
        # Half the memory of doubles, and exact for whole litres.
        self.past = np.full((meters, NUMBERS, SLOTS), np.nan, dtype=np.float32)
        self.open_l_h = np.zeros(meters)
        self.level_l_h = np.zeros(meters)
        self.sudden = np.zeros(meters, dtype=np.bool_)
        if state is not None:
            self._restore(state)

    @staticmethod
    def understands(state: bytes, meters: int) -> bool:
        """Whether a state is of so many meters and remembers what this version does."""
        return len(zlib.decompress(state)) == meters * (NUMBERS * SLOTS * 4 + 2 * 8 + 1)

    def packed(self) -> bytes:
        """All of it: most are zeros."""
        return zlib.compress(b"".join(part.tobytes() for part in self._all()), 1)

    def take(self, which: NDArray[np.bool_], flow_l_h: FloatArray, level_l_h: FloatArray, *, sudden: bool) -> None:
        """A leak runs at these meters from now on, above ``level_l_h``."""
        self.open_l_h = np.where(which, flow_l_h, self.open_l_h)
        self.level_l_h = np.where(which, level_l_h, self.level_l_h)
        self.sudden = np.where(which, sudden, self.sudden)

    def close(self, which: NDArray[np.bool_]) -> None:
        """It does not run any more."""
        self.open_l_h = np.where(which, 0.0, self.open_l_h)
        self.sudden &= self.open_l_h > 0

    def add(self, lasting_l_h: FloatArray, sudden_l_h: FloatArray, part_l_h: FloatArray) -> None:
        """A look is over: what a leak made lasting is no habit of the customer; what was sudden and passed by itself may be."""
        leaking = self.open_l_h > 0
        self.past[:, :, :-1] = self.past[:, :, 1:]
        self.past[:, LASTED, -1] = np.where(leaking[:, None], np.nan, lasting_l_h)
        self.past[:, SUDDEN, -1] = sudden_l_h
        self.past[:, PART, -1] = np.where(leaking, np.nan, part_l_h)

    def lasted_before(
        self, k: int, length: Length, pulse_l: FloatArray, settings: CustomerSettings, town: float
    ) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """The most that lasted so long before, what a leak must reach (more if the past swings), and whether that is known.

        Args:
            k: Which of ``LENGTHS``.
            length: The same.
            pulse_l: Litres a pulse of each meter.
            settings: How far above its past.
            town: How many times as much others use in these days.
        """
        past = town * self.past[:, k, : SLOTS - length.hours // TICK_H].astype(np.float64)
        newest = max(24 * RECENT_DAYS, length.hours) // TICK_H - length.hours // TICK_H
        if newest:
            # A young record has nothing but its newest days.
            older = np.isfinite(past[:, :-newest]).sum(axis=1) >= LEAST_SLOTS
            past[older, -newest:] = np.nan
        known = np.isfinite(past).sum(axis=1)
        most = np.where(known > 0, np.where(np.isfinite(past), past, 0.0).max(axis=1), 0.0)
        middle = np.where(known > 0, robust.median(past, axis=1), 0.0)
        young = np.sqrt(FULL_SLOTS / np.clip(known, 1, FULL_SLOTS))
        # A coarse register's floor follows how busy a house is: the more it was, the more is wanted.
        least = np.maximum(settings.least_l_h, np.where(pulse_l > 1.0, np.minimum(pulse_l / 2, 2.5 * most), 0.0))
        need = most + young * (most - middle) + np.maximum(least, settings.rise * young * most)
        return most, need, known >= LEAST_SLOTS

    def rested(self, rows: NDArray[np.int64], flow_l_h: FloatArray) -> NDArray[np.bool_]:
        """Whether no more than a flow lasted at some look before, at some of the meters: then what runs was seen to begin."""
        seen = self.past[rows, 0]
        return np.asarray(np.where(np.isfinite(seen), seen, np.inf).min(axis=1, initial=np.inf) <= flow_l_h)

    def parts_before(self, hours: int) -> tuple[NDArray[np.float32], int]:
        """The means of the six hours of the looks longer ago than ``hours``, and how many looks these are back from now."""
        looks = SLOTS - hours // TICK_H
        return self.past[:, PART, :looks], SLOTS - looks + 1

    def lasted_lately(self, hours: int, newest_l_h: FloatArray) -> FloatArray:
        """What lasted some hours at all looks of the last ``hours`` up to now, leaks and all, the newest last, shape (M, looks)."""
        before = self.past[:, SUDDEN.start, SLOTS - hours // TICK_H + 1 :]
        return np.concatenate((before, newest_l_h[:, None]), axis=1).astype(np.float64)

    def _all(self) -> tuple[NDArray[np.generic], ...]:
        return self.past, self.open_l_h, self.level_l_h, self.sudden

    def _restore(self, state: bytes) -> None:
        data, at = zlib.decompress(state), 0
        if len(data) != sum(part.nbytes for part in self._all()):
            wanted = sum(part.nbytes for part in self._all())
            raise ValueError(f"state of {len(data)} bytes; expected {wanted} for {len(self.open_l_h)} meters")
        for part in self._all():
            part[...] = np.frombuffer(data, part.dtype, part.size, at).reshape(part.shape)
            at += part.nbytes
