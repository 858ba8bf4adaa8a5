"""A CSV through the real road: every non-empty cell is a row, exactly, and a second run changes nothing."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from app.embedded.postgres import ADMIN, EmbeddedPostgres
from tests.support.shared_data import shared

ROOT = Path(__file__).resolve().parents[2]

MAP = """
[replay]
time_column = "time"
[site]
key = "village"
timezone = "Africa/Casablanca"
[[column]]
name = "north_lps"
zone = "north"
unit = "L/s"
resolution = "0.01"
period_s = 3600
[[column]]
name = "south_m3h"
zone = "south"
unit = "m3/h"
resolution = "0.1"
period_s = 3600
"""


def khettara(*arguments: str, expect: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def database(data: Path) -> Iterator[psycopg.Connection]:
    server = EmbeddedPostgres(data / "postgres")
    server.start()
    try:
        with psycopg.connect(server.dsn(ADMIN)) as connection:
            yield connection
    finally:
        server.stop()


def rows(data: Path) -> dict[tuple[str, datetime], Decimal]:
    with database(data) as connection:
        found = connection.execute("SELECT key, time, value * resolution FROM reading JOIN point USING (point_id)").fetchall()
    return {(key, time.astimezone(UTC)): value for key, time, value in found}


def test_every_cell_arrives_once_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    source, data = tmp_path / "village.csv", tmp_path / "data"
    (tmp_path / "map.toml").write_text(MAP)
    lines = ["time,north_lps,south_m3h"]
    for h in range(480):
        north = "" if h % 7 == 0 else f"{1 + h / 100:.2f}"
        lines.append(f"2026-03-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,{north},{h / 10}")
    source.write_text("\n".join(lines))
    khettara("replay", str(source), "--points", str(tmp_path / "map.toml"), "--data", str(data))
    first = rows(data)
    assert len(first) == 480 + sum(h % 7 != 0 for h in range(480))
    assert first["north.inlet.flow", datetime(2026, 3, 1, 1, tzinfo=UTC)] == Decimal("1.01") * Decimal("3.6")
    again = khettara("replay", str(source), "--points", str(tmp_path / "map.toml"), "--data", str(data))
    assert "nothing changed" in again
    assert rows(data) == first


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP)
    (tmp_path / "x.csv").write_text("time,north_lps\n")
    text = khettara(
        "replay", str(tmp_path / "x.csv"), "--points", str(tmp_path / "map.toml"), "--data", str(tmp_path / "d"), expect=2
    )
    assert "x.csv" in text
    assert "south_m3h" in text


@pytest.mark.shared
def test_ten_real_areas_are_stored_exactly(tmp_path: Path) -> None:
    source, data = shared("data", "bwdf", "bwdf_dma_inflow_hourly.csv.gz"), tmp_path / "data"
    khettara("replay", str(source), "--points", "sites/bwdf/map.toml", "--data", str(data))
    expected: dict[tuple[str, datetime], Decimal] = {}
    with gzip.open(source, "rt") as text:
        for row in csv.DictReader(text):
            moment = datetime.fromisoformat(row["time_utc"])
            for i in range(1, 11):
                if cell := row[f"dma{i}_lps"]:
                    expected[f"dma{i}.inlet.flow", moment] = Decimal(cell) * Decimal("3.6")
    assert rows(data) == expected
    khettara("replay", str(source), "--points", "sites/bwdf/map.toml", "--data", str(data))
    assert rows(data) == expected
    span = ("--from", "2021-06-01", "--to", "2021-07-01")
    report = json.loads(khettara("zones", "report", "--data", str(data), *span, "--json"))
    zones = {zone["zone"]: zone for zone in report["zones"]}
    assert sorted(zones) == sorted(f"dma{i}" for i in range(1, 11))
    assert all(0 < z["minimum_night_flow_m3h"] <= z["mean_inflow_m3h"] for z in zones.values() if z["days_covered"] > 0)
