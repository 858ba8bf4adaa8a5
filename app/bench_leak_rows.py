"""The tables of docs/benchmarks-leaks.md as ``khettara bench leaks`` prints them, and what they need beyond the scorer's sums."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

NETWORK_HEAD = (
    "| network set | skill | strict F1 | found / false / missed | repeats | growing found | median h, new abrupt | median m | s |",
    "|---|---|---|---|---|---|---|---|---|",
)
_ZONE_CELLS = (
    "zones without a model", "share of the maximum", "strict F1", "found / false / missed", "repeats", "false a zone and month",
    "customer leaks, 7 days / true", "s",
)  # fmt: skip
ZONE_HEAD = (f"| {' | '.join(_ZONE_CELLS)} |", "|---" * len(_ZONE_CELLS) + "|")
_FOUND = re.compile(
    r"^\S+  \d{4}-\d\d-\d\d \d\d:\d\d  (?P<pipe>\S+)  (?P<hours>-?[\d.]+)  (?P<distance>[\d.]+)  \S+$", re.MULTILINE
)


def hours_printed(rows: str) -> dict[str, float]:
    """Hours until each leak was told, as ``score_leaks.py`` prints it: alarm, moment, the leak's pipe, hours, metres, money."""
    return {m["pipe"]: float(m["hours"]) for m in _FOUND.finditer(rows)}


def by_kind(found: Mapping[str, float], truth: Path, judged: datetime) -> dict[str, Any]:
    """Growing leaks found of all, and the median hours to an abrupt leak that began in the judged part.

    Args:
        found: Hours until each leak was told, by its pipe.
        truth: Folder with ``leaks.csv``: pipe, start, end, kind.
        judged: Start of the judged part.
    """
    with (truth / "leaks.csv").open(encoding="utf-8", newline="") as file:
        leaks = [
            (row["pipe"], row["kind"], datetime.fromisoformat(row["start"]))
            for row in csv.DictReader(file)
            if datetime.fromisoformat(row["end"]) > judged
        ]
    growing = [pipe for pipe, kind, _ in leaks if kind == "incipient"]
    abrupt = [found[pipe] for pipe, kind, start in leaks if kind == "abrupt" and start >= judged and pipe in found]
    return {
        "growing": len(growing),
        "growing_found": sum(pipe in found for pipe in growing),
        "median_hours_new_abrupt": round(float(np.median(abrupt)), 1) if abrupt else None,
    }


def table_lines(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Markdown: a table of the networks, one of the zones, each where there is any."""
    networks = [_network_row(name, r) for name, r in results.items() if "growing" in r]
    zones = [_zone_row(name, r) for name, r in results.items() if "customers" in r]
    return [*_with(NETWORK_HEAD, networks), *_with(ZONE_HEAD, zones)]


def _with(head: Sequence[str], rows: list[str]) -> list[str]:
    return [*head, *rows] if rows else []


def _network_row(name: str, r: Mapping[str, Any]) -> str:
    hours = "–" if r["median_hours_new_abrupt"] is None else f"{r['median_hours_new_abrupt']:g}"
    growing = f"{r['growing_found']} of {r['growing']}"
    return _row(
        name, f"{r['skill']:.2f}", f"{r['strict_F1']:.2f}", _counts(r), r["repeats"], growing, hours,
        f"{r['median_distance_m'] or 0:.0f}", f"{r['seconds']:.0f}",
    )  # fmt: skip


def _zone_row(name: str, r: Mapping[str, Any]) -> str:
    customers = r["customers"]
    told = f"{customers['found_7d']:.2f} of {customers['leaks']} / {customers['precision']:.2f}"
    return _row(
        name, f"{r['share_of_max']:.2f}", f"{r['strict_F1']:.2f}", _counts(r), r["repeats"], f"{r['false_per_zone_month']:.2f}",
        told, f"{r['seconds']:.0f}",
    )  # fmt: skip


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _counts(r: Mapping[str, Any]) -> str:
    return f"{r['TP']} / {r['FP']} / {r['FN']}"
