"""Figures of a benchmark for people or for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape


def show(figures: Mapping[str, Any], lines: list[str], *, as_json: bool, console: Console) -> None:
    """Prints the lines, or the figures as JSON."""
    if as_json:
        console.print_json(json.dumps(figures))
        return
    for line in lines:
        console.print(escape(line), highlight=False)


def plainly(figures: Mapping[str, Any]) -> list[str]:
    """One line a figure."""
    return [f"{name.replace('_', ' '):<40} {value}" for name, value in figures.items()]
