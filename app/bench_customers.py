"""``khettara bench customers``: sudden flows behind meters among what looks like them, found by the watch that runs.

Homes in which pipes burst, and the look-alikes: pools, gardens at night, fields, fires, building sites, shops that open again,
works that begin to run day and night, tanks after a cut, hotels. All of it is drawn from one seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from domain.series import FloatArray
from leak_detection.customer_leaks import find_customer_leaks

DAYS, KNOWN_DAYS = 200, 45
"""Length of a recording, and what of it nothing happens in."""
_H = 24 * DAYS
_HOUR = np.arange(_H) % 24
_BURSTS = 0.12
"""Share of the homes in which a pipe bursts."""
_SHORTEST_H = 18
"""A burst that is over sooner is not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """One that is true."""

    meter: int
    start_h: int
    end_h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerScore:
    """What was found of some populations together."""

    bursts: int
    in_a_day: int
    in_two_days: int
    ever: int
    told: int
    wrong: Counter[str]
    """Told without a burst, by what it was."""

    @property
    def precision(self) -> float:
        """Share of what was told that is true."""
        return 1.0 - sum(self.wrong.values()) / max(1, self.told)


def _runs(rng: np.random.Generator, use: FloatArray, start: int, hours: int, flow: float) -> None:
    """Lets so much run, steadily."""
    end = min(start + hours, use.size)
    use[start:end] += flow * np.exp(rng.normal(0, 0.05, end - start))


def _day(rng: np.random.Generator, room: int = 10) -> int:
    return int(rng.integers(KNOWN_DAYS, DAYS - room))


def _pool(rng: np.random.Generator, use: FloatArray) -> None:
    for _ in range(int(rng.integers(1, 3))):
        flow = rng.uniform(500, 1600)
        _runs(rng, use, 24 * _day(rng) + int(rng.integers(8, 20)), int(rng.uniform(15_000, 60_000) / flow), flow)


def _garden(rng: np.random.Generator, use: FloatArray) -> None:
    first, hours, clock, flow = (
        int(rng.integers(40, 120)),
        int(rng.integers(2, 11)),
        int(rng.integers(19, 24)),
        rng.uniform(150, 1200),
    )
    for day in range(first, min(first + 70, DAYS - 1)):
        if rng.random() < 0.8:
            _runs(rng, use, 24 * day + clock, hours, flow)


def _field(rng: np.random.Generator, use: FloatArray) -> None:
    day = KNOWN_DAYS + int(rng.integers(0, 15))
    while day < DAYS - 3:
        _runs(rng, use, 24 * day + int(rng.integers(5, 22)), int(rng.integers(10, 30)), rng.uniform(2000, 6000))
        day += int(rng.integers(7, 14))


def _fire(rng: np.random.Generator, use: FloatArray) -> None:
    _runs(rng, use, 24 * _day(rng) + int(rng.integers(0, 24)), int(rng.integers(2, 9)), rng.uniform(5e3, 6e4))


def _site(rng: np.random.Generator, use: FloatArray) -> None:
    first = _day(rng, 50)
    for day in range(first, first + 40):
        use[24 * day + 7 : 24 * day + 17] += rng.gamma(3, 150, 10)


def _shop(rng: np.random.Generator, use: FloatArray) -> None:
    start = 24 * _day(rng, 60)
    use[:start] = 0
    use[start:] = np.where((_HOUR[start:] >= 8) & (_HOUR[start:] < 22), rng.gamma(3, 120, _H - start), rng.gamma(1, 20, _H - start))


def _works(rng: np.random.Generator, use: FloatArray) -> None:
    start = 24 * _day(rng, 50) + int(rng.integers(0, 24))
    use[start:] += rng.gamma(6, 60, _H - start)


def _tank(rng: np.random.Generator, use: FloatArray) -> None:
    for _ in range(12):
        start = int(rng.integers(20 * 24, _H - 60))
        use[start - 10 : start] = 0
        _runs(rng, use, start, int(rng.integers(2, 6)), rng.uniform(250, 700))


