"""A replay sends exactly the non-empty cells, or says which line is wrong."""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path

import pytest

from app.replay.cells import read_cells
from app.replay.mapping import ReplayMap, parse_map
from domain.errors import ConfigurationError

MAP = """
[replay]
time_column = "t"
timezone = "Europe/Rome"
[site]
key = "s"
timezone = "Europe/Rome"
[[column]]
name = "a"
zone = "za"
unit = "L/s"
resolution = "0.0001"
"""


def replay_map(text: str = MAP) -> ReplayMap:
    return parse_map(tomllib.loads(text), "map.toml")


def csv_of(tmp_path: Path, *lines: str, name: str = "x.csv") -> Path:
    path = tmp_path / name
    data = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_cells_are_exact_and_empty_ones_stay_empty(tmp_path: Path, name: str) -> None:
    path = csv_of(tmp_path, "t,a", "2021-01-01T00:00:00Z,3.5625", "2021-01-01T01:00:00Z,", "2021-01-01T02:00:00Z,0.0001", name=name)
    (data,) = read_cells(path, replay_map())
    point = replay_map().inventory.points[next(iter(replay_map().inventory.points))]
    assert [point.counts(v) for v in data.value] == [35625, 1]
    assert data.value[0] == 12.825


def test_semicolons_and_decimal_commas_are_read_and_gzip_whatever_the_name(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "\ufefft;a", "2021-01-01T00:00:00Z;3,5625", "2021-01-01T01:00:00Z;", "2021-01-01T02:00:00Z;0,0001")
    path.write_bytes(gzip.compress(path.read_bytes()))
    (data,) = read_cells(path, replay_map())
    assert data.value.tolist() == [12.825, 0.00036]
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ConfigurationError, match="cut off or damaged"):
        read_cells(path, replay_map())


def test_times_without_a_zone_are_local(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "t,a", "2021-07-01T02:00:00,1")
    (data,) = read_cells(path, replay_map())
    assert data.time_ms[0] == 1625097600000  # 2021-07-01T00:00Z


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        (("t,b", "2021-01-01T00:00:00Z,1"), "column 'a'"),
        (("t,a", "yesterday,1"), "line 2"),
        (("t,a", "2021-01-01T00:00:00Z,1", "2021-01-01T01:00:00Z,one"), "line 3, column a"),
        (("t,a", "2021-01-01T00:00:00Z,1.00001"), "multiple of the resolution 0.0001 L/s"),
        (("t,a", "2021-01-01T00:00:00Z,inf"), "a number or an empty cell"),
        (("t;a", "2021-01-01T00:00:00Z;1.234,5"), "line 2, column a"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, lines: tuple[str, ...], where: str) -> None:
    with pytest.raises(ConfigurationError, match=where):
        read_cells(csv_of(tmp_path, *lines), replay_map())


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('unit = "L/s"', 'unit = "gpm"', r"column\[0\].unit"),
        ('name = "a"', 'name = "a"\nunits = 1', r"column\[0\].units.*did you mean 'unit'"),
        ('time_column = "t"', "", "replay.time_column"),
        ('timezone = "Europe/Rome"\n[site]', 'timezone = "Rome"\n[site]', "replay.timezone"),
    ],
)
def test_a_wrong_map_says_where(old: str, new: str, where: str) -> None:
    with pytest.raises(ConfigurationError, match=where):
        replay_map(MAP.replace(old, new))


def test_the_shipped_map_is_right() -> None:
    path = Path(__file__).resolve().parents[3] / "sites" / "bwdf" / "map.toml"
    assert len(parse_map(tomllib.loads(path.read_text()), "map.toml").inventory.metered_zones()) == 10
