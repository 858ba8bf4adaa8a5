"""The leaks of the recording: where, when, how large, how they grow, and what the utility knows of their repair. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from simulator.leak_years.chance import Chance
from simulator.leak_years.facts import Ints, NetworkFacts, areas
from simulator.leak_years.growth import growth
from simulator.leak_years.operation import size_factor
from simulator.leak_years.plan import YearsPlan

_GROUP = "leaks"
_LEAST_M3H, _SD = 1.3, 0.6
"""Of a usual network: the least peak, and the spread of the logarithm of peaks."""
_OF_LARGEST, _OF_OTHERS = 0.55, 0.28
"""The most that leaks of an area take of its demand at one time: small ones hang on one valve or pump."""
_NEW = ("abrupt", "linear", "quadratic", "exponential", "jumps", "pauses", "break then growth", "reopens")
_NEW_SHARES = (0.36, 0.13, 0.1, 0.1, 0.09, 0.08, 0.07, 0.07)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leak:
    """One leak of a pipe."""

    link: int
    pipe: str
    place: float
    """Share of the pipe's length before it."""
    first: int
    """Row; below 0 where it is older than the recording."""
    end: int
    """Row at which it is closed; the number of rows where it stands."""
    grown: int
    law: str
    peak_m3h: float
    """At its pipe's mean pressure."""
    exponent: float
    """Of the pressure: 0.5 for a hole that keeps its size, up to 1.5 for a crack that opens."""
    share: FloatArray
    """Of its peak at every row."""
    area: int
    booked: int | None
    """Row that the utility's list of repairs gives; None where it has none."""

    @property
    def kind(self) -> str:
        """``abrupt`` or ``incipient``, as other sets say it."""
        return "abrupt" if self.law in ("abrupt", "reopens") else "incipient"

    @property
    def full(self) -> int:
        """Row at which it has its full size."""
        return self.first if self.kind == "abrupt" else self.grown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Life:
    first: int
    end: int
    grown: int
    law: str


def draw_leaks(facts: NetworkFacts, plan: YearsPlan, chance: Chance, avoid: Sequence[int]) -> list[Leak]:
    """Draws leaks on pipes other than ``avoid``, in the order of their beginning."""
    rng = chance.rng("leaks", _GROUP)
    smaller = 0.92 ** chance.attempts.get(_GROUP, 0)
    usual_m3h, size = float(rng.uniform(3.0, 8.0)), size_factor(facts)
    middle = (usual_m3h * size if plan.leak_m3h is None else plan.leak_m3h) * smaller
    area, pipes, likely = areas(facts), facts.pipes, _likely(facts, avoid)
    used = _Room(facts, area)
    out: list[Leak] = []
    for life in _lives(plan, rng):
        peak = float(np.clip(middle * np.exp(_SD * rng.normal()), _LEAST_M3H * size, max(middle, 0.15 * facts.total_m3h)))
        for attempt in range(1, 400):
            link = int(rng.choice(pipes, p=likely))
            if used.fits(link, peak, life) and all(link != o.link for o in out):
                break
            if attempt % 25 == 0:
                peak = max(_LEAST_M3H * size, 0.85 * peak)
        else:
            continue  # the network holds no more
        used.take(link, peak, life)
        out.append(
            Leak(
                link=link,
                pipe=facts.links[link],
                place=round(float(rng.uniform(0.2, 0.8)), 3),
                first=life.first,
                end=life.end,
                grown=life.grown,
                law=life.law,
                peak_m3h=peak,
                exponent=round(float(rng.uniform(0.5, 1.5)), 3),
                share=growth(life.law, plan.rows, life.first, life.end, life.grown, rng),
                area=int(area[facts.ends[link, 0]]),
                booked=_booked(plan, life, rng),
            )
        )
    return sorted(out, key=lambda leak: leak.first)


def open_in_second(leaks: Sequence[Leak], plan: YearsPlan) -> list[Leak]:
    """Leaks that are open in the part that is judged."""
    return [leak for leak in leaks if leak.end > plan.split_row]


def number_of(leaks: int, plan: YearsPlan) -> int:
    """How many leaks a recording has that would have so many over two years."""
    return max(3, round(leaks * max(0.2, plan.days / 730)))


def _lives(plan: YearsPlan, rng: np.random.Generator) -> list[_Life]:
    """Some older than the recording, some of the first part of which half stand, more of the second."""
    total = number_of(int(rng.integers(plan.leaks[0], plan.leaks[1] + 1)), plan)
    share = float(rng.uniform(0.07, 0.14))
    old = max(1, round(total * share)) if plan.old_leaks else 0
    first = max(1, round((total - old) * float(rng.uniform(0.42, 0.5))))
    standing = max(1, round(first * float(rng.uniform(0.3, 0.5))))
    # In the order in which they find room: what is open in the part that is judged before what is repaired.
    lives = [_old(plan, rng) for _ in range(old)]
    lives += [_first(plan, rng, True) for _ in range(standing)]
    lives += [_second(plan, rng) for _ in range(max(1, total - old - first))]
    return lives + [_first(plan, rng, False) for _ in range(first - standing)]


