"""Minimum night flow (MNF): when people sleep, what still flows is mostly loss.

    MNF = least moving one-hour mean of the net inflow between 02:00 and 05:00 local time
    night leakage = MNF − lawful night use          lawful, when not given: 6 % of the people × 10 L/h (McKenzie, SANFLOW)

Nights are compared with like nights (Ramadan nights only with Ramadan nights) at the usual pressure, and only a night above the
learned band speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar, DayClass
from domain.findings import Evidence, FindingKind
from domain.series import FloatArray
from domain.zones import Zone
from leak_detection import robust
from leak_detection.detection import Detection
from leak_detection.inputs import ZoneInputs

NIGHT_START_MIN = 120.0
NIGHT_END_MIN = 300.0
BAND_SDS = 4.0
"""A night speaks when it lies so many standard deviations above the median of its like."""
FLOOR_SHARE = 0.05
FLOOR_M3H = 0.3
"""Least standard deviation of a night: this share of the median, and this much."""
LEAST_NIGHTS = 4
LEAST_NIGHT = 0.8
"""Of a night's hours, so many must be known for it to have a minimum."""
_SHORT_NIGHT = 0.6
"""A night whose clock goes forward has two of the three hours."""
SPEAKS_MIN = 180.0
"""A night speaks for so long after its end; by noon its minimum says little of what flows now."""
ACTIVE_SHARE = 0.06
USE_M3H_PER_ACTIVE = 0.010
_CREEP_SHARE = 0.4
"""The night before had this share of the excess already: it creeps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nights:
    """One row a local night that has a minimum."""

    day: NDArray[np.int64]
    """Local day of the morning (``date.toordinal``), shape (N,)."""
    flow_m3h: FloatArray
    """Minimum night flow, shape (N,)."""
    end_s: FloatArray
    """End of the hour with the least flow, seconds since 1970 UTC, shape (N,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What is normal for a kind of night."""

    median_m3h: float
    sd_m3h: float
    nights: int

    @property
    def high_m3h(self) -> float:
        """Above this a night is not normal."""
        return self.median_m3h + BAND_SDS * self.sd_m3h


def lawful_night_use(zone: Zone) -> float:
    """Legitimate use between 02:00 and 05:00 [m³/h]: as given, else the standard allowance."""
    return zone.night_use_m3h if zone.night_use_m3h > 0 else ACTIVE_SHARE * zone.population * USE_M3H_PER_ACTIVE


def minimum_night_flows(
    flow: FloatArray, day: NDArray[np.int64], minute: FloatArray, *, start_s: float, step_s: float, complete_until_s: float
) -> Nights:
    """Minimum night flow of each complete local night.

    Args:
        flow: Net inflow [m³/h], shape (T,).
        day: Local day of each step.
        minute: Local minute of the day of each step.
        start_s: Start of the grid, seconds since 1970 UTC.
        step_s: Width of a step [s].
        complete_until_s: Nights that end later are left out: their minimum may still come.
    """
    width = max(1, round(3600.0 / step_s))
    hour = robust.trailing_mean(flow, width, max(1, round(0.7 * width)))
    # A step's mean hour ends with the step: it lies in the night if it began at or after 02:00 and ended by 05:00.
    ends = minute + step_s / 60.0
    inside = (ends >= NIGHT_START_MIN + 60.0 - 1e-6) & (ends <= NIGHT_END_MIN + 1e-6)
    cells, inside = inside, inside & np.isfinite(hour)
    # The least of a part of the night is not the night's least: what a gap has left would look like a leak.
    whole = round((NIGHT_END_MIN - NIGHT_START_MIN) * 60.0 / step_s) - width + 1
    days, flows, times = [], [], []
    for ordinal in np.unique(day[inside]):
        rows = np.flatnonzero(inside & (day == ordinal))
        last_s = start_s + (rows[-1] + 1) * step_s
        night_over = last_s + (NIGHT_END_MIN - ends[rows[-1]]) * 60.0
        least = LEAST_NIGHT * max(_SHORT_NIGHT * whole, int((cells & (day == ordinal)).sum()))
        if night_over > complete_until_s + 1e-6 or rows.size < least:
            continue
        best = rows[int(np.argmin(hour[rows]))]
        days.append(int(ordinal))
        flows.append(float(hour[best]))
        times.append(start_s + (best + 1) * step_s)
    return Nights(day=np.array(days, dtype=np.int64), flow_m3h=np.array(flows), end_s=np.array(times))


def learn_band(nights: Nights, day: date, calendar: Calendar) -> Band | None:
    """The band for the night of ``day`` from like nights; None where too few are known to judge."""
    kind = calendar.day_class(day)
    kinds = np.array([calendar.day_class(date.fromordinal(int(d))) for d in nights.day])
    fasting = kinds == DayClass.RAMADAN
    like = fasting if kind is DayClass.RAMADAN else ~fasting
    if like.sum() < LEAST_NIGHTS:
        return None
    flows = nights.flow_m3h[like]
    median = robust.scalar_median(flows)
    sd = max(robust.scalar_sd(flows), FLOOR_SHARE * median, FLOOR_M3H)
    return Band(median_m3h=median, sd_m3h=sd, nights=int(like.sum()))


def detect_night(inputs: ZoneInputs, past: Nights, tonight: Nights, calendar: Calendar) -> Detection | None:
    """The last complete night above its band, or None.

    Args:
        inputs: The zone; its end is now.
        past: Earlier nights at the usual pressure, without windows of known leaks.
        tonight: The newest nights at the cautious end of the pressure correction, ascending.
        calendar: Kinds of day.
    """
    fresh = inputs.day.size and NIGHT_END_MIN - 1e-6 <= inputs.minute[-1] + inputs.step_s / 60.0 < NIGHT_END_MIN + SPEAKS_MIN
    if not fresh or not tonight.day.size or tonight.day[-1] != inputs.day[-1]:
        return None
    last = int(tonight.day[-1])
    older = past.day < last
    nights = Nights(day=past.day[older], flow_m3h=past.flow_m3h[older], end_s=past.end_s[older])
    band = learn_band(nights, date.fromordinal(last), calendar)
    observed = float(tonight.flow_m3h[-1])
    if band is None or observed <= band.high_m3h:
        return None
    excess = observed - band.median_m3h
    before = tonight.flow_m3h[tonight.day == last - 1]
    creeping = before.size > 0 and before[0] - band.median_m3h > _CREEP_SHARE * excess
    error = band.sd_m3h * float(np.sqrt(1.0 + 1.5 / band.nights))
    return Detection(
        detector="night_flow",
        kind=FindingKind.CREEPING if creeping else FindingKind.BURST,
        since_s=float(tonight.end_s[-1]) - 3600.0,
        flow_m3h=excess,
        flow_error_m3h=error,
        confidence=min(0.95, 0.7 + 0.05 * (excess / band.sd_m3h - BAND_SDS)),
        evidence=(Evidence(name="night_flow", observed=observed, expected=band.median_m3h, sd=band.sd_m3h, unit="m3/h"),),
    )
