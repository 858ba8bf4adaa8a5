"""Reading a CSV of time series, exactly: a cell is a decimal number, not a float. What ``app.csv_text`` reads is taken."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from app.csv_text import EMPTY, csv_text, has_semicolons
from app.replay.mapping import Column, ReplayMap, check_header
from domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnData:
    """The non-empty cells of one column: ``time_ms`` and ``value`` of one shape (N,), in the canonical unit."""

    column: Column
    time_ms: NDArray[np.int64]
    value: NDArray[np.float64]


def read_cells(path: Path, replay: ReplayMap) -> list[ColumnData]:
    """Every non-empty cell of the mapped columns.

    Raises:
        ConfigurationError: A column is missing, a time or cell cannot be read, or a cell is finer than its resolution;
            the message names line and column; or the file cannot be read, or is cut off.
    """
    times: list[list[int]] = [[] for _ in replay.columns]
    values: list[list[float]] = [[] for _ in replay.columns]
    with csv_text(path) as text:
        first = text.readline()
        comma = has_semicolons(first)
        separator = ";" if comma else ","
        header = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
        check_header(header, replay, path.name)
        time_at = header.index(replay.time_column)
        places = [header.index(column.name) for column in replay.columns]
        line = 1
        try:
            for line, row in enumerate(csv.reader(text, delimiter=separator), start=2):
                if not any(cell.strip() for cell in row):
                    continue
                moment_ms = _time_ms(row, time_at, replay.timezone, path.name, line)
                for i, (column, place) in enumerate(zip(replay.columns, places, strict=True)):
                    value = _cell(row[place] if place < len(row) else "", column, path.name, line, comma=comma)
                    if value is not None:
                        times[i].append(moment_ms)
                        values[i].append(value)
        except (EOFError, zlib.error, gzip.BadGzipFile, csv.Error) as error:
            raise ConfigurationError(
                file=path.name, key=f"after line {line}", value=str(error), expected="a whole file; it is cut off or damaged there"
            ) from error
    return [
        ColumnData(column=c, time_ms=np.array(t, dtype=np.int64), value=np.array(v, dtype=np.float64))
        for c, t, v in zip(replay.columns, times, values, strict=True)
    ]


def _time_ms(row: list[str], place: int, zone: ZoneInfo, file: str, line: int) -> int:
    text = row[place].strip() if place < len(row) else ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            file=file, key=f"line {line}", value=text, expected="an ISO 8601 time such as 2021-01-01T00:00:00Z"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return round(moment.astimezone(UTC).timestamp() * 1000)


def _cell(text: str, column: Column, file: str, line: int, *, comma: bool) -> float | None:
    """The cell in the canonical unit, or None where it is empty."""
    text = text.strip()
    if text.lower() in EMPTY:
        return None
    try:
        steps = Decimal(text.replace(",", ".") if comma else text) / column.resolution
        counts = int(steps.to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        raise ConfigurationError(
            file=file, key=f"line {line}, column {column.name}", value=text, expected="a number or an empty cell"
        ) from None
    if steps != counts:
        raise ConfigurationError(
            file=file,
            key=f"line {line}, column {column.name}",
            value=text,
            expected=f"a multiple of the resolution {column.resolution} {column.unit.symbol}; give a finer one in the map",
        )
    return float(counts * column.resolution * Decimal(column.unit.factor.numerator) / Decimal(column.unit.factor.denominator))


def chunks(data: ColumnData, size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """The cells in pieces of at most ``size``."""
    for at in range(0, data.time_ms.size, size):
        yield data.time_ms[at : at + size], data.value[at : at + size]
