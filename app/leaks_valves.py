"""Valves that were turned, for people: rows of a file, and a line each."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from app.leak_output import write_whole
from app.leaks_drawing import Clock
from domain.valves import ValveTurned

_DAY = "%Y-%m-%d"


def write_valves(rows: Sequence[ValveTurned], out: Path, clock: Clock) -> None:
    """``valve,day,change m,error m,share explained,issue time``; change and error are empty where the gauges do not tell.

    Args:
        rows: In the order in which they stand.
        out: The file.
        clock: In whose time days and moments are said.

    Raises:
        ConfigurationError: The disk does not take it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["valve", "day", "change m", "error m", "share explained", "issue time"])
    for row in rows:
        sizes = ["" if size_m is None else f"{size_m:.2f}" for size_m in (row.change_m, row.error_m)]
        writer.writerow([row.valve, _day(row, clock), *sizes, f"{row.share:.3f}", clock.text(row.told_at)])
    write_whole(out, text.getvalue())


def valve_text(turned: ValveTurned, clock: Clock) -> str:
    """One line."""
    size = "by how much and which way the gauges do not tell"
    if turned.change_m is not None and turned.error_m is not None:
        size = f"by {turned.change_m:+.2f} ± {turned.error_m:.2f} m"
    return (
        f"valve {turned.valve} was turned on {_day(turned, clock)}, {size}: settings explain {turned.share:.1%} of what the "
        f"gauges did (known {clock.text(turned.told_at)}); it is no leak"
    )


def _day(turned: ValveTurned, clock: Clock) -> str:
    return f"{turned.day.astimezone(clock.zone):{_DAY}}"
