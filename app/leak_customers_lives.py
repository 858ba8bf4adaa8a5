"""What customers let run without a leak, hour by hour: the lives behind the meters of a made town. Pure, drawn from a generator.

Every function gives the hourly use of one meter in litres, shape (H,), from a midnight of the first days of January on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray

Rng = np.random.Generator
_FASTING = (80, 110)
"""Days of the year in which nights are lived in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """Hours of a recording and the weather over it."""

    hour: NDArray[np.int64]
    """Of the clock."""
    day: NDArray[np.int64]
    """From the first one."""
    warm: FloatArray
    """Mean of each hour's day above 18 °C, 0 in winter."""

    @property
    def hours(self) -> int:
        """Length."""
        return int(self.hour.size)

    @property
    def days(self) -> int:
        """Length."""
        return self.hours // 24


def make_year(rng: Rng, days: int) -> Year:
    """A year's clock, and a summer with hot and cool spells."""
    n = np.arange(24 * days)
    spell = np.zeros(days)
    for k in range(1, days):
        spell[k] = 0.8 * spell[k - 1] + rng.normal(0, 2.0)
    mean = 17 + 10 * np.cos(2 * np.pi * (np.arange(days) - 205) / 365) + spell
    return Year(hour=n % 24, day=n // 24, warm=np.maximum(0.0, mean - 18)[n // 24])


def home(rng: Rng, y: Year, people: int | None = None) -> FloatArray:
    """Toilets, taps, showers and machines of one household; some are up at night, all are away for some weeks."""
    n = people or int(rng.integers(1, 8))
    owl = rng.uniform(0.05, 0.35)
    fasting = (y.day >= _FASTING[0]) & (y.day < _FASTING[1])
    awake = np.where((y.hour >= 7) & (y.hour < 23), 1.0, np.where(fasting, 0.7, owl))
    peak = 0.3 + np.exp(-0.5 * ((y.hour - rng.uniform(6, 9)) / 1.3) ** 2) + np.exp(-0.5 * ((y.hour - rng.uniform(18, 21)) / 2) ** 2)
    out = 6.0 * rng.poisson(n * 0.22 * awake) + rng.gamma(1.2 * rng.poisson(n * 0.35 * awake) + 1e-9, 2.2)
    out += rng.poisson(n * 0.07 * peak * awake) * rng.uniform(20, 70) + rng.poisson(0.05 * awake * np.sqrt(n)) * rng.uniform(25, 60)
    for _ in range(int(rng.integers(0, 4))):
        start = int(rng.integers(0, y.hours))
        out[start : start + int(rng.integers(48, 24 * 21))] = 0.0
    return np.asarray(out)


def flats(rng: Rng, y: Year) -> FloatArray:
    """A house with one meter for all: its nights are seldom without use."""
    return np.asarray(np.sum([home(rng, y) for _ in range(int(rng.integers(6, 30)))], axis=0))


def holiday_home(rng: Rng, y: Year) -> FloatArray:
    """Empty but for some week-ends and the summer."""
    there = ((y.day % 7 >= 5) & (rng.random(y.days)[y.day] < 0.2)) | ((y.day > 180) & (y.day < 240) & (rng.random() < 0.8))
    return home(rng, y) * there


def hotel(rng: Rng, y: Year) -> FloatArray:
    """Never rests; fuller from week to week and in summer."""
    rooms, full = rng.uniform(10, 80), np.exp(np.repeat(rng.normal(0, 0.2, y.days // 7 + 1), 7)[y.day])
    shape = 0.25 + np.sin(np.pi * y.hour / 24) ** 2
    return np.asarray(rooms * 8 * shape * full * (0.6 + 0.4 * np.clip(y.warm / 8, 0, 1)) * rng.gamma(8, 1 / 8, y.hours))


def mosque(rng: Rng, y: Year) -> FloatArray:
    """Ablutions before five prayers, most on Fridays, and at night while people fast."""
    out = np.zeros(y.hours)
    for at in (5, 13, 16, 19, 20):
        out += (y.hour == at) * rng.uniform(80, 300)
    out *= np.where((y.day % 7 == 4) & (y.hour == 13), 4.0, 1.0) * rng.gamma(4, 0.25, y.hours)
    return out + ((y.day >= _FASTING[0]) & (y.day < _FASTING[1]) & ((y.hour >= 21) | (y.hour < 2))) * rng.gamma(3, 40, y.hours)


def night_shop(rng: Rng, y: Year) -> FloatArray:
    """A bakery, a filling station: use in every hour but on the day of rest, by hands and never even; it may begin in the year."""
    begins = int(rng.integers(0, y.hours)) if rng.random() < 0.3 else 0
    rest = (y.day % 7 == int(rng.integers(0, 7))) & (rng.random() < 0.6)
    return np.asarray(rng.gamma(2.5, rng.uniform(8, 80), y.hours) * ~rest * (np.arange(y.hours) >= begins))


def hammam(rng: Rng, y: Year) -> FloatArray:
    """Long days of much water, a boiler filled in the small hours, closed at times."""
    open_ = (y.hour >= 5) & (y.hour < 23) & (rng.random(y.days)[y.day] < 0.97)
    out = open_ * rng.gamma(4, rng.uniform(100, 400), y.hours) * (0.5 + np.sin(np.pi * (y.hour - 5) / 18).clip(0))
    return np.asarray(out + ((y.hour >= 1) & (y.hour < 4)) * rng.uniform(200, 900))


def cooling(rng: Rng, y: Year) -> FloatArray:
    """Water that a tower evaporates: day and night while it is hot, by the weather; offices by day."""
    load = np.clip(y.warm - rng.uniform(0, 3), 0, None) * (0.75 + 0.25 * np.cos(2 * np.pi * (y.hour - 15) / 24))
    office = (y.day % 7 < 5) & (y.hour >= 8) & (y.hour < 18)
    return np.asarray(load * rng.uniform(3, 40) * rng.gamma(25, 1 / 25, y.hours) + office * rng.gamma(2, 20, y.hours))


def float_tank(rng: Rng, y: Year) -> FloatArray:
    """A roof tank behind a float valve that closes slowly: it dribbles for hours, at times through the whole night."""
    use, out, missing = home(rng, y), np.zeros(y.hours), 0.0
    rate, least, most = rng.uniform(0.06, 0.4), rng.uniform(1, 8), rng.uniform(120, 500)
    for k in range(y.hours):
        missing += use[k]
        flow = min(most, rate * missing)
        out[k] = flow if flow >= least else 0.0
        missing -= out[k]
    return out


def pump_tank(rng: Rng, y: Year) -> FloatArray:
    """A tank that is filled at once when it is half empty."""
    use, out, missing = home(rng, y), np.zeros(y.hours), 0.0
    volume, flow = rng.uniform(300, 3000), rng.uniform(200, 900)
    filling = False
    for k in range(y.hours):
        missing += use[k]
        filling = missing > (0.05 if filling else 0.5) * volume
        out[k] = min(flow, missing) if filling else 0.0
        missing -= out[k]
    return out


def softener(rng: Rng, y: Year) -> FloatArray:
    """A home whose softener is rinsed every few nights."""
    every, hours = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    return np.asarray(home(rng, y) + ((y.hour >= 2) & (y.hour < 2 + hours) & (y.day % every == 0)) * rng.uniform(40, 180))


def garden(rng: Rng, y: Year) -> FloatArray:
    """A home whose garden is sprinkled at night in summer, most nights."""
    start, hours = int(rng.integers(19, 24)), int(rng.integers(2, 9))
    night = (y.hour - start) % 24 < hours
    on = (y.day > 120) & (y.day < 270) & (rng.random(y.days)[y.day] < rng.uniform(0.4, 1))
    return home(rng, y) + night * on * rng.uniform(80, 900)


def drip_line(rng: Rng, y: Year) -> FloatArray:
    """A home whose trees stand on drip lines: even, most of the day, for weeks."""
    first, weeks = int(rng.integers(100, 180)), int(rng.integers(3, 14))
    start, hours = int(rng.integers(0, 24)), int(rng.integers(6, 19))
    on = ((y.hour - start) % 24 < hours) & (y.day >= first) & (y.day < first + 7 * weeks)
    return home(rng, y) + on * rng.uniform(8, 80)


def pool(rng: Rng, y: Year) -> FloatArray:
    """A home that fills its pool by a hose in a day or two, from a forenoon or an evening on, and tops it up."""
    out = home(rng, y)
    for _ in range(int(rng.integers(1, 4))):
        flow, start = rng.uniform(400, 2200), 24 * int(rng.integers(90, max(91, y.days - 5))) + int(rng.integers(8, 20))
        hours = int(np.clip(rng.uniform(12_000, 60_000) / flow, 6, 72))
        out[start : start + hours] += flow * np.exp(rng.normal(0, 0.04, hours))[: max(0, y.hours - start)]
    top = (y.day > 130) & (y.day < 260) & (y.day % 7 == 5) & (y.hour >= 9) & (y.hour < 11)
    return np.asarray(out + top * rng.uniform(300, 1200))


def site(rng: Rng, y: Year) -> FloatArray:
    """A house that is built: nothing, then hands and hoses by day, concrete kept wet over some week-ends."""
    first = int(rng.integers(40, max(41, y.days - 60)))
    on = (y.day >= first) & (y.day % 7 < 6) & (y.hour >= 7) & (y.hour < 17)
    wet = (y.day >= first) & (y.day % 21 >= 19) & (rng.random() < 0.5) & (y.hour >= 6) & (y.hour < 21)
    return np.asarray(on * rng.gamma(2, 120, y.hours) + wet * rng.uniform(100, 300))


def school(rng: Rng, y: Year) -> FloatArray:
    """Week days outside holidays; urinals that rinse by the clock day and night while it is open."""
    term = ~(((y.day > 180) & (y.day < 250)) | ((y.day > 90) & (y.day < 104)))
    lessons = term & (y.day % 7 < 5) & (y.hour >= 7) & (y.hour < 17)
    return np.asarray(lessons * rng.gamma(3, rng.uniform(40, 200), y.hours) + (rng.random() < 0.3) * rng.uniform(10, 40))


def clinic(rng: Rng, y: Year) -> FloatArray:
    """Day and night, less at night."""
    return np.asarray(rng.gamma(4, rng.uniform(20, 150), y.hours) * (0.4 + np.sin(np.pi * y.hour / 24) ** 2))


def farm(rng: Rng, y: Year) -> FloatArray:
    """Troughs behind float valves, and a field that is watered every week or two in summer."""
    out = np.where((y.hour >= 5) & (y.hour < 22), rng.gamma(1.2, rng.uniform(20, 90), y.hours), rng.poisson(0.3, y.hours) * 8.0)
    day, every = int(rng.integers(110, 140)), int(rng.integers(6, 14))
    flow, hours = rng.uniform(1500, 6000), int(rng.integers(6, 20))
    while day < min(250, y.days - 2):
        start = 24 * day + int(rng.integers(4, 9))
        out[start : start + hours] += flow
        day += every
    return np.asarray(out, dtype=np.float64)


LIVES: dict[str, tuple[float, Callable[[Rng, Year], FloatArray]]] = {
    "home": (0.44, home), "flats": (0.06, flats), "holiday home": (0.06, holiday_home), "hotel": (0.03, hotel),
    "mosque": (0.02, mosque), "night shop": (0.03, night_shop), "hammam": (0.02, hammam), "cooling": (0.04, cooling),
    "float tank": (0.08, float_tank), "pump tank": (0.03, pump_tank), "softener": (0.03, softener), "garden": (0.04, garden),
    "drip line": (0.03, drip_line), "pool": (0.03, pool), "site": (0.01, site), "school": (0.02, school), "clinic": (0.02, clinic),
    "farm": (0.01, farm),
}  # fmt: skip
"""Share of the meters, and what lives there."""
