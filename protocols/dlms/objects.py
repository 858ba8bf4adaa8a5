"""What the attributes of the common classes mean, out of decoded data: registers, profiles, disconnectors, the object list."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from domain.quantities import Quantity
from protocols.dlms.data import INTEGERS, Data, Kind, items_of
from protocols.dlms.obis import Obis
from protocols.dlms.reader import wrong
from protocols.dlms.selection import CaptureObject
from protocols.dlms.units import quantity_of, symbol, to_canonical

_FLOATS = (Kind.FLOAT32, Kind.FLOAT64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerUnit:
    """value = number × 10^scaler, in the unit."""

    scaler: int = 0
    unit: int = 255
    """Code of the Blue Book; see ``units``."""

    @property
    def quantity(self) -> Quantity | None:
        """What is measured; None where the house has no such quantity."""
        return quantity_of(self.unit)

    @property
    def symbol(self) -> str:
        """The meter's own unit."""
        return symbol(self.unit)

    def value(self, data: Data) -> float | None:
        """The number in the meter's own unit; None for null and for what is not finite.

        Raises:
            DecodeError: The data are no number.
        """
        exact = self._exact(data)
        return None if exact is None else float(exact)

    def canonical(self, data: Data) -> float | None:
        """The number in the canonical unit of ``quantity``, rounded once; None where there is no value or no such quantity.

        Raises:
            DecodeError: The data are no number.
        """
        exact = self._exact(data)
        converted = None if exact is None else to_canonical(exact, self.unit)
        return None if converted is None else float(converted)

    def _exact(self, data: Data) -> Fraction | None:
        if data.kind is Kind.NULL:
            return None
        if data.kind in _FLOATS:
            if not math.isfinite(data.value):
                return None
        elif data.kind not in INTEGERS:
            raise wrong(f"a {data.kind.name.lower()} where a number was expected")
        return Fraction(data.value) * Fraction(10) ** self.scaler


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterReading:
    """A register's value with what it means."""

    raw: Data
    scaler_unit: ScalerUnit

    @property
    def value(self) -> float | None:
        """In the meter's own unit."""
        return self.scaler_unit.value(self.raw)

    @property
    def canonical(self) -> float | None:
        """In the canonical unit of its quantity."""
        return self.scaler_unit.canonical(self.raw)


class ControlState(IntEnum):
    """Of a disconnect control (class 70, attribute 3)."""

    DISCONNECTED = 0
    CONNECTED = 1
    READY_FOR_RECONNECTION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnector:
    """State of a disconnect control."""

    output: bool
    """Whether the supply is physically on."""
    state: ControlState


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEntry:
    """One line of an association's object list."""

    class_id: int
    version: int
    obis: Obis


def scaler_unit_of(data: Data) -> ScalerUnit:
    """Attribute 3 of a register.

    Raises:
        DecodeError: It is none, or a scaler no meter has.
    """
    scaler, unit = whole_numbers(data, 2, "scaler_unit")
    if not -30 <= scaler <= 30:
        raise wrong(f"scaler {scaler}: within −30..30 was expected")
    return ScalerUnit(scaler=scaler, unit=unit)


def capture_objects_of(data: Data) -> tuple[CaptureObject, ...]:
    """Attribute 3 of a profile: what its columns are.

    Raises:
        DecodeError: It is none.
    """
    found = []
    for item in items_of(data, "capture_objects"):
        fields = items_of(item, "capture object")
        if len(fields) != 4:
            raise wrong(f"a capture object of {len(fields)} fields")
        class_id, attribute, index = (whole_number(fields[i], "capture object") for i in (0, 2, 3))
        found.append(CaptureObject(class_id=class_id, obis=obis_of(fields[1]), attribute=attribute, index=index))
    return tuple(found)


def object_list_of(data: Data) -> tuple[ObjectEntry, ...]:
    """Attribute 2 of an association (class 15); access rights are left out.

    Raises:
        DecodeError: It is none.
    """
    found = []
    for item in items_of(data, "object_list"):
        fields = items_of(item, "object list element")
        if len(fields) < 3:
            raise wrong(f"an object list element of {len(fields)} fields")
        class_id, version = whole_number(fields[0], "class"), whole_number(fields[1], "version")
        found.append(ObjectEntry(class_id=class_id, version=version, obis=obis_of(fields[2])))
    return tuple(found)


def disconnector_of(output: Data, state: Data) -> Disconnector:
    """Attributes 2 and 3 of a disconnect control.

    Raises:
        DecodeError: They are none.
    """
    number = whole_number(state, "control_state")
    if output.kind is not Kind.BOOLEAN or number not in set(ControlState):
        raise wrong(f"a disconnect control with output {output.value!r} and state {number}")
    return Disconnector(output=output.value, state=ControlState(number))


def obis_of(data: Data) -> Obis:
    """A logical name.

    Raises:
        DecodeError: It is none.
    """
    if data.kind is not Kind.OCTET_STRING or len(data.value) != 6:
        raise wrong(f"{data.value!r} where a logical name of six bytes was expected")
    return Obis(data.value)


def whole_number(data: Data, what: str) -> int:
    """A number of any whole type.

    Raises:
        DecodeError: It is none.
    """
    if data.kind not in INTEGERS:
        raise wrong(f"{what} is a {data.kind.name.lower()}, a whole number was expected")
    number: int = data.value
    return number


def whole_numbers(data: Data, count: int, what: str) -> tuple[int, ...]:
    """A structure of so many whole numbers.

    Raises:
        DecodeError: It is none.
    """
    fields = items_of(data, what)
    if len(fields) != count:
        raise wrong(f"{what} has {len(fields)} fields, {count} were expected")
    return tuple(whole_number(field, what) for field in fields)
