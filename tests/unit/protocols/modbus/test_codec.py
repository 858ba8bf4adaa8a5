"""Registers and numbers, by wire order."""

from __future__ import annotations

import math
import struct
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.codec import (
    DataType,
    from_pattern,
    from_registers,
    is_order,
    natural_order,
    to_pattern,
    to_registers,
)

FORMATS = dict(zip(("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"), "hHiIqQfd", strict=True))
NUMBERS = [d for d in DataType if d is not DataType.BIT]


@pytest.mark.parametrize(
    ("order", "registers"),
    [
        ("ABCD", [0x4366, 0x8000]),
        ("CDAB", [0x8000, 0x4366]),
        ("BADC", [0x6643, 0x0080]),
        ("DCBA", [0x0080, 0x6643]),
    ],
)
def test_golden_float_in_every_order(order: str, registers: list[int]) -> None:
    assert to_registers(230.5, DataType.FLOAT32, order) == registers
    assert from_registers(registers, DataType.FLOAT32, order) == 230.5


@pytest.mark.parametrize(
    ("datatype", "order", "registers", "value"),
    [
        (DataType.INT16, "AB", [0xFFCE], -50),
        (DataType.UINT16, "AB", [0xFFCE], 65486),
        (DataType.UINT16, "BA", [0xFC16], 0x16FC),
        (DataType.INT32, "ABCD", [0xFFFF, 0xFC18], -1000),
        (DataType.UINT32, "CDAB", [0xCD15, 0x075B], 123456789),
        (DataType.INT64, "ABCDEFGH", [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], -2),
        (DataType.UINT64, "GHEFCDAB", [0x0004, 0x0003, 0x0002, 0x0001], 0x0001_0002_0003_0004),
        (DataType.FLOAT64, "ABCDEFGH", [0x406C, 0xD000, 0, 0], 230.5),
        (DataType.BIT, "", [1], 1),
        (DataType.BIT, "", [0], 0),
    ],
)
def test_golden_values(datatype: DataType, order: str, registers: list[int], value: float) -> None:
    assert from_registers(registers, datatype, order) == value
    assert to_registers(value, datatype, order) == registers


@given(st.sampled_from(NUMBERS), st.data())
def test_roundtrip_in_every_order(datatype: DataType, data: st.DataObject) -> None:
    order = "".join(data.draw(st.permutations(natural_order(datatype))))
    pattern = data.draw(st.integers(0, (1 << 16 * datatype.words) - 1))
    registers = from_pattern(pattern, datatype, order)
    assert to_pattern(registers, datatype, order) == pattern
    value = from_registers(registers, datatype, order)
    if not math.isnan(value):
        assert to_registers(value, datatype, order) == registers


@given(st.sampled_from(NUMBERS), st.data())
def test_agrees_with_struct_in_natural_order(datatype: DataType, data: st.DataObject) -> None:
    wire = data.draw(st.binary(min_size=2 * datatype.words, max_size=2 * datatype.words))
    registers = [int.from_bytes(wire[i : i + 2], "big") for i in range(0, len(wire), 2)]
    expected = struct.unpack(">" + FORMATS[datatype.value], wire)[0]
    found = from_registers(registers, datatype, natural_order(datatype))
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_only_permutations_are_orders() -> None:
    assert all(is_order("".join(p), DataType.INT32) for p in permutations("ABCD"))
    for wrong in ("", "AB", "ABC", "ABCC", "abcd", "ABCDE", "ABCDEFGH"):
        assert not is_order(wrong, DataType.INT32)
        with pytest.raises(ValueError, match="order"):
            from_registers([1, 2], DataType.INT32, wrong)
        with pytest.raises(ValueError, match="order"):
            to_registers(1, DataType.INT32, wrong)


@pytest.mark.parametrize("registers", [[], [1], [1, 2, 3], [-1, 0], [0, 65536]])
def test_registers_that_do_not_fit_are_refused(registers: list[int]) -> None:
    with pytest.raises(ValueError, match="regist"):
        from_registers(registers, DataType.INT32, "ABCD")


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (DataType.INT16, 32768),
        (DataType.INT16, -32769),
        (DataType.UINT16, -1),
        (DataType.UINT16, 1.5),
        (DataType.UINT64, 1 << 64),
        (DataType.BIT, 2),
        (DataType.FLOAT32, 1e39),
    ],
)
def test_values_beyond_the_type_are_refused(datatype: DataType, value: float) -> None:
    with pytest.raises(ValueError, match=datatype.value):
        to_registers(value, datatype, natural_order(datatype))
