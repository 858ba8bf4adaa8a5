"""Pressure control as the control room runs it: one call every few minutes gives an advice for each valve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np

from domain.grids import GridCache
from domain.inventory import Inventory
from domain.points import PointKey
from domain.ports import SeriesSource
from domain.readings import Quality, Reading
from domain.series import local_days_and_minutes
from domain.setpoints import Mode, PredictedEffect
from pressure_control.advice import Advice
from pressure_control.advise import advise, ages, last_move_s
from pressure_control.budget import Moves, moves_seen
from pressure_control.effect import N1, Present, predict_effect
from pressure_control.laws.law import LawInputs
from pressure_control.laws.table import DEFAULT_LAW, LAWS, STEPWISE
from pressure_control.learner import ZoneLearner
from pressure_control.learning import ValveModel
from pressure_control.lessons import Lessons
from pressure_control.observations import ValveTask, Window, downstream_first, newest, valve_tasks, window
from pressure_control.settings import ControlSettings
from pressure_control.supervisor import Standing, Wish, decide
from pressure_control.twin.zone_twin import ZoneTwin

_RECENT_S = 6 * 3600.0
_LONG_AGO_S = 1e9
_USABLE = (Quality.GOOD, Quality.ESTIMATED)


class PressureControl:
    """Advises every valve of the inventory, and predicts what a setpoint would do (``domain.ports_commands.EffectPredictor``).

    Args:
        inventory: Valves, zones and points.
        series: Where readings come from.
        clock: Process time for ``predict``; ticks bring their own.
        law: Name in ``laws.table``.
        settings: Margins.
        night_leakage: Night flow less lawful use of a zone [m³/h], or None while unknown; usually
            ``LeakDetection.night_leakage``.
        models: Models learned before a restart.
        learners: What was learned step by step before a restart; what came in since is learned at the first tick.
        twins: Copies of zones, by zone, for the law ``model_twin``, with what they learned before a restart.
        history_days: How far back it learns from.
    """

    def __init__(
        self,
        inventory: Inventory,
        series: SeriesSource,
        *,
        clock: Callable[[], datetime] | None = None,
        law: str = DEFAULT_LAW,
        settings: ControlSettings | None = None,
        night_leakage: Callable[[str], float | None] | None = None,
        models: Mapping[str, ValveModel] | None = None,
        learners: Mapping[str, ZoneLearner] | None = None,
        twins: Mapping[str, ZoneTwin] | None = None,
        history_days: float = 14,
    ) -> None:
        self._tasks = valve_tasks(inventory)
        self._order = downstream_first(self._tasks)
        self._calendar = inventory.site.calendar
        self._zone_info = self._calendar.zone
        self._series, self._clock = series, clock
        self._law = LAWS[law]
        self._settings = settings or ControlSettings()
        self._night_leakage = night_leakage
        self._factors = inventory.site.factors
        self._points = tuple(dict.fromkeys(p for t in self._tasks.values() for p in t.points))
        self._cache = GridCache(series, self._points, span_s=history_days * 86400.0)
        self._lessons = Lessons(
            self._tasks, self._cache, self._settings, self._zone_info, models=models, learners=learners, twins=twins
        )
        self._off: dict[str, float] = {}
        self._stepwise = law in STEPWISE
        self._standing: dict[str, Standing] = {}
        self._moves: dict[str, tuple[float, float]] = {}
        self._advice: dict[str, Advice] = {}

    @property
    def models(self) -> Mapping[str, ValveModel]:
        """What has been learned, by actuator."""
        return self._lessons.models

    @property
    def learners(self) -> Mapping[str, ZoneLearner]:
        """What has been learned step by step, by actuator."""
        return self._lessons.learners

    @property
    def twins(self) -> Mapping[str, ZoneTwin]:
        """Copies of zones with what they learned, by zone."""
        return self._lessons.twins

    @property
    def dropped(self) -> Mapping[str, str]:
        """Why what was learned before a restart was not taken over, by actuator; by zone of a twin."""
        return self._lessons.dropped

    @property
    def advice(self) -> Mapping[str, Advice]:
        """The advice of the last tick."""
        return self._advice

    async def tick(self, now: datetime) -> Mapping[str, Advice]:
        """An advice for each valve."""
        await self._cache.refresh(now)
        latest = await self._series.latest(self._points)
        self._lessons.learn_due(self._order, now.timestamp())
        downstream: dict[str, float] = {}
        for key in self._order:
            advice, current = self._advise(key, now, latest, downstream)
            self._advice[key] = advice
            if current is not None:
                # What is rising downstream is provided for at once, what is falling only when it has fallen.
                downstream[key] = max(current, advice.value_m, advice.target_m if advice.target_m is not None else current)
        return dict(self._advice)

    async def refit(self, now: datetime) -> Mapping[str, ValveModel]:
        """Learns every valve's zone anew from the past."""
        await self._cache.refresh(now)
        for key in self._tasks:
            self._lessons.learn(key)
        return self._lessons.models

    async def predict(self, actuator: str, value_m: float) -> PredictedEffect:
        """The effect of a setpoint, from the newest readings.

        Raises:
            KeyError: No such actuator.
        """
        task = self._tasks[actuator]
        latest = await self._series.latest(task.points)
        now = (
            self._clock() if self._clock else max((r.observed_at for r in latest.values()), default=datetime.fromtimestamp(0, UTC))
        )
        fresh = {p: v for p, r in latest.items() if (v := _fresh(r, now, self._settings.stale_s)) is not None}
        critical = {p: fresh[p] for p in task.zone.critical_points if p in fresh}
        held = latest.get(task.actuator.setpoint)
        present = Present(
            setpoint_m=held.value if held else None,
            outlet_m=fresh.get(task.actuator.outlet_pressure),
            flow_m3h=fresh.get(task.actuator.flow),
            critical_m=critical,
        )
        leakage = self._night_leakage(task.zone.key) if self._night_leakage else None
        learner = self._lessons.learners.get(actuator)
        return predict_effect(
            task.actuator,
            task.zone,
            value_m,
            present,
            model=self._lessons.models.get(actuator),
            night_leakage_m3h=leakage,
            n1=learner.response.exponent(leakage) if learner is not None and leakage is not None else N1,
            factors=self._factors,
        )

    def _advise(
        self, key: str, now: datetime, latest: Mapping[PointKey, Reading], downstream: Mapping[str, float]
    ) -> tuple[Advice, float | None]:
        task = self._tasks[key]
        held = latest.get(task.actuator.setpoint)
        current = held.value if held is not None else None
        recent = self._recent(task, now, latest)
        learner = self._lessons.advance(key, recent) if self._stepwise else None
        inputs = LawInputs(
            task=task,
            recent=recent,
            model=self._lessons.models.get(key),
            settings=self._settings,
            stuck_beside_m={a.key: self._off[a.key] for a in task.siblings if a.key in self._off},
            learner=learner,
            twin=self._lessons.twin(key, learner) if learner is not None else None,
            downstream_m={w.valve: downstream[w.valve] for w in task.watched if w.valve is not None and w.valve in downstream},
            day_class=self._calendar.day_class(self._calendar.local(now).date()),
        )
        standing = decide(self._standing.get(key), Wish(mode=Mode.AUTO), data_age_s=ages(inputs, now.timestamp()).drive_s, now=now)
        self._standing[key] = standing
        since_move = self._since_move(key, current, recent, now.timestamp())
        advice = advise(
            inputs,
            self._law,
            standing,
            current_m=current,
            now_s=now.timestamp(),
            since_move_s=since_move,
            moves=self._moves_made(key, now.timestamp()),
        )
        outlet = newest(recent.outlet_m, round(self._settings.stale_s / recent.step_s))
        if not advice.follows and np.isfinite(outlet):
            self._off[key] = outlet
        else:
            self._off.pop(key, None)
        return advice, current

    def _recent(self, task: ValveTask, now: datetime, latest: Mapping[PointKey, Reading]) -> Window:
        """The newest hours, ended by the minutes after the last complete bucket."""
        step, start = self._cache.step_s, self._cache.start_s
        size = len(next(iter(self._cache.grids.values())))
        steps = min(size, round(_RECENT_S / step))
        extra = max(1, int(np.ceil((now.timestamp() - start - size * step) / step)))
        grids = {p: np.concatenate((self._cache.grids[p][-steps:], np.full(extra, np.nan))) for p in task.points}
        begin = start + (size - steps) * step
        for point, values in grids.items():
            reading = latest.get(point)
            if reading is None or reading.value is None or reading.quality not in _USABLE:
                continue
            cell = int((reading.observed_at.timestamp() - begin) // step)
            if steps <= cell < steps + extra:
                values[cell] = reading.value
        _, minute = local_days_and_minutes(begin + step * np.arange(steps + extra, dtype=np.float64), self._zone_info)
        return window(task, grids, start_s=begin, step_s=step, minute=minute)

    def _since_move(self, key: str, current: float | None, recent: Window, now_s: float) -> float:
        """Seconds since the setpoint last changed, as far as readings show."""
        if current is None:
            return 0.0
        seen = self._moves.get(key)
        if seen is None:
            moved = last_move_s(recent)
            self._moves[key] = (current, moved if moved is not None else now_s - _LONG_AGO_S)
        elif abs(seen[0] - current) > 1e-6:
            # The change lies somewhere since the last tick; the middle of a tick is near enough for a guard the desk repeats.
            self._moves[key] = (current, now_s - self._cache.step_s)
        return now_s - self._moves[key][1]

    def _moves_made(self, key: str, now_s: float) -> Moves:
        """The moves of the last days, as the readings of the setpoint show them: the same after a restart."""
        cache = self._cache
        setpoint = cache.grids[self._tasks[key].actuator.setpoint]
        return moves_seen(setpoint, start_s=cache.start_s, step_s=cache.step_s, now_s=now_s)


def _fresh(reading: Reading, now: datetime, stale_s: float) -> float | None:
    """The value if it is good and not older than ``stale_s``."""
    usable = reading.value is not None and reading.quality in _USABLE
    return reading.value if usable and (now - reading.observed_at).total_seconds() <= stale_s else None
