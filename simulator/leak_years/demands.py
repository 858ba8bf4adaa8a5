"""What the true town draws: every node, every step, day by day. Pure.

A node draws its mean times a shape (the file's patterns, or end uses of its district, or between), times the day (weather, season,
growth), times noise of its own, of its street and of all. What a hydrant takes and what runs off behind a meter comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from domain.series import FloatArray
from simulator.leak_years.chance import Chance
from simulator.leak_years.end_uses import SUNDAY, USES, day_kind, season, shapes
from simulator.leak_years.facts import Ints, NetworkFacts, districts, patches
from simulator.leak_years.plan import YearsPlan

_GROUP = "network"
_DISTRICTS, _STREETS = 8, 50
_MIX = (0.72, 0.1, 0.03, 0.04, 0.05, 0.06)
"""Mean share of each end use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraDraw:
    """Water drawn on top, from a row until before another."""

    node: int
    """Position among the demand nodes."""
    first: int
    end: int
    flow_m3h: float
    metered: bool
    """Behind a customer's meter, such as a leak there; a hydrant is not."""


@dataclass(slots=True, kw_only=True)
class Town:
    """What was drawn once for a town."""

    mean_m3h: FloatArray
    """True mean of each demand node, shape (N,)."""
    mix: FloatArray
    """Share of each end use, shape (N, uses)."""
    by_use: float
    """Share of the shape that end uses give; the file's patterns give the rest."""
    district: Ints
    """Of each demand node."""
    shape: FloatArray
    """Shapes of a day, shape (districts, uses, kinds of day, per_day)."""
    day_factor: FloatArray
    """Weather, season and growth of every day, shape (days + 1,)."""
    late_rows: Ints
    """By how many rows each node is later than the file's pattern, shape (N,)."""
    sharp: float
    hotel: float
    holidays: bool
    fasting: bool
    node_sd: FloatArray
    street: Ints
    street_sd: float
    common_sd: float
    notes: dict[str, Any] = field(default_factory=dict)


def draw_town(facts: NetworkFacts, plan: YearsPlan, chance: Chance) -> Town:
    """Draws a town for one seed."""
    notes: dict[str, Any] = {}
    mean = _means(facts, chance, notes)
    by_use, mix, district, shape, hotel = _uses(facts, plan, chance, notes)
    calendar = chance.level("weekdays and holidays")
    notes["weekdays and holidays"] = {"holidays": calendar > 0, "month of fasting moves the night": calendar > 1}
    rng = chance.rng("noise of demand")
    own = float(rng.uniform(0.15, 0.4))
    small = np.clip((np.median(mean) / np.maximum(mean, 1e-9)) ** 0.25, 0.5, 1.8)
    notes["noise of demand"] = {"standard deviation of a middling node": round(own, 3)}
    return Town(
        mean_m3h=mean,
        mix=mix,
        by_use=by_use,
        district=district,
        shape=shape,
        day_factor=_days(plan, chance, notes),
        late_rows=np.asarray(np.rint(rng.normal(0, 1200 / plan.step_s, mean.size)), dtype=np.int64),
        sharp=float(rng.uniform(0.95, 1.15)),
        hotel=hotel,
        holidays=calendar > 0,
        fasting=calendar > 1,
        node_sd=own * small,
        street=np.asarray(rng.integers(0, _STREETS, mean.size), dtype=np.int64),
        street_sd=float(rng.uniform(0.1, 0.35)),
        common_sd=float(rng.uniform(0.008, 0.02)),
        notes=notes,
    )


def _means(facts: NetworkFacts, chance: Chance, notes: dict[str, Any]) -> FloatArray:
    rng = chance.rng("base demands by node", _GROUP)
    by_node = chance.pick("base demands by node", 0.12, 0.35)
    factor = np.exp(by_node * rng.normal(size=facts.demand_m3h.size))
    rng = chance.rng("base demands by district", _GROUP)
    by_district = chance.pick("base demands by district", 0.08, 0.2)
    factor *= np.exp(by_district * patches(facts, rng)[facts.demand_nodes])
    total = 1 + chance.pick("total of the demand", 0.04, 0.12) * float(chance.rng("total of the demand", _GROUP).uniform(-1, 0.6))
    notes["base demands by node"] = {"standard deviation of the logarithm": by_node}
    notes["base demands by district"] = {"standard deviation of the logarithm": by_district}
    notes["total of the demand"] = {"true over file": round(total, 4)}
    mean = facts.demand_m3h * factor
    return np.asarray(mean * (total * facts.total_m3h / mean.sum()))


