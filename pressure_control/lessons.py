"""What is known of each valve's zone, kept up to date from the history: the daily fit, the step-by-step learner, the zone's twin.

    fit      ─▶ models     anew once a day, or when a longer history has come in
    learner  ─▶ learners   each new step; after a restart first what came in meanwhile
    twin     ─▶ twins      taught once, the last days or what came in since it was kept

What was kept over a restart and does not fit the history is dropped with a reason, and learned anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from domain.grids import GridCache
from domain.points import PointKey
from domain.series import FloatArray, local_days_and_minutes
from pressure_control.fit import fit_valve
from pressure_control.keeping import unusable
from pressure_control.learner import ZoneLearner
from pressure_control.learning import ValveModel
from pressure_control.observations import ValveTask, Window, window
from pressure_control.settings import ControlSettings
from pressure_control.twin.zone_twin import ZoneTwin

_LEARN_EVERY_S = 86400.0
_TWIN_LEARNS_S = 4 * 86400.0
_FEW_STEPS = 24


class Lessons:
    """What has been learned.

    Args:
        tasks: Valves, by actuator.
        cache: The history; the caller refreshes it.
        settings: Margins.
        timezone: Of the site.
        models: Models learned before a restart, by actuator.
        learners: What was learned step by step before a restart, by actuator.
        twins: Copies of zones, by zone, with what they learned before a restart.
    """

    def __init__(
        self,
        tasks: Mapping[str, ValveTask],
        cache: GridCache,
        settings: ControlSettings,
        timezone: ZoneInfo,
        *,
        models: Mapping[str, ValveModel] | None = None,
        learners: Mapping[str, ZoneLearner] | None = None,
        twins: Mapping[str, ZoneTwin] | None = None,
    ) -> None:
        self._tasks, self._cache, self._settings, self._zone_info = tasks, cache, settings, timezone
        self.models: dict[str, ValveModel] = dict(models or {})
        self.learners: dict[str, ZoneLearner] = dict(learners or {})
        self.twins: dict[str, ZoneTwin] = dict(twins or {})
        self.dropped: dict[str, str] = {}
        """Why what was learned before a restart was not taken over, by actuator; by zone of a twin."""
        self._taught: set[str] = set()
        self._caught_up: set[str] = set()

    def learn_due(self, order: Sequence[str], now_s: float) -> None:
        """Learns what has never been learned, and one stale model a call.

        Args:
            order: Actuators, the first looked at first.
            now_s: Seconds since 1970 UTC.
        """
        for key in order:
            model = self.models.get(key)
            if model is None:
                self.learn(key)
            elif now_s - model.until_s > _LEARN_EVERY_S or self._samples(key) > 1.1 * model.samples:
                self.learn(key)
                return

    def learn(self, key: str) -> None:
        """Learns a valve's zone anew from the whole history."""
        model = fit_valve(self._tasks[key], self._past(key), self._settings, self.models.get(key))
        if model is not None:
            self.models[key] = model

    def advance(self, key: str, recent: Window) -> ZoneLearner:
        """The valve's step-by-step learner, brought up to now; a new one begins with the whole history."""
        learner = self.learners.get(key)
        if learner is not None and key not in self._caught_up and (reason := unusable(learner, self._cache, recent.end_s)):
            self.dropped[key] = reason
            learner = None
        # A history that came in after the first lesson is older than what was learned: only a new learner takes it.
        if learner is None or self._samples(key) > 1.2 * learner.flow.samples + 2 * _FEW_STEPS:
            learner = self.learners[key] = ZoneLearner(self._cache.step_s)
            self._caught_up.discard(key)
        if key not in self._caught_up:
            # Also after a stop longer than the window: what came in meanwhile is in the history.
            learner.advance(self._past(key))
            self._caught_up.add(key)
        learner.advance(recent)
        return learner

    def twin(self, key: str, learner: ZoneLearner) -> ZoneTwin | None:
        """The copy of the valve's zone; at first it is taught the last days, or what came in since it was kept."""
        task = self._tasks[key]
        zone = task.zone.key
        twin = self.twins.get(zone)
        if twin is None or zone in self._taught:
            return twin
        past = self._past(key)
        if twin.residuals and (reason := unusable(twin, self._cache, past.end_s)):
            self.dropped[zone] = f"twin: {reason}"
            twin = self.twins[zone] = ZoneTwin(twin.model, twin.valves)
        days = past if twin.residuals else past.tail(round(_TWIN_LEARNS_S / self._cache.step_s))
        twin.advance(days, learner, twin.offsets_m((task.actuator, *task.siblings)))
        self._taught.add(zone)
        return twin

    def _samples(self, key: str) -> int:
        """Steps with flow and outlet pressure: a history that came in after the first lesson is worth a second one."""
        actuator, grids = self._tasks[key].actuator, self._cache.grids
        return int((np.isfinite(grids[actuator.flow]) & np.isfinite(grids[actuator.outlet_pressure])).sum())

    def _past(self, key: str) -> Window:
        """The whole history kept of a valve."""
        grids: Mapping[PointKey, FloatArray] = self._cache.grids
        start, step = self._cache.start_s, self._cache.step_s
        size = len(next(iter(grids.values())))
        _, minute = local_days_and_minutes(start + step * np.arange(size, dtype=np.float64), self._zone_info)
        return window(self._tasks[key], grids, start_s=start, step_s=step, minute=minute)
