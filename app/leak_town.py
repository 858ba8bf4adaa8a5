"""``khettara leaks make-set``: a labelled year of metered zones that is hard on a balance, in the layout of the zone sets.

Unlike a town that only adds a leak to a clean balance: meters are a population (many read low, some die, some are read late in
bulk), part of the customers has none, habits of those without differ from those with, Ramadan moves the night, growth of leaks
follows several laws, a valve is left open between two zones, gardens are watered at night, inlet meters change their reading.
Everything is drawn from one seed; what is wrong when is written beside the data under ``truth``, which no detector reads.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.leak_customers_town import make_customers
from domain.series import FloatArray

PER_DAY = 96
_TIME = "%Y-%m-%d %H:%M"
_START = datetime(2023, 1, 2)
METERS_FILE = "truth/customer_meters.csv"
"""Of a set with hard single meters alone."""
_MISSING = -32768
_TRUTH_STEPS = 3
"""Truth is written every five minutes, data every quarter of an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TownPlan:
    """How hard the year is. Shares are of zones, unless said otherwise."""

    zones: int = 12
    days: int = 365
    leaks: float = 2.4
    """Mean number a zone."""
    coverage: tuple[float, float] = (0.6, 0.95)
    """Share of the use that smart meters see, from and to."""
    unlike: float = 0.3
    """Relative difference in habits between customers with a meter and without."""
    dead_meters: float = 0.06
    """Share of meters that die in the year; half of them are replaced after weeks."""
    bulk_gaps: float = 2.0
    """Outages of a zone's meter reading of hours to days, a year."""
    gain_step: float = 0.35
    """Share of zones whose inlet meter begins to read wrong by 2 to 7 %."""
    ramadan: bool = True
    irrigation: float = 0.5
    open_valves: int = 3
    customers: int = 0
    """Meters of the town beside those of the zones, hard on what looks for leaks behind them (``app.leak_customers_town``)."""
    train_share: float = 0.33


@dataclass(slots=True, kw_only=True)
class Truth:
    """What is wrong, with names and steps."""

    leaks: list[tuple[str, int, int, str, float]] = field(default_factory=list)
    flows: list[FloatArray] = field(default_factory=list)
    events: list[tuple[str, int, int, str]] = field(default_factory=list)
    customers: list[tuple[str, int, int, float]] = field(default_factory=list)
    meters: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Of the town's hard meters: name, who lives there, litres a pulse, what is wrong with it."""


@dataclass(slots=True, kw_only=True)
class Recording:
    """What a utility would have, quarter-hourly but for the meters."""

    names: list[str]
    inflow: FloatArray
    pressure: FloatArray
    critical: FloatArray
    meters: FloatArray
    """Hourly sums."""
    single: FloatArray
    single_names: list[str]
    coverage: dict[str, float] = field(default_factory=dict)
    """Share of each zone's use that is metered at the customers, as the utility knows it."""


def make_town(seed: int, plan: TownPlan | None = None) -> tuple[Recording, Truth]:
    """The year of one seed."""
    plan = plan or TownPlan()
    rng = np.random.default_rng(seed)
    truth = Truth()
    parts = [_zone(f"Z{k + 1:02d}", rng, plan, truth) for k in range(plan.zones)]
    out = Recording(
        names=[f"Z{k + 1:02d}" for k in range(plan.zones)],
        inflow=np.stack([p[0] for p in parts], axis=1),
        pressure=np.stack([p[1] for p in parts], axis=1),
        critical=np.stack([p[2] for p in parts], axis=1),
        meters=np.stack([p[3] for p in parts], axis=1),
        single=np.concatenate([p[4] for p in parts], axis=1),
        single_names=[n for p in parts for n in p[5]],
        coverage={f"Z{k + 1:02d}": p[6] for k, p in enumerate(parts)},
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


_Part = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, list[str], float]


