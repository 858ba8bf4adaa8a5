"""Leaks that are held to stand at the end of a long past, yet ended with a repair near by.

A repair ends the nearest open leak. Where something small lies nearer to it, the leak that was repaired would be told for ever.
In hindsight the course of each open leak is split at the repairs near it: the part up to the repair and the whole are fitted
together beside all other leaks, each with any loading on the gauges. Of a leak that stands the whole has the flow; of one that
ended, the part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.series import FloatArray
from leak_detection.model.changes import hear
from leak_detection.model.drift import Channels, channels
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_records import OpenLeak, Repair
from leak_detection.model.ledger_search import drift_of
from leak_detection.model.places import reach
from leak_detection.model.shapes import fill

_SAME_DAYS = 1
"""An end so near a repair is that repair: it was on the hour, not on the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MendedSettings:
    """When a leak ended with a repair."""

    near_m: float = 500.0
    """Farther repairs were of others."""
    most_left: float = 0.35
    """Of the flow of both parts, in the one that stands."""
    least_ended_m3h: float = 1.0
    before_days: int = 2
    """A leak that begins so shortly before a repair says nothing of it;"""
    after_days: int = 3
    """nor do so few days after it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Year:
    """The past, with all that is held to have happened."""

    ledger: Ledger
    residual_m: FloatArray
    """Shape (T, G), without the gauges' own steps."""
    turned: Channels
    repairs: Sequence[Repair]
    near_m: float

    def near(self, leak: OpenLeak) -> list[Repair]:
        """Repairs near a leak."""
        away_m = self.ledger.signatures.distance_m[leak.place.index]
        most_m = self.near_m * reach(away_m)
        return [repair for repair in self.repairs if repair.place is not None and away_m[repair.place] <= most_m]

    def columns(self, leak: OpenLeak, end_day: float | None) -> list[FloatArray]:
        """Courses of a leak that ends then (None: stands), those that are nothing left out."""
        values = [replace(course, end_day=end_day).over(len(self.residual_m)) for course in leak.courses]
        return [value for value in values if value.max() > 0.0]

    def others(self, leak: OpenLeak) -> list[FloatArray]:
        """Courses of all other leaks; what was closed at the last day never was."""
        days, known = len(self.residual_m), list[FloatArray]()
        for other in self.ledger.leaks:
            if other is not leak and (other.end_day is None or other.end_day < days):
                known += self.columns(other, self._end(other))
        return known

    def flow_m3h(self, leak: OpenLeak, course: FloatArray, beside: Sequence[FloatArray]) -> float:
        """Of a course at the leak's place, by weighted least squares; 0 where the others nearly make the course."""
        heard = hear(self.residual_m, beside, [course], self.turned)
        if not heard.spoken[0]:
            return 0.0
        loading_m, covariance = heard.loading(0)
        signature = self.ledger.signatures.at(max(leak.flow_m3h, 1.0))[leak.place.index]
        weight = np.linalg.solve(covariance, signature)
        return float(weight @ loading_m) / float(weight @ signature)

    def _end(self, leak: OpenLeak) -> float | None:
        """With its fraction of a day, where a repair is known."""
        if leak.end_day is None:
            return None
        days = (repair.day for repair in self.near(leak) if abs(int(repair.day) - leak.end_day) <= _SAME_DAYS)
        return next(days, float(leak.end_day))


def end_mended(
    ledger: Ledger, residual_m: FloatArray, repairs: Sequence[Repair], settings: MendedSettings | None = None
) -> list[OpenLeak]:
    """Ends open leaks that ended with a repair.

    Args:
        ledger: With all leaks of the past; those that ended are changed.
        residual_m: All days so far, shape (T, G), NaN where missing.
        repairs: What the utility repaired.
        settings: When a leak ended.

    Returns:
        Those that are ended now.
    """
    s, signatures = settings or MendedSettings(), ledger.signatures
    standing = sorted((leak for leak in ledger.leaks if leak.end_day is None), key=lambda leak: leak.place.flow_m3h)
    if not standing or all(repair.place is None for repair in repairs):
        return []
    z = ledger.levelled(fill(residual_m))
    drift = drift_of(z, np.isfinite(residual_m), signatures)
    turned = channels(drift, np.zeros(z.shape[1], dtype=bool))
    year = _Year(ledger=ledger, residual_m=z, turned=turned, repairs=repairs, near_m=s.near_m)
    found = []
    for leak in standing:
        ends = (repair.day for repair in year.near(leak) if _ended_with(year, leak, repair.day, s))
        if (day := next(ends, None)) is not None:
            leak.end_day = int(day)
            found.append(leak)
    return found


def _ended_with(year: _Year, leak: OpenLeak, repaired_day: float, s: MendedSettings) -> bool:
    first = min(course.start_day for course in leak.courses)
    if not first + s.before_days <= repaired_day <= len(year.residual_m) - s.after_days:
        return False
    others = year.others(leak)
    whole = np.sum(year.columns(leak, None), axis=0)
    part = np.sum(year.columns(leak, repaired_day), axis=0)
    stands = max(year.flow_m3h(leak, whole, [*others, part]), 0.0)
    ended = year.flow_m3h(leak, part, [*others, whole])
    return ended >= s.least_ended_m3h and stands < s.most_left * (stands + ended)
