"""The true network, stepped by EPANET in memory over the whole recording.

A node's demand of a day is its own pattern of that day; a leak is an emitter on a node put in its pipe. EPANET has one exponent for
all emitters, which background leakage takes; a leak's own n is kept by K = C p^(n - n0), p of the step before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from simulator.leak_years import engine as en
from simulator.leak_years.demands import DemandDays, hours_mean
from simulator.leak_years.distortions import TruePipes
from simulator.leak_years.facts import Ints, NetworkFacts
from simulator.leak_years.leaks import Leak
from simulator.leak_years.operation import Operation
from simulator.leak_years.plan import DAY_S, Places, YearsPlan

Said = Callable[[int, int], None]
"""Takes days done and days in all."""
_ACCURACY = 1e-4
_LEAST_M = 1.0
"""Pressure below which a leak's exponent is no longer followed [m]."""


@dataclass(slots=True, kw_only=True, eq=False)
class TrueYears:
    """What truly was, every step of the run: rows T, hours H."""

    pressure_m: FloatArray
    """At the gauges, shape (T, gauges)."""
    flow_m3h: FloatArray
    level_m: FloatArray
    leak_m3h: FloatArray
    customers_m3h: FloatArray
    """Use behind the customers' meters, mean of the hour, shape (H, customers)."""
    balance_m3h: FloatArray
    """Supply, use and hydrants, leaks, background, into tanks, each at every row, shape (T, 5)."""
    lowest_m: FloatArray
    """Least pressure at each demand node, shape (N,)."""
    mean_m: FloatArray
    """Mean pressure at every node of the file, shape (nodes,)."""
    empty: float
    """Share of the rows with a tank at its least level."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrueNetwork:
    """All that a run needs but the demand."""

    facts: NetworkFacts
    pipes: TruePipes
    operation: Operation
    leaks: Sequence[Leak]
    mean_m: FloatArray
    """Mean pressure that peaks of leaks and background are meant at, at every node of the file [m]."""


def run_years(
    network: TrueNetwork,
    plan: YearsPlan,
    places: Places,
    demands: DemandDays,
    *,
    every: int = 1,
    days: range | None = None,
    said: Said | None = None,
) -> TrueYears:
    """Runs a network over the days of a plan.

    Args:
        network: What truly is in the ground.
        plan: Times.
        places: What is read.
        demands: What is drawn.
        every: Only every so manieth row is solved: a trial.
        days: Only these: a trial.
        said: Told after each day.

    Raises:
        HydraulicsError: EPANET gives up.
    """
    with en.YearEngine(network.facts.file) as net:
        run = _Run(net, network, plan, places, every, days or range(plan.days))
        return run.all(demands, said)


class _Run:
    """One run: indices found once, arrays filled row by row."""

    def __init__(self, net: en.YearEngine, network: TrueNetwork, plan: YearsPlan, places: Places, every: int, days: range) -> None:
        self._net, self._network, self._plan, self._every, self._days = net, network, plan, every, days
        self._per_day, self._step_s = plan.per_day // every, plan.step_s * every
        facts = network.facts
        _lay_pipes(net, facts, network.pipes)
        for k, leak in enumerate(network.leaks):
            net.split_pipe(leak.link, leak.place, f"loss-{k}")
        self._patterns = net.own_demands([net.nodes.index(facts.nodes[n]) for n in facts.demand_nodes])
        for index, factors in enumerate(facts.all_patterns, 1):
            net.set_pattern(index, _at_step(factors, facts, self._step_s))
        self._heights = net.elevations()
        self._where: dict[str, int] = {name: k for k, name in enumerate(net.nodes)}
        self._gauge = self._nodes(places.gauges)
        self._tank = self._nodes(places.tanks)
        self._loss = self._nodes([f"loss-{k}" for k in range(len(network.leaks))])
        self._use = self._nodes([facts.nodes[n] for n in facts.demand_nodes])
        self._filed = self._nodes(facts.nodes)
        kinds = net.node_kinds()
        self._supply, self._stored = np.flatnonzero(kinds == en.RESERVOIR), np.flatnonzero(kinds == en.TANK)
        self._drawing = np.flatnonzero(kinds == en.JUNCTION)
        self._meter = np.array([net.links.index(m) for m in places.meters], dtype=np.int64)
        self._least = np.array([net.tank_range(int(n))[0] for n in self._stored])
        use = {facts.nodes[n]: k for k, n in enumerate(facts.demand_nodes)}
        self._customer = np.array([use.get(c, -1) for c in places.customers], dtype=np.int64)
        self._prepare_leaks()
        self._reserve(places, len(facts.demand_nodes))

    def _nodes(self, names: Sequence[str]) -> Ints:
        return np.array([self._where[n] for n in names], dtype=np.int64)

    def _prepare_leaks(self) -> None:
        """Coefficients of the whole record, in m³/h and metres of pressure."""
        leaks, facts = self._network.leaks, self._network.facts
        at = [max(float(self._network.mean_m[facts.ends[leak.link]].mean()), _LEAST_M) for leak in leaks]
        self._peak = [leak.peak_m3h / metres**leak.exponent for leak, metres in zip(leaks, at, strict=True)]
        self._over = np.array([leak.exponent for leak in leaks]) - self._network.pipes.emitter_exponent
        self._pressure = np.array(at)

    def _reserve(self, places: Places, users: int) -> None:
        rows = len(self._days) * self._per_day
        self._p = np.zeros((rows, len(places.gauges)))
        self._f = np.zeros((rows, len(places.meters)))
        self._l = np.zeros((rows, len(places.tanks)))
        self._q = np.zeros((rows, len(self._network.leaks)))
        self._c = np.zeros((len(self._days) * 24, len(places.customers)))
        self._b = np.zeros((rows, 5))
        self._low = np.full(users, np.inf)
        self._sum = np.zeros(len(self._filed))
        self._empty = 0

    def all(self, demands: DemandDays, said: Said | None) -> TrueYears:
        """Steps through everything."""
        net = self._net
        net.set_accuracy(_ACCURACY)
        net.begin(self._step_s, len(self._days) * DAY_S)
        rows, per_day, second, length = len(self._p), self._per_day, 0, 1
        while length > 0 and second < rows * self._step_s:
            row, rest = divmod(second, self._step_s)
            if rest == 0 and row % per_day == 0:
                self._new_day(row // per_day, demands)
                if said:
                    said(row // per_day, len(self._days))
            if rest == 0:
                self._set(row)
            net.run()
            if rest == 0:
                self._read(row)
            length = net.advance()
            second += length
        return self._result()

    def _new_day(self, day: int, demands: DemandDays) -> None:
        whole, seen = demands.day(self._days[day])
        drawn = np.ascontiguousarray(whole[:, :: self._every])
        for index, factors in zip(self._patterns, drawn, strict=True):
            self._net.set_pattern(index, factors)
        self._drawn = drawn.sum(axis=0)
        hourly = hours_mean(seen, self._plan.step_s)
        for k, use in enumerate(self._customer):
            if use >= 0:
                self._c[day * 24 : day * 24 + 24, k] = hourly[use]

    def _set(self, row: int) -> None:
        """Valves, controls and leaks of a row."""
        net, whole = self._net, (self._days.start * self._per_day + row) * self._every
        if row == 0:
            self._first_state()
        if whole * self._plan.step_s % 3600 == 0:
            hour = whole * self._plan.step_s // 3600
            for link, metres in self._network.operation.valve_m.items():
                net.set_setting(link, float(metres[hour]) * self._unit)
        while self._due and self._due[0][0] <= whole:
            _, index, level = self._due.pop(0)
            net.set_control_level(index, level)
        if not len(self._loss):
            return
        own = self._pressure**self._over
        for k, leak in enumerate(self._network.leaks):
            share = float(leak.share[whole])
            if share or self._open[k]:
                net.set_emitter(int(self._loss[k]), share * self._peak[k] * float(own[k]))
                self._open[k] = share > 0

    def _first_state(self) -> None:
        """What can only be known from a state: the file's unit of pressure, in which valves are set; background leakage is laid."""
        net, pipes = self._net, self._network.pipes
        net.run()
        self._unit = net.pressure_unit()
        self._due = sorted(self._network.operation.control_levels)
        self._open = np.zeros(len(self._loss), dtype=bool)
        mean = np.maximum(self._network.mean_m, _LEAST_M)
        for node in np.flatnonzero(pipes.background_m3h):
            net.set_emitter(int(self._filed[node]), float(pipes.background_m3h[node] / mean[node] ** pipes.emitter_exponent))

    def _read(self, row: int) -> None:
        net = self._net
        head, demand = net.heads(), net.demands()
        pressure = head - self._heights
        self._p[row] = pressure[self._gauge]
        self._f[row] = net.flows()[self._meter]
        self._l[row] = pressure[self._tank]
        loss = np.where(self._open, demand[self._loss], 0.0)  # EPANET goes on to give the last flow of an emitter that is closed
        self._q[row] = loss
        used, stored = float(self._drawn[row % self._per_day]), float(demand[self._stored].sum())
        supply, lost = -float(demand[self._supply].sum()), float(loss.sum())
        background = float(demand[self._drawing].sum() - demand[self._loss].sum()) - used
        self._b[row] = supply, used, lost, background, stored
        np.minimum(self._low, pressure[self._use], out=self._low)
        self._sum += pressure[self._filed]
        self._empty += bool((pressure[self._stored] <= self._least + 0.01).any())
        self._pressure = np.maximum(pressure[self._loss], _LEAST_M)

    def _result(self) -> TrueYears:
        rows = max(1, len(self._p))
        return TrueYears(
            pressure_m=self._p, flow_m3h=self._f, level_m=self._l, leak_m3h=self._q, customers_m3h=self._c, balance_m3h=self._b,
            lowest_m=self._low, mean_m=self._sum / rows, empty=self._empty / rows,
        )  # fmt: skip


def _lay_pipes(net: en.YearEngine, facts: NetworkFacts, pipes: TruePipes) -> None:
    for link in facts.pipes:
        net.set_link(int(link), en.ROUGHNESS, float(facts.roughness[link] * pipes.roughness_factor[link]))
        net.set_link(int(link), en.DIAMETER, float(facts.diameter_mm[link] * pipes.diameter_factor[link]))
    for link in pipes.closed:
        net.set_link(link, en.START_STATUS, 0.0)
    for link, loss in pipes.throttled.items():
        net.set_link(link, en.MINOR_LOSS, loss)
    for link, share in pipes.pump_wear.items():
        net.wear_pump(link, share)
    net.set_emitter_exponent(pipes.emitter_exponent)


def _at_step(factors: FloatArray, facts: NetworkFacts, step_s: int) -> FloatArray:
    """A pattern of the file at another step, from the second at which the file begins."""
    count = max(1, len(factors) * facts.pattern_step_s // step_s)
    second = np.arange(count) * step_s + facts.pattern_start_s
    return np.ascontiguousarray(factors[second // facts.pattern_step_s % len(factors)])
