"""The year of one zone of a made town: habits, gardens and factories, pressure and leaks; all drawn from one generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.leak_town_meters import meter_sum, single_meters
from app.leak_town_records import PER_DAY, TownPlan, Truth
from domain.series import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneYear:
    """As ``Recording`` has it, of one zone."""

    inflow: FloatArray
    pressure: FloatArray
    critical: FloatArray
    meters: FloatArray
    single: FloatArray
    single_names: list[str]
    coverage: float


def make_zone(name: str, rng: np.random.Generator, plan: TownPlan, truth: Truth) -> ZoneYear:
    """The year of one zone; what is wrong in it goes to ``truth``."""
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
    meters = meter_sum(name, rng, plan, with_meter + large_read, truth)
    single, names = single_meters(name, rng, plan, truth)
    return ZoneYear(
        inflow=inflow * (1 + rng.normal(0, 0.006, steps)),
        pressure=pressure,
        critical=critical,
        meters=meters,
        single=single,
        single_names=names,
        coverage=coverage,
    )


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
