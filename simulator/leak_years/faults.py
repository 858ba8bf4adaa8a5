"""Faults of pressure gauges laid over a recording, and the list of them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from simulator.leak_years.chance import Chance
from simulator.leak_years.gauges import in_steps
from simulator.leak_years.plan import Places, YearsPlan

Lay = Callable[[FloatArray, np.random.Generator, int], tuple[FloatArray, str]]
"""Takes the readings of the fault's time, chance and samples of a day; gives what is read instead, and its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeFault:
    """What is wrong with a gauge from a row until before another; ``words`` begin with the kind."""

    gauge: str
    words: str
    first: int
    end: int


def lay_faults(pressure_m: FloatArray, plan: YearsPlan, places: Places, chance: Chance) -> list[GaugeFault]:
    """Distorts readings in place: each kind in turn on a gauge of its own, a third of the gauges; most in the second part."""
    rng, gauges = chance.rng("gauge faults"), len(places.gauges)
    order, kinds = rng.permutation(gauges), rng.permutation(np.array(list(_KINDS)))
    count = min(gauges, max(3, round(gauges * float(rng.uniform(0.25, 0.4)))))
    out: list[GaugeFault] = []
    free = [int(g) for g in order[:count]]
    for k in range(count):
        if not free:
            break
        kind, gauge = str(kinds[k % len(kinds)]), free.pop()
        first, end = _when(kind, plan, rng)
        if kind == "swapped":
            if not free:
                continue
            other = free.pop()
            pressure_m[first:end, [gauge, other]] = pressure_m[first:end, [other, gauge]]
            for one, two in ((gauge, other), (other, gauge)):
                out.append(GaugeFault(gauge=places.gauges[one], words=f"swapped with {places.gauges[two]}", first=first, end=end))
            continue
        values, words = _KINDS[kind](pressure_m[first:end, gauge].copy(), rng, plan.per_day)
        pressure_m[first:end, gauge] = values
        out.append(GaugeFault(gauge=places.gauges[gauge], words=f"{kind} {words}".strip(), first=first, end=end))
    return sorted(out, key=lambda fault: fault.first)


def _when(kind: str, plan: YearsPlan, rng: np.random.Generator) -> tuple[int, int]:
    part, length = (plan.split_row, plan.rows - plan.split_row) if rng.random() < 0.75 else (0, plan.split_row)
    first = part + int(rng.uniform(0.05, 0.8) * length)
    low, high = _DAYS[kind]
    days = float(np.exp(rng.uniform(np.log(low), np.log(high)))) * max(0.3, plan.days / 730)
    return first, min(part + length, first + max(plan.per_day, int(days * plan.per_day)))


def _stuck(values: FloatArray, _rng: np.random.Generator, _per_day: int) -> tuple[FloatArray, str]:
    seen = values[np.isfinite(values)]
    return np.where(np.isfinite(values), seen[0] if seen.size else np.nan, np.nan), ""


def _drift(values: FloatArray, rng: np.random.Generator, _per_day: int) -> tuple[FloatArray, str]:
    metres = float(rng.choice([-1, 1]) * rng.uniform(0.4, 2.0))
    return values + np.linspace(0, metres, len(values)), f"{metres:+.2f} m by its end"


def _step(values: FloatArray, rng: np.random.Generator, _per_day: int) -> tuple[FloatArray, str]:
    metres = float(rng.choice([-1, 1]) * rng.uniform(0.3, 1.5))
    return values + metres, f"{metres:+.2f} m"


def _clock(values: FloatArray, rng: np.random.Generator, per_day: int) -> tuple[FloatArray, str]:
    minutes = float(rng.choice([-120, -60, -30, 30, 60, 120]))
    rows = round(minutes * per_day / 1440) or 1
    out = np.full_like(values, np.nan)
    if rows > 0:
        out[rows:] = values[:-rows]
    else:
        out[:rows] = values[-rows:]
    return out, f"{abs(minutes):.0f} min {'late' if rows > 0 else 'early'}"


def _dead(values: FloatArray, rng: np.random.Generator, per_day: int) -> tuple[FloatArray, str]:
    silent, metres = int(rng.uniform(0.3, 0.6) * len(values)), float(rng.choice([-1, 1]) * rng.uniform(0.2, 1.0))
    out = values + metres
    out[:silent] = np.nan
    return out, f"for {silent / per_day:.0f} days then {metres:+.2f} m"


def _gain(values: FloatArray, rng: np.random.Generator, _per_day: int) -> tuple[FloatArray, str]:
    factor = float(1 + rng.choice([-1, 1]) * rng.uniform(0.01, 0.05))
    return values * factor, f"{factor:.3f}"


def _noise(values: FloatArray, rng: np.random.Generator, _per_day: int) -> tuple[FloatArray, str]:
    metres = float(rng.uniform(0.3, 1.5))
    return values + metres * rng.standard_normal(len(values)), f"{metres:.2f} m"


def _quantised(values: FloatArray, rng: np.random.Generator, _per_day: int) -> tuple[FloatArray, str]:
    metres = float(rng.choice([0.5, 1.0]))
    return in_steps(values, metres), f"to {metres:g} m"


def _spikes(values: FloatArray, rng: np.random.Generator, _per_day: int) -> tuple[FloatArray, str]:
    share = float(rng.uniform(0.005, 0.03))
    hit = rng.random(len(values)) < share
    return np.where(hit, rng.choice([0.0, 99.0, 160.0], size=len(values)), values), f"in {share:.1%} of the samples"


_KINDS: dict[str, Lay] = {
    "stuck": _stuck, "drift": _drift, "step": _step, "clock": _clock, "dead": _dead, "gain": _gain, "noise": _noise,
    "swapped": _stuck, "quantised": _quantised, "spikes": _spikes,
}  # fmt: skip
"""``swapped`` takes two gauges and is laid by ``lay_faults`` itself."""
_DAYS = {
    "stuck": (4, 60), "drift": (40, 160), "step": (30, 300), "clock": (20, 200), "dead": (30, 120), "gain": (30, 300),
    "noise": (5, 60), "swapped": (20, 200), "quantised": (40, 300), "spikes": (20, 150),
}  # fmt: skip
"""Least and most length [days] over two years."""
