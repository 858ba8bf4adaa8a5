from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from domain.quantities import Quantity
from protocols.dlms.buffer import NullMeans, rows_of
from protocols.dlms.data import CompactArray, Data, Kind, TypeDescription, array, octets, structure
from protocols.dlms.datetimes import encode_date_time
from protocols.dlms.obis import Obis
from protocols.dlms.objects import (
    ControlState,
    ScalerUnit,
    capture_objects_of,
    disconnector_of,
    object_list_of,
    scaler_unit_of,
)
from protocols.dlms.selection import CLOCK_TIME
from protocols.dlms.units import SYMBOLS, quantity_of, symbol, to_canonical

NULL = Data(Kind.NULL)
START = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


def _u(value: int) -> Data:
    return Data(Kind.DOUBLE_LONG_UNSIGNED, value)


def test_nulls_never_shift_columns() -> None:
    stamp = octets(encode_date_time(START))
    rows = rows_of(
        array([structure(stamp, _u(5), _u(7)), structure(NULL, NULL, _u(8)), NULL, structure(NULL, _u(6), NULL)]),
        columns=3,
        clock=0,
        period_s=900,
    )
    assert [[cell.value for cell in row.cells[1:]] for row in rows] == [[5, 7], [5, 8], [5, 8], [6, 8]]
    assert [row.time.utc() for row in rows if row.time] == [START + timedelta(minutes=15 * i) for i in range(4)]


def test_nulls_may_mean_absent_and_a_time_that_cannot_be_known_is_none() -> None:
    buffer = array([structure(octets(encode_date_time(START)), NULL, _u(7)), structure(NULL, NULL, _u(3))])
    rows = rows_of(buffer, columns=3, clock=0, period_s=0, null_means=NullMeans.ABSENT)
    assert [row.cells[1] for row in rows] == [NULL, NULL]
    assert (rows[1].time, rows[1].cells[2].value) == (None, 3)


@given(st.lists(st.lists(st.none() | st.integers(0, 2**32 - 1), min_size=7, max_size=7), max_size=30))
def test_any_pattern_of_nulls(table: list[list[int | None]]) -> None:
    buffer = array(structure(*(NULL if cell is None else _u(cell) for cell in row)) for row in table)
    last: list[int | None] = [None] * 7
    for row, given_row in zip(rows_of(buffer, columns=7, clock=None), table, strict=True):
        last = [new if new is not None else old for new, old in zip(given_row, last, strict=True)]
        assert [cell.value for cell in row.cells] == last


def test_differences_count_from_the_value_before() -> None:
    buffer = array([structure(_u(1000)), structure(Data(Kind.DELTA_INTEGER, -5)), structure(Data(Kind.DELTA_UNSIGNED, 200))])
    assert [row.cells[0].value for row in rows_of(buffer, columns=1, clock=None)] == [1000, 995, 1195]
    with pytest.raises(DecodeError, match="no number before"):
        rows_of(array([structure(Data(Kind.DELTA_LONG, 1))]), columns=1, clock=None)


def test_compact_arrays_are_buffers_too_and_wrong_rows_are_refused() -> None:
    description = TypeDescription(Kind.STRUCTURE, (TypeDescription(Kind.LONG_UNSIGNED),))
    compact = Data(Kind.COMPACT_ARRAY, CompactArray(description, (structure(Data(Kind.LONG_UNSIGNED, 9)),)))
    assert rows_of(compact, columns=1, clock=None)[0].cells[0].value == 9
    with pytest.raises(DecodeError, match="2 columns, the profile has 3"):
        rows_of(array([structure(_u(1), _u(2))]), columns=3, clock=None)
    with pytest.raises(DecodeError, match="array or structure"):
        rows_of(_u(1), columns=3, clock=None)


@pytest.mark.parametrize(
    ("number", "scaler", "unit", "value", "canonical", "quantity"),
    [
        (_u(1234567), -3, 13, 1234.567, 1234.567, Quantity.VOLUME),
        (_u(1234567), 0, 19, 1234567.0, 1234.567, Quantity.VOLUME),
        (Data(Kind.LONG, -12), -1, 30, -1.2, -0.0012, Quantity.ENERGY),
        (Data(Kind.LONG64_UNSIGNED, 2**63), 0, 30, float(2**63), 2**63 / 1000, Quantity.ENERGY),
        (_u(2301), -1, 35, 230.1, None, None),
        (_u(150), -2, 24, 1.5, 15.295743, Quantity.PRESSURE),
        (_u(3600), 0, 25, 3600.0, 0.001, Quantity.ENERGY),
        (Data(Kind.FLOAT32, 2.5), 1, 15, 25.0, 25.0, Quantity.FLOW),
        (Data(Kind.FLOAT32, float("nan")), 1, 15, None, None, Quantity.FLOW),
        (NULL, 1, 15, None, None, Quantity.FLOW),
    ],
)
def test_scaled_values(
    number: Data, scaler: int, unit: int, value: float | None, canonical: float | None, quantity: Quantity | None
) -> None:
    scale = scaler_unit_of(structure(Data(Kind.INTEGER, scaler), Data(Kind.ENUM, unit)))
    assert scale.value(number) == value
    assert scale.canonical(number) == (None if canonical is None else pytest.approx(canonical, abs=1e-6))
    assert scale.quantity is quantity


def test_no_number_is_refused() -> None:
    with pytest.raises(DecodeError, match="number"):
        ScalerUnit().value(octets(b"x"))
    for wrong in (structure(Data(Kind.INTEGER, 100), Data(Kind.ENUM, 13)), structure(_u(1)), _u(1), structure(_u(1), octets(b""))):
        with pytest.raises(DecodeError):
            scaler_unit_of(wrong)


def test_every_unit_of_the_house_converts() -> None:
    for code in SYMBOLS:
        assert (quantity_of(code) is None) == (to_canonical(ScalerUnit()._exact(_u(1)) or Fraction(0), code) is None)
    assert (symbol(13), symbol(200)) == ("m3", "unit 200")


def test_lists_of_objects() -> None:
    assert capture_objects_of(array([CLOCK_TIME.to_data()])) == (CLOCK_TIME,)
    entry = structure(Data(Kind.LONG_UNSIGNED, 3), Data(Kind.UNSIGNED, 0), octets(Obis("8-0:1.0.0")), structure())
    (found,) = object_list_of(array([entry]))
    assert (found.class_id, found.version, str(found.obis)) == (3, 0, "8-0:1.0.0*255")
    for wrong in (array([structure()]), array([_u(1)]), array([structure(_u(1), _u(1), octets(b"x"), _u(1))])):
        for read in (capture_objects_of, object_list_of):
            with pytest.raises(DecodeError):
                read(wrong)


def test_disconnectors() -> None:
    found = disconnector_of(Data(Kind.BOOLEAN, True), Data(Kind.ENUM, 2))
    assert (found.output, found.state) == (True, ControlState.READY_FOR_RECONNECTION)
    with pytest.raises(DecodeError):
        disconnector_of(Data(Kind.BOOLEAN, True), Data(Kind.ENUM, 7))
