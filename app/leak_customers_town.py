"""Customers of a made town: hundreds of meters that live, read wrong and leak in many ways, all drawn from one seed.

What a customer would want to be told is written as truth: water that runs by itself. What is not truth is what people let run, and
what meters say that never ran.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from app.leak_customers_lives import LIVES, Rng, Year, make_year
from app.leak_customers_meters import FAULTS, counted, draw, pulses_of, spoilt
from domain.series import FloatArray

LEAKING = 0.3
"""Share of the meters behind which something leaks in the year."""
_SEEN = 0.2
"""Pulses an hour: with less of a leak a register tells nothing of it while a house sleeps."""
_AWAY = 0.1
"""Share of the leaks that begin while a house is empty."""
_ONSET_L_H = 3.0
_ONSET_SHARE = 0.4
"""A leak that grows counts from the larger of the two: so many litres an hour, this share of the middle hour's use."""
_FIRST_DAY = 15
IN_TIME_H = 168
"""A leak is to be found within so many hours."""
_IMPOSSIBLE_L_H = 1e5
FINER, SILENT = "finer than the register counts", "the meter said nothing of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class HardLeak:
    """One that is true."""

    meter: int
    kind: str
    start_h: int
    end_h: int
    flow_l_h: float
    """The most."""
    begin_h: int
    """First hour of any flow: what grows counts from ``start_h`` on."""
    hidden: str = ""
    """Why nothing of it can be read, if so."""

    @property
    def seen(self) -> bool:
        """Whether the register counts finely enough."""
        return self.hidden != FINER


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Customers:
    """M meters."""

    use_l_h: FloatArray
    """As read, shape (H, M); NaN where nothing came in."""
    leaks: tuple[HardLeak, ...]
    lives: tuple[str, ...]
    """Who lives behind each."""
    pulses_l: tuple[float, ...]
    faults: tuple[str, ...]


def make_customers(rng: Rng, meters: int, days: int) -> Customers:
    """Draws them all."""
    year = make_year(rng, days)
    use, leaks = np.zeros((year.hours, meters)), list[HardLeak]()
    lives, pulses, faults = [], [], []
    shares = tuple((name, share) for name, (share, _) in LIVES.items())
    for m in range(meters):
        life, pulse, fault = draw(rng, shares), pulses_of(rng), draw(rng, FAULTS)
        water = LIVES[life][1](rng, year)
        if rng.random() < LEAKING:
            leak, flow = _leak(rng, year, m, pulse, float(np.median(water)))
            if rng.random() < _AWAY:  # it begins while nobody is there
                water[max(0, leak.start_h - int(rng.integers(12, 200))) : leak.start_h + int(rng.integers(72, 400))] = 0.0
            water = water + flow
            leaks.append(leak)
        use[:, m] = spoilt(rng, counted(water, pulse), fault)
        if leaks and leaks[-1].meter == m:
            leaks[-1] = _judged(leaks[-1], flow, use[:, m])
        lives.append(life)
        pulses.append(pulse)
        faults.append(fault)
    return Customers(use_l_h=use, leaks=tuple(leaks), lives=tuple(lives), pulses_l=tuple(pulses), faults=tuple(faults))


def _leak(rng: Rng, year: Year, meter: int, pulse: float, usual: float) -> tuple[HardLeak, FloatArray]:
    """One leak and its water; where much always runs, one is large enough to be told from it."""
    kind = draw(rng, tuple((name, share) for name, (share, _) in KINDS.items()))
    flow = KINDS[kind][1](rng, year)
    if usual > 0 and not kind.startswith("burst"):
        flow *= max(1.0, float(rng.uniform(0.8, 2.0)) * usual / max(1e-9, float(flow.max())))
    onset = max(_ONSET_L_H, _SEEN * pulse, _ONSET_SHARE * usual)
    runs = np.flatnonzero(flow >= min(onset, 0.6 * float(flow.max())))
    leak = HardLeak(
        meter=meter, kind=kind, start_h=int(runs[0]), end_h=int(runs[-1]) + 1, flow_l_h=round(float(flow.max()), 1),
        begin_h=int(np.flatnonzero(flow > 0)[0]), hidden="" if float(flow.max()) >= _SEEN * pulse else FINER,
    )  # fmt: skip
    return leak, flow


