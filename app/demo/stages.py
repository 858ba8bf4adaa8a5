"""One line a stage: what is done, how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

Report = Callable[[float], None]
"""Told the share done, 0..1."""


class Stages:
    """Prints the stages of a start; a bar where a person looks on, plain lines where a file does."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, name: str) -> Iterator[Report]:
        """Times what is done inside, and shows how far it is where it says so."""
        began = time.monotonic()
        if self._console.is_terminal:
            columns = (TextColumn("  {task.description}"), BarColumn(bar_width=24), TaskProgressColumn(), TimeElapsedColumn())
            with Progress(*columns, console=self._console, transient=True) as progress:
                task = progress.add_task(name, total=1.0)
                yield lambda share: progress.update(task, completed=share)
        else:
            yield self._lines(name)
        self._console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - began:.1f} s[/]", highlight=False)

    def _lines(self, name: str) -> Report:
        shown = 0

        def report(share: float) -> None:
            nonlocal shown
            if int(share * 4) > shown:
                shown = int(share * 4)
                if shown < 4:
                    self._console.print(f"  {name} {25 * shown} %", highlight=False)

        return report

    def say(self, text: str) -> None:
        """One more line."""
        self._console.print(text, highlight=False)
