"""Which leak of the ledger a change is: its growth, its return, its end; else it is another. Pure.

Distances ``away_m`` are those of every place from the change or the work, shape (P,).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.series import FloatArray
from leak_detection.model.ledger_records import LedgerSettings, OpenLeak
from leak_detection.model.shapes import whitening

_SAME_M = 100.0
"""Places so near each other are one."""


def growth_of(leak: OpenLeak, leaks: Sequence[OpenLeak], away_m: FloatArray, s: LedgerSettings) -> OpenLeak | None:
    """The leak nearby whose growth a new one is, or whose repair left it: an open one first, then the nearest.

    Args:
        leak: Found today.
        leaks: Of the ledger.
        away_m: Distances from it.
        s: When it is one.
    """
    near = [old for old in leaks if away_m[old.place.index] <= s.merge_m and not _is_another(leak, old, s)]
    if leak.ramp_days == 0 and leak.glr > s.again_glr and leak.place.flow_m3h >= s.again_flow_m3h:
        least_m3h = leak.place.flow_m3h / s.again_share
        near = [old for old in near if leak.start_day - old.start_day <= s.again_days or old.place.flow_m3h > least_m3h]
    known = [old for old in near if old.end_day is None or leak.found_day - old.end_day < s.quiet_days]
    return min(known, key=lambda old: (old.end_day is not None, away_m[old.place.index]), default=None)


def _is_another(leak: OpenLeak, old: OpenLeak, s: LedgerSettings) -> bool:
    """Whether it is no growth of the old one, by their sizes and by how long that has stood still."""
    if old.end_day is not None:
        return False
    share = leak.place.flow_m3h / max(old.flow_m3h, 1e-9)
    return share >= s.outgrown or (share >= s.again_share and leak.start_day - old.last_day > s.rest_days)


def return_of(
    leak: OpenLeak, covariance: FloatArray, leaks: Sequence[OpenLeak], away_m: FloatArray, s: LedgerSettings
) -> OpenLeak | None:
    """The nearest of those nearby that ended by themselves of late and are back, as large and alike: some close and open again.

    Args:
        leak: Found today.
        covariance: Of the error of its loading [m²], shape (G, G).
        leaks: Of the ledger.
        away_m: Distances from it.
        s: When one is back.
    """
    white = whitening(covariance)
    new = white @ leak.loading_m

    def is_back(old: OpenLeak) -> bool:
        if old.end_day is None or old.final or not 0 <= leak.start_day - old.end_day <= s.back_days:
            return False
        less, more = sorted((leak.place.flow_m3h, old.flow_m3h))
        own = white @ old.loading_m
        alike = float(new @ own) >= s.back_like * float(np.linalg.norm(new) * np.linalg.norm(own))
        return alike and more < s.outgrown * less and bool(away_m[old.place.index] <= s.merge_m)

    return min((old for old in leaks if is_back(old)), key=lambda old: away_m[old.place.index], default=None)


def end_of(change_m: FloatArray, covariance: FloatArray, leaks: Sequence[OpenLeak], s: LedgerSettings) -> OpenLeak | None:
    """The open leak that a clear change for the better resembles most; None if it resembles none.

    Args:
        change_m: Of the gauges [m], shape (G,).
        covariance: Of its error [m²], shape (G, G).
        leaks: Of the ledger.
        s: How much it must resemble.
    """
    white = whitening(covariance)
    best, score = None, s.like
    for leak in leaks:
        if leak.end_day is None:
            own, less = white @ leak.loading_m, -(white @ change_m)
            like = float(less @ own / np.maximum(np.linalg.norm(less) * np.linalg.norm(own), 1e-12))
            if like > score and float(less @ own) >= s.end_share * float(own @ own):
                best, score = leak, like
    return best


def mended(leaks: Sequence[OpenLeak], day: float, away_m: FloatArray, most_m: float) -> list[OpenLeak]:
    """The leak that a repair ended: the nearest. One that lies as near as places are known cannot be told apart from it.

    Args:
        leaks: Open ones.
        day: Of the repair.
        away_m: Distance of each place from the repair, shape (P,).
        most_m: Farther ones are others.
    """
    there = [leak for leak in leaks if leak.start_day < day and away_m[leak.place.index] <= most_m]
    least = min((float(away_m[leak.place.index]) for leak in there), default=0.0)
    return [leak for leak in there if away_m[leak.place.index] <= least + _SAME_M]