def _zone(name: str, rng: np.random.Generator, plan: TownPlan, truth: Truth) -> _Part:
    steps = plan.days * PER_DAY
    homes = int(rng.uniform(200, 2400))
    coverage = rng.uniform(*plan.coverage)
    per_home = rng.uniform(0.008, 0.018)
    weather = _wander(rng, plan.days, 0.03, 6.0)[np.arange(steps) // PER_DAY]
    with_meter = homes * per_home * coverage * _habits(rng, steps, plan) * np.exp(weather)
    without = homes * per_home * (1 - coverage) * _habits(rng, steps, plan, unlike=plan.unlike) * np.exp(weather * 1.5)
    with_meter *= np.exp(_wander(rng, steps, 0.5 / np.sqrt(homes * coverage / 25), 8.0))
    without *= np.exp(_wander(rng, steps, 0.5 / np.sqrt(max(5.0, homes * (1 - coverage)) / 25), 8.0))
    large, large_read = _large_users(name, rng, plan, homes * per_home, truth)
    use = with_meter + without + large
    pressure = _pressure(name, rng, use, truth)
    background = homes * 0.003 * rng.uniform(0.4, 2.2) * (np.maximum(pressure, 1.0) / 50.0) ** rng.uniform(0.6, 1.5)
    leaks = _leaks(name, rng, plan, pressure, homes * per_home, truth)
    inflow = use + background + leaks
    for _ in range(rng.poisson(5)):  # flushing and fire
        first, width = int(rng.integers(0, steps - 40)), int(rng.integers(2, 18))
        inflow[first : first + width] += rng.uniform(8, 60)
        truth.events.append((name, first, first + width, "flushing or fire"))
    critical = pressure - 5.0 - 3.0 * (inflow / inflow.mean()) ** 1.85 + rng.normal(0, 0.2, steps)
    meters = _meter_sum(name, rng, plan, with_meter + large_read, truth)
    single, names = _single(name, rng, plan, truth)
    return inflow * (1 + rng.normal(0, 0.006, steps)), pressure, critical, meters, single, names, coverage


def _habits(rng: np.random.Generator, steps: int, plan: TownPlan, unlike: float = 0.0) -> FloatArray:
    """Relative use over the year, mean 1: a day of three peaks whose hours and heights are this group's own."""
    hour = (np.arange(steps) % PER_DAY) / 4.0
    day = np.arange(steps) // PER_DAY
    weekend = (day % 7) >= 5
    fasting = plan.ramadan & (day >= 80) & (day < 110)

    def peak(middle: float | FloatArray, width: float) -> FloatArray:
        apart = np.abs(hour - middle)
        return np.asarray(np.exp(-0.5 * (np.minimum(apart, 24 - apart) / width) ** 2))

    shift, tilt = rng.normal(0, 0.4 + 2 * unlike), np.exp(rng.normal(0, 0.1 + unlike, 4))
    base = rng.uniform(0.12, 0.25) * tilt[3]
    morning = tilt[0] * peak(7.6 + shift + 1.4 * weekend.astype(np.float64), 1.5)
    usual = base + morning + 0.7 * tilt[1] * peak(12.9, 2.1) + tilt[2] * peak(20 + shift, 2.2)
    fast = base + 0.9 * tilt[0] * peak(3.3, 1.3) + 0.4 * tilt[1] * peak(15, 3.0) + 1.2 * tilt[2] * peak(21.5, 2.2)
    shape = np.where(fasting, fast, usual)
    season = 1 + rng.uniform(0.02, 0.16) * np.cos(2 * np.pi * (day - 205) / 365)
    holiday = np.where(np.isin(day, [0, 9, 13, 111, 112, 119, 178, 179, 209, 225, 231, 305, 321]), rng.uniform(0.85, 1.2), 1.0)
    out = shape / usual.mean() * season * holiday
    return np.asarray(out * (1 + rng.uniform(-0.02, 0.06) * np.arange(steps) / steps))


def _large_users(
    name: str, rng: np.random.Generator, plan: TownPlan, mean_m3h: float, truth: Truth
) -> tuple[FloatArray, FloatArray]:
    """Use of gardens and factories, and the part of it that smart meters see."""
    steps = plan.days * PER_DAY
    hour, day = (np.arange(steps) % PER_DAY) / 4.0, np.arange(steps) // PER_DAY
    total, read = np.zeros(steps), np.zeros(steps)
    if rng.random() < plan.irrigation:
        first, last = int(rng.integers(100, 150)), int(rng.integers(230, 290))
        start = rng.uniform(22, 27)
        night = ((hour - start) % 24 < rng.uniform(2, 5)) & (rng.random(plan.days)[day] < rng.uniform(0.4, 1.0))
        water = mean_m3h * rng.uniform(0.1, 0.5) * (night & (day >= first) & (day < last))
        total += water
        read += water * (rng.random() < 0.4)
        truth.events.append((name, first * PER_DAY, last * PER_DAY, "irrigation"))
    if rng.random() < 0.4:
        shift = rng.uniform(0, 24)
        runs = ((hour - shift) % 24 < rng.choice([8, 10, 16])) & (day % 7 < 6) & ((day < 212) | (day > 233))
        water = mean_m3h * rng.uniform(0.05, 0.25) * runs * np.exp(_wander(rng, steps, 0.15, 12.0))
        total += water
        read += water * (rng.random() < 0.5)
        truth.events.append((name, 0, steps, "industry with a summer break"))
    return total, read


def _pressure(name: str, rng: np.random.Generator, use: FloatArray, truth: Truth) -> FloatArray:
    steps = use.size
    p = rng.uniform(32, 65) - rng.uniform(0.5, 6) * (use / use.mean() - 1) + _wander(rng, steps, 0.4, 200.0)
    if rng.random() < 0.3:
        first = int(rng.uniform(0.1, 0.9) * steps)
        change = float(rng.choice([-1, 1]) * rng.uniform(3, 9))
        p = p + np.where(np.arange(steps) >= first, change, 0.0)
        truth.events.append((name, first, steps, f"pressure set {change:+.1f} m"))
    elif rng.random() < 0.3:
        lower = rng.uniform(3, 8)
        p = p - lower * ((np.arange(steps) % PER_DAY < 20) & (np.arange(steps) > 0.4 * steps))
        truth.events.append((name, int(0.4 * steps), steps, f"pressure lowered {lower:.1f} m at night"))
    return np.asarray(p + rng.normal(0, 0.2, steps))


def _leaks(name: str, rng: np.random.Generator, plan: TownPlan, pressure: FloatArray, mean_m3h: float, truth: Truth) -> FloatArray:
    """Leaks of the zone: steps, and growth by a straight line, a root, an exponential or in jumps."""
    steps = pressure.size
    total = np.zeros(steps)
    for _ in range(rng.poisson(plan.leaks) + 1):
        first = int(rng.uniform(0.04, 0.95) * steps)
        # A zone's balance cannot show less than its meters can; the least leak is a share of the use.
        flow = float(np.exp(rng.uniform(np.log(max(0.5, 0.035 * mean_m3h)), np.log(max(9.0, 0.3 * mean_m3h)))))
        kept = rng.random() < 0.3
        end = steps - 1 if kept else min(steps - 1, first + int(rng.uniform(7, 75) * PER_DAY))
        if first < plan.train_share * steps and not kept:
            end = min(end, int(plan.train_share * steps) - PER_DAY)
        law = str(rng.choice(["abrupt", "abrupt", "line", "root", "exponential", "jumps"]))
        age = np.clip((np.arange(steps) - first) / max(1.0, rng.uniform(0.3, 0.9) * min(end - first, 100 * PER_DAY)), 0, 1)
        growth = {
            "abrupt": np.ones(steps), "line": age, "root": np.sqrt(age), "exponential": (np.exp(3 * age) - 1) / (np.exp(3) - 1),
            "jumps": np.ceil(age * 3) / 3,
        }[law]  # fmt: skip
        inside = (np.arange(steps) >= first) & (np.arange(steps) <= end)
        water = np.where(inside, flow * growth * (np.maximum(pressure, 0) / 50.0) ** rng.uniform(0.5, 1.2), 0.0)
        total += water
        truth.flows.append(water)
        truth.leaks.append((name, first, end, "abrupt" if law == "abrupt" else "incipient", flow))
    return total


def _meter_sum(name: str, rng: np.random.Generator, plan: TownPlan, use: FloatArray, truth: Truth) -> FloatArray:
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


def _single(name: str, rng: np.random.Generator, plan: TownPlan, truth: Truth) -> tuple[FloatArray, list[str]]:
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


def _wander(rng: np.random.Generator, size: int, sd: float, steps: float) -> FloatArray:
    """First-order noise with this standard deviation and correlation length."""
    keep = float(np.exp(-1.0 / steps))
    white = rng.normal(0, sd * np.sqrt(1 - keep * keep), size)
    out = np.empty(size)
    value = float(rng.normal(0, sd))
    for k in range(size):
        value = keep * value + white[k]
        out[k] = value
    return out


def write_town(data: Recording, truth: Truth, folder: Path, plan: TownPlan | None = None) -> None:
    """Writes the set and, under ``truth``, what is wrong in it."""
    plan = plan or TownPlan()
    folder.mkdir(parents=True, exist_ok=True)
    train = int(plan.days * plan.train_share) * PER_DAY
    np.savez_compressed(
        folder / "dma.npz", start=_START.strftime(_TIME), dma=np.array(data.names), step_s=900, amr_step_s=3600,
        inflow=_counts(data.inflow, 0.02), inflow_scale=0.02, amr_sum=_counts(data.meters, 0.02), amr_scale=0.02,
        pressure_in=_counts(data.pressure, 0.01), pressure_cp=_counts(data.critical, 0.01), pressure_scale=0.01,
        meter=_counts(data.single, 1.0), meter_id=np.array(data.single_names),
    )  # fmt: skip
    meta = {
        "train_until": _moment(train),
        "units": "inflow, amr_sum m3/h; pressure m; meter L/h; -32768 is missing",
        "dma": {zone: {"smart_meter_share": round(share, 3)} for zone, share in data.coverage.items()},
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    repaired = [(z, _moment(end)) for z, _, end, _, _ in truth.leaks if end < train]
    _rows(folder / "repairs.csv", "dma,repaired", repaired)
    _write_truth(truth, folder / "truth", train)


def _write_truth(truth: Truth, folder: Path, train: int) -> None:
    folder.mkdir(exist_ok=True)
    flow = np.repeat(np.stack([f[train:] for f in truth.flows], axis=1), _TRUTH_STEPS, axis=0)
    np.savez_compressed(
        folder / "leakflow-2023.npz", start=_moment(train), step_s=300, scale=0.005,
        pipe=np.array([f"{leak[0]}#{k}" for k, leak in enumerate(truth.leaks)]), flow=_counts(flow, 0.005),
    )  # fmt: skip
    leaks = [(z, _moment(s), _moment(e), "", kind, "", f"{m:.2f}", f"{z}#{k}") for k, (z, s, e, kind, m) in enumerate(truth.leaks)]
    _rows(folder / "leaks.csv", "pipe,start,end,diameter_m,kind,peak,max_m3h,key", leaks)
    _rows(folder / "not_leaks.csv", "dma,start,end,what", [(z, _moment(s), _moment(e), w) for z, s, e, w in sorted(truth.events)])
    customers = [(m, _moment(s), _moment(e), f"{q:.1f}") for m, s, e, q in truth.customers]
    _rows(folder / "customer_leaks.csv", "meter,start,end,litres_per_hour", customers)
    if truth.meters:
        _rows(folder.parent / METERS_FILE, "meter,life,litres_per_pulse,fault", truth.meters)


def _rows(file: Path, header: str, rows: Sequence[tuple[str, ...]]) -> None:
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header.split(","))
        writer.writerows(rows)


def _moment(step: int) -> str:
    return (_START + timedelta(minutes=15 * step)).strftime(_TIME)


def _counts(values: FloatArray, scale: float) -> NDArray[np.int16]:
    whole = np.rint(np.where(np.isfinite(values), values, 0.0) / scale).clip(-32767, 32767)
    return np.where(np.isfinite(values), whole, _MISSING).astype(np.int16)
