"""One field: what its registers mean, exactly."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.quantities import Quantity, unit_of
from protocols.modbus.codec import DataType, natural_order
from protocols.modbus.model import Field, Function

NONE: frozenset[int] = frozenset()


def field(datatype: DataType, *, scale: str = "1", offset: str = "0", symbol: str = "m", sentinels: frozenset[int] = NONE) -> Field:
    return Field(
        name="pressure_m",
        function=Function.INPUT,
        address=0,
        type=datatype,
        order=natural_order(datatype),
        scale=Fraction(scale),
        offset=Fraction(offset),
        unit=unit_of(symbol, Quantity.PRESSURE),
        quantity=Quantity.PRESSURE,
        resolution=0.01,
        sentinels=sentinels,
    )


@given(st.integers(0, 65535))
def test_scaled_registers_are_the_nearest_float_to_the_decimal(raw: int) -> None:
    found = field(DataType.UINT16, scale="0.01").value([raw])
    assert found == float(f"{raw // 100}.{raw % 100:02d}")


@given(st.integers(-32768, 32767))
def test_every_register_comes_back_through_its_value(raw: int) -> None:
    pressure = field(DataType.INT16, scale="0.001", offset="-0.5", symbol="bar")
    value = pressure.value([raw % 65536])
    assert pressure.registers(value) == [raw % 65536]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float_registers_come_back(value: float) -> None:
    pressure = field(DataType.FLOAT32)
    assert pressure.value(pressure.registers(value)) == value


def test_bar_becomes_metres_of_head() -> None:
    assert field(DataType.UINT16, scale="0.01", symbol="bar").value([621]) == pytest.approx(6.21 * 100_000 / 9806.65, rel=1e-15)
    assert field(DataType.FLOAT32, symbol="bar").value([0x40C0, 0]) == pytest.approx(6 * 100_000 / 9806.65, rel=1e-12)


def test_sentinels_and_what_is_not_finite_are_no_value() -> None:
    assert field(DataType.INT16, sentinels=frozenset({0x8000})).value([0x8000]) is None
    assert field(DataType.INT16).value([0x8000]) == -32768.0
    assert field(DataType.FLOAT32).value([0x7FC0, 0]) is None
    assert field(DataType.FLOAT32).value([0x7F80, 0]) is None
    assert field(DataType.FLOAT32, sentinels=frozenset({0x7F7FFFFF})).value([0x7F7F, 0xFFFF]) is None


def test_no_value_is_shown_as_the_sentinel() -> None:
    assert field(DataType.UINT16, sentinels=frozenset({0xFFFF})).registers(None) == [0xFFFF]
    assert field(DataType.FLOAT32).value(field(DataType.FLOAT32).registers(None)) is None
    with pytest.raises(ValueError, match="no sentinel"):
        field(DataType.UINT16).registers(None)


def test_a_value_never_turns_into_no_value() -> None:
    pressure = field(DataType.UINT16, sentinels=frozenset({0xFFFF, 0xFFFE}))
    with pytest.raises(ValueError, match="no value"):
        pressure.registers(65534.0)
    assert pressure.registers(70000.0, saturate=True) == [0xFFFD]
    assert field(DataType.INT16, sentinels=frozenset({0x8000, 0x7FFF})).registers(-40000.0, saturate=True) == [0x8001]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_shown(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        field(DataType.FLOAT64).registers(value, saturate=True)


def test_beyond_the_type_is_refused_unless_it_may_saturate() -> None:
    with pytest.raises(ValueError, match=r"0\.\.65535"):
        field(DataType.UINT16).registers(-1.0)
    assert field(DataType.UINT16).registers(-1.0, saturate=True) == [0]
    assert field(DataType.UINT64).registers(1e30, saturate=True) == [0xFFFF] * 4
    assert field(DataType.FLOAT32).registers(1e300, saturate=True) == [0x7F7F, 0xFFFF]