def _hotel(rng: np.random.Generator, use: FloatArray) -> None:
    day = (rng.uniform(200, 900) + rng.uniform(200, 800) * np.sin(np.pi * _HOUR / 24) ** 2) * np.exp(rng.normal(0, 0.15, _H))
    use[:] = day * np.repeat(np.exp(rng.normal(0, 0.25, DAYS)), 24)


LIKE: dict[str, tuple[float, Callable[[np.random.Generator, FloatArray], None]]] = {
    "pool": (0.06, _pool), "garden": (0.06, _garden), "field": (0.02, _field), "fire": (0.02, _fire), "site": (0.03, _site),
    "shop": (0.03, _shop), "works": (0.015, _works), "tank": (0.065, _tank), "hotel": (0.03, _hotel),
}  # fmt: skip
"""Share of the meters, and what runs there."""


def make_population(seed: int, meters: int = 400) -> tuple[FloatArray, list[Burst], list[str]]:
    """Hourly use [L/h], shape (H, M), what bursts, and what each meter is."""
    rng = np.random.default_rng(seed)
    use, bursts, names = np.zeros((_H, meters)), [], []
    for m in range(meters):
        one = _home(rng)
        draw, name = rng.random(), "home"
        for what, (share, happens) in LIKE.items():
            draw -= share
            if draw < 0:
                happens(rng, one)
                name = what
                break
        if rng.random() < _BURSTS and name in ("home", "tank", "garden", "pool"):
            start, hours = 24 * _day(rng) + int(rng.integers(0, 24)), int(np.clip(rng.gamma(2, 30), 8, 200))
            _runs(rng, one, start, hours, float(np.exp(rng.uniform(np.log(200), np.log(6000)))))
            bursts.append(Burst(meter=m, start_h=start, end_h=start + hours))
        use[:, m] = np.floor(one)
        names.append(name)
    use[rng.random(use.shape) < 0.01] = np.nan
    return use, bursts, names


def _home(rng: np.random.Generator) -> FloatArray:
    events = rng.poisson(int(rng.integers(1, 8)) * 0.3 * np.where((_HOUR > 5) & (_HOUR < 23), 1.3, 0.12))
    use = np.where(events > 0, rng.gamma(2.0 * np.maximum(events, 1), 4.0), 0.0)
    if rng.random() < 0.1:  # weeks away
        for _ in range(3):
            start = int(rng.integers(0, _H - 400))
            use[start : start + int(rng.integers(100, 400))] = 0
    return np.asarray(use, dtype=np.float64)


def score_customers(seeds: list[int], meters: int = 400) -> CustomerScore:
    """Everything that the watch tells of these populations, against what is true."""
    waits: list[int | None] = []
    told, wrong = 0, Counter[str]()
    for seed in seeds:
        use, bursts, names = make_population(seed, meters)
        found = [(int(leak.meter), leak.found_h) for leak in find_customer_leaks(use, tuple(map(str, range(meters))))]
        told += len(found)
        for meter, hour in found:
            if not any(b.meter == meter and b.start_h <= hour <= b.end_h + 7 for b in bursts):
                wrong[names[meter]] += 1
        waits += [_wait(b, found) for b in bursts if b.end_h - b.start_h >= _SHORTEST_H]
    within = [sum(w is not None and w <= limit for w in waits) for limit in (24, 48, _H)]
    return CustomerScore(bursts=len(waits), in_a_day=within[0], in_two_days=within[1], ever=within[2], told=told, wrong=wrong)


def _wait(burst: Burst, found: list[tuple[int, int]]) -> int | None:
    """Hours until a burst was told; None if it never was."""
    hours = (h - burst.start_h for m, h in found if m == burst.meter and burst.start_h <= h <= burst.end_h + 7)
    return min(hours, default=None)


def run_bench_customers(seeds: list[int], console: Console) -> None:
    """Scores and prints."""
    found = score_customers(seeds)
    console.print(
        f"{found.bursts} bursts of {_SHORTEST_H} h or longer: {found.in_a_day} told within a day, {found.in_two_days} within two, "
        f"{found.ever} at all",
        highlight=False,
    )
    kinds = ", ".join(f"{name} {count}" for name, count in found.wrong.most_common()) or "none"
    console.print(f"{found.told} told, precision {found.precision:.2f}; without a burst: {kinds}", highlight=False)
