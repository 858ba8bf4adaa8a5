"""Units of the Blue Book (4.3.2, attribute scaler_unit) and their way into canonical units."""

from __future__ import annotations

from fractions import Fraction

from domain.quantities import Quantity, Unit, unit_of

COUNT = 255
"""No unit: a count or a ratio."""

SYMBOLS: dict[int, str] = {
    1: "a", 2: "mo", 3: "wk", 4: "d", 5: "h", 6: "min", 7: "s", 8: "deg", 9: "degC", 10: "currency", 11: "m", 12: "m/s", 13: "m3",
    14: "m3 (corrected)", 15: "m3/h", 16: "m3/h (corrected)", 17: "m3/d", 18: "m3/d (corrected)", 19: "L", 20: "kg", 21: "N",
    22: "N m", 23: "Pa", 24: "bar", 25: "J", 26: "J/h", 27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh", 33: "A",
    34: "C", 35: "V", 36: "V/m", 37: "F", 38: "Ohm", 39: "Ohm m2/m", 40: "Wb", 41: "T", 42: "A/m", 43: "H", 44: "Hz", 45: "1/Wh",
    46: "1/varh", 47: "1/VAh", 48: "V2h", 49: "A2h", 50: "kg/s", 51: "S", 52: "K", 53: "1/V2h", 54: "1/A2h", 55: "1/m3", 56: "%",
    57: "Ah", 60: "Wh/m3", 61: "J/m3", 62: "mol%", 63: "g/m3", 64: "Pa s", 65: "J/kg", 70: "dBm", 71: "dBuV", 72: "dB",
    254: "other", COUNT: "",
}  # fmt: skip

_MILLI, _KILO = Fraction(1, 1000), Fraction(1000)
# code: (symbol in domain.quantities, quantity, how many of that unit one of these is)
_CANONICAL: dict[int, tuple[str, Quantity, Fraction]] = {
    9: ("degC", Quantity.TEMPERATURE, Fraction(1)),
    11: ("m", Quantity.LEVEL, Fraction(1)),
    13: ("m3", Quantity.VOLUME, Fraction(1)),
    14: ("m3", Quantity.VOLUME, Fraction(1)),
    15: ("m3/h", Quantity.FLOW, Fraction(1)),
    16: ("m3/h", Quantity.FLOW, Fraction(1)),
    17: ("m3/d", Quantity.FLOW, Fraction(1)),
    18: ("m3/d", Quantity.FLOW, Fraction(1)),
    19: ("L", Quantity.VOLUME, Fraction(1)),
    23: ("kPa", Quantity.PRESSURE, _MILLI),
    24: ("bar", Quantity.PRESSURE, Fraction(1)),
    25: ("Wh", Quantity.ENERGY, Fraction(1, 3600)),
    26: ("W", Quantity.POWER, Fraction(1, 3600)),
    27: ("W", Quantity.POWER, Fraction(1)),
    30: ("Wh", Quantity.ENERGY, Fraction(1)),
    52: ("K", Quantity.TEMPERATURE, Fraction(1)),
    56: ("%", Quantity.POSITION, Fraction(1)),
    COUNT: ("1", Quantity.STATE, Fraction(1)),
}


def symbol(code: int) -> str:
    """The unit's symbol, or its number where the Blue Book has none."""
    return SYMBOLS.get(code, f"unit {code}")


def quantity_of(code: int) -> Quantity | None:
    """What the unit measures; None where the house has no such quantity (volts, amperes, reactive energy …)."""
    found = _CANONICAL.get(code)
    return None if found is None else found[1]


def to_canonical(value: Fraction, code: int) -> Fraction | None:
    """The value in the canonical unit of its quantity, exactly; None where there is none."""
    found = _CANONICAL.get(code)
    if found is None:
        return None
    unit: Unit = unit_of(found[0], found[1])
    return value * found[2] * unit.factor + unit.offset