def _old(plan: YearsPlan, rng: np.random.Generator) -> _Life:
    first = -int(rng.uniform(20, 500) * plan.per_day)
    end = plan.rows if rng.random() < 0.75 else _between(plan, rng, 0.55, 0.95)
    return _Life(first=first, end=end, grown=_between(plan, rng, 0.1, 0.9), law="seepage")


def _first(plan: YearsPlan, rng: np.random.Generator, stands: bool) -> _Life:
    half, law = plan.split_row, str(rng.choice(_NEW, p=_NEW_SHARES))
    first = int(rng.uniform(0.03, 0.82) * half)
    if stands:
        end = plan.rows if rng.random() < 0.6 else _between(plan, rng, 0.6, 0.95)
        grown = min(first + _growing(plan, rng), half - plan.per_day)
    else:
        end = min(
            half - plan.per_day, first + int(np.exp(rng.uniform(np.log(6), np.log(90))) * plan.per_day * max(0.2, plan.days / 730))
        )
        grown = first + int(rng.uniform(0.4, 0.9) * (end - first))
    return _Life(first=first, end=end, grown=max(grown, first + 1), law=law)


def _second(plan: YearsPlan, rng: np.random.Generator) -> _Life:
    law = str(rng.choice(_NEW, p=_NEW_SHARES))
    first = plan.split_row + int(rng.uniform(0.015, 0.93) * (plan.rows - plan.split_row))
    left = plan.rows - first
    if rng.random() < 0.55:
        end, grown = plan.rows, first + min(_growing(plan, rng), int(0.8 * left))
    else:
        end = min(plan.rows, first + int(np.exp(rng.uniform(np.log(9), np.log(120))) * plan.per_day * max(0.2, plan.days / 730)))
        grown = first + int(rng.uniform(0.4, 0.9) * (end - first))
    return _Life(first=first, end=end, grown=max(grown, first + 1), law=law)


def _growing(plan: YearsPlan, rng: np.random.Generator) -> int:
    return int(np.exp(rng.uniform(np.log(8), np.log(150))) * plan.per_day * max(0.15, plan.days / 730))


def _between(plan: YearsPlan, rng: np.random.Generator, low: float, high: float) -> int:
    return int(rng.uniform(low, high) * plan.rows)


def _booked(plan: YearsPlan, life: _Life, rng: np.random.Generator) -> int | None:
    """A repair is booked when it is done; now and then days late, now and then not at all. Of the first part alone."""
    late = int(rng.uniform(1, 14) * plan.per_day)
    draw = rng.random()
    row = life.end if draw < 0.78 else life.end + late
    return row if life.end < plan.split_row and row < plan.split_row and draw < 0.92 else None


def _likely(facts: NetworkFacts, avoid: Sequence[int]) -> FloatArray:
    """By length, small areas a little more often so that they have some, too."""
    pipes, area = facts.pipes, areas(facts)
    of = area[facts.ends[pipes, 0]]
    metres = np.where(facts.is_open[pipes] & (facts.length_m[pipes] > 3), facts.length_m[pipes], 0.0)
    metres[np.isin(pipes, list(avoid))] = 0.0
    held = np.bincount(of, weights=metres, minlength=int(area.max()) + 1)
    weight = metres * np.maximum(held[of], 1.0) ** -0.25
    return np.asarray(weight / weight.sum())


class _Room:
    """How much each area can still lose."""

    def __init__(self, facts: NetworkFacts, area: Ints) -> None:
        count = int(area.max()) + 1
        self._of = area[facts.ends[:, 0]]
        demand = np.bincount(area[facts.demand_nodes], weights=facts.demand_m3h, minlength=count)
        self._most = np.where(demand >= demand.max(), _OF_LARGEST, _OF_OTHERS) * demand
        self._taken: list[tuple[int, float, _Life]] = []

    def fits(self, link: int, peak_m3h: float, life: _Life) -> bool:
        here = int(self._of[link])
        beside = [p for a, p, o in self._taken if a == here and o.first < life.end and o.end > life.first]
        return bool(sum(beside) + peak_m3h <= self._most[here])

    def take(self, link: int, peak_m3h: float, life: _Life) -> None:
        self._taken.append((int(self._of[link]), peak_m3h, life))
