"""Registers ↔ numbers.

Byte order is given as it stands on the wire: letter A is the most significant byte of the number, and the order string says which
byte comes when. Names such as "big endian, word swapped" mean different things in different tools; wire bytes do not.

    230.5 as float32 = 43 66 80 00      "ABCD" 4366 8000   "CDAB" 8000 4366   "BADC" 6643 0080   "DCBA" 0080 6643
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import StrEnum

_LETTERS = "ABCDEFGH"


class DataType(StrEnum):
    """How a number is laid out in registers (or, ``bit``, in one coil or discrete input)."""

    BIT = "bit"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    @property
    def words(self) -> int:
        """Registers (or bits) taken."""
        return max(1, struct.calcsize(_FORMAT[self]) // 2)

    @property
    def is_float(self) -> bool:
        """Whether the number is a floating point one."""
        return self in (DataType.FLOAT32, DataType.FLOAT64)

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest whole number; of the integer types only."""
        if self is DataType.BIT:
            return 0, 1
        bits = 16 * self.words
        return (0, (1 << bits) - 1) if self.value.startswith("u") else (-(1 << bits - 1), (1 << bits - 1) - 1)


_FORMAT = {
    DataType.BIT: ">B",
    DataType.INT16: ">h",
    DataType.UINT16: ">H",
    DataType.INT32: ">i",
    DataType.UINT32: ">I",
    DataType.INT64: ">q",
    DataType.UINT64: ">Q",
    DataType.FLOAT32: ">f",
    DataType.FLOAT64: ">d",
}


def natural_order(datatype: DataType) -> str:
    """Most significant byte first, as the Modbus specification sends a register: ``AB``, ``ABCD``, ``ABCDEFGH``."""
    return _LETTERS[: 2 * datatype.words]


def is_order(order: str, datatype: DataType) -> bool:
    """Whether the order names each byte of the type exactly once."""
    return sorted(order) == list(natural_order(datatype))


def to_pattern(registers: Sequence[int], datatype: DataType, order: str) -> int:
    """The bits of the number as an unsigned whole number, most significant byte first: what sentinels are compared with.

    Raises:
        ValueError: The number of registers or the order does not fit the type, or a register is outside 0..65535.
    """
    if len(registers) != datatype.words:
        raise ValueError(f"{datatype.value} takes {datatype.words} registers, got {len(registers)}")
    if datatype is DataType.BIT:
        return 1 if registers[0] else 0
    if not is_order(order, datatype):
        raise ValueError(f"order {order!r} does not name each byte of {natural_order(datatype)} once")
    for register in registers:
        if not 0 <= register <= 0xFFFF:
            raise ValueError(f"register value {register} must be within 0..65535")
    wire = b"".join(register.to_bytes(2, "big") for register in registers)
    return int.from_bytes(bytes(wire[order.index(letter)] for letter in natural_order(datatype)), "big")


def from_pattern(pattern: int, datatype: DataType, order: str) -> list[int]:
    """The registers that hold these bits; the way back of ``to_pattern``."""
    if datatype is DataType.BIT:
        return [pattern & 1]
    if not is_order(order, datatype):
        raise ValueError(f"order {order!r} does not name each byte of {natural_order(datatype)} once")
    number = pattern.to_bytes(2 * datatype.words, "big")
    wire = bytes(number[_LETTERS.index(letter)] for letter in order)
    return [int.from_bytes(wire[i : i + 2], "big") for i in range(0, len(wire), 2)]


def from_registers(registers: Sequence[int], datatype: DataType, order: str) -> int | float:
    """The number in these registers; raises as ``to_pattern``."""
    return value_of(to_pattern(registers, datatype, order), datatype)


def to_registers(value: float, datatype: DataType, order: str) -> list[int]:
    """The registers that hold this number; a float32 is rounded to the nearest one.

    Raises:
        ValueError: The number is not whole (integer types) or outside the type's limits.
    """
    return from_pattern(pattern_of(value, datatype), datatype, order)


def value_of(pattern: int, datatype: DataType) -> int | float:
    """The number that these bits stand for."""
    if datatype is DataType.BIT:
        return pattern & 1
    number: int | float = struct.unpack(_FORMAT[datatype], pattern.to_bytes(2 * datatype.words, "big"))[0]
    return number


def pattern_of(value: float, datatype: DataType) -> int:
    """The bits of this number; raises as ``to_registers``."""
    if not datatype.is_float:
        low, high = datatype.limits
        if value != int(value) or not low <= value <= high:
            raise ValueError(f"{value} is no whole number within {low}..{high} ({datatype.value})")
        value = int(value)
    try:
        return int.from_bytes(struct.pack(_FORMAT[datatype], value), "big")
    except OverflowError:
        raise ValueError(f"{value} is beyond the range of {datatype.value}") from None
