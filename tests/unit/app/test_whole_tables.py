"""A narrow terminal does not shorten a number."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from app.whole_tables import print_whole


def test_no_number_is_cut_where_the_terminal_is_narrow() -> None:
    table = Table("zone", *(f"a long heading {k}" for k in range(8)))
    table.add_row("industrie", *("1,800.9 ± 192.4",) * 8)
    out = io.StringIO()
    console = Console(file=out, width=60)
    print_whole(console, table)
    assert out.getvalue().count("1,800.9 ± 192.4") == 8
    assert "…" not in out.getvalue()
    assert console.width == 60
