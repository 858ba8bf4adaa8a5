"""Leaks that stand already, from a long past: seen day by day first, then at once with every end that the repairs allow.

What ended day by day is judged again in hindsight (``leak_detection.model.history_ends``), and so is what is held to stand where a
crew worked near by (``leak_detection.model.history_mended``). Leaks near each other are judged together and told apart
(``leak_detection.model.history_clusters``).

The same model as the ledger's (``leak_detection.model.ledger``), yet each step may lie anywhere in the past, so what grew slowly
and was not told then is not lost; after the last step all loadings are fitted together, and each open leak is placed by its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.model.history_clusters import clusters, taken_apart
from leak_detection.model.history_ends import judge_ends
from leak_detection.model.history_mended import end_mended
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_match import mended
from leak_detection.model.ledger_records import Course, OpenLeak, Repair
from leak_detection.model.places import locate, reach
from leak_detection.model.shapes import fill, less_slow, noise_covariance, orthonormal, units, whitening

_PURE = 3.0
"""How much resembling one leak counts against explaining much: power of the part along the signature, over the whole squared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySettings:
    """How the past is searched."""

    ramps: tuple[int, ...] = (0, 12, 25, 50, 100, 180, 300)
    """Days of growth."""
    every_days: int = 3
    """Between starts that are tried."""
    least_glr: float = 80.0
    most_courses: int = 40
    most_gauge_faults: int = 10
    looked_at: int = 1500
    """Courses whose places are compared at each step, those with the largest change on whatever gauges."""
    least_share: float = 0.75
    """Of the ledger's least flow: a year says more than a day."""
    least_today_m3h: float = 0.5
    """What loses less beside all the others, by all days together, is over or never was;"""
    least_left: float = 0.1
    """and what loses less than that of what it lost when it was seen,"""
    clear_glr: float = 100.0
    """unless its change was as clear as that,"""
    least_known: float = 0.5
    """and all days together know its flow no better than to that share: of two near each other one may take the other's."""
    old_days: int = 21
    """Younger leaks are not judged by that: a few days of a course say little among a year of others."""
    recent_days: int = 60
    """Courses that were found day by day stay known for so long."""
    last_days: int = 4
    repaired_m: float = 500.0
    """A repair of the last days ends the nearest leak within so many metres."""


def begin(
    ledger: Ledger, residual_m: FloatArray, repairs: Sequence[Repair], settings: HistorySettings | None = None
) -> list[OpenLeak]:
    """Starts a ledger from the past: its open leaks, and the courses that are projected out from now on.

    Args:
        ledger: New; takes the result.
        residual_m: Shape (T, G), NaN where missing.
        repairs: What the utility repaired.
        settings: How to search.

    Returns:
        Leaks that stand today.
    """
    s = settings or HistorySettings()
    _day_by_day(ledger, residual_m, repairs)
    again = judge_ends(ledger, residual_m, repairs)
    seen = [leak for leak in ledger.leaks if leak.end_day is None]
    z = fill(residual_m)
    days = len(z)
    known = np.isfinite(residual_m)
    courses = _courses(days, [r.day for r in repairs], s)
    chosen = _choose(ledger, z, known, courses, s)
    # What was found day by day has its ends to the day: what the grid leaves of it would be told tomorrow.
    recent = [c for c in ledger.courses if c.start_day >= days - s.recent_days]
    ledger.courses = list(dict.fromkeys([*ledger.set_courses, *recent, *(c for c, _ in chosen)]))
    near = clusters(seen, lambda leak, other: not _is_apart(ledger, leak, [other]))
    apart = [cluster.first for cluster in near]
    ended = [leak for leak in ledger.leaks if leak.end_day is not None]
    standing = [
        leak
        for leak in _placed(ledger, z, known, chosen, s)
        if _is_apart(ledger, leak, seen + [old for old in ended if abs(old.start_day - leak.start_day) <= s.every_days])
    ]
    for leak in sorted(_not_mended(ledger, standing, repairs, days, s), key=lambda leak: -leak.glr):
        if _is_apart(ledger, leak, apart):
            apart.append(leak)
    ledger.leaks = ended + apart
    end_mended(ledger, residual_m, repairs)
    _close_what_loses_nothing(ledger, residual_m, again, s)
    ledger.leaks = taken_apart(ledger.leaks, near)
    for leak in ledger.leaks:
        leak.final = leak.end_day is not None
    ledger.refit(residual_m)
    return [leak for leak in ledger.leaks if leak.end_day is None]


