"""Tables whose numbers are never cut: 1,800.9 must not become 1,80… because a terminal is narrow or the output goes to a file."""

from __future__ import annotations

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_MOST_COLUMNS = 400


def print_whole(console: Console, table: Table) -> None:
    """Prints a table as wide as it needs to be; a narrow terminal wraps its lines."""
    needed = Measurement.get(console, console.options.update(max_width=_MOST_COLUMNS), table).maximum
    before = console.width
    console.width = max(before, needed)
    try:
        console.print(table)
    finally:
        console.width = before
