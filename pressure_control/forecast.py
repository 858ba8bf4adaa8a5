"""The next minutes' flow: what flows now, times how the day usually goes on."""

from __future__ import annotations

import numpy as np

from domain.series import FloatArray

SLOTS = 288
_SMOOTH = 3


def daily_profile(flow_m3h: FloatArray, minute: FloatArray) -> FloatArray:
    """Median flow per five minutes of the local day, smoothed, shape (288,); its mean where a slot was never seen."""
    slot = (minute // 5).astype(np.int64) % SLOTS
    finite = np.isfinite(flow_m3h)
    usual = float(np.median(flow_m3h[finite])) if finite.any() else 1.0
    profile = np.full(SLOTS, usual)
    order = np.argsort(slot[finite], kind="stable")
    slots, values = slot[finite][order], flow_m3h[finite][order]
    edges = np.searchsorted(slots, np.arange(SLOTS + 1))
    for s in range(SLOTS):
        if edges[s + 1] > edges[s]:
            profile[s] = np.median(values[edges[s] : edges[s + 1]])
    smooth = np.mean([np.roll(profile, k) for k in range(-_SMOOTH, _SMOOTH + 1)], axis=0)
    return np.asarray(np.maximum(smooth, 0.01), dtype=np.float64)


def ahead(flow_m3h: FloatArray, minute: FloatArray, profile: FloatArray, steps: int) -> FloatArray:
    """Largest flow expected in the next ``steps`` steps of five minutes, at each moment, shape (T,).

    From the larger of the newest value and the mean of the newest two, so that a rise counts at once and a dip does not.
    """
    slot = (minute // 5).astype(np.int64) % SLOTS
    before = np.concatenate((flow_m3h[:1], flow_m3h[:-1]))
    now = np.where(np.isfinite(before), np.maximum(flow_m3h, 0.5 * (flow_m3h + before)), flow_m3h)
    rise = np.max([profile[(slot + k) % SLOTS] for k in range(steps + 1)], axis=0) / profile[slot]
    return np.asarray(now * np.clip(rise, 1.0, 2.0), dtype=np.float64)
