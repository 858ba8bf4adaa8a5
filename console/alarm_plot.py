"""The plot of the alarm rate, as numbers for an SVG: the worst ten minutes of each bar, and the lines of the benchmarks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import pairwise

from alerts.performance import FLOOD_BEGINS, Performance

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 1280, 200, 34, 22, 8
ROOM_FOR_A_DAY = 40
"""Width of a day's name: one nearer to the edge would be cut off."""
TARGET, LIMIT = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One span of the plot."""

    x: float
    y: float
    height: float
    word: str
    """``good``, ``tolerable`` or ``bad``: never colour alone, its title says the number too."""
    count: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Everything the template draws."""

    bars: tuple[Bar, ...]
    bar_width: float
    lines: tuple[tuple[str, float, int], ...]
    """(name, y, value) of the benchmarks."""
    days: tuple[tuple[float, str], ...]
    """(x, day) where a local day begins."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: float = HEIGHT - BOTTOM


def alarm_plot(found: Performance, local: tzinfo) -> Plot:
    """The plot of a span; its scale always holds the line of a flood."""
    most = max(FLOOD_BEGINS + 2, *found.bars)
    step = (WIDTH - LEFT) / len(found.bars)
    tall = HEIGHT - BOTTOM - TOP
    starts = [found.start + n * found.bar_span for n in range(len(found.bars))]

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - value / most * tall, 1)

    bars = tuple(
        Bar(x=round(LEFT + n * step, 1), y=y(count), height=round(count / most * tall, 1), word=_word(count), count=count, at=at)
        for n, (count, at) in enumerate(zip(found.bars, starts, strict=True))
        if count
    )
    return Plot(
        bars=bars,
        bar_width=max(0.8, round(step - 0.6, 1)),
        lines=(("target", y(TARGET), TARGET), ("limit", y(LIMIT), LIMIT), ("flood", y(FLOOD_BEGINS), FLOOD_BEGINS)),
        days=_days(starts, step, local),
    )


def _days(starts: list[datetime], step: float, local: tzinfo) -> tuple[tuple[float, str], ...]:
    dates = [s.astimezone(local).date() for s in starts]
    new = [n for n, (a, b) in enumerate(pairwise(dates), 1) if a != b]
    every = max(1, -(-len(new) // 8))
    places = ((LEFT + n * step, dates[n]) for n in new[::every])
    return tuple((round(x, 1), f"{day:%m-%d}") for x, day in places if x <= WIDTH - ROOM_FOR_A_DAY)


def _word(count: int) -> str:
    if count > FLOOD_BEGINS:
        return "bad"
    return "tolerable" if count > LIMIT else "good"