def _uses(
    facts: NetworkFacts, plan: YearsPlan, chance: Chance, notes: dict[str, Any]
) -> tuple[float, FloatArray, Ints, FloatArray, float]:
    rng = chance.rng("end uses")
    by_use = chance.pick("end uses", 0.3, 0.75)
    weekend = chance.pick("weekdays and holidays", 0.5, 1.0)
    district = districts(facts, rng, _DISTRICTS)[facts.demand_nodes]
    shape = np.stack([shapes(plan.per_day, rng, 0.2 + by_use, weekend) for _ in range(_DISTRICTS)])
    by_place = np.stack([np.exp(0.8 * patches(facts, rng)[facts.demand_nodes]) for _ in USES], axis=1)
    few = np.array([0.3, 0.15, 0.04, 0.05, 0.15, 0.05])
    alone = rng.random((facts.demand_m3h.size, len(USES))) < few
    mix = np.array(_MIX) * by_place * np.where(alone, 6.0, 0.6)
    mix[:, 0] = np.maximum(mix[:, 0], 0.1)
    mix = mix / mix.sum(axis=1, keepdims=True)
    hotel = float(rng.uniform(0.3, 0.9))
    used = (mix * facts.demand_m3h[:, None]).sum(axis=0) / facts.total_m3h
    notes["end uses"] = {
        "share of the shape not of the file": by_use,
        "share of the demand": {use: round(float(s), 3) for use, s in zip(USES, used, strict=True)},
        "season of hotels": round(hotel, 2),
    }
    return by_use, np.asarray(mix), district, shape, hotel


def _days(plan: YearsPlan, chance: Chance, notes: dict[str, Any]) -> FloatArray:
    """Weather, season and growth of every day and of the one after the last."""
    day = np.arange(plan.days + 1)
    rng, sd = chance.rng("weather"), chance.pick("weather", 0.015, 0.035, absent=0.006)
    wet = np.zeros(day.size)
    for k in range(1, day.size):
        wet[k] = 0.75 * wet[k - 1] + sd * 0.66 * rng.normal()
    rng, swing = chance.rng("season"), chance.pick("season", 0.06, 0.13)
    late = float(rng.normal(205, 8))
    of_year = day + plan.start.timetuple().tm_yday
    summer = swing * np.cos(2 * np.pi * (of_year - late) / 365.25) + 0.25 * swing * np.cos(
        4 * np.pi * (of_year - rng.uniform(0, 180)) / 365.25
    )
    rng = chance.rng("growth")
    a_year = chance.pick("growth", 0.015, 0.05) * float(rng.uniform(-0.6, 1.0))
    wander = np.cumsum(rng.normal(size=day.size)) * chance.pick("growth", 0.0008, 0.002)
    notes["weather"] = {"standard deviation from day to day": sd}
    notes["season"] = {"swing of the year": swing}
    notes["growth"] = {"a year": round(a_year, 4)}
    return np.asarray(np.maximum(0.5, 1 + summer + a_year * day / 365 + wander) * np.exp(wet))


