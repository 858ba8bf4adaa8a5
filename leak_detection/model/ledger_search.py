"""The change of the day that stands out most, among all courses and directions that it may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.model.changes import Heard, hear
from leak_detection.model.drift import Drift, channels, learn_drift
from leak_detection.model.ledger_records import Course, LedgerSettings
from leak_detection.model.signatures import SignatureSet
from leak_detection.model.switched import swings

_LEAST_BEFORE = 3
"""Days before a change."""
_DRIFT_M3H = 10.0
"""Drift is learnt beside leaks of that size."""
_SHARES = (0.5, 0.75, 1.0)
"""Of a slow growth: seen by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The largest change of the day: a shape, its loading, and what it resembles."""

    course: Course
    loading_m: FloatArray
    """Of the gauges, shape (G,)."""
    covariance: FloatArray
    """Of its error [m²], shape (G, G)."""
    glr: float
    """Generalised likelihood ratio."""
    sign: float
    """1 for what leaks do, -1 for the better."""
    gauge: int | None
    """The one whose own it is; None for what shows on many."""


def drift_of(z: FloatArray, known: NDArray[np.bool_], signatures: SignatureSet) -> Drift:
    """What the gauges do by themselves, beside leaks.

    Args:
        z: Residuals without gaps, shape (T, G).
        known: Where they were read, of the same shape.
        signatures: Of leaks.
    """
    return learn_drift(z, known, signatures.wander_m, signatures.at(_DRIFT_M3H))


@dataclass(slots=True, kw_only=True, eq=False)
class ChangeSearch:
    """Sees one day after another; of leaks it knows nothing but their signatures."""

    signatures: SignatureSet
    settings: LedgerSettings
    _directions: FloatArray = field(init=False)
    _blind: NDArray[np.bool_] = field(init=False)
    """Gauges that were missing in the last days: they have no say."""
    _known: NDArray[np.bool_] = field(init=False)
    """Days on which each gauge was read, shape (T, G)."""
    _learnt: tuple[int, Drift] | None = None
    """What the gauges do by themselves, and when that was learnt."""

    def __post_init__(self) -> None:
        small, large = self.signatures.at(4.0), self.signatures.at(20.0)
        self._directions = np.concatenate([small, large, np.eye(small.shape[1])])
        self._blind = np.zeros(small.shape[1], dtype=bool)
        self._known = np.ones((0, small.shape[1]), dtype=bool)

    def note_gaps(self, residual_m: FloatArray) -> None:
        """Which gauges have a say today, and on which days each was read.

        Args:
            residual_m: All days so far, shape (T, G), NaN where missing.
        """
        self._blind = np.asarray(np.isnan(residual_m[-self.settings.step_days :]).any(axis=0))
        self._known = np.isfinite(residual_m)

    def hear(self, z: FloatArray, known: Sequence[Course], switched: FloatArray | None) -> tuple[Heard, list[Course]]:
        """What the record says of each course that may have come about, and these courses.

        Args:
            z: Residuals of all days so far without gaps, shape (T, G).
            known: Courses that are projected out.
            switched: Daily means of flows that the utility switches, shape (T, K); they are projected out, too.
        """
        return self._hear(z, known, switched, self._candidates(len(z)))

    def newest(self, residual_m: FloatArray, z: FloatArray, known: Sequence[Course], switched: FloatArray | None) -> Change | None:
        """The largest step since yesterday of a day that is not over; nothing of it is remembered.

        Args:
            residual_m: All days so far and this one, shape (T, G), NaN where missing.
            z: The same without gaps and the gauges' own steps.
            known: Courses that are projected out.
            switched: As for ``hear``.
        """
        if self._learnt is None:
            return None
        kept, days = (self._blind, self._known, self._learnt), len(z)
        steps = [Course(start_day=day, ramp_days=0) for day in (days - 2, days - 1)]
        self._learnt = days // self.settings.drift_days, self._learnt[1]
        self.note_gaps(residual_m)
        try:
            return self.largest(*self._hear(z, known, switched, steps), ())
        finally:
            self._blind, self._known, self._learnt = kept

    def _hear(
        self, z: FloatArray, known: Sequence[Course], switched: FloatArray | None, candidates: Sequence[Course]
    ) -> tuple[Heard, list[Course]]:
        days, s = len(z), self.settings
        recent = slice(max(0, days - s.window_days), days)
        courses = [c for c in candidates if c.start_day > recent.start + _LEAST_BEFORE]
        heard = hear(
            z[recent],
            [c.over(days)[recent] for c in known] + ([] if switched is None else swings(switched[recent])),
            [c.over(days)[recent] for c in courses],
            channels(self._drift(z), self._blind),
        )
        return heard, courses

    def largest(self, heard: Heard, courses: Sequence[Course], aside: Sequence[FloatArray]) -> Change | None:
        """The change that stands out most, or None.

        Args:
            heard: Of the courses.
            courses: What was heard.
            aside: Directions that were looked at today and are nothing to tell.
        """
        s = self.settings
        score = heard.scores(self._directions, aside)
        limit = np.array([s.step_glr if c.ramp_days == 0 else s.slow_glr for c in courses])
        ratio = score**2 / limit[:, None]
        k, p = (int(v) for v in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
        return None if ratio[k, p] < 1.0 else self._as_change(heard, courses[k], k, float(score[k, p]), p)

    def _as_change(self, heard: Heard, course: Course, number: int, score: float, direction: int) -> Change:
        loading_m, covariance = heard.loading(number)
        own = direction - 2 * self.signatures.places
        return Change(
            course=course,
            loading_m=loading_m,
            covariance=covariance,
            glr=score**2,
            sign=float(np.sign(score)),
            gauge=own if own >= 0 else None,
        )

    def _drift(self, z: FloatArray) -> Drift:
        """What the gauges do by themselves, learnt every few days."""
        age = len(z) // self.settings.drift_days
        if self._learnt is None or self._learnt[0] != age:
            self._learnt = age, drift_of(z, self._known, self.signatures)
        return self._learnt[1]

    def _candidates(self, days: int) -> list[Course]:
        """Steps of the last days, and growths that are still going on."""
        s = self.settings
        steps = [Course(start_day=d, ramp_days=0) for d in range(max(1, days - s.step_days), days)]
        slow = [
            Course(start_day=days - 1 - int(share * ramp), ramp_days=ramp)
            for ramp in s.slow_days
            for share in _SHARES
            if days - 1 - int(share * ramp) > _LEAST_BEFORE
        ]
        return steps + slow
