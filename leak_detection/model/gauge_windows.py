"""Days that are compared to find a gauge that has moved: the last ones with some before, at several distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from leak_detection import robust


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Days compared: the last ``now``, and ``before`` that lie ``gap`` days earlier."""

    now: int
    gap: int
    before: int
    leak_m3h: float
    """Standard deviation of what leaks may change meanwhile."""
    noise: float
    """Variance of the contrast over that of a day's change."""
    floor_m: float
    """Error that no averaging takes away."""
    evidence: float
    """Least evidence for a fault."""
    quiet: float = 1.5
    """Misfit a gauge up to which the others show nothing but noise; with 0 they never do."""


WINDOWS = (
    Window(now=2, gap=1, before=7, leak_m3h=8.0, noise=0.65, floor_m=0.005, evidence=40.0),
    Window(now=3, gap=9, before=7, leak_m3h=10.0, noise=1.0, floor_m=0.008, evidence=30.0),
    Window(now=5, gap=21, before=10, leak_m3h=15.0, noise=2.0, floor_m=0.012, evidence=22.0),
    Window(now=5, gap=45, before=10, leak_m3h=15.0, noise=3.0, floor_m=0.02, evidence=30.0),
)
"""A step, a fast drift, a drift over weeks and one over two months."""


def window_after(days_out: int) -> Window:
    """For a gauge that is read again after so many days: now against the week before it fell silent.

    Meanwhile the network has changed, so the others need not be as quiet.
    """
    return Window(now=2, gap=days_out, before=7, leak_m3h=15.0, noise=1.0 + days_out / 4.0, floor_m=0.02, evidence=22.0, quiet=4.0)


def contrast(levels: FloatArray, window: Window) -> FloatArray:
    """Change over a window [m], shape (G,); NaN where a side has no day."""
    t = len(levels)
    start = t - window.now - window.gap - window.before
    if start < 0:
        return np.full(levels.shape[1], np.nan)
    now, before = levels[t - window.now :], levels[start : start + window.before]
    return np.where(np.isfinite(levels[-1]), _mean(now) - robust.median(before), np.nan)


def window_covariance(change: FloatArray, window: Window) -> FloatArray:
    """Covariance of a contrast from that of a day's change."""
    return np.asarray(window.noise * change + window.floor_m**2 * np.eye(len(change)))


def mean_days(days: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Mean features (G, K) and mean pressure (G,) over the days on which each gauge was used."""
    known = np.isfinite(np.stack([y for _, y in days]))
    count = np.maximum(known.sum(axis=0), 1)
    x = np.sum([np.where(k[:, None], d[0], 0.0) for k, d in zip(known, days, strict=True)], axis=0) / count[:, None]
    return x, _mean(np.stack([y for _, y in days]))


def _mean(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    return np.where(known.any(axis=0), np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
