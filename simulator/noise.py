"""Chance without memory: normal deviates that are a pure function of (seed, name, time).

A counter is hashed (SplitMix64, Steele, Lea and Flood 2014) and turned into a normal deviate (Box and Muller 1958), for many names
at once. Nothing depends on the order of calls, so a run can be repeated, resumed or begun in the middle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Keys = NDArray[np.uint64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def keys(seed: int, stream: str, names: Sequence[str]) -> Keys:
    """One key for each name, shape (names,): other seeds, streams and names give unrelated numbers."""
    digests = (hashlib.blake2b(f"{seed}/{stream}/{name}".encode(), digest_size=8).digest() for name in names)
    return np.array([int.from_bytes(d, "little") for d in digests], dtype=np.uint64)


def uniforms(key: Keys, index: int) -> FloatArray:
    """Numbers in [0, 1) for a counter, shape of ``key``."""
    return np.asarray((_mix(key + np.uint64(index * _GOLDEN & _MASK)) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def normals(key: Keys, index: int) -> FloatArray:
    """Standard normal deviates for a counter, shape of ``key``."""
    first = 1.0 - uniforms(key, 2 * index)
    second = uniforms(key, 2 * index + 1)
    return np.asarray(np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second), dtype=np.float64)


class SmoothNoise:
    """Normal deviates that wander: independent on a lattice of ``period_s``, blended between, variance one throughout."""

    def __init__(self, *, seed: int, stream: str, names: Sequence[str], period_s: float) -> None:
        self._keys = keys(seed, stream, names)
        self._period_s = period_s
        self._lattice: dict[int, FloatArray] = {}

    def at(self, seconds: float) -> FloatArray:
        """The deviates at a time (seconds since 1970), shape (names,)."""
        place = seconds / self._period_s
        index = int(place // 1)
        share = place - index
        blend = share * share * (3 - 2 * share)
        mixed = self._at(index) * (1 - blend) + self._at(index + 1) * blend
        return np.asarray(mixed / np.hypot(1 - blend, blend), dtype=np.float64)

    def _at(self, index: int) -> FloatArray:
        if index not in self._lattice:
            if len(self._lattice) > 8:
                self._lattice.clear()
            self._lattice[index] = normals(self._keys, index)
        return self._lattice[index]


def _mix(value: Keys) -> Keys:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(value ^ (value >> np.uint64(31)), dtype=np.uint64)
