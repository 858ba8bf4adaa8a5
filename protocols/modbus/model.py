"""A device model: which registers a kind of device has, and what they mean."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from domain.errors import ConfigurationError
from domain.quantities import Quantity, Unit
from protocols.modbus.codec import DataType, from_pattern, pattern_of, to_pattern, value_of

_FLOAT32_MAX = (2 - 2**-23) * 2.0**127


class Function(StrEnum):
    """The four tables of a Modbus device."""

    HOLDING = "holding"
    INPUT = "input"
    COIL = "coil"
    DISCRETE = "discrete"

    @property
    def bits(self) -> bool:
        """Whether the table holds bits, not registers."""
        return self in (Function.COIL, Function.DISCRETE)

    @property
    def max_count(self) -> int:
        """Most registers or bits one request may read (Modbus application protocol V1.1b3, 6.1-6.4)."""
        return 2000 if self.bits else 125


@dataclass(frozen=True, slots=True, kw_only=True)
class Writable:
    """Limits of a field that may be written, in its canonical unit."""

    low: float
    high: float
    safe: float | None = None
    """What the device is set to when nobody is there to say; None where it has no such value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One number of a device. canonical = unit's conversion of (register number × scale + offset)."""

    name: str
    """Also the Sparkplug metric name; ends in the suffix of its canonical unit."""
    function: Function
    address: int
    """First register, counted from 0 as on the wire."""
    type: DataType
    order: str
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    unit: Unit
    quantity: Quantity
    resolution: float
    """Smallest step the device can show, in the canonical unit."""
    sentinels: frozenset[int] = frozenset()
    """Bit patterns that mean "no value"."""
    low: float | None = None
    high: float | None = None
    """Plausible limits in the canonical unit."""
    writable: Writable | None = None
    description: str = ""

    @property
    def end(self) -> int:
        """Address after the last register."""
        return self.address + self.type.words

    @property
    def factor(self) -> Fraction:
        """canonical = number × factor + constant, exactly."""
        return self.scale * self.unit.factor

    @property
    def constant(self) -> Fraction:
        """See ``factor``."""
        return self.offset * self.unit.factor + self.unit.offset

    def value(self, registers: Sequence[int]) -> float | None:
        """The value in the canonical unit; None for a sentinel or a float that is not finite.

        Raises:
            ValueError: The registers do not fit the type.
        """
        pattern = to_pattern(registers, self.type, self.order)
        number = value_of(pattern, self.type)
        if pattern in self.sentinels or not math.isfinite(number):
            return None
        if self.factor == 1 and self.constant == 0:
            return float(number)
        if isinstance(number, int):  # one rounding only, so that 3512 × 0.01 is 35.12 and nothing beside it
            return float(number * self.factor + self.constant)
        return number * float(self.factor) + float(self.constant)

    def registers(self, value: float | None, *, saturate: bool = False) -> list[int]:
        """The registers that show this canonical value, rounded to the device's step; None gives the sentinel.

        Args:
            value: In the canonical unit.
            saturate: Take the nearest number that the registers can show, as a sensor beyond its range does.

        Raises:
            ValueError: The value is not finite, is beyond the type, lands on a sentinel, or is None and there is no sentinel.
        """
        if value is None:
            return from_pattern(self._null_pattern(), self.type, self.order)
        if not math.isfinite(value):
            raise ValueError(f"{self.name}: {value} is not a finite number")
        exact = (Fraction(repr(float(value))) - self.constant) / self.factor
        number = float(exact) if self.type.is_float else round(exact)
        if saturate:
            low, high = self._shown_limits()
            number = min(max(number, low), high)
        pattern = pattern_of(number, self.type)
        if pattern in self.sentinels:
            raise ValueError(f"{self.name}: {value} {self.quantity.unit} would read as 'no value' (0x{pattern:X})")
        return from_pattern(pattern, self.type, self.order)

    def _shown_limits(self) -> tuple[float, float]:
        """Least and greatest number that is a value: sentinels at the ends of the type are left out."""
        if self.type.is_float:
            top = _FLOAT32_MAX if self.type is DataType.FLOAT32 else sys.float_info.max
            return -top, top
        low, high = self.type.limits
        while pattern_of(low, self.type) in self.sentinels:
            low += 1
        while pattern_of(high, self.type) in self.sentinels:
            high -= 1
        return low, high

    def _null_pattern(self) -> int:
        if self.sentinels:
            return min(self.sentinels)
        if self.type.is_float:
            return pattern_of(math.nan, self.type)
        raise ValueError(f"{self.name} has no sentinel, so it cannot show 'no value'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A frame seen on a real device, and what it must read as."""

    function: Function
    address: int
    registers: tuple[int, ...]
    expect: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceModel:
    """One kind of device."""

    name: str
    description: str = ""
    fields: tuple[Field, ...]
    samples: tuple[Sample, ...] = ()
    max_gap: int = 0
    """Registers between two fields that the device allows to be read along."""
    max_span: int = 125
    """Most registers this device answers at once."""

    def field(self, name: str) -> Field:
        """The field of this name.

        Raises:
            ConfigurationError: The model has no such field; the message lists those it has.
        """
        for found in self.fields:
            if found.name == name:
                return found
        known = ", ".join(f.name for f in self.fields)
        raise ConfigurationError(file=f"{self.name}.toml", key="field", value=name, expected=f"a field of the model: {known}")
