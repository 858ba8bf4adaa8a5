"""A picture of a finding as PNG, by matplotlib (extra ``plots``): panels below one another, the network beside them."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from app.leaks_drawing import CLAIMED, OTHER, SEEN, USUAL, Line, Panel
from app.leaks_plot import EXPECTED, LOST, MARK, OBSERVED, SEVERAL, Picture
from domain.series import FloatArray

_DPI = 110
_FONT = 8
_TICKS = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"]
"""Of years, months, days, hours, minutes, seconds; then of the first of each, and what stands in the corner."""
_TICKS_AT_START = ["", "%b %Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]
_CORNER = ["", "", "%Y", "%Y", "%d %b %Y", "%d %b %Y"]


def write_png(picture: Picture, out: Path) -> None:
    """Draws it; a figure of its own, no window and no global state."""
    figures, dates, grids = (importlib.import_module(f"matplotlib.{name}") for name in ("figure", "dates", "gridspec"))
    rows = max(1, len(picture.panels))
    wide = picture.plan is not None
    figure = figures.Figure(figsize=(13.0 if wide else 9.0, 0.9 + 2.5 * rows), dpi=_DPI, layout="constrained")
    grid = grids.GridSpec(rows, 2 if wide else 1, figure=figure, width_ratios=(3, 2) if wide else (1,))
    figure.suptitle(picture.title, x=0.01, ha="left", fontsize=10, fontweight="bold")
    for row, panel in enumerate(picture.panels):
        axes = figure.add_subplot(grid[row, 0])
        _panel(axes, panel, picture)
        locator = dates.AutoDateLocator(maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.get_offset_text().set_fontsize(_FONT)
        axes.xaxis.set_major_formatter(
            dates.ConciseDateFormatter(locator, formats=_TICKS, zero_formats=_TICKS_AT_START, offset_formats=_CORNER)
        )
    if picture.plan is not None:
        _plan(figure.add_subplot(grid[:, 1]), picture)
    figure.supxlabel(picture.subtitle, x=0.01, ha="left", fontsize=_FONT)
    figure.savefig(out)


def _local(picture: Picture, times_s: FloatArray) -> list[datetime]:
    """Moments on the clock of the picture, without their offset: matplotlib would turn them into UTC."""
    zone = picture.clock.zone
    return [datetime.fromtimestamp(float(t), UTC).astimezone(zone).replace(tzinfo=None) for t in times_s]


def _panel(axes: Any, panel: Panel, picture: Picture) -> None:
    moments = _local(picture, panel.times_s)
    usual = panel.of(USUAL)
    if usual is not None and panel.half_width > 0:
        axes.fill_between(
            moments, usual.values - panel.half_width, usual.values + panel.half_width, color=EXPECTED, alpha=0.2, lw=0
        )
    seen = [line for line in panel.lines if line.role == SEEN]
    if usual is not None and len(seen) == 1:
        after = panel.times_s >= picture.since.timestamp()
        above = after & (np.nan_to_num(seen[0].values, nan=-np.inf) > np.nan_to_num(usual.values, nan=np.inf))
        axes.fill_between(moments, usual.values, seen[0].values, where=above, color=MARK, alpha=0.15, lw=0)
    for line in panel.lines:
        _line(axes, moments, line, panel, seen)
    low, high = panel.limits(picture.whole_s)
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    for moment, style in ((picture.since, "--"), (picture.found_at, "-")):
        if panel.times_s[0] <= moment.timestamp() <= panel.times_s[-1]:
            word = "since" if style == "--" else "found"
            axes.axvline(_local(picture, np.array([moment.timestamp()]))[0], color=MARK, linestyle=style, linewidth=1.2, label=word)
    axes.set_title(panel.title, loc="left", fontsize=_FONT + 1, pad=_FONT + 10)
    axes.set_ylabel(panel.axis, fontsize=_FONT + 1)
    axes.tick_params(labelsize=_FONT)
    axes.grid(visible=True, color="#e3e8eb", linewidth=0.6)
    # Above the axes: within them it would hide what it explains.
    axes.legend(
        fontsize=_FONT - 1,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.1,
        frameon=False,
        ncols=8,
        columnspacing=1.2,
    )  # fmt: skip


def _line(axes: Any, moments: list[datetime], line: Line, panel: Panel, seen: list[Line]) -> None:
    several = len(seen) > 1
    colour = {SEEN: OBSERVED, USUAL: EXPECTED, CLAIMED: LOST, OTHER: "#444444"}.get(line.role, OBSERVED)
    if line.role == SEEN and several:
        colour = SEVERAL[seen.index(line) % len(SEVERAL)]
    dots = "o" if line.role == SEEN and panel.marks and not several else ""
    style = {CLAIMED: "--", OTHER: ":"}.get(line.role, "-")
    axes.plot(moments, line.values, style, marker=dots or None, markersize=3, color=colour, linewidth=1.3, label=line.label)


def _plan(axes: Any, picture: Picture) -> None:
    plan = picture.plan
    if plan is None:
        return
    likely = {r.pipe: r.probability for r in picture.ranked}
    for name, (x1, y1, x2, y2) in plan.pipes.items():
        inside = name in picture.region
        axes.plot(
            (x1, x2), (y1, y2), color=LOST if inside else "#b8c2c8", linewidth=2.5 if inside else 0.7, zorder=2 if inside else 1
        )
    most = max(likely.values(), default=1.0)
    for name, probability in likely.items():
        if name in plan.pipes:
            x1, y1, x2, y2 = plan.pipes[name]
            axes.plot((x1, x2), (y1, y2), color=MARK, alpha=0.35 + 0.65 * probability / most, linewidth=4, zorder=3)
    for name, (x, y) in plan.gauges.items():
        telling = name in picture.telling
        axes.plot([x], [y], "^", color=OBSERVED if telling else "#7d8a91", markersize=7 if telling else 4, zorder=4)
        if telling:
            axes.annotate(name, (x, y), xytext=(4, 4), textcoords="offset points", fontsize=_FONT - 1, color=OBSERVED)
    if picture.ranked and picture.ranked[0].pipe in plan.pipes:
        x1, y1, x2, y2 = plan.pipes[picture.ranked[0].pipe]
        axes.plot([(x1 + x2) / 2], [(y1 + y2) / 2], "o", markersize=16, mfc="none", mec=MARK, mew=1.8, zorder=5)
    axes.set_title(f"Where: {picture.place}", loc="left", fontsize=_FONT)
    axes.set_aspect("equal", "datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("red: most probable pipes; orange: the region; triangles: gauges, named where they show it", fontsize=_FONT - 1)
