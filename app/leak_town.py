"""``khettara leaks make-set``: a labelled year of metered zones that is hard on a balance, in the layout of the zone sets.

Unlike a town that only adds a leak to a clean balance: meters are a population (many read low, some die, some are read late in
bulk), part of the customers has none, habits of those without differ from those with, Ramadan moves the night, growth of leaks
follows several laws, a valve is left open between two zones, gardens are watered at night, inlet meters change their reading.
Everything is drawn from one seed; what is wrong when is written beside the data under ``truth``, which no detector reads.
"""

from __future__ import annotations

import numpy as np

from app.leak_customers_town import make_customers
from app.leak_town_records import PER_DAY, Recording, TownPlan, Truth
from app.leak_town_zone import make_zone


def make_town(seed: int, plan: TownPlan | None = None) -> tuple[Recording, Truth]:
    """The year of one seed."""
    plan = plan or TownPlan()
    rng = np.random.default_rng(seed)
    truth = Truth()
    parts = [make_zone(f"Z{k + 1:02d}", rng, plan, truth) for k in range(plan.zones)]
    out = Recording(
        names=[f"Z{k + 1:02d}" for k in range(plan.zones)],
        inflow=np.stack([p.inflow for p in parts], axis=1),
        pressure=np.stack([p.pressure for p in parts], axis=1),
        critical=np.stack([p.critical for p in parts], axis=1),
        meters=np.stack([p.meters for p in parts], axis=1),
        single=np.concatenate([p.single for p in parts], axis=1),
        single_names=[n for p in parts for n in p.single_names],
        coverage={f"Z{k + 1:02d}": p.coverage for k, p in enumerate(parts)},
    )
    _open_valves(out, rng, plan, truth)
    _inlet_meters(out, rng, plan, truth)
    if plan.customers:
        _add_customers(out, seed, plan, truth)
    return out, truth


def _add_customers(data: Recording, seed: int, plan: TownPlan, truth: Truth) -> None:
    """Drawn from a generator of their own: a seed's zones are the same with and without them."""
    (own,) = np.random.SeedSequence(seed).spawn(1)
    made = make_customers(np.random.default_rng(own), plan.customers, plan.days)
    names = [f"H{k:04d}" for k in range(plan.customers)]
    data.single = np.concatenate([data.single, made.use_l_h], axis=1)
    data.single_names += names
    # Leaks finer than their meter counts are no truth that readings could show.
    truth.customers += [(names[k.meter], k.start_h * 4, k.end_h * 4, k.flow_l_h) for k in made.leaks if k.seen]
    pulses = (f"{p:g}" for p in made.pulses_l)
    truth.meters += list(zip(names, made.lives, pulses, made.faults, strict=True))


def _open_valves(data: Recording, rng: np.random.Generator, plan: TownPlan, truth: Truth) -> None:
    steps = len(data.inflow)
    for _ in range(plan.open_valves):
        a, b = rng.choice(len(data.names), 2, replace=False)
        first, width = int(rng.uniform(0.1, 0.88) * steps), int(rng.uniform(2, 30) * PER_DAY)
        span = slice(first, min(steps, first + width))
        # Half flow by the difference of pressures alone, half in step with the use of the zone that is fed.
        by_use = rng.random() < 0.5
        feeds = data.inflow[span, a] if by_use else np.full(len(data.inflow[span]), data.inflow[:, a].mean())
        water = rng.uniform(0.08, 0.3) * feeds
        water = np.minimum(water, 0.8 * np.minimum(data.inflow[span, a], data.inflow[span, b]))
        data.inflow[span, a] -= water
        data.inflow[span, b] += water
        for zone, other, word in ((a, b, "to"), (b, a, "from")):
            truth.events.append((data.names[zone], span.start, span.stop, f"valve open {word} {data.names[other]}"))


def _inlet_meters(data: Recording, rng: np.random.Generator, plan: TownPlan, truth: Truth) -> None:
    steps = len(data.inflow)
    for k, name in enumerate(data.names):
        if rng.random() < plan.gain_step:
            first, gain = int(rng.uniform(0.15, 0.9) * steps), float(rng.choice([-1, 1]) * rng.uniform(0.02, 0.07))
            data.inflow[first:, k] *= 1 + gain
            truth.events.append((name, first, steps, f"inlet meter reads {gain:+.1%}"))
        for _ in range(rng.poisson(6)):
            first = int(rng.integers(0, steps))
            data.inflow[first : first + int(np.exp(rng.uniform(1, 6.5))), k] = np.nan
        if rng.random() < 0.25:
            first, width = int(rng.uniform(0.1, 0.9) * steps), int(rng.uniform(10, 300))
            data.inflow[first : first + width, k] = data.inflow[first, k]
            truth.events.append((name, first, first + width, "inlet meter stuck"))
