"""The rows of the document come out of what the scorer prints."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from app.bench_leak_rows import NETWORK_HEAD, ZONE_HEAD, by_kind, hours_printed, table_lines

ROWS = """p255  2019-01-01 00:00  p257  0.0  98.1  46999.13
p11  2019-01-01 00:00  repeat      0.0
p497  2019-01-16 01:00  p523  2.0  107.7  8681.76
p434  2019-06-14 00:00  false      -500.0  nearest active leak p654 at 524 m
p877  2019-06-15 00:00  p193  637.3  103.3  35285.95
missed: p653 (incipient zone1 18.3 m3/h)
skill                   0.8579
"""
LEAKS = """pipe,start,end,kind
p257,2018-01-08 13:30,2019-12-31 23:55,incipient
p461,2018-01-23 04:25,2018-04-02 11:40,incipient
p523,2019-01-15 23:00,2019-02-01 00:00,abrupt
p193,2019-05-19 10:40,2019-12-31 23:55,incipient
p653,2019-03-01 00:00,2019-12-31 23:55,incipient
"""
SUMS = {"skill": 0.8579, "strict_F1": 0.737, "TP": 3, "FP": 1, "FN": 1, "repeats": 1, "median_distance_m": 98.1, "seconds": 32.4}


def test_growing_leaks_and_new_bursts_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "leaks.csv").write_text(LEAKS)
    kinds = by_kind(hours_printed(ROWS), tmp_path, datetime(2019, 1, 1))
    assert kinds == {"growing": 3, "growing_found": 2, "median_hours_new_abrupt": 2.0}
    assert table_lines({"town": SUMS | kinds})[2] == "| town | 0.86 | 0.74 | 3 / 1 / 1 | 1 | 2 of 3 | 2 | 98 | 32 |"


def test_the_tables_have_as_many_cells_as_heads() -> None:
    zones = SUMS | {"share_of_max": 0.9, "false_per_zone_month": 0.01, "customers": {"leaks": 4, "found_7d": 1.0, "precision": 0.5}}
    nets = SUMS | {"growing": 0, "growing_found": 0, "median_hours_new_abrupt": None}
    lines = table_lines({"net": nets, "zones": zones})
    assert lines[2].count("|") == NETWORK_HEAD[0].count("|") == NETWORK_HEAD[1].count("|")
    assert lines[5].count("|") == ZONE_HEAD[0].count("|") == ZONE_HEAD[1].count("|")
    assert "1.00 of 4 / 0.50" in lines[5]
    assert table_lines({}) == []
