"""What of the pipes, valves and pumps is otherwise than the network file says, and background leakage. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domain.series import FloatArray
from simulator.leak_years import engine as en
from simulator.leak_years.chance import Chance
from simulator.leak_years.facts import NetworkFacts, neighbours, on_links, patches

_GROUP = "network"
_TO_ROUGHNESS = {0: 1.0, 1: -7.4, 2: -0.93}
"""By formula: the power of a Hazen-Williams factor that has about the same loss of head (h ~ C^-1.85, ~ f(e), ~ n^2)."""


@dataclass(slots=True, kw_only=True)
class TruePipes:
    """Factors and changes, by position of the link."""

    roughness_factor: FloatArray
    """On the file's roughness, shape (links,)."""
    diameter_factor: FloatArray
    closed: tuple[int, ...]
    throttled: dict[int, float]
    """Minor loss of valves half closed."""
    pump_wear: dict[int, float]
    """Share of the head that a pump has lost."""
    background_m3h: FloatArray
    """Losses too small to be found, at mean pressure, by node."""
    emitter_exponent: float
    notes: dict[str, Any] = field(default_factory=dict)


def draw_pipes(facts: NetworkFacts, chance: Chance) -> TruePipes:
    """Draws all of it for one seed."""
    notes: dict[str, Any] = {}
    factor = _roughness(facts, chance, notes)
    diameter = _diameters(facts, chance, notes)
    closed, throttled = _valves(facts, chance, notes)
    background, exponent = _background(facts, chance, notes)
    return TruePipes(
        roughness_factor=factor ** _TO_ROUGHNESS.get(facts.headloss, 1.0),
        diameter_factor=diameter,
        closed=closed,
        throttled=throttled,
        pump_wear=_wear(facts, chance, notes),
        background_m3h=background,
        emitter_exponent=exponent,
        notes=notes,
    )


def _roughness(facts: NetworkFacts, chance: Chance, notes: dict[str, Any]) -> FloatArray:
    """Hazen-Williams factor of every link."""
    rng = chance.rng("roughness by district", _GROUP)
    sd = chance.pick("roughness by district", 0.06, 0.13)
    by_district = sd * on_links(facts, patches(facts, rng)) + 0.4 * sd * rng.normal(size=len(facts.links))
    rng = chance.rng("roughness by age", _GROUP)
    worst = chance.pick("roughness by age", 0.12, 0.3)
    age = np.clip(0.5 + 0.35 * on_links(facts, patches(facts, rng)) + 0.15 * rng.normal(size=len(facts.links)), 0, 1)
    by_age = worst * (float(age.mean()) - age)
    lean = rng.uniform(-0.6, 0.4) * worst
    factor = np.clip(np.exp(by_district + by_age + lean), 0.5, 1.45)
    notes["roughness by district"] = {"standard deviation of the Hazen-Williams factor": sd}
    notes["roughness by age"] = {
        "factor of old to new pipes": round(float(np.exp(-worst)), 3),
        "factor of all": round(float(np.exp(lean)), 3),
    }
    return np.asarray(factor)


def _diameters(facts: NetworkFacts, chance: Chance, notes: dict[str, Any]) -> FloatArray:
    rng, sd = chance.rng("diameters", _GROUP), chance.pick("diameters", 0.012, 0.035)
    lean = rng.uniform(-1, 0.3) * sd
    notes["diameters"] = {"standard deviation of the factor": sd, "factor of all": round(1 + lean, 4)}
    return np.asarray(np.clip(1 + lean + sd * rng.normal(size=len(facts.links)), 0.85, 1.1))


def _valves(facts: NetworkFacts, chance: Chance, notes: dict[str, Any]) -> tuple[tuple[int, ...], dict[int, float]]:
    """One or two pipes that water can go round, wide ones before narrow ones."""
    rng, count = chance.rng("valves not as in the file", _GROUP), chance.level("valves not as in the file")
    pipes = facts.pipes
    likely = np.where(facts.is_open[pipes], facts.diameter_mm[pipes] ** 1.5 * facts.length_m[pipes] ** 0.3, 0.0)
    closed: list[int] = []
    throttled: dict[int, float] = {}
    for link in rng.choice(pipes, size=min(40, int((likely > 0).sum())), replace=False, p=likely / likely.sum()):
        if len(closed) + len(throttled) >= count:
            break
        if not _goes_round(facts, (*closed, int(link))):
            continue
        if rng.random() < 0.6:
            closed.append(int(link))
        else:
            throttled[int(link)] = float(np.exp(rng.uniform(np.log(80), np.log(3000))))
    notes["valves not as in the file"] = {
        "closed": [facts.links[k] for k in closed],
        "half closed, minor loss": {facts.links[k]: round(v) for k, v in throttled.items()},
    }
    return tuple(closed), throttled


def _goes_round(facts: NetworkFacts, closed: tuple[int, ...]) -> bool:
    """Whether the ends of the last of some closed pipes are still joined."""
    graph, last = neighbours(facts), closed[-1]
    seen, stack = {int(facts.ends[last, 0])}, [int(facts.ends[last, 0])]
    while stack:
        for other, _, link in graph[stack.pop()]:
            if link not in closed and facts.is_open[link] and facts.link_kind[link] <= en.PIPE and other not in seen:
                seen.add(other)
                stack.append(other)
    return int(facts.ends[last, 1]) in seen


def _wear(facts: NetworkFacts, chance: Chance, notes: dict[str, Any]) -> dict[int, float]:
    rng, most = chance.rng("pumps worn", _GROUP), chance.pick("pumps worn", 0.03, 0.08)
    wear = {int(k): float(most * rng.uniform(0.4, 1.0)) for k in facts.at(en.PUMP) if most}
    notes["pumps worn"] = {"share of the head lost": {facts.links[k]: round(v, 4) for k, v in wear.items()}}
    return wear


def _background(facts: NetworkFacts, chance: Chance, notes: dict[str, Any]) -> tuple[FloatArray, float]:
    """Seepage of joints: by length of the pipes at a node and by district."""
    rng, share = chance.rng("background leakage", _GROUP), chance.pick("background leakage", 0.04, 0.1)
    weight = np.zeros(len(facts.nodes))
    for link in facts.pipes:
        weight[facts.ends[link]] += facts.length_m[link] / 2
    weight *= np.exp(0.5 * patches(facts, rng)) * (facts.node_kind == en.JUNCTION)
    exponent = float(rng.uniform(0.8, 1.2))
    notes["background leakage"] = {"share of the mean demand": share, "exponent of pressure": round(exponent, 3)}
    return np.asarray(share * facts.total_m3h * weight / weight.sum()), exponent
