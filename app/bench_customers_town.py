"""``khettara bench customers --town``: leaks behind the hard meters of a made town, by kind, and what was told that is none.

A leak is found in time when it is told while it runs and within seven days; what is told is true when a leak ran there then.
What nothing can be read of is not counted, but named: finer than the register counts, or while the meter said nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console

from app.leak_customers_town import IN_TIME_H, Customers, make_customers
from leak_detection.customer_leaks import CustomerLeak, find_customer_leaks

METERS, DAYS = 400, 300
_SHORT_H = 24
"""What is over sooner may be a hose: it is counted, and told of apart."""
_SIZES = {"below 10": 10.0, "10 to 50": 50.0, "50 to 500": 500.0, "500 and more": np.inf}
"""Flows below which a leak is of a size [L/h]."""


@dataclass(slots=True, kw_only=True)
class TownScore:
    """What was found of some towns together, counted by kind of leak, by life, and by fault of the meter."""

    leaks: Counter[str] = field(default_factory=Counter)
    in_time: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)
    """Not counted, by why nothing of them can be read."""
    by_size: Counter[str] = field(default_factory=Counter)
    by_size_in_time: Counter[str] = field(default_factory=Counter)
    short: int = 0
    """Leaks over within a day."""
    short_in_time: int = 0
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
        if true.hidden:
            into.hidden[true.hidden] += 1
            continue
        hours = told.get(true.meter, [])
        good = any(true.begin_h <= h <= min(true.end_h, true.start_h + IN_TIME_H) + 1 for h in hours)
        short, size = true.end_h - true.start_h < _SHORT_H, _size(true.flow_l_h)
        into.leaks[true.kind] += 1
        into.in_time[true.kind] += good
        into.late[true.kind] += not good and any(true.begin_h <= h <= true.end_h + 1 for h in hours)
        into.by_size[size] += 1
        into.by_size_in_time[size] += good
        into.short += short
        into.short_in_time += short and good
        if not good:
            into.missed.update((town.lives[true.meter], f"{town.pulses_l[true.meter]:g} L", town.faults[true.meter]))
    by_meter: dict[int, list[tuple[int, int]]] = {}
    for true in town.leaks:
        by_meter.setdefault(true.meter, []).append((true.begin_h, true.end_h + 1))
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
        whole.short += score.short
        whole.short_in_time += score.short_in_time
        for name in ("leaks", "in_time", "late", "hidden", "by_size", "by_size_in_time", "wrong", "missed"):
            getattr(whole, name).update(getattr(score, name))
    return whole


def run_bench_town(seeds: Sequence[int], console: Console) -> None:
    """Scores and prints: a row a town, then all by kind."""
    scores = score_towns(seeds)
    lines = ["| town | leaks | found in 7 days | told | precision |", "|---|---|---|---|---|"]
    whole = joined(tuple(scores.values()))
    for name, s in [*((str(seed), s) for seed, s in scores.items()), ("all", whole)]:
        lines.append(f"| {name} | {s.leaks.total()} | {s.found:.3f} | {s.told} | {s.precision:.3f} |")
    lines += ["", "| kind | of | found in 7 days | later | missed |", "|---|---|---|---|---|"]
    for kind, n in sorted(whole.leaks.items()):
        found, late = whole.in_time[kind], whole.late[kind]
        lines.append(f"| {kind} | {n} | {found} | {late} | {n - found - late} |")
    lines += ["", "| at most, L/h | found in 7 days |", "|---|---|"]
    lines += [f"| {size} | {whole.by_size_in_time[size]} of {whole.by_size[size]} |" for size in _SIZES]
    lines += [
        "",
        f"over within {_SHORT_H} h: {whole.short_in_time} of {whole.short} found; not counted: " + _said(whole.hidden),
        "missed or late, by who lives there, pulse and fault: " + _said(whole.missed),
        "told without a leak: " + _said(whole.wrong),
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _size(flow_l_h: float) -> str:
    return next(size for size, below in _SIZES.items() if flow_l_h < below)


def _said(counts: Counter[str]) -> str:
    return "; ".join(f"{name} {n}" for name, n in counts.most_common()) or "none"
