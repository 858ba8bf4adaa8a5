"""Customers' meters of a made zone: their hourly sum with what such populations get wrong, and twenty single ones."""

from __future__ import annotations

import numpy as np

from app.leak_town_records import TownPlan, Truth
from domain.series import FloatArray


def meter_sum(name: str, rng: np.random.Generator, plan: TownPlan, use: FloatArray, truth: Truth) -> FloatArray:
    """Hourly sum of a population of 40 groups of meters: low ones, dead ones, groups read late, the whole silent."""
    hourly = use.reshape(-1, 4).mean(axis=1)
    hours = hourly.size
    weight = rng.dirichlet(np.full(40, 4.0))
    seen = np.zeros(hours)
    for share in weight:
        alive = np.ones(hours)
        if rng.random() < plan.dead_meters:
            first = int(rng.uniform(0.05, 0.95) * hours)
            last = first + int(rng.uniform(14, 60) * 24) if rng.random() < 0.5 else hours
            alive[first:last] = 0.0
            truth.events.append((name, first * 4, min(last, hours) * 4, f"{share:.1%} of the meters dead"))
        drift = 1 - rng.uniform(0, 0.05) - rng.uniform(0, 0.02) * np.arange(hours) / hours
        seen += share * alive * drift
    total = hourly * seen * np.exp(rng.normal(0, 0.01, hours))
    for _ in range(rng.poisson(plan.bulk_gaps)):
        first = int(rng.integers(0, hours - 1))
        width = int(np.exp(rng.uniform(np.log(3), np.log(120))))
        if rng.random() < 0.5:
            total[first : first + width] = np.nan
        else:  # part of the concentrators is silent: the sum is too low, and nobody says so
            total[first : first + width] *= rng.uniform(0.3, 0.9)
        truth.events.append((name, first * 4, (first + width) * 4, "meter reading interrupted"))
    total[rng.random(hours) < 0.01] = np.nan
    return np.asarray(total)


def single_meters(name: str, rng: np.random.Generator, plan: TownPlan, truth: Truth) -> tuple[FloatArray, list[str]]:
    """Twenty single meters [L/h]: homes, tanks with float valves, cooling, leaks behind the meter, dead ones."""
    hours, count = plan.days * 24, 20
    hour = np.arange(hours) % 24
    likely = 0.35 * np.exp(-0.5 * ((hour - 8) / 2.5) ** 2) + 0.4 * np.exp(-0.5 * ((hour - 20) / 3.0) ** 2) + 0.02
    out = np.zeros((hours, count))
    names = [f"{name}-c{k:02d}" for k in range(count)]
    for k in range(count):
        people = rng.integers(1, 8)
        out[:, k] = rng.poisson(likely * rng.uniform(0.5, 2.0) * np.sqrt(people), hours) * rng.gamma(2.0, 18, hours)
        draw = rng.random()
        if draw < 0.12:
            first = int(rng.uniform(0.05, 0.92) * hours)
            last = min(hours - 1, first + int(rng.uniform(4, 80) * 24))
            flow = float(np.exp(rng.uniform(np.log(4), np.log(150))))
            out[first:last, k] += flow * np.exp(rng.normal(0, 0.08, last - first))
            truth.customers.append((names[k], first * 4, last * 4, flow))
        elif draw < 0.20:  # roof tank behind a float valve: a trickle while it fills, nothing when full
            filling = (np.arange(hours) + rng.integers(0, 24)) % int(rng.integers(9, 30)) < rng.integers(3, 9)
            out[:, k] = filling * rng.uniform(20, 90) * np.exp(rng.normal(0, 0.2, hours))
        elif draw < 0.25:  # evaporative cooling: by heat, not by people
            out[:, k] += np.maximum(0, rng.uniform(5, 40) * np.sin(2 * np.pi * (hour - 8) / 24))
        elif draw < 0.28:
            out[int(rng.uniform(0.2, 0.8) * hours) :, k] = 0.0
    out[rng.random(out.shape) < 0.01] = np.nan
    return out, names
