"""A picture of a finding as SVG, without any library: panels below one another, the network beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import escape

import numpy as np

from app.leaks_drawing import CLAIMED, OTHER, SEEN, USUAL, Panel
from app.leaks_plot import EXPECTED, LOST, MARK, OBSERVED, SEVERAL, Picture
from domain.series import FloatArray

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 900, 270, 60, 20, 46, 30
_HEAD, _PLAN = 50, 460
_STEPS = 4


def svg_of(picture: Picture) -> str:
    """The picture as text."""
    rows = max(1, len(picture.panels))
    height, width = _HEAD + _HEIGHT * rows, _WIDTH + (_PLAN if picture.plan else 0)
    body = [f'<rect width="{width}" height="{height}" fill="#fff"/>']
    body.append(f'<text x="12" y="22" font-size="14" font-weight="bold">{escape(picture.title)}</text>')
    body.append(f'<text x="12" y="40" fill="#445">{escape(picture.subtitle)}</text>')
    for row, panel in enumerate(picture.panels):
        body.append(f'<g transform="translate(0,{_HEAD + row * _HEIGHT})">{_panel(panel, picture)}</g>')
    if picture.plan:
        body.append(f'<g transform="translate({_WIDTH},{_HEAD})">{_plan(picture, _HEIGHT * rows)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12">' + "".join(body) + "</svg>\n"
    )


class _Scale:
    """From seconds and values to places in a panel."""

    def __init__(self, panel: Panel, whole_s: tuple[float, float] | None) -> None:
        self.low, self.high = panel.limits(whole_s)
        self.first, self.last = float(panel.times_s[0]), float(panel.times_s[-1])

    def x(self, t: float) -> float:
        return _LEFT + (t - self.first) / max(self.last - self.first, 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, v: float) -> float:
        return _HEIGHT - _BOTTOM - (min(v, self.high) - self.low) / (self.high - self.low) * (_HEIGHT - _BOTTOM - _TOP)

    def path(self, times_s: FloatArray, values: FloatArray) -> str:
        """Broken where a value is missing."""
        parts, pen = [], "M"
        for t, v in zip(times_s, values, strict=True):
            if np.isfinite(v):
                parts.append(f"{pen}{self.x(float(t)):.1f},{self.y(float(v)):.1f}")
            pen = "L" if np.isfinite(v) else "M"
        return " ".join(parts)


def _panel(panel: Panel, picture: Picture) -> str:
    scale = _Scale(panel, picture.whole_s)
    body = [f'<text x="{_LEFT}" y="16" font-weight="bold">{escape(f"{panel.title} {panel.axis}".rstrip())}</text>']
    for step in range(_STEPS + 1):
        value = scale.low + (scale.high - scale.low) * step / _STEPS
        moment = scale.first + (scale.last - scale.first) * step / _STEPS
        y = scale.y(value)
        body.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e3e8eb"/>')
        body.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.{2 if scale.high < 5 else 1}f}</text>')
        anchor = ("start", "middle", "end")[(step > 0) + (step == _STEPS)]
        body.append(f'<text x="{scale.x(moment):.1f}" y="{_HEIGHT - 12}" text-anchor="{anchor}">{_day(moment, picture)}</text>')
    body.append(_band(panel, scale))
    seen = [line for line in panel.lines if line.role == SEEN]
    key = []
    for line in panel.lines:
        colour = {USUAL: EXPECTED, CLAIMED: LOST, OTHER: "#444"}.get(
            line.role, SEVERAL[(seen.index(line) if line in seen else 0) % 4]
        )
        dash = {CLAIMED: ' stroke-dasharray="6 3"', OTHER: ' stroke-dasharray="2 3"'}.get(line.role, "")
        path = scale.path(panel.times_s, line.values)
        body.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{2 if line.role == SEEN else 1.5}"{dash}/>')
        key.append(f'<tspan fill="{colour}">— {escape(line.label)}   </tspan>')
    for moment, word in ((picture.since.timestamp(), "since"), (picture.found_at.timestamp(), "found")):
        if scale.first <= moment <= scale.last:
            dash = ' stroke-dasharray="4 3"' if word == "since" else ""
            x = scale.x(moment)
            body.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="{MARK}"{dash}/>')
    key.append(f'<tspan fill="{MARK}">dashed: since, full: found</tspan>')
    body.append(f'<text x="{_LEFT}" y="34" xml:space="preserve">{"".join(key)}</text>')
    return "".join(body)


def _band(panel: Panel, scale: _Scale) -> str:
    usual = panel.of(USUAL)
    if usual is None or panel.half_width <= 0 or not np.isfinite(usual.values).all():
        return ""
    times = [*panel.times_s, *panel.times_s[::-1]]
    edges = [*(usual.values + panel.half_width), *(usual.values - panel.half_width)[::-1]]
    points = " ".join(f"{scale.x(float(t)):.1f},{scale.y(float(v)):.1f}" for t, v in zip(times, edges, strict=True))
    return f'<polygon points="{points}" fill="{EXPECTED}" opacity="0.2"/>'


def _plan(picture: Picture, height: int) -> str:
    plan = picture.plan
    if plan is None:
        return ""
    ends = np.array(list(plan.pipes.values()))
    low, high = ends.reshape(-1, 2).min(axis=0), ends.reshape(-1, 2).max(axis=0)
    scale = min((_PLAN - 30) / max(high[0] - low[0], 1e-9), (height - 70) / max(high[1] - low[1], 1e-9))

    def at(x: float, y: float) -> tuple[float, float]:
        return 10 + (x - low[0]) * scale, 30 + (high[1] - y) * scale

    def pipe(name: str, style: str) -> str:
        (x1, y1), (x2, y2) = at(*plan.pipes[name][:2]), at(*plan.pipes[name][2:])
        return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'

    body = [f'<text x="10" y="16" font-weight="bold" font-size="11">{escape(picture.place)}</text>']
    body += [pipe(name, 'stroke="#b8c2c8"') for name in plan.pipes if name not in picture.region]
    body += [pipe(name, f'stroke="{LOST}" stroke-width="3"') for name in picture.region if name in plan.pipes]
    most = max((r.probability for r in picture.ranked), default=1.0)
    for ranked in picture.ranked:
        if ranked.pipe in plan.pipes:
            opacity = 0.35 + 0.65 * ranked.probability / most
            body.append(pipe(ranked.pipe, f'stroke="{MARK}" stroke-width="5" opacity="{opacity:.2f}"'))
    for name, (x, y) in plan.gauges.items():
        px, py = at(x, y)
        telling = name in picture.telling
        body.append(
            f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{5 if telling else 2.5}" fill="{OBSERVED if telling else "#7d8a91"}"/>'
        )
        if telling:
            body.append(f'<text x="{px + 6:.1f}" y="{py - 4:.1f}" font-size="10" fill="{OBSERVED}">{escape(name)}</text>')
    body.append(
        f'<text x="10" y="{height - 12}" font-size="10">red: most probable pipes; orange: the region; '
        "dots: gauges, named where they show it</text>"
    )
    return "".join(body)


def _day(seconds: float, picture: Picture) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone(picture.clock.zone):%Y-%m-%d}"