def _close_what_loses_nothing(ledger: Ledger, residual_m: FloatArray, but: Sequence[OpenLeak], s: HistorySettings) -> None:
    """Fitted beside all others, by their own courses and by what was repaired alone: other courses would take their flow.

    Args:
        ledger: All leaks.
        residual_m: Shape (T, G).
        but: Judged already.
        s: What is nothing.
    """
    ledger.refit(residual_m, [course for course in ledger.courses if course.end_day is not None])
    for leak in ledger.leaks:
        old = len(residual_m) - leak.start_day >= s.old_days and all(leak is not one for one in but)
        if old and leak.end_day is None and loses_nothing(leak, s):
            leak.end_day = len(residual_m)


def loses_nothing(leak: OpenLeak, s: HistorySettings) -> bool:
    """Whether a leak is over or never was by the last fit of all open ones (``OpenLeak.today``), if that can say so.

    Args:
        leak: As it was seen, and fitted.
        s: What is nothing.
    """
    if leak.today is None or leak.today.flow_m3h >= max(s.least_today_m3h, s.least_left * leak.place.flow_m3h):
        return False
    return leak.glr < s.clear_glr or leak.today.error_m3h <= s.least_known * leak.place.flow_m3h


def _is_apart(ledger: Ledger, leak: OpenLeak, others: Sequence[OpenLeak]) -> bool:
    away_m = ledger.signatures.distance_m[leak.place.index]
    return all(away_m[other.place.index] > ledger.settings.merge_m for other in others)


def _day_by_day(ledger: Ledger, residual_m: FloatArray, repairs: Sequence[Repair]) -> None:
    """Shows the ledger every day, and each repair on the day after it."""
    due = sorted(repairs, key=lambda repair: repair.day)
    for day in range(1, len(residual_m) + 1):
        while due and due[0].day < day:
            repair = due.pop(0)
            ledger.repaired(repair.day, repair.place)
        ledger.look(residual_m[:day])


def _not_mended(ledger: Ledger, leaks: list[OpenLeak], repairs: Sequence[Repair], days: int, s: HistorySettings) -> list[OpenLeak]:
    """Leaks without those that a repair of the last days ended: the days after it cannot say yet that it helped."""
    for repair in repairs:
        if repair.day < days - s.last_days:
            continue
        away_m = np.zeros(ledger.signatures.places) if repair.place is None else ledger.signatures.distance_m[repair.place]
        gone = mended(leaks, repair.day, away_m, s.repaired_m * reach(away_m))
        leaks = [leak for leak in leaks if all(leak is not other for other in gone)]
    return leaks


def _courses(days: int, repair_days: Sequence[float], s: HistorySettings) -> list[Course]:
    ends = sorted({round(e, 2) for e in repair_days if 3 < e < days})
    found = []
    for start in range(2, days - 3, s.every_days):
        for ramp in s.ramps:
            if start + 0.4 * ramp <= days:
                found.append(Course(start_day=start, ramp_days=ramp))
                found += [Course(start_day=start, ramp_days=ramp, end_day=end) for end in ends if end > start + 4]
    return found


