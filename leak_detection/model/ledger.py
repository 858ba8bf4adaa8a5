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

from domain.series import FloatArray
from leak_detection.model.changes import Heard
from leak_detection.model.ledger_match import end_of, growth_of, mended, return_of
from leak_detection.model.ledger_records import Course, FlowToday, LedgerSettings, OpenLeak
from leak_detection.model.ledger_search import Change, ChangeSearch
from leak_detection.model.places import Place, locate, reach
from leak_detection.model.refit import joint_flows, loadings_today
from leak_detection.model.shapes import fill
from leak_detection.model.signatures import SignatureSet
from leak_detection.model.valve_settings import days_of, new_settings_m


@dataclass(slots=True, kw_only=True, eq=False)
class Ledger:
    """Sees one day after another; never the next."""

    signatures: SignatureSet
    settings: LedgerSettings = field(default_factory=LedgerSettings)
    leaks: list[OpenLeak] = field(default_factory=list)
    """Everything told, in order."""
    courses: list[Course] = field(default_factory=list)
    """Everything projected out, ends and unplaced changes included."""
    set_courses: list[Course] = field(default_factory=list)
    """Of these what valves' new settings changed."""
    gauge_steps: list[tuple[int, int]] = field(default_factory=list)
    """Gauge and day of changes that are one gauge's own."""
    switched: FloatArray | None = None
    """Daily means of flows that the utility switches, shape (T, K), of all days looked at; None where there are none."""
    reach: float = field(init=False)
    """The usual ``places.reach`` of the network: for distances between what is no place of this ledger."""
    _search: ChangeSearch = field(init=False)

    def __post_init__(self) -> None:
        self.reach = float(np.median([reach(away_m) for away_m in self.signatures.distance_m]))
        self._search = ChangeSearch(signatures=self.signatures, settings=self.settings)

    def look(self, residual_m: FloatArray) -> list[OpenLeak]:
        """Judges the newest day.

        Args:
            residual_m: All days so far, shape (T, G), NaN where missing.

        Returns:
            Leaks that are new today.
        """
        if len(residual_m) < self.settings.warm_days:
            return []
        self._search.note_gaps(residual_m)
        z = self.levelled(fill(residual_m))
        new: list[OpenLeak] = []
        aside: list[FloatArray] = []
        own: set[tuple[int, int]] = set()
        heard: tuple[Heard, list[Course]] | None = None
        set_aside = 0
        for _ in range(self.settings.most_looks):
            # Where only a direction was set aside, what is heard stays the same.
            heard = self._hear(z) if heard is None or len(aside) == set_aside else heard
            set_aside = len(aside)
            change = self._search.largest(*heard, aside)
            if change is None or len(new) == self.settings.most_a_day:
                break
            if change.gauge is not None:
                step = change.gauge, change.course.start_day
                if step in own:
                    break  # taken off already, it would come again at every look
                own.add(step)
                z = self._own(z, change, aside)
            elif self._is_setting(change):
                self._set(change)
            elif change.sign < 0:
                self._better(change, aside)
            elif (leak := self._leak(change, len(z))) is None:
                aside.append(change.loading_m)
            else:
                self.courses.append(change.course)
                if not self._adds_to_known(leak, change):
                    new.append(leak)
                    self.leaks.append(leak)
        return new

    def glimpse(self, residual_m: FloatArray, switched_m3h: FloatArray) -> OpenLeak | None:
        """Judges a day that is not over, and remembers nothing of it.

        Args:
            residual_m: All days so far, and the last 24 hours as one more, shape (T + 1, G), NaN where missing.
            switched_m3h: Means over these hours of the flows that the utility switches, shape (K,).

        Returns:
            A leak that began yesterday or today, if it is clear and neither the growth nor the return of one that is known.
        """
        s = self.settings
        known = self.courses[-s.most_shapes :]
        switched = None if self.switched is None else np.vstack([self.switched, switched_m3h])
        change = self._search.newest(residual_m, self.levelled(fill(residual_m)), known, switched)
        if change is None or change.gauge is not None or change.sign < 0 or change.glr < s.glimpse_glr or self._is_setting(change):
            return None
        leak = self._leak(change, len(residual_m))
        if leak is None or leak.place.fit < s.glimpse_fit or leak.place.far < s.glimpse_far:
            return None
        return leak if self._taken_by(leak, change)[0] is None else None

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

    def _hear(self, z: FloatArray) -> tuple[Heard, list[Course]]:
        return self._search.hear(z, self.courses[-self.settings.most_shapes :], self.switched)

    def _own(self, z: FloatArray, change: Change, aside: list[FloatArray]) -> FloatArray:
        """One gauge alone: after two days it is believed to be that gauge's own step."""
        gauge, day = change.gauge, change.course.start_day
        if gauge is None or change.course.ramp_days or len(z) - day < 2:
            aside.append(np.eye(z.shape[1])[gauge])
            return z
        if (gauge, day) not in self.gauge_steps:
            self.gauge_steps.append((gauge, day))
        z[day:, gauge] -= np.median(z[day:, gauge]) - np.median(z[max(0, day - 30) : day, gauge])
        return z

    def _is_setting(self, change: Change) -> bool:
        """Whether it is the new setting of a valve."""
        limits = self.settings.setting
        if change.course.ramp_days or change.glr < limits.least_glr:
            return False
        return new_settings_m(change.loading_m, change.covariance, self.signatures, limits) is not None

    def _set(self, change: Change) -> None:
        """What a valve's new setting changed is nothing new from now on."""
        courses = [Course(start_day=day, ramp_days=0) for day in days_of(change.course.start_day)]
        self.set_courses += courses
        self.courses += courses

    def _better(self, change: Change, aside: list[FloatArray]) -> None:
        """A clear change for the better ends the open leak that it resembles most."""
        if change.glr < self.settings.end_glr:
            aside.append(change.loading_m)
            return
        self.courses.append(change.course)
        if ended := end_of(change.loading_m, change.covariance, self.leaks, self.settings):
            ended.end_day = change.course.start_day

    def _leak(self, change: Change, day: int) -> OpenLeak | None:
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

    def _adds_to_known(self, leak: OpenLeak, change: Change) -> bool:
        """Whether a leak of the ledger takes the change: it has grown, or is back."""
        old, is_back = self._taken_by(leak, change)
        if old is None:
            return False
        old.end_day = None if is_back else old.end_day
        old.growth.append(change.course)
        return True

    def _taken_by(self, leak: OpenLeak, change: Change) -> tuple[OpenLeak | None, bool]:
        """The leak of the ledger whose growth or return the change is, and whether that is back."""
        away_m = self.signatures.distance_m[:, leak.place.index]
        if (grown := growth_of(leak, self.leaks, away_m, self.settings)) is not None:
            return grown, False
        back = return_of(leak, change.covariance, self.leaks, away_m, self.settings)
        return back, back is not None

    def _swing_of_open(self) -> FloatArray:
        """Covariance of what open leaks do to the gauges while another begins [m²], shape (G, G)."""
        swings_m = [self.settings.open_swing * leak.loading_m for leak in self.leaks if leak.end_day is None]
        swing_m = np.stack(swings_m) if swings_m else np.zeros((1, self.signatures.change_m.shape[2]))
        return np.asarray(swing_m.T @ swing_m)

    def least_flow_m3h(self, place: Place) -> float:
        """Of a leak there."""
        s = self.settings
        return s.least_metered_m3h if self.signatures.metered[place.index] else s.least_flow_m3h
