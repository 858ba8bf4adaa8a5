"""The binary COPY format against psycopg's own, row by row; twins against a dictionary."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.datetime import DatetimeBinaryDumper
from psycopg.types.numeric import Int2BinaryDumper, Int4BinaryDumper, Int8BinaryDumper

from domain.delivery import NULL_COUNT
from storage.reading_rows import END_2100_MS, EPOCH_2000_MS, HEADER, TRAILER, Rows, copy_bytes, parse_columns, parse_series

row = st.tuples(
    st.integers(1, 2**31 - 1),
    st.integers(EPOCH_2000_MS, END_2100_MS - 1),
    st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    st.integers(0, 500),
)


def rows_of(values: Sequence[tuple[int, int, int | None, int]]) -> Rows:
    return Rows(
        stream=np.zeros(len(values), dtype=np.int32),
        sequence=np.arange(1, len(values) + 1),
        point_id=np.array([v[0] for v in values], dtype=np.int32),
        time_ms=np.array([v[1] for v in values], dtype=np.int64),
        counts=np.array([NULL_COUNT if v[2] is None else v[2] for v in values], dtype=np.int64),
        quality=np.array([v[3] for v in values], dtype=np.int16),
    )


def by_psycopg(value: tuple[int, int, int | None, int], place: int | None) -> bytes:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value[1])
    fields = [
        DatetimeBinaryDumper(datetime).dump(moment),
        None if value[2] is None else Int8BinaryDumper(int).dump(value[2]),
        Int4BinaryDumper(int).dump(value[0]),
        Int2BinaryDumper(int).dump(value[3]),
    ]
    if place is not None:
        fields.append(Int4BinaryDumper(int).dump(place))
    out = len(fields).to_bytes(2, "big")
    for part in fields:
        data = b"" if part is None else bytes(part)
        out += (-1 if part is None else len(data)).to_bytes(4, "big", signed=True) + data
    return out


@given(st.lists(row, max_size=20), st.booleans())
def test_copy_bytes_are_what_psycopg_would_send(values: list[tuple[int, int, int | None, int]], places: bool) -> None:
    order = [i for null in (False, True) for i, v in enumerate(values) if (v[2] is None) is null]
    expected = b"".join(by_psycopg(values[i], i if places else None) for i in order)
    assert copy_bytes(rows_of(values), places=places) == HEADER + expected + TRAILER


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 1), st.just(0)), max_size=25))
def test_twins_are_the_first_of_their_point_and_time(values: list[tuple[int, int, int | None, int]]) -> None:
    first: dict[tuple[int, int], int] = {}
    expected = [first.setdefault((v[0], v[1]), i) for i, v in enumerate(values)]
    assert rows_of(values).twins().tolist() == expected


def test_possible_times_are_the_years_2000_to_2099() -> None:
    values = [(1, t, 0, 0) for t in (EPOCH_2000_MS - 1, EPOCH_2000_MS, END_2100_MS - 1, END_2100_MS, -(2**63), 2**63 - 1)]
    assert rows_of(values).possible_times().tolist() == [False, True, True, False, False, False]


def test_series_are_parsed_with_their_lengths_checked_by_position() -> None:
    point, times, values, quality = parse_series(HEADER + TRAILER)
    assert (point.size, times.size, values.size, quality.size) == (0, 0, 0, 0)


def test_columns_of_points_are_parsed_one_point_a_row() -> None:
    def field(kind: int, cells: list[bytes]) -> bytes:
        body = struct.pack(">iiiii", 1, 0, kind, len(cells), 1) + b"".join(struct.pack(">i", len(c)) + c for c in cells)
        return struct.pack(">i", len(body)) + body

    def row(point: int, times: list[int], values: list[float], quality: list[int]) -> bytes:
        columns = ((1184, ">q", times), (701, ">d", values), (21, ">h", quality))
        arrays = b"".join(field(kind, [struct.pack(code, c) for c in cells]) for kind, code, cells in columns)
        return struct.pack(">hii", 4, 4, point) + arrays

    rows = (row(7, [0, 3_600_000_000], [12.0, float("nan")], [0, 3]), row(9, [1000], [-1.0], [1]))
    data = HEADER + b"".join(rows) + TRAILER
    (first, second) = parse_columns(data)
    assert (first[0], second[0]) == (7, 9)
    assert first[1].tolist() == [datetime(2000, 1, 1), datetime(2000, 1, 1, 1)]
    assert first[2][0] == 12.0
    assert np.isnan(first[2][1])
    assert first[3].tolist() == [0, 3]
    assert (second[2].tolist(), second[3].tolist()) == ([-1.0], [1])
    assert list(parse_columns(HEADER + TRAILER)) == []
    apart = [
        found for part in (HEADER, HEADER + rows[0], rows[0], rows[1], TRAILER, rows[1] + TRAILER) for found in parse_columns(part)
    ]
    assert [(point, quality.tolist()) for point, _, _, quality in apart] == [(7, [0, 3]), (7, [0, 3]), (9, [1]), (9, [1])]
