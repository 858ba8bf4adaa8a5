"""What the operator does over the years: settings of pressure valves, levels at which pumps switch, hydrants. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domain.series import FloatArray
from simulator.leak_years import engine as en
from simulator.leak_years.chance import Chance
from simulator.leak_years.demands import ExtraDraw
from simulator.leak_years.facts import NetworkFacts
from simulator.leak_years.plan import YearsPlan

_USUAL_M3H = 200.0
"""Mean demand of a network whose hydrants and leaks are as drawn; others in proportion."""


@dataclass(slots=True, kw_only=True)
class Operation:
    """Settings in time."""

    valve_m: dict[int, FloatArray]
    """Setting of each pressure valve at every hour [m], by position of the link."""
    control_levels: list[tuple[int, int, float]]
    """Row from which on, index of the control, level [m]."""
    hydrants: list[ExtraDraw]
    notes: dict[str, Any] = field(default_factory=dict)


def size_factor(facts: NetworkFacts) -> float:
    """How much larger than usual hydrants and leaks of a network are."""
    return float(np.clip(facts.total_m3h / _USUAL_M3H, 0.15, 4.0))


def draw_operation(facts: NetworkFacts, plan: YearsPlan, chance: Chance) -> Operation:
    """Draws the operator's years."""
    notes: dict[str, Any] = {}
    return Operation(
        valve_m=_valves(facts, plan, chance, notes),
        control_levels=_controls(facts, plan, chance, notes),
        hydrants=_hydrants(facts, plan, chance, notes),
        notes=notes,
    )


def _valves(facts: NetworkFacts, plan: YearsPlan, chance: Chance, notes: dict[str, Any]) -> dict[int, FloatArray]:
    hours, out = plan.days * 24, {}
    wrong = chance.rng("pressure valves set otherwise", "network")
    wander = chance.rng("pressure valves drift")
    sd, drift = chance.pick("pressure valves set otherwise", 0.25, 0.8), chance.pick("pressure valves drift", 0.08, 0.3)
    many = chance.pick("pressure valves changed", 1.0, 3.0)
    operator = chance.rng("pressure valves changed")
    said: dict[str, Any] = {}
    for link in facts.at(en.PRV):
        if facts.setting[link] <= 0:
            continue
        offset = float(sd * wrong.normal())
        walk = np.cumsum(wander.normal(size=plan.days + 2))
        walk = walk - np.linspace(walk[0], walk[-1], walk.size) * wander.uniform(0, 1)
        slow = drift * walk / max(1.0, float(np.abs(walk).max()))
        level = facts.setting[link] + offset + np.interp(np.arange(hours) / 24, np.arange(plan.days + 2), slow)
        changes = _changes(plan, operator, many)
        for first, end, metres in changes:
            level[first:end] += metres
        out[int(link)] = level
        said[facts.links[link]] = {
            "wrong by m": round(offset, 3),
            "drift, most m": round(float(np.abs(slow).max()), 3),
            "changed": [
                (f"{plan.moment(a * 3600 // plan.step_s)}", f"{plan.moment(b * 3600 // plan.step_s)}", round(m, 2))
                for a, b, m in changes
            ],
        }
    notes["pressure valves"] = said
    return out


def _changes(plan: YearsPlan, rng: np.random.Generator, many: float) -> list[tuple[int, int, float]]:
    """First hour, hour after the last, and metres: for good or for days."""
    hours, out = plan.days * 24, []
    for _ in range(rng.poisson(many * plan.days / 365) if many else 0):
        first = int(rng.uniform(0.03, 0.97) * hours)
        end = hours if rng.random() < 0.4 else min(hours, first + int(np.exp(rng.uniform(np.log(6), np.log(24 * 40)))))
        out.append((first, end, float(rng.choice([-1, 1]) * rng.uniform(0.4, 2.0))))
    return out


def _controls(facts: NetworkFacts, plan: YearsPlan, chance: Chance, notes: dict[str, Any]) -> list[tuple[int, int, float]]:
    """Levels at which pumps switch, changed once or twice in the recording."""
    rng, times = chance.rng("pump controls changed"), chance.level("pump controls changed")
    out: list[tuple[int, int, float]] = []
    said = []
    links = {facts.links[k] for k in facts.at(en.PUMP)}
    controls = [c for c in facts.controls if c.link in links and facts.nodes.index(c.node) in facts.tank_range_m]
    for row in sorted(int(r) for r in rng.uniform(0.05, 0.95, times) * plan.rows):
        low_by, high_by = float(rng.uniform(-0.25, 0.35)), float(rng.uniform(-0.35, 0.05))
        for control in controls:
            least, most = facts.tank_range_m[facts.nodes.index(control.node)]
            by = (high_by if control.above else low_by) * min(1.0, (most - least) / 4)
            level = float(np.clip(control.level_m + by, least + 0.2 * (most - least), most - 0.02 * (most - least)))
            out.append((row, control.index, level))
            said.append((str(plan.moment(row)), control.link, "above" if control.above else "below", round(level, 2)))
    notes["pump controls changed"] = said
    return out


def _hydrants(facts: NetworkFacts, plan: YearsPlan, chance: Chance, notes: dict[str, Any]) -> list[ExtraDraw]:
    """Flushing and fire: minutes to hours, large, lawful; at nodes of wide pipes."""
    rng, a_year = chance.rng("hydrants"), chance.pick("hydrants", 12.0, 40.0)
    wide = np.zeros(len(facts.nodes))
    for link in facts.pipes:
        wide[facts.ends[link]] = np.maximum(wide[facts.ends[link]], facts.diameter_mm[link])
    fit = np.flatnonzero(wide[facts.demand_nodes] >= np.median(wide[facts.demand_nodes]))
    out = []
    for _ in range(rng.poisson(a_year * plan.days / 365) if a_year else 0):
        first = int(rng.uniform(0, plan.rows - 1))
        seconds = float(np.exp(rng.uniform(np.log(600), np.log(3 * 3600))))
        flow = float(rng.uniform(5, 30)) * min(1.0, size_factor(facts))
        out.append(
            ExtraDraw(
                node=int(rng.choice(fit)),
                first=first,
                end=min(plan.rows, first + max(1, round(seconds / plan.step_s))),
                flow_m3h=flow,
                metered=False,
            )
        )
    notes["hydrants"] = {"number": len(out)}
    return out


def customer_leaks(facts: NetworkFacts, plan: YearsPlan, chance: Chance, customers: list[str]) -> list[ExtraDraw]:
    """Water that runs off behind some of the customers' meters, at one flow."""
    rng, most = chance.rng("leaks behind customers' meters"), chance.level("leaks behind customers' meters")
    nodes = [
        int(np.flatnonzero(facts.demand_nodes == facts.nodes.index(c))[0])
        for c in customers
        if facts.nodes.index(c) in facts.demand_nodes
    ]
    out = []
    for node in rng.choice(nodes, size=min(len(nodes), (0, 4, 9)[most]), replace=False) if nodes and most else ():
        first = int(rng.uniform(0.05, 0.9) * plan.rows)
        end = min(plan.rows, first + int(rng.uniform(10, 70) * plan.per_day))
        out.append(ExtraDraw(node=int(node), first=first, end=end, flow_m3h=float(rng.uniform(0.015, 0.12)), metered=True))
    return out
