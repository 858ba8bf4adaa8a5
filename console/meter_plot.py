"""The hours of a customer's meter as numbers for an SVG: what ran, when it began, when it was told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from domain.series import FloatArray

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 1280, 240, 52, 22, 10
_DAY_ROOM = 60
"""Width of a day's name: one nearer to the edge would be cut off."""
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlot:
    """Everything the template draws."""

    path: str
    """Steps of the hours; broken where an hour is not known."""
    flow_y: float
    """Height of the flow that does not stop."""
    since_x: float
    found_x: float
    scale: tuple[tuple[float, str], ...]
    """(y, L/h)"""
    days: tuple[tuple[float, str], ...]
    """(x, day) where a local day begins."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: float = HEIGHT - BOTTOM


def meter_plot(
    use_l_h: FloatArray, start: datetime, *, since: datetime, found: datetime, level_l_h: float, local: tzinfo
) -> MeterPlot:
    """The plot of so many hours.

    Args:
        use_l_h: Use of each hour, shape (H,), NaN where it is not known.
        start: Of the first.
        since: When the flow began.
        found: When it was told.
        level_l_h: Flow that does not stop.
        local: The utility's clock.
    """
    known = use_l_h[np.isfinite(use_l_h)]
    most = max(10.0, level_l_h * 1.2, float(known.max()) * 1.05 if known.size else 0.0)
    step = (WIDTH - LEFT) / max(1, use_l_h.size)

    def x(moment: datetime) -> float:
        hours = (moment - start) / timedelta(hours=1)
        return round(LEFT + min(max(hours, 0.0), use_l_h.size) * step, 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP), 1)

    edges = [LEFT + k * step for k in range(use_l_h.size + 1)]
    return MeterPlot(
        path=_steps(edges, [y(float(v)) if np.isfinite(v) else None for v in use_l_h]),
        flow_y=y(level_l_h),
        since_x=x(since),
        found_x=x(found),
        scale=tuple((y(value), f"{value:g}") for value in _ticks(most)),
        days=_days(start, use_l_h.size, step, local),
    )


def _steps(edges: list[float], heights: list[float | None]) -> str:
    parts, pen_up = [], True
    for k, height in enumerate(heights):
        if height is None:
            pen_up = True
            continue
        parts.append(f"{'M' if pen_up else 'L'}{edges[k]:.1f} {height}H{edges[k + 1]:.1f}")
        pen_up = False
    return "".join(parts)


def _ticks(most: float) -> list[float]:
    """Three to six round numbers up to the largest."""
    power = 10.0 ** np.floor(np.log10(most / 3))
    step = next((float(s * power) for s in _STEPS if most / (s * power) <= 6), float(10 * power))
    return [step * k for k in range(int(most / step) + 1)]


def _days(start: datetime, hours: int, step: float, local: tzinfo) -> tuple[tuple[float, str], ...]:
    begins = []
    for k in range(hours):
        here = (start + timedelta(hours=k)).astimezone(UTC).astimezone(local)
        if here.hour == 0:
            begins.append((round(LEFT + k * step, 1), f"{here:%m-%d}"))
    every = max(1, -(-len(begins) // 12))
    return tuple((x, day) for x, day in begins[::every] if x <= WIDTH - _DAY_ROOM)
