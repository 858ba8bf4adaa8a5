"""``khettara bench customers --town``: leaks behind the hard meters of a made town, by kind, and what was told that is none.

A leak is found in time when it is told while it runs and within seven days; what is told is true when a leak ran there then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console

from app.leak_customers_town import Customers, make_customers
from leak_detection.customer_leaks import CustomerLeak, find_customer_leaks

METERS, DAYS = 400, 300
_IN_TIME_H = 168


@dataclass(slots=True, kw_only=True)
class TownScore:
    """What was found of some towns together, counted by kind of leak, by life, and by fault of the meter."""

    leaks: Counter[str] = field(default_factory=Counter)
    in_time: Counter[str] = field(default_factory=Counter)
    told: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def found(self) -> float:
        """Share of the leaks told within seven days."""
        return self.in_time.total() / max(1, self.leaks.total())

    @property
    def precision(self) -> float:
        """Share of what was told that is true."""
        return 1.0 - self.wrong.total() / max(1, self.told)


def score_town(town: Customers, found: Sequence[CustomerLeak], into: TownScore) -> None:
    """Adds what is found of one town; leaks finer than their meter counts are none that could be found."""
    told: dict[int, list[int]] = {}
    for leak in found:
        told.setdefault(int(leak.meter), []).append(leak.found_h)
    for true in town.leaks:
        if true.seen:
            hours = told.get(true.meter, [])
            into.leaks[true.kind] += 1
            good = any(true.start_h <= h <= min(true.end_h, true.start_h + _IN_TIME_H) + 1 for h in hours)
            into.in_time[true.kind] += good
            if not good:
                into.missed.update((town.lives[true.meter], f"{town.pulses_l[true.meter]:g} L", town.faults[true.meter]))
    by_meter: dict[int, list[tuple[int, int]]] = {}
    for true in town.leaks:
        by_meter.setdefault(true.meter, []).append((true.start_h, true.end_h + 1))
    for meter, hours in told.items():
        for hour in hours:
            into.told += 1
            if not any(start <= hour <= end for start, end in by_meter.get(meter, [])):
                into.wrong[f"{town.lives[meter]}, meter {town.faults[meter]}"] += 1


def score_towns(seeds: Sequence[int], meters: int = METERS, days: int = DAYS) -> dict[int, TownScore]:
    """The watch over towns of these seeds."""
    scores = {}
    for seed in seeds:
        town, into = make_customers(np.random.default_rng(seed), meters, days), TownScore()
        score_town(town, find_customer_leaks(town.use_l_h, tuple(map(str, range(meters)))), into)
        scores[seed] = into
    return scores


def joined(scores: Sequence[TownScore]) -> TownScore:
    """All of them as one."""
    whole = TownScore()
    for score in scores:
        whole.told += score.told
        for name in ("leaks", "in_time", "wrong", "missed"):
            getattr(whole, name).update(getattr(score, name))
    return whole


def run_bench_town(seeds: Sequence[int], console: Console) -> None:
    """Scores and prints: a row a town, then all by kind."""
    scores = score_towns(seeds)
    lines = ["| town | leaks | found in 7 days | told | precision |", "|---|---|---|---|---|"]
    whole = joined(tuple(scores.values()))
    for name, s in [*((str(seed), s) for seed, s in scores.items()), ("all", whole)]:
        lines.append(f"| {name} | {s.leaks.total()} | {s.found:.3f} | {s.told} | {s.precision:.3f} |")
    lines += ["", "| kind | found in 7 days |", "|---|---|"]
    lines += [f"| {kind} | {whole.in_time[kind]} of {n} |" for kind, n in sorted(whole.leaks.items())]
    lines += [
        "",
        "missed, by who lives there, pulse and fault: " + _said(whole.missed),
        "told without a leak: " + _said(whole.wrong),
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _said(counts: Counter[str]) -> str:
    return "; ".join(f"{name} {n}" for name, n in counts.most_common()) or "none"