def _judged(leak: HardLeak, flow: FloatArray, read: FloatArray) -> HardLeak:
    """Says of a leak if its meter reported less than half of it in the week in which it was to be found."""
    week = slice(leak.start_h, min(leak.end_h, leak.start_h + IN_TIME_H))
    told = read[week][(read[week] > 0) & (read[week] < _IMPOSSIBLE_L_H)]
    silent = float(told.sum()) < 0.5 * float(flow[week].sum())
    return replace(leak, hidden=SILENT) if silent and not leak.hidden else leak


def _log(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _span(rng: Rng, year: Year, low_d: float, high_d: float, clock: tuple[int, int] = (0, 24)) -> slice:
    start = 24 * int(rng.integers(_FIRST_DAY, year.days - 8)) + int(rng.integers(*clock))
    return slice(start, min(year.hours - 1, start + max(2, int(24 * rng.uniform(low_d, high_d)))))


def _even(rng: Rng, year: Year, span: slice, flow: float, sd: float = 0.04) -> FloatArray:
    """A hole lets through a little more at night, when pressure is high."""
    out, n = np.zeros(year.hours), span.stop - span.start
    out[span] = flow * (1 + 0.05 * np.cos(2 * np.pi * (year.hour[span] - 3) / 24)) * np.exp(rng.normal(0, sd, n))
    return out


def _drip(rng: Rng, year: Year) -> FloatArray:
    return _even(rng, year, _span(rng, year, 15, 100), rng.uniform(1.5, 5), 0.02)


def _steady(rng: Rng, year: Year) -> FloatArray:
    return _even(rng, year, _span(rng, year, 4, 80), _log(rng, 5, 180))


def _cistern(rng: Rng, year: Year) -> FloatArray:
    """Runs for days, is shaken and holds for a while, runs again."""
    whole, flow, out = _span(rng, year, 15, 50), _log(rng, 8, 60), np.zeros(year.hours)
    at = whole.start
    while at < whole.stop:
        last = min(whole.stop, at + int(24 * rng.uniform(1.5, 8)))
        out[at:last] = flow * np.exp(rng.normal(0, 0.05, last - at))
        at = last + int(24 * rng.uniform(0.3, 3))
    return out


def _growing(rng: Rng, year: Year) -> FloatArray:
    span = _span(rng, year, 15, 70)
    share = np.linspace(0, 1, span.stop - span.start) ** rng.uniform(0.5, 2)
    out = np.zeros(year.hours)
    out[span] = _log(rng, 20, 300) * share
    return out


def _stepwise(rng: Rng, year: Year) -> FloatArray:
    span = _span(rng, year, 10, 50)
    out = _even(rng, year, span, _log(rng, 30, 300))
    middle = (span.start + span.stop) // 2
    out[middle:] *= rng.uniform(0.2, 0.6)
    return out


def _burst(rng: Rng, year: Year) -> FloatArray:
    return _even(rng, year, _span(rng, year, 1, 10), _log(rng, 300, 4000))


def _short_burst(rng: Rng, year: Year) -> FloatArray:
    """By day: somebody hears it, or comes home and shuts it off."""
    return _even(rng, year, _span(rng, year, 6 / 24, 20 / 24, (8, 18)), _log(rng, 600, 5000))


KINDS: dict[str, tuple[float, Callable[[Rng, Year], FloatArray]]] = {
    "drip": (0.15, _drip), "steady": (0.34, _steady), "cistern": (0.14, _cistern), "growing": (0.12, _growing),
    "stepwise": (0.08, _stepwise), "burst": (0.12, _burst), "burst by day": (0.05, _short_burst),
}  # fmt: skip
"""Share of the leaks, and their water."""