class DemandDays:
    """Draws one day after the other."""

    def __init__(
        self, facts: NetworkFacts, plan: YearsPlan, town: Town, extra: list[ExtraDraw], seed: int, *, noisy: bool = True
    ) -> None:
        self._facts, self._plan, self._town, self._extra, self._noisy = facts, plan, town, extra, noisy
        self._patterns = [np.maximum(p, 0.0) ** town.sharp for p in facts.patterns]
        self._of_district = [np.flatnonzero(town.district == d) for d in range(len(town.shape))]
        self._of_lateness = [(int(late), np.flatnonzero(town.late_rows == late)) for late in np.unique(town.late_rows)]
        self._rng = np.random.default_rng([seed, 0xDE3A])
        self._own = self._rng.standard_normal(town.mean_m3h.size).astype(np.float32)
        self._all = 0.0

    def day(self, number: int) -> tuple[FloatArray, FloatArray]:
        """Demand of each node on a day, and what of it customers' meters see [m³/h], shapes (N, per_day).

        Noise goes on from the day that was asked for before.
        """
        town, per_day = self._town, self._plan.per_day
        whole = self._shape(number) * town.mean_m3h[:, None]
        first, last = town.day_factor[number], town.day_factor[number + 1]
        whole *= first + (last - first) * np.arange(per_day) / per_day
        if self._noisy:
            whole *= self._noise()
        seen = whole
        begin = number * per_day
        today = [x for x in self._extra if x.first < begin + per_day and x.end > begin]
        if today:
            seen = whole.copy()
        for extra in today:
            rows = slice(max(0, extra.first - begin), min(per_day, extra.end - begin))
            whole[extra.node, rows] += extra.flow_m3h
            if extra.metered:
                seen[extra.node, rows] += extra.flow_m3h
        return whole, seen

    def _shape(self, number: int) -> FloatArray:
        town, today = self._town, self._plan.start.date() + timedelta(days=number)
        out = (1 - town.by_use) * self._filed(today)
        if town.by_use > 0:
            kind = day_kind(today, holidays=town.holidays, fasting=town.fasting)
            share = town.by_use * town.mix * [season(use, today, town.hotel) for use in USES]
            for district, nodes in enumerate(self._of_district):
                out[nodes] += share[nodes] @ town.shape[district, :, kind]
        return np.asarray(out)

    def _filed(self, today: date) -> FloatArray:
        """The file's patterns at each node, later or earlier by its habit; the file begins on a Monday."""
        town, facts, per_day = self._town, self._facts, self._plan.per_day
        weekday = 6 if town.holidays and day_kind(today, holidays=True, fasting=False) == SUNDAY else today.weekday()
        out = np.empty((town.mean_m3h.size, per_day))
        row = weekday * per_day + np.arange(per_day)
        for late, nodes in self._of_lateness:
            second = (row + late) % (7 * per_day) * self._plan.step_s + facts.pattern_start_s
            place = second // facts.pattern_step_s
            out[nodes] = facts.demand_share[nodes] @ np.stack([p[place % len(p)] for p in self._patterns])
        return out

    def _noise(self) -> FloatArray:
        """Factors: own with a memory of an hour, of the street without one, of all with three hours."""
        town, per_day, rng = self._town, self._plan.per_day, self._rng
        size = town.mean_m3h.size
        hour, three = np.float32(np.exp(-self._plan.step_s / 3600)), float(np.exp(-self._plan.step_s / 10800))
        fresh = rng.standard_normal((per_day, size), dtype=np.float32)
        own, kick = np.empty_like(fresh), np.float32(np.sqrt(1 - hour * hour))
        common, state = np.empty(per_day, dtype=np.float32), self._own
        pushes = rng.standard_normal(per_day) * np.sqrt(1 - three * three)
        for k in range(per_day):
            state = hour * state + kick * fresh[k]
            own[k] = state
            self._all = three * self._all + float(pushes[k])
            common[k] = self._all
        self._own = state
        white = rng.standard_normal((per_day, size), dtype=np.float32)
        street = rng.standard_normal((per_day, _STREETS), dtype=np.float32)[:, town.street]
        node = town.node_sd.astype(np.float32)
        noise = node * (np.float32(0.7) * own + np.float32(0.71) * white)
        noise += np.float32(town.street_sd) * street + np.float32(town.common_sd) * common[:, None]
        noise -= (node**2 + np.float32(town.street_sd**2 + town.common_sd**2)) / 2
        return np.asarray(np.exp(noise).T, dtype=np.float64)


def hours_mean(values: FloatArray, step_s: int) -> FloatArray:
    """Mean of each hour of a day, shapes (N, per_day) and (N, 24)."""
    return np.asarray(values.reshape(len(values), 24, 3600 // step_s).mean(axis=2))
