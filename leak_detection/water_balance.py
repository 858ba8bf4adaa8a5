"""The water balance of a zone and what follows from it: losses, indicators, ranks. Pure arithmetic with error bands.

    system input = authorised (billed, unbilled; metered or not) + apparent losses + real losses

after the IWA standard balance (Lambert and Hirner 2000). Every component carries a 95 % half-width; errors are taken as independent
and add in squares. Nothing is cut at zero: negative losses say that a component is wrong, and are shown as such.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume [m³] and the half-width of its 95 % band [m³]."""

    m3: float
    band_m3: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.m3) and math.isfinite(self.band_m3) and self.band_m3 >= 0):
            raise ValueError(f"volume {self.m3} ± {self.band_m3} m³: both must be finite and the band not negative")

    def __add__(self, other: Volume) -> Volume:
        return Volume(m3=self.m3 + other.m3, band_m3=math.hypot(self.band_m3, other.band_m3))

    def __sub__(self, other: Volume) -> Volume:
        return Volume(m3=self.m3 - other.m3, band_m3=math.hypot(self.band_m3, other.band_m3))


def measured(m3: float, error_share: float) -> Volume:
    """A volume whose 95 % band is a share of it, e.g. 0.02 for a meter good to ±2 %."""
    return Volume(m3=m3, band_m3=abs(m3) * error_share)


_NONE = Volume(m3=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterBalance:
    """The components that are put in, for one zone and period; the rest follows."""

    days: float
    inflow: Volume
    outflow: Volume = _NONE
    storage_change: Volume = _NONE
    """Water that tanks hold more than at the start."""
    billed_metered: Volume = _NONE
    billed_unmetered: Volume = _NONE
    unbilled_metered: Volume = _NONE
    unbilled_unmetered: Volume = _NONE
    unauthorised: Volume = _NONE
    meter_error: Volume = _NONE
    """Water that customers' meters do not count, data errors included."""
    estimated_share: float = 0.0
    """Of the billed metered volume, how much is estimated and not read, 0..1."""

    def __post_init__(self) -> None:
        if self.days <= 0:
            raise ValueError(f"a balance of {self.days} days; a period above 0 is needed")

    @property
    def system_input(self) -> Volume:
        return self.inflow - self.outflow - self.storage_change

    @property
    def billed(self) -> Volume:
        return self.billed_metered + self.billed_unmetered

    @property
    def authorised(self) -> Volume:
        return self.billed + self.unbilled_metered + self.unbilled_unmetered

    @property
    def non_revenue(self) -> Volume:
        """NRW: system input less what is billed."""
        return self.system_input - self.billed

    @property
    def losses(self) -> Volume:
        return self.system_input - self.authorised

    @property
    def apparent_losses(self) -> Volume:
        return self.unauthorised + self.meter_error

    @property
    def real_losses(self) -> Volume:
        """CARL over the period."""
        return self.losses - self.apparent_losses

    @property
    def system_yield(self) -> float:
        """Billed over system input (rendement); NaN without input."""
        return self.billed.m3 / self.system_input.m3 if self.system_input.m3 > 0 else math.nan


def uarl_m3_day(*, mains_km: float, connections: float, private_km: float, pressure_m: float) -> float:
    """Unavoidable annual real losses [m³/day].

    ``(18 Lm + 0.8 Nc + 25 Lp) P`` litres a day (Lambert et al. 1999); ``Lp`` is the pipe from the property's boundary to the meter.
    Published for more than 5,000 connections, 20 a kilometre, and 25 to 100 m: outside, a guide only.
    """
    for name, value in (
        ("mains_km", mains_km),
        ("connections", connections),
        ("private_km", private_km),
        ("pressure_m", pressure_m),
    ):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} = {value}; a finite number not below 0 is needed")
    return (18.0 * mains_km + 0.8 * connections + 25.0 * private_km) * pressure_m / 1000.0


def ili(balance: WaterBalance, uarl_m3_a_day: float) -> tuple[float, float]:
    """Infrastructure leakage index CARL / UARL and the half-width of its 95 % band; NaN where UARL is 0."""
    if uarl_m3_a_day <= 0:
        return math.nan, math.nan
    scale = balance.days * uarl_m3_a_day
    return balance.real_losses.m3 / scale, balance.real_losses.band_m3 / scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Recoverable:
    """A zone's recoverable water and what it costs to get it."""

    zone: str
    m3_a_day: float
    cost: float


def rank_by_yield(zones: tuple[Recoverable, ...]) -> tuple[Recoverable, ...]:
    """Zones by recoverable m³ a day per unit of cost, best first; free ones before all."""
    return tuple(sorted(zones, key=lambda z: (-(z.m3_a_day / z.cost) if z.cost > 0 else -math.inf, -z.m3_a_day, z.zone)))
