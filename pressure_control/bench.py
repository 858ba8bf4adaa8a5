"""The laws in front of the closed-loop benchmark: its observations become windows, the rest is what runs in the control room.

    python ../shared/tools/pressure_bench.py --net ltown --controller pressure_control.bench:make

An adapter only: ``advise`` with its supervisor, law, learner and envelope are the same as online. What differs is settings: the
benchmark counts every customer, so hardly a standing reserve for places without a sensor is kept, and its sensors' noise is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from domain.setpoints import Mode
from pressure_control.advise import advise, ages
from pressure_control.bench_rows import EPOCH, BenchObs, BenchRows
from pressure_control.bench_site import SETTINGS_STEP_S, SPARING_SETTINGS, BenchInfo, bench_tasks, is_station, settings_for
from pressure_control.budget import MEAN_SHARE, Moves
from pressure_control.laws.law import LawInputs
from pressure_control.laws.table import DEFAULT_LAW, LAWS
from pressure_control.learner import ZoneLearner
from pressure_control.observations import ValveTask, downstream_first
from pressure_control.settings import ControlSettings
from pressure_control.supervisor import Standing, Wish, decide
from pressure_control.twin.zone_twin import ZoneTwin

_LONG_AGO_S = 1e9
_MOVES_A_DAY, _STATION_MOVES_A_DAY = 48, 96
Setpoints = dict[str, float]


def make(info: BenchInfo) -> Callable[[BenchObs], Setpoints]:
    """The controller with the law ``learned_critical_point``."""
    return Controller(info)


def make_sparing(info: BenchInfo) -> Callable[[BenchObs], Setpoints]:
    """The same for a pumping station that may move 48 times a day, by up to 2 m either way."""
    return Controller(info, settings=SPARING_SETTINGS, ramp_down_m=2.0, moves_a_day=_MOVES_A_DAY)


class Controller:
    """Setpoints for all valves, one call a step.

    Args:
        info: The benchmark's description.
        law: Name in ``laws.table``.
        settings: Margins; None takes ``BENCH_SETTINGS``, for a pumping station ``STATION_SETTINGS``, for orders that stand for more
            than ten minutes ``SLOW_SETTINGS``.
        ramp_up_m: Largest step up [m].
        ramp_down_m: Largest step down [m].
        moves_a_day: Moves of a valve and day to aim at on average; None takes 48, for a pumping station 96.
        twins: By zone, for the law ``model_twin``.
    """

    def __init__(
        self,
        info: BenchInfo,
        law: str = DEFAULT_LAW,
        settings: ControlSettings | None = None,
        *,
        ramp_up_m: float = 2.0,
        ramp_down_m: float = 1.0,
        moves_a_day: int | None = None,
        twins: Mapping[str, ZoneTwin] | None = None,
    ) -> None:
        if settings is None:
            settings = settings_for(info)
        self._settings = replace(
            settings,
            look_ahead_steps=max(1, round(settings.look_ahead_steps * SETTINGS_STEP_S / info.step_s)),
            lift_ahead_steps=round(settings.lift_ahead_steps * SETTINGS_STEP_S / info.step_s),
        )
        self._twins = twins or {}
        self._law = LAWS[law]
        allowed = moves_a_day or (_STATION_MOVES_A_DAY if is_station(info) else _MOVES_A_DAY)
        self._tasks = bench_tasks(info, ramp_up_m=ramp_up_m, ramp_down_m=ramp_down_m, max_moves_per_day=round(allowed / MEAN_SHARE))
        self._order = downstream_first(self._tasks)
        self._learners = {z: ZoneLearner(float(info.step_s)) for z in info.zones}
        self._rows = BenchRows(info, self._tasks)
        self._standing: dict[str, Standing] = {}
        self._moves: dict[str, list[int]] = {}
        self._off: set[str] = set()
        self.reasons: dict[str, str] = {}
        self.alarms: list[tuple[int, str]] = []
        """Each time at which a valve was found not to follow, with the valve."""

    def __call__(self, obs: BenchObs) -> Setpoints:
        """The setpoints for the next step."""
        self._rows.take(obs)
        orders: Setpoints = {}
        downstream: dict[str, float] = {}
        for name in self._order:
            current = obs.valve[name]["readback"]
            advice, target = self._advise(name, obs.t, current, downstream)
            downstream[name] = max(current, advice, target)
            if abs(advice - current) > 1e-9:
                orders[name] = advice
                self._moves.setdefault(name, []).append(obs.t)
        return orders

    def _advise(self, name: str, t: int, current: float, downstream: Mapping[str, float]) -> tuple[float, float]:
        task = self._tasks[name]
        recent = self._rows.window(name, task)
        learner = self._learners[task.zone.key]
        learner.advance(recent)
        inputs = LawInputs(
            task=task,
            stuck_beside_m=self._stuck_beside(task),
            recent=recent.tail(self._rows.kept),
            model=None,
            settings=self._settings,
            downstream_m={w.valve: downstream[w.valve] for w in task.watched if w.valve in downstream and w.valve is not None},
            learner=learner,
            twin=self._twins.get(task.zone.key),
        )
        now_s = recent.end_s
        now = EPOCH + timedelta(seconds=t)
        standing = decide(self._standing.get(name), Wish(mode=Mode.AUTO), data_age_s=ages(inputs, now_s).drive_s, now=now)
        self._standing[name] = standing
        ages_s = tuple(float(t - moved) for moved in self._moves.get(name, ()))
        advice = advise(
            inputs,
            self._law,
            standing,
            current_m=current,
            now_s=now_s,
            since_move_s=ages_s[-1] if ages_s else _LONG_AGO_S,
            moves=Moves(ages_s=ages_s, known_s=float(t)),
        )
        self.reasons[name] = advice.reason
        if not advice.follows and name not in self._off:
            self.alarms.append((t, name))
        (self._off.discard if advice.follows else self._off.add)(name)
        target = advice.target_m if advice.target_m is not None else current
        if target > task.actuator.safe_m and "learned" in advice.basis:
            # The benchmark's own setpoints are not safe everywhere: the safe side is what was ever needed.
            safe = min(target, task.actuator.max_m)
            higher = safe - task.actuator.safe_m
            beside = tuple(replace(a, safe_m=a.safe_m + higher) for a in task.siblings)
            self._tasks[name] = replace(task, actuator=replace(task.actuator, safe_m=safe), siblings=beside)
        return advice.value_m, target

    def _stuck_beside(self, task: ValveTask) -> dict[str, float]:
        """Outlet pressure of each valve beside this one that does not follow its setpoint."""
        stuck = {a.key: self._rows.outlet_m(task.zone.key, a.key) for a in task.siblings if a.key in self._off}
        return {valve: outlet_m for valve, outlet_m in stuck.items() if math.isfinite(outlet_m)}
