"""How far a long work is: a bar where somebody watches a terminal, a line now and then elsewhere; on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_EVERY_S = 10.0
"""Between two lines where there is no terminal."""


class Seen(Protocol):
    """Takes how much is done."""

    def __call__(self, words: str, done: float, of: float) -> None:
        """Says it.

        Args:
            words: What is being done, or up to where.
            done: So much.
            of: Of so much; 0 where that is not known.
        """
        ...


def nobody(words: str, done: float, of: float) -> None:
    """Says nothing."""


@contextmanager
def shown_progress(console: Console, clock: Callable[[], float] = time.monotonic, *, at_once: bool = False) -> Iterator[Seen]:
    """Says how far it is until the end of the block.

    Args:
        console: Standard error: the output of the work stays alone on the other.
        clock: Seconds.
        at_once: Without a terminal the first words are said, too, however soon they come.
    """
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("reading", total=None)

            def draw(words: str, done: float, of: float) -> None:
                bar.update(task, description=words, completed=done, total=of or None)

            yield draw
    else:
        yield _lines(console, clock, at_once)


def _lines(console: Console, clock: Callable[[], float], at_once: bool) -> Seen:
    said = clock() - (_EVERY_S if at_once else 0.0)

    def line(words: str, done: float, of: float) -> None:
        nonlocal said
        now = clock()
        if now - said >= _EVERY_S:
            said = now
            console.print(f"{words}{f': {done / of:.0%}' if of else ''}", highlight=False, markup=False)

    return line