@dataclass(slots=True, kw_only=True, eq=False)
class _Search:
    """The past and every course that may explain it."""

    residual_m: FloatArray
    """Loses what was one gauge's own."""
    known: NDArray[np.bool_]
    """Where that was read, of the same shape."""
    courses: list[Course]
    values: FloatArray
    """Of the courses, shape (T, courses)."""
    directions: FloatArray
    """Of leaks, shape (places, G)."""
    settings: HistorySettings
    faults: int = 0

    def next(self, columns: list[FloatArray], *, early: bool) -> tuple[int, float] | None:
        """The course that explains most of what the columns leave, and its likelihood ratio.

        Args:
            columns: Courses in force, the level among them.
            early: Much is not explained yet: only what is faster than three weeks is noise.
        """
        while True:
            s, z = self.settings, self.residual_m
            q = orthonormal(columns)
            rest = z - q @ (q.T @ z)
            quick = less_slow(rest, 21) if early else rest - 0.7 * (rest - less_slow(rest, 31))
            white = whitening(noise_covariance(quick, self.known, days=len(z)) * 1.3)
            f = self.values - q @ (q.T @ self.values)
            energy = (f**2).sum(axis=0)
            heard = (energy > 0.05 * np.maximum((self.values**2).sum(axis=0), 1.0)) & (energy > 1.5)
            loads = ((f.T @ rest) / np.maximum(energy, 1e-9)[:, None]) @ white.T
            top = np.argsort(-np.where(heard, (loads**2).sum(axis=1) * energy, 0.0))[: s.looked_at]
            strength = np.where(heard[top], np.sqrt(energy[top]), 0.0)[:, None]
            leak = (loads[top] @ units(self.directions, white).T * strength).max(axis=1)
            own = np.abs(loads[top] @ units(np.eye(z.shape[1]), white).T) * strength
            if max(float(leak.max()), float(own.max())) ** 2 < s.least_glr:
                return None
            if own.max() > leak.max() and self.faults < s.most_gauge_faults:
                row, gauge = (int(v) for v in np.unravel_index(int(np.argmax(own)), own.shape))
                k = int(top[row])
                z[:, gauge] -= self.values[:, k] * float(f[:, k] @ rest[:, gauge]) / float(energy[k])
                self.faults += 1
                continue
            # What resembles one leak goes before what is more, yet a mixture of several.
            whole = np.maximum((loads[top] ** 2).sum(axis=1) * strength[:, 0] ** 2, 1e-9)
            row = int(np.argmax(np.where((leak > 0) & (leak**2 >= s.least_glr), leak**_PURE / whole, 0.0)))
            return (int(top[row]), float(leak[row]) ** 2) if leak[row] ** 2 >= s.least_glr else None


def _choose(
    ledger: Ledger, z: FloatArray, known: NDArray[np.bool_], courses: list[Course], s: HistorySettings
) -> list[tuple[Course, float]]:
    """Courses and their likelihood ratios, in the order in which they were found."""
    days = len(z)
    search = _Search(
        residual_m=z,
        known=known,
        courses=courses,
        values=np.stack([c.over(days) for c in courses], axis=1),
        directions=np.concatenate([ledger.signatures.at(4.0), ledger.signatures.at(20.0)]),
        settings=s,
    )
    level = [np.ones(days), *(c.over(days) for c in ledger.set_courses)]
    chosen: list[tuple[int, float]] = []
    for step in range(s.most_courses):
        found = search.next([*level, *(search.values[:, k] for k, _ in chosen)], early=step < 6)
        if found is None:
            break
        chosen.append(found)
    return [(courses[k], glr) for k, glr in chosen]


def _placed(
    ledger: Ledger, z: FloatArray, known: NDArray[np.bool_], chosen: list[tuple[Course, float]], s: HistorySettings
) -> list[OpenLeak]:
    """Open leaks with the loadings of one joint fit."""
    days, gauges = z.shape
    known_courses = [np.ones(days), *(c.over(days) for c in ledger.set_courses)]
    x = np.stack([*known_courses, *(c.over(days) for c, _ in chosen)], axis=1)
    inverse = np.linalg.pinv(x.T @ x)
    loads = inverse @ x.T @ z
    rest = z - x @ loads
    covariance = noise_covariance(rest, known, days=days) * 1.5
    found = []
    for k, (course, glr) in enumerate(chosen, len(known_courses)):
        if course.end_day is not None:
            continue
        now = max(float(x[-1, k]), 0.05)
        place = locate(loads[k] * now, covariance * inverse[k, k] * now**2 + 1e-7 * np.eye(gauges), ledger.signatures)
        limits = ledger.settings
        if (
            place.flow_m3h >= ledger.least_flow_m3h(place) * s.least_share
            and place.fit >= limits.least_fit
            and place.far >= limits.least_far
        ):
            found.append(
                OpenLeak(
                    start_day=course.start_day,
                    ramp_days=course.ramp_days,
                    found_day=days,
                    place=place,
                    loading_m=loads[k] * now,
                    glr=glr,
                )
            )
    return found
