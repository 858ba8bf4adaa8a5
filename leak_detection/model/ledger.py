"""Open leaks over the days: a greedy fit of shapes in time with free loadings in space.

    residual(day, gauge) = level(day, gauge) + Σ shape_k(day) · loading_k(gauge) + noise

The level wanders as settings of pressure valves do (``leak_detection.model.drift``). Every shape found so far is projected out
with whatever loading it has (a wrong signature leaves no ghost of the same time course); the next is the shape and place with the
largest likelihood ratio (``leak_detection.model.changes``). Two hypotheses compete for each change: a leak, which shows on many
gauges as the network file says, and one gauge alone, which is the gauge's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.model.changes import Heard, hear
from leak_detection.model.drift import Drift, channels, learn_drift
from leak_detection.model.places import Place, locate, reach
from leak_detection.model.refit import joint_flows, loadings_today
from leak_detection.model.shapes import fill, shape, until, whitening
from leak_detection.model.signatures import SignatureSet
from leak_detection.model.switched import swings

_SAME_M = 100.0
"""Places so near each other are one."""
_LEAST_BEFORE = 3
"""Days before a change."""
DRIFT_M3H = 10.0
"""Drift is learnt beside leaks of that size."""
_SHARES = (0.5, 0.75, 1.0)
"""Of a slow growth: seen by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """When a change is a leak."""

    step_glr: float = 30.0
    slow_glr: float = 36.0
    step_days: int = 5
    slow_days: tuple[int, ...] = (10, 20, 40, 80)
    window_days: int = 200
    """Older days have no say: the level of the first is not known."""
    drift_days: int = 10
    """What the gauges do by themselves is learnt anew so often."""
    least_flow_m3h: float = 1.2
    """Below it a change is not told: what other leaks leave behind is of that size."""
    least_metered_m3h: float = 0.6
    """The same where a balance of meters sees the leak's own flow."""
    sure_glr: float = 200.0
    """A change that is less clear than that must have stood for two days,"""
    sure_far: float = 0.55
    """unless its place is as sure as that."""
    least_fit: float = 0.3
    least_far: float = 0.36
    open_swing: float = 0.03
    """Standard deviation of what an open leak does meanwhile, over its effect: it may be part of any change."""
    freedom: float = 30.0
    """Of Student's law for what a change is not explained by: more than its error says, of a slow one above all."""
    warm_days: int = 21
    most_shapes: int = 60
    most_a_day: int = 3
    most_looks: int = 9
    merge_m: float = 200.0
    again_glr: float = 200.0
    again_flow_m3h: float = 4.0
    """A step as clear and as large as that is told near an open leak, too, unless that has just begun."""
    again_share: float = 0.2
    """Of the flow of the open leak: a large one's effect swings by a tenth."""
    again_days: int = 3
    rest_days: int = 30
    """A leak that has not grown for so long grows no more: what begins beside it is another, unless it is small beside it."""
    outgrown: float = 3.0
    """What is so many times as large as the open leak is no growth of it, either."""
    quiet_days: int = 3
    """After an end, nothing near is new for so long: what a repair leaves looks like a leak."""
    repaired_m: float = 300.0
    """A repair ends the open leak that is nearest, and no farther than that."""
    booked_days: int = 14
    """Work is booked late: a leak there that ended so long before is what was repaired."""
    back_days: int = 30
    """A leak that ended by itself and is back within so long is the same one,"""
    back_like: float = 0.8
    """if its change is as like (cosine)."""
    end_glr: float = 60.0
    like: float = 0.5
    """How much (cosine) an improvement resembles the leak that it ends."""
    end_share: float = 0.5
    """Of the leak's own change: a large leak's effect swings by a tenth with the town's demand, and that is no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A shape that is projected out."""

    start_day: int
    ramp_days: int
    end_day: float | None = None

    def over(self, days: int) -> FloatArray:
        """Its values."""
        return until(shape(days, self.start_day, self.ramp_days), self.end_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowToday:
    """What one leak loses, by a fit of all open ones together."""

    day: int
    flow_m3h: float
    error_m3h: float


@dataclass(slots=True, kw_only=True)
class OpenLeak:
    """One line of the ledger."""

    start_day: int
    ramp_days: int
    found_day: int
    place: Place
    loading_m: FloatArray
    glr: float
    end_day: int | None = None
    final: bool = False
    """Whether its end is the last word: it was repaired, or nobody was told of it. Else pressures came back by themselves."""
    growth: list[Course] = field(default_factory=list)
    """Changes seen later that are its own."""
    today: FlowToday | None = None
    """When all open leaks were fitted together last."""

    @property
    def last_day(self) -> int:
        """On which it was last seen to begin or to grow."""
        return max(self.found_day, *(course.start_day for course in self.growth), 0)

    @property
    def flow_m3h(self) -> float:
        """The larger of what it lost when it was found and what it loses by the last fit."""
        return max(self.place.flow_m3h, 0.0 if self.today is None else self.today.flow_m3h)

    @property
    def courses(self) -> list[Course]:
        """All that is projected out for it."""
        return [Course(start_day=self.start_day, ramp_days=self.ramp_days), *self.growth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Work that the utility knows of."""

    day: float
    """Since the start of the residuals, with fraction."""
    place: int | None = None
    """Where, if that is known."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """The largest change of the day: a shape, its loading, and what it resembles."""

    course: Course
    loading_m: FloatArray
    covariance: FloatArray
    glr: float
    sign: float
    gauge: int | None


@dataclass(slots=True, kw_only=True, eq=False)
class Ledger:
    """Sees one day after another; never the next."""

    signatures: SignatureSet
    settings: LedgerSettings = field(default_factory=LedgerSettings)
    leaks: list[OpenLeak] = field(default_factory=list)
    """Everything told, in order."""
    courses: list[Course] = field(default_factory=list)
    """Everything projected out, ends and unplaced changes included."""
    gauge_steps: list[tuple[int, int]] = field(default_factory=list)
    """Gauge and day of changes that are one gauge's own."""
    switched: FloatArray | None = None
    """Daily means of flows that the utility switches, shape (T, K), of all days looked at; None where there are none."""
    reach: float = field(init=False)
    """The usual ``places.reach`` of the network: for distances between what is no place of this ledger."""
    _directions: FloatArray = field(init=False)
    _blind: NDArray[np.bool_] = field(init=False)
    """Gauges that were missing in the last days: they have no say."""
    _known: NDArray[np.bool_] = field(init=False)
    """Days on which each gauge was read, shape (T, G)."""
    _learnt: tuple[int, Drift] | None = None
    """What the gauges do by themselves, and when that was learnt."""

    def __post_init__(self) -> None:
        self.reach = float(np.median([reach(away_m) for away_m in self.signatures.distance_m]))
        small, large = self.signatures.at(4.0), self.signatures.at(20.0)
        self._directions = np.concatenate([small, large, np.eye(small.shape[1])])
        self._blind = np.zeros(small.shape[1], dtype=bool)
        self._known = np.ones((0, small.shape[1]), dtype=bool)

    def look(self, residual_m: FloatArray) -> list[OpenLeak]:
        """Judges the newest day.

        Args:
            residual_m: All days so far, shape (T, G), NaN where missing.

        Returns:
            Leaks that are new today.
        """
        if len(residual_m) < self.settings.warm_days:
            return []
        self._blind = np.asarray(np.isnan(residual_m[-self.settings.step_days :]).any(axis=0))
        self._known = np.isfinite(residual_m)
        z = self.levelled(fill(residual_m))
        new: list[OpenLeak] = []
        aside: list[FloatArray] = []
        heard: tuple[Heard, list[Course]] | None = None
        set_aside = 0
        for _ in range(self.settings.most_looks):
            # Where only a direction was set aside, what is heard stays the same.
            heard = self._hear(z) if heard is None or len(aside) == set_aside else heard
            set_aside = len(aside)
            change = self._largest(*heard, aside)
            if change is None or len(new) == self.settings.most_a_day:
                break
            if change.gauge is not None:
                z = self._own(z, change, aside)
            elif change.sign < 0:
                self._better(change, aside)
            elif (leak := self._leak(change, len(z))) is None:
                aside.append(change.loading_m)
            else:
                self.courses.append(change.course)
                if known := self._known_as(leak):
                    min(known, key=lambda old: (old.end_day is not None, self._apart_m(old, leak))).growth.append(change.course)
                elif back := self._back(leak, change.covariance):
                    old = min(back, key=lambda old: self._apart_m(old, leak))
                    old.end_day = None
                    old.growth.append(change.course)
                else:
                    new.append(leak)
                    self.leaks.append(leak)
        return new

    def refit(self, residual_m: FloatArray, beside: Sequence[Course] | None = None) -> None:
        """Fits all open leaks together, one flow each: ``OpenLeak.today``.

        Args:
            residual_m: All days so far, shape (T, G), NaN where missing.
            beside: Courses beside their own; those projected out last if None.
        """
        open_leaks = [leak for leak in self.leaks if leak.end_day is None]
        if not open_leaks:
            return
        days = len(residual_m)
        others = self.courses[-self.settings.most_shapes :] if beside is None else beside
        courses = list(dict.fromkeys([*others, *(c for leak in open_leaks for c in leak.courses)]))
        column = {course: k for k, course in enumerate(courses)}
        today = loadings_today(
            self.levelled(fill(residual_m)),
            [course.over(days) for course in courses],
            [[column[course] for course in leak.courses] for leak in open_leaks],
            np.isfinite(residual_m),
        )
        flows = joint_flows(today, [leak.place.index for leak in open_leaks], self.signatures)
        for leak, flow, error in zip(open_leaks, flows.flow_m3h, flows.error_m3h, strict=True):
            leak.today = FlowToday(day=days, flow_m3h=float(flow), error_m3h=float(error))

    def repaired(self, day: float, place: int | None) -> None:
        """Work that the utility knows of: it ends the open leak there, and what it changed is nothing new.

        Args:
            day: Of the work, with fraction.
            place: Where, if that is known.
        """
        # The day of the work itself is half old, half new.
        self.courses += [Course(start_day=int(day), ramp_days=0), Course(start_day=int(day) + 1, ramp_days=0)]
        if place is None:
            return
        away_m = self.signatures.distance_m[place]
        there = [leak for leak in self.leaks if leak.end_day is None or day - leak.end_day <= self.settings.booked_days]
        for leak in mended(there, day, away_m, self.settings.repaired_m * reach(away_m)):
            leak.end_day, leak.final = int(day) if leak.end_day is None else leak.end_day, True

    def levelled(self, z: FloatArray) -> FloatArray:
        """Residuals, of shape (T, G), with the gauges' own steps taken off; in place."""
        for gauge, day in self.gauge_steps:
            z[day:, gauge] -= np.median(z[day : day + 30, gauge]) - np.median(z[max(0, day - 30) : day, gauge])
        return z

    def _own(self, z: FloatArray, change: _Change, aside: list[FloatArray]) -> FloatArray:
        """One gauge alone: after two days it is believed to be that gauge's own step."""
        gauge, day = change.gauge, change.course.start_day
        if gauge is None or change.course.ramp_days or len(z) - day < 2:
            aside.append(np.eye(z.shape[1])[gauge])
            return z
        if (gauge, day) not in self.gauge_steps:
            self.gauge_steps.append((gauge, day))
        z[day:, gauge] -= np.median(z[day:, gauge]) - np.median(z[max(0, day - 30) : day, gauge])
        return z

    def _better(self, change: _Change, aside: list[FloatArray]) -> None:
        """A clear change for the better ends the open leak that it resembles most."""
        if change.glr < self.settings.end_glr:
            aside.append(change.loading_m)
            return
        self.courses.append(change.course)
        white = whitening(change.covariance)
        best, score = None, self.settings.like
        for leak in self.leaks:
            if leak.end_day is None:
                own, less = white @ leak.loading_m, -(white @ change.loading_m)
                like = float(less @ own / np.maximum(np.linalg.norm(less) * np.linalg.norm(own), 1e-12))
                if like > score and float(less @ own) >= self.settings.end_share * float(own @ own):
                    best, score = leak, like
        if best is not None:
            best.end_day = change.course.start_day

    def _leak(self, change: _Change, day: int) -> OpenLeak | None:
        """The change as a leak, if it is one."""
        s = self.settings
        place = locate(change.loading_m, change.covariance + self._swing_of_open(), self.signatures, freedom=s.freedom)
        if place.fit < s.least_fit or place.far < s.least_far or place.flow_m3h < self.least_flow_m3h(place):
            return None
        if change.glr < s.sure_glr and place.far < s.sure_far and day - change.course.start_day < 2:
            return None
        return OpenLeak(
            start_day=change.course.start_day,
            ramp_days=change.course.ramp_days,
            found_day=day,
            place=place,
            loading_m=change.loading_m,
            glr=change.glr,
        )

    def _swing_of_open(self) -> FloatArray:
        """Covariance of what open leaks do to the gauges while another begins [m²], shape (G, G)."""
        swings_m = [self.settings.open_swing * leak.loading_m for leak in self.leaks if leak.end_day is None]
        swing_m = np.stack(swings_m) if swings_m else np.zeros((1, self.signatures.change_m.shape[2]))
        return np.asarray(swing_m.T @ swing_m)

    def least_flow_m3h(self, place: Place) -> float:
        """Of a leak there."""
        s = self.settings
        return s.least_metered_m3h if self.signatures.metered[place.index] else s.least_flow_m3h

    def _apart_m(self, one: OpenLeak, other: OpenLeak) -> float:
        return float(self.signatures.distance_m[one.place.index, other.place.index])

    def _known_as(self, leak: OpenLeak) -> list[OpenLeak]:
        """Leaks nearby whose growth it is, or whose repair left it."""
        s = self.settings
        near = [old for old in self.leaks if self._apart_m(old, leak) <= s.merge_m and not self._is_another(leak, old)]
        if leak.ramp_days == 0 and leak.glr > s.again_glr and leak.place.flow_m3h >= s.again_flow_m3h:
            least_m3h = leak.place.flow_m3h / s.again_share
            near = [old for old in near if leak.start_day - old.start_day <= s.again_days or old.place.flow_m3h > least_m3h]
        return [old for old in near if old.end_day is None or leak.found_day - old.end_day < s.quiet_days]

    def _back(self, leak: OpenLeak, covariance: FloatArray) -> list[OpenLeak]:
        """Leaks nearby that ended by themselves of late and are back, as large and alike: some close and open again."""
        s, white = self.settings, whitening(covariance)
        new = white @ leak.loading_m

        def is_back(old: OpenLeak) -> bool:
            if old.end_day is None or old.final or not 0 <= leak.start_day - old.end_day <= s.back_days:
                return False
            less, more = sorted((leak.place.flow_m3h, old.flow_m3h))
            own = white @ old.loading_m
            alike = float(new @ own) >= s.back_like * float(np.linalg.norm(new) * np.linalg.norm(own))
            return alike and more < s.outgrown * less and self._apart_m(old, leak) <= s.merge_m

        return [old for old in self.leaks if is_back(old)]

    def _is_another(self, leak: OpenLeak, old: OpenLeak) -> bool:
        """Whether it is no growth of the old one, by their sizes and by how long that has stood still."""
        if old.end_day is not None:
            return False
        s, share = self.settings, leak.place.flow_m3h / max(old.flow_m3h, 1e-9)
        return share >= s.outgrown or (share >= s.again_share and leak.start_day - old.last_day > s.rest_days)

    def _hear(self, z: FloatArray) -> tuple[Heard, list[Course]]:
        """What residuals of shape (T, G) say of each course that may have come about."""
        days, s = len(z), self.settings
        recent = slice(max(0, days - s.window_days), days)
        courses = [c for c in self._candidates(days) if c.start_day > recent.start + _LEAST_BEFORE]
        heard = hear(
            z[recent],
            [c.over(days)[recent] for c in self.courses[-s.most_shapes :]] + self._swings(recent),
            [c.over(days)[recent] for c in courses],
            channels(self._drift(z), self._blind),
        )
        return heard, courses

    def _largest(self, heard: Heard, courses: Sequence[Course], aside: Sequence[FloatArray]) -> _Change | None:
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

    def _swings(self, days: slice) -> list[FloatArray]:
        return [] if self.switched is None else swings(self.switched[days])

    def _as_change(self, heard: Heard, course: Course, number: int, score: float, direction: int) -> _Change:
        loading_m, covariance = heard.loading(number)
        own = direction - 2 * self.signatures.places
        return _Change(
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
            self._learnt = age, learn_drift(z, self._known, self.signatures.wander_m, self.signatures.at(DRIFT_M3H))
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
