"""Other ends that an ended leak of the past may have had: a day before or after, of a growth alone, or none, for another one ended.

An end may have been another's only where a crew worked near by, yet not at the leak itself; and wherever a crew worked something
must have ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.series import FloatArray
from leak_detection.model.history_joint import Fit, Part, Past, beside, joint
from leak_detection.model.ledger_records import Course, OpenLeak, Repair

_SIZE_M3H = 8.0
_FIRST_FLOW_M3H = 5.0
_EVERY_DAYS = 4
"""Between beginnings of a leak that nobody saw."""
_SHARED_DAYS = 2
"""Ends so near each other are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSettings:
    """When an end is believed to be another leak's. Gains are likelihood ratios (twice the logarithm)."""

    better_gain: float = 60.0
    """Of another end over that which was seen: as much as the ledger asks for an end."""
    unseen_gain: float = 25.0
    """More, if it takes a leak that nobody saw."""
    standing_gain: float = 60.0
    """Of what stands then, over nothing."""
    least_share: float = 0.2
    """Of a leak's flow, before or after a growth that may be another leak's."""
    booked_days: int = 8
    """Repairs are booked up to so long after the work."""
    late_days: int = 3
    """Ends are seen up to so long before it is over."""
    young_days: int = 10
    """Of younger ends too little is known, for longer past than the last days."""
    same_m: float = 100.0
    """A repair so near a leak was that leak's."""
    repaired_m: float = 300.0
    """Something must have ended so near each repair,"""
    repaired_m3h: float = 1.2
    """of such a flow."""
    near_m: float = 500.0
    """Only where a crew worked so near, the end may have been another's."""


@dataclass(slots=True, kw_only=True, eq=False)
class Line:
    """A leak of the ledger, and what it consists of."""

    leak: OpenLeak
    parts: list[Part]

    @property
    def flow_m3h(self) -> float:
        """Of all parts."""
        return sum(part.flow_m3h for part in self.parts)

    @property
    def standing(self) -> list[Part]:
        """Parts without an end."""
        return [part for part in self.parts if part.course.end_day is None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Year:
    """The past, what is held to have happened in it, and what is known of repairs."""

    past: Past
    lines: list[Line]
    repairs: Sequence[Repair]
    settings: EndSettings

    def without(self, line: Line) -> list[Part]:
        """Parts of all other leaks."""
        return [part for other in self.lines if other is not line for part in other.parts]


def other_ends(year: Year, line: Line, others: list[Part]) -> Iterator[tuple[Fit, float]]:
    """Fits of all with other ends of the leak, and what each is worth."""
    past, s, end = year.past, year.settings, line.leak.end_day
    if end is None:
        return
    if (day := _other_day(year, line, others, end)) is not None:
        moved = joint(past, [*others, *ended(line.parts, float(day), past.days)])
        yield moved, moved.gain
    crews = _crews(year, line, end)
    if end >= past.days - s.young_days or not crews or min(away_m for _, away_m in crews) <= s.same_m:
        return
    for parts in _standing_options(line, end, past.days, s):
        fit = joint(past, [*others, *parts])
        if all(_is_served(year, fit, repair) for repair, _ in crews):
            yield fit, fit.gain
    stands = joint(past, [*others, *ended(line.parts, None, past.days)])
    for repair, _ in crews:
        unseen = _unseen(past, stands, end, repair)
        if unseen is not None:
            fit = joint(past, [*stands.parts, unseen])
            if all(_is_served(year, fit, one) for one, _ in crews):
                yield fit, fit.gain - s.unseen_gain


def _crews(year: Year, line: Line, end: int) -> list[tuple[Repair, float]]:
    """Repairs near by that may have been booked for an end on that day, and how far from the leak they were [m]."""
    away_m, s = year.past.signatures.distance_m[line.parts[0].place], year.settings
    booked = [repair for repair in year.repairs if repair.place is not None and end - 1 <= repair.day <= end + s.booked_days]
    return [(repair, float(away_m[repair.place])) for repair in booked if away_m[repair.place] <= s.near_m]


def _other_day(year: Year, line: Line, others: list[Part], end: int) -> int | None:
    """Day near the end that was seen on which the leak ended most likely, for it was seen late or booked late."""
    past, s = year.past, year.settings
    theirs = {
        day
        for other in year.lines
        if other is not line
        for part in other.parts
        if part.course.end_day is not None
        for day in range(int(part.course.end_day) - _SHARED_DAYS, int(part.course.end_day) + _SHARED_DAYS + 1)
    }
    first = min(part.course.start_day for part in line.parts)
    days = [
        day
        for day in range(end - s.booked_days, end + s.late_days + 1)
        if first + 2 < day < past.days - 2 and (abs(day - end) <= 1 or day not in theirs)
    ]
    if not days:
        return None
    values = np.stack([over(ended(line.parts, float(day), past.days), past) for day in days], axis=1)
    seen = beside(past, joint(past, others), values)
    signature = past.signatures.at(max(line.flow_m3h, 1.0))[line.parts[0].place]
    return days[int(np.argmax(seen.scores(past.turned.turn @ signature)))]


def _standing_options(line: Line, end: int, days: int, s: EndSettings) -> Iterator[list[Part]]:
    """The leak without an end, and each growth as another leak of which either ended."""
    yield ended(line.parts, None, days)
    for number in range(1, len(line.parts)):
        before, after = line.parts[:number], line.parts[number:]
        if min(sum(p.flow_m3h for p in before), sum(p.flow_m3h for p in after)) >= s.least_share * line.flow_m3h:
            yield [*ended(before, float(end), days), *ended(after, None, days)]
            yield [*ended(before, None, days), *ended(after, float(end), days)]


def _unseen(past: Past, stands: Fit, end: int, repair: Repair) -> Part | None:
    """The leak at a repair that nobody saw, as it explains most beside all others."""
    ends = {float(end), float(end + 1), float(int(repair.day))}
    courses = [
        Course(start_day=day, ramp_days=0, end_day=last) for last in sorted(ends) for day in range(2, int(last) - 3, _EVERY_DAYS)
    ]
    if repair.place is None or not courses:
        return None
    seen = beside(past, stands, np.stack([course.over(past.days) for course in courses], axis=1))
    score = seen.scores(past.turned.turn @ past.signatures.at(_SIZE_M3H)[repair.place])
    best = int(np.argmax(score))
    return Part(course=courses[best], place=repair.place, flow_m3h=_FIRST_FLOW_M3H) if score[best] > 0 else None


def _is_served(year: Year, fit: Fit, repair: Repair) -> bool:
    """Whether something ended where and when the crew worked."""
    s, away_m = year.settings, year.past.signatures.distance_m[repair.place]
    return any(
        part.course.end_day is not None
        and repair.day - s.booked_days <= part.course.end_day <= repair.day + 1
        and part.flow_m3h >= s.repaired_m3h
        and away_m[part.place] <= s.repaired_m
        for part in fit.parts
    )


def ended(parts: Sequence[Part], end: float | None, days: int) -> list[Part]:
    """The same parts with another end (None: they stand), without those that are nothing then."""
    moved = [replace(part, course=replace(part.course, end_day=end)) for part in parts]
    return [part for part in moved if is_any(part.course, days)]


def over(parts: Sequence[Part], past: Past) -> FloatArray:
    """All parts as one course of the size of their flows."""
    whole = sum(part.flow_m3h for part in parts)
    return np.asarray(sum((part.flow_m3h / whole) * part.course.over(past.days) for part in parts))


def is_any(course: Course, days: int) -> bool:
    """Whether it has begun before it ended."""
    return float(course.over(days).max()) > 0.0
