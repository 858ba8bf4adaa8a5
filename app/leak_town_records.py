"""What a made town is: how hard its year is, what a utility would have of it, and what is wrong in truth."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.series import FloatArray

PER_DAY = 96
"""Steps of a quarter of an hour."""


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
