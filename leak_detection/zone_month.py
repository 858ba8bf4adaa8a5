"""A zone's water over a period, from its hours: the balance against the meters, and the losses that the nights show.

Two independent ways to the real losses: from above (input less use, only as good as the meters at the customers) and from below
(night flow less lawful use, brought to the day by the pressure). Where too few customers have a meter only the second is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from domain.zones import Zone
from leak_detection import robust
from leak_detection.night_flow import Nights, lawful_night_use
from leak_detection.water_balance import Volume, WaterBalance, measured, uarl_m3_day

INLET_ERROR = 0.02
"""95 % error of an inlet meter's volume: the class of electromagnetic meters in service."""
METER_ERROR = 0.02
UNMETERED_ERROR = 0.2
"""95 % error of the use of customers without a meter, taken to be like the others'."""
LEAST_COVERAGE = 0.3
NIGHT_USE_ERROR = 0.5
"""95 % error of the lawful night use, given or by the standard allowance."""
LEAST_HOURS_SHARE = 0.5
_N1 = 1.0
"""Leakage exponent of the hour-day factor."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneHours:
    """What is known of a zone's hours, shape (H,) each, NaN where missing."""

    inflow_m3h: FloatArray
    """Of the points where water enters."""
    outflow_m3h: FloatArray
    """Of those where it leaves into other zones; 0 where there is none."""
    meters_m3h: FloatArray
    """Customers' meters, scaled to all meters of the zone."""
    meters: int
    """Customers that have a meter."""
    pressure_m: FloatArray
    """Average over the zone's pressure points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneMonth:
    """The water of a zone over a period; None where it cannot be said."""

    zone: str
    days: float
    known_share: float
    """Of the hours of the period, how many have an inflow; the rest is filled with their mean."""
    meter_share: float | None
    """Of the customers; None where the number of connections is not known."""
    system_input: Volume | None
    """Inflow less outflow over the period; None with too few hours."""
    balance: WaterBalance | None
    """Against the meters; None with too few of them or of the hours."""
    night_loss_m3_day: Volume | None
    """Real losses by the nights [m³/day] with their 95 % band."""
    uarl_m3_day: float | None
    pressure_m: float | None
    notes: tuple[str, ...] = ()
    """What lowers the confidence, in words."""

    @property
    def ili(self) -> tuple[float, float] | None:
        """Infrastructure leakage index by the nights, and its 95 % half-width."""
        if self.night_loss_m3_day is None or not self.uarl_m3_day:
            return None
        return self.night_loss_m3_day.m3 / self.uarl_m3_day, self.night_loss_m3_day.band_m3 / self.uarl_m3_day

    @property
    def recoverable_m3_day(self) -> float | None:
        """Real losses above the unavoidable ones."""
        if self.night_loss_m3_day is None or self.uarl_m3_day is None:
            return None
        return max(0.0, self.night_loss_m3_day.m3 - self.uarl_m3_day)


def zone_month(zone: Zone, hours: ZoneHours, nights: Nights) -> ZoneMonth:
    """The period's water.

    Args:
        zone: With connections, mains and night use as far as known.
        hours: Its hours.
        nights: Its nights of the same period.
    """
    size = hours.inflow_m3h.size
    known = float(np.isfinite(hours.inflow_m3h).mean()) if size else 0.0
    share = hours.meters / zone.connections if zone.connections else None
    notes = []
    if known < 1.0:
        notes.append(f"{1 - known:.0%} of the hours have no inflow and are filled with the mean of the others")
    if share is None or share < LEAST_COVERAGE:
        notes.append("too few customers have a meter for a balance against them" if share is not None else "connections not known")
    enough = size > 0 and known >= LEAST_HOURS_SHARE
    days = size / 24.0
    pressure = robust.scalar_median(hours.pressure_m) if size else math.nan
    return ZoneMonth(
        zone=zone.key,
        days=days,
        known_share=known,
        meter_share=share,
        system_input=_entered(hours, days) - _left(hours, days) if enough else None,
        balance=_balance(zone, hours, days) if enough and share is not None and share >= LEAST_COVERAGE else None,
        night_loss_m3_day=_night_loss(zone, hours, nights) if enough and nights.day.size else None,
        uarl_m3_day=_uarl(zone, pressure),
        pressure_m=pressure if math.isfinite(pressure) else None,
        notes=tuple(notes),
    )


def _balance(zone: Zone, hours: ZoneHours, days: float) -> WaterBalance | None:
    metered_hours = np.isfinite(hours.meters_m3h)
    if metered_hours.mean() < LEAST_HOURS_SHARE:
        return None
    metered = float(robust.mean(hours.meters_m3h)) * 24.0 * days
    rest = metered * max(0.0, zone.connections / hours.meters - 1.0)
    return WaterBalance(
        days=days,
        inflow=_entered(hours, days),
        outflow=_left(hours, days),
        billed_metered=measured(metered, METER_ERROR),
        billed_unmetered=measured(rest, UNMETERED_ERROR),
        estimated_share=float(1.0 - metered_hours.mean()),
    )


def _entered(hours: ZoneHours, days: float) -> Volume:
    return measured(float(robust.mean(hours.inflow_m3h)) * 24.0 * days, INLET_ERROR)


def _left(hours: ZoneHours, days: float) -> Volume:
    left = float(robust.mean(hours.outflow_m3h))
    return measured(left * 24.0 * days if math.isfinite(left) else 0.0, INLET_ERROR)


def _night_loss(zone: Zone, hours: ZoneHours, nights: Nights) -> Volume:
    """``(MNF − lawful use) × NDF`` with ``NDF = Σ_h (P_h / P_night)^N1``: 24 hours of the leakage at each hour's pressure."""
    lawful = lawful_night_use(zone)
    leakage = robust.scalar_median(nights.flow_m3h) - lawful
    spread = 1.96 * robust.scalar_sd(nights.flow_m3h) / math.sqrt(nights.flow_m3h.size)
    factor = hour_day_factor(hours.pressure_m)
    band = factor * math.hypot(spread, NIGHT_USE_ERROR * lawful)
    return Volume(m3=factor * leakage, band_m3=band if math.isfinite(band) else factor * abs(leakage))


def hour_day_factor(pressure_m: FloatArray) -> float:
    """Hours of night leakage that make a day's; 24 where the pressure is not known or does not change.

    Args:
        pressure_m: By the hour from a local midnight, shape (H,).
    """
    days = pressure_m[: pressure_m.size // 24 * 24].reshape(-1, 24)
    by_hour = robust.median(days) if days.size else np.full(24, np.nan)
    night = robust.scalar_median(by_hour[2:5])
    if not np.isfinite(by_hour).all() or not night > 0:
        return 24.0
    return float(np.sum((np.maximum(by_hour, 0.0) / night) ** _N1))


def _uarl(zone: Zone, pressure_m: float) -> float | None:
    if not zone.mains_km or not zone.connections or not math.isfinite(pressure_m) or pressure_m <= 0:
        return None
    # An inventory does not tell how far behind the street a meter sits: at its edge.
    return uarl_m3_day(mains_km=zone.mains_km, connections=zone.connections, private_km=0.0, pressure_m=pressure_m)
