"""Quantities, their one canonical unit, and exact conversion into it.

A number never travels without its unit. Inside the house each quantity has exactly one unit, named by a suffix; conversion
happens once on the way in and once on the way out, by the exact rational factors below (one hour is 3600 s, not 3.6e3).

    flow  L/s ──× 18/5──▶ m³/h (``_m3h``)          pressure  bar ──× 10.19716──▶ metres of head (``_m``)
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from domain.errors import UnitError


class Quantity(StrEnum):
    """What is measured. The member's value is the word used in files, topics and columns."""

    FLOW = "flow"
    VOLUME = "volume"
    PRESSURE = "pressure"
    LEVEL = "level"
    ENERGY = "energy"
    POWER = "power"
    TEMPERATURE = "temperature"
    POSITION = "position"
    STATE = "state"

    @property
    def unit(self) -> str:
        """Symbol of the canonical unit, e.g. ``m3/h``."""
        return _CANONICAL[self][0]

    @property
    def suffix(self) -> str:
        """Suffix of names that hold this quantity, e.g. ``_m3h``."""
        return _CANONICAL[self][1]


_CANONICAL: dict[Quantity, tuple[str, str]] = {
    Quantity.FLOW: ("m3/h", "_m3h"),
    Quantity.VOLUME: ("m3", "_m3"),
    Quantity.PRESSURE: ("m", "_m"),
    Quantity.LEVEL: ("m", "_m"),
    Quantity.ENERGY: ("kWh", "_kwh"),
    Quantity.POWER: ("kW", "_kw"),
    Quantity.TEMPERATURE: ("degC", "_degc"),
    Quantity.POSITION: ("%", "_pct"),
    Quantity.STATE: ("1", ""),
}

# One bar is 100 000 Pa; a metre of head is rho g = 1000 kg/m3 x 9.80665 m/s2 (standard gravity, ISO 80000-3).
_M_PER_BAR = Fraction(100_000) / (Fraction(1000) * Fraction(980_665, 100_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit somebody else uses, and the exact way into ours."""

    symbol: str
    quantity: Quantity
    factor: Fraction
    """canonical = value × factor + offset"""
    offset: Fraction = Fraction(0)

    def to_canonical(self, value: float) -> float:
        """The value in the canonical unit of ``quantity``."""
        return float(value * float(self.factor) + float(self.offset))

    def from_canonical(self, value: float) -> float:
        """The canonical value in this unit."""
        return float((value - float(self.offset)) / float(self.factor))


def _unit(symbol: str, quantity: Quantity, factor: Fraction | int, offset: Fraction | int = 0) -> Unit:
    return Unit(symbol=symbol, quantity=quantity, factor=Fraction(factor), offset=Fraction(offset))


UNITS: dict[tuple[str, Quantity], Unit] = {
    (u.symbol, u.quantity): u
    for u in (
        _unit("m3/h", Quantity.FLOW, 1),
        _unit("L/s", Quantity.FLOW, Fraction(18, 5)),
        _unit("L/min", Quantity.FLOW, Fraction(6, 100)),
        _unit("L/h", Quantity.FLOW, Fraction(1, 1000)),
        _unit("m3/s", Quantity.FLOW, 3600),
        _unit("m3/d", Quantity.FLOW, Fraction(1, 24)),
        _unit("m3", Quantity.VOLUME, 1),
        _unit("L", Quantity.VOLUME, Fraction(1, 1000)),
        _unit("m", Quantity.PRESSURE, 1),
        _unit("bar", Quantity.PRESSURE, _M_PER_BAR),
        _unit("kPa", Quantity.PRESSURE, _M_PER_BAR / 100),
        _unit("m", Quantity.LEVEL, 1),
        _unit("cm", Quantity.LEVEL, Fraction(1, 100)),
        _unit("kWh", Quantity.ENERGY, 1),
        _unit("Wh", Quantity.ENERGY, Fraction(1, 1000)),
        _unit("MWh", Quantity.ENERGY, 1000),
        _unit("kW", Quantity.POWER, 1),
        _unit("W", Quantity.POWER, Fraction(1, 1000)),
        _unit("degC", Quantity.TEMPERATURE, 1),
        _unit("K", Quantity.TEMPERATURE, 1, Fraction(-27_315, 100)),
        _unit("%", Quantity.POSITION, 1),
        _unit("1", Quantity.STATE, 1),
    )
}


def unit_of(symbol: str, quantity: Quantity) -> Unit:
    """The unit with this symbol for this quantity.

    Raises:
        UnitError: The symbol is unknown for the quantity; the message lists those that are.
    """
    found = UNITS.get((symbol, quantity))
    if found is None:
        raise UnitError(f"unit {symbol!r} does not measure {quantity.value}; known: {', '.join(units_of(quantity))}")
    return found


def units_of(quantity: Quantity) -> tuple[str, ...]:
    """Symbols of every unit that measures the quantity, the canonical one first."""
    return tuple(symbol for symbol, measured in UNITS if measured is quantity)


def resolution_in_canonical(step: Decimal, unit: Unit) -> Decimal:
    """A resolution given in somebody's unit, exactly in ours: 0.0001 L/s is 0.00036 m³/h.

    Raises:
        UnitError: The step is not positive, or has no exact decimal form in the canonical unit (bar and K have none:
            give the resolution in the canonical unit there).
    """
    if step <= 0:
        raise UnitError(f"resolution must be above 0, got {step}")
    exact = Fraction(step) * unit.factor
    denominator = exact.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator != 1:
        raise UnitError(f"a resolution of {step} {unit.symbol} is no finite decimal in {unit.quantity.unit}")
    return Decimal(exact.numerator) / Decimal(exact.denominator)
