"""A CSV of inflows from whatever spreadsheet, and what is wrong in one said by file, row, column and what would be right."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from app.leak_csv import Inflows, read_inflows
from app.replay.mapping import parse_map
from domain.errors import ConfigurationError

START = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 40 * 24


def a_map(zone: str = "UTC", **column: object) -> dict[str, object]:
    return {
        "replay": {"time_column": "t", "timezone": zone},
        "site": {"key": "s", "timezone": zone},
        "column": [{"name": "a", "zone": "za", "quantity": "flow", "unit": "L/s", "resolution": "0.01", "period_s": 3600} | column],
    }


def text(values: list[str] | None = None, *, hours: int = HOURS, step_s: int = 3600, separator: str = ",") -> str:
    values = values or ["5.25", "6.25"]
    rows = (f"{START + timedelta(seconds=k * step_s):%Y-%m-%dT%H:%M}{separator}{values[k % len(values)]}" for k in range(hours))
    return "\n".join((f"t{separator}a", *rows)) + "\n"


def read(tmp_path: Path, content: str | bytes, data: dict[str, object] | None = None, name: str = "in.csv") -> Inflows:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_inflows(file, parse_map(data or a_map(), "map.toml"))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (text(), "in.csv"),
        (b"\xef\xbb\xbf" + text().encode(), "mark.csv"),
        (text(["5,25", "6,25"], separator=";"), "french.csv"),
        (gzip.compress(text().encode()), "in.csv.gz"),
        (gzip.compress(text().encode()), "packed.csv"),
        (text(), "plain.csv.gz"),
        (text().replace("\n", "\r\n\r\n"), "windows.csv"),
    ],
)
def test_the_same_readings_however_they_are_written(tmp_path: Path, content: str | bytes, name: str) -> None:
    (zone,) = read(tmp_path, content, name=name).zones
    assert zone.size == HOURS
    np.testing.assert_allclose(zone.inflow_m3h, 3.6 * np.tile((5.25, 6.25), HOURS // 2))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "without t, a"),
        ("t,b\n2026-01-01T00:00,1\n", "the file has t, b"),
        ("t,a\n", "two rows or more"),
        ("t,a\nsoon,1\n", "row 2, t = 'soon'"),
        ("t,a\n31/01/2026 00:00,1\n", "ISO 8601"),
        ("t,a\n2026-01-01T00:00,x\n", "row 2, a = 'x'"),
        ("t,a\n2026-01-01T00:00,inf\n", "a number such as 3.75"),
        ('t,a\n2026-01-01T00:00,"3,75"\n', "row 2, a = '3,75'"),
        ("t,a\n2026-01-01T00:00,1\n2026-01-01T01:00\n", "row 3 = '1 cells'"),
        (text(hours=200), "more than 28 days"),
        (text(hours=50, step_s=86400), "spacing of the rows = '86400 s'"),
        (text(hours=40 * 24, step_s=2520), "spacing of the rows = '2520 s'"),
        (text() + "9026-01-01T00:00,1\n", "is the year of a row wrong"),
        (text([""]), "not one inflow"),
        (text().encode("utf-16"), "is not UTF-8"),
        (gzip.compress(text().encode())[:900], "cut off or damaged"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, content)
    assert words in str(error.value)
    assert "in.csv" in str(error.value)


def test_a_folder_and_a_file_that_is_not_there_are_told(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(ConfigurationError, match="a CSV that can be read"):
            read_inflows(file, parse_map(a_map(), "map.toml"))


def test_a_map_without_an_inflow_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no column of quantity flow"):
        read(tmp_path, text(), a_map(quantity="level", unit="m"))


def test_what_the_map_calls_impossible_is_left_out_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, text(["5.25", "6.25", "90000"]), a_map(low=0.0, high=500.0))
    assert np.nanmax(found.zones[0].inflow_m3h) < 23
    assert any(f"{HOURS // 3} values left out, outside 0 to 500 m3/h" in note for note in found.notes)


def test_the_hour_that_the_end_of_summer_time_brings_twice_is_two_hours(tmp_path: Path) -> None:
    first = datetime(2026, 9, 28)
    local = [first + timedelta(hours=k) for k in range(40 * 24)]
    doubled = local.index(datetime(2026, 10, 25, 2)) + 1
    local.insert(doubled, datetime(2026, 10, 25, 2))
    rows = [f"{moment:%Y-%m-%d %H:%M},{k}" for k, moment in enumerate(local)]
    (zone,) = read(tmp_path, "\n".join(("t,a", *rows)), a_map("Europe/Rome")).zones
    assert zone.size == len(local)
    np.testing.assert_allclose(zone.inflow_m3h, 3.6 * np.arange(len(local)))


def test_a_name_that_says_another_unit_is_said(tmp_path: Path) -> None:
    content = text().replace("t,a", "t,flow_m3h")
    assert any("flow_m3h is taken in L/s" in note for note in read(tmp_path, content, a_map(name="flow_m3h")).notes)
    assert not read(tmp_path, text()).notes
