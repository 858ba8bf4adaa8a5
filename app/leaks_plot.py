"""A picture of a finding: SVG by ourselves, PNG where matplotlib is installed (extra ``plots``)."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from app.leaks_table import FindingSeries
from domain.errors import ConfigurationError
from domain.findings import Finding
from domain.series import FloatArray

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 900, 320, 60, 40, 44, 20
_MOST_PLACES = 4
_OBSERVED, _EXPECTED, _MARK = "#0b6e99", "#9aa5ac", "#b3261e"


def draw_finding(finding: Finding, series: FindingSeries, out: Path) -> None:
    """Writes the picture; its kind by the file's suffix, ``.svg`` or ``.png``.

    Raises:
        ConfigurationError: Another suffix, or PNG without matplotlib.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".svg":
        out.write_text(svg_of(finding, series), encoding="utf-8")
    elif out.suffix == ".png":
        _png(finding, series, out)
    else:
        raise ConfigurationError(file=str(out), key="--plot", value=out.suffix, expected="a file ending in .svg or .png")


def svg_of(finding: Finding, series: FindingSeries) -> str:
    """The picture as SVG: what was seen, what was expected, onset and moment of finding."""
    times, values = series.times_s, series.observed_m3h
    shown = [v for v in (values, series.expected_m3h) if v is not None]
    known = np.concatenate([v[np.isfinite(v)] for v in shown]) if shown else np.zeros(0)
    low, high = (min(0.0, float(known.min())), float(known.max())) if known.size else (0.0, 1.0)
    high = high if high > low else low + 1.0
    first, last = (float(times[0]), float(times[-1])) if times.size > 1 else (0.0, 1.0)

    def x(t: float) -> float:
        return _LEFT + (t - first) / max(last - first, 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(v: float) -> float:
        return _HEIGHT - _BOTTOM - (v - low) / (high - low) * (_HEIGHT - _BOTTOM - _TOP)

    def line(series_values: FloatArray, colour: str, width: float) -> str:
        parts, pen = [], "M"
        for t, v in zip(times, series_values, strict=True):
            if np.isfinite(v):
                parts.append(f"{pen}{x(float(t)):.1f},{y(float(v)):.1f}")
            pen = "L" if np.isfinite(v) else "M"
        return f'<path d="{" ".join(parts)}" fill="none" stroke="{colour}" stroke-width="{width}"/>'

    body = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>']
    for step in range(5):
        value = low + (high - low) * step / 4
        body.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#e3e8eb"/>')
        body.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>')
        moment = first + (last - first) * step / 4
        body.append(f'<text x="{x(moment):.1f}" y="{_HEIGHT - 16}" text-anchor="middle">{_day(moment)}</text>')
    if series.expected_m3h is not None:
        body.append(line(series.expected_m3h, _EXPECTED, 1.5))
    body.append(line(values, _OBSERVED, 2.0))
    for moment, word in ((finding.since.timestamp(), "since"), (finding.found_at.timestamp(), "found")):
        if first <= moment <= last:
            dash = ' stroke-dasharray="4 3"' if word == "since" else ""
            body.append(
                f'<line x1="{x(moment):.1f}" x2="{x(moment):.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="{_MARK}"{dash}/>'
            )
    body.append(f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(_title(finding))}</text>')
    below = f"{_legend(series)}; {_places(finding)}" if finding.places else _legend(series)
    body.append(f'<text x="{_LEFT}" y="36" fill="#556">{escape(below)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="sans-serif" font-size="12">' + "".join(body) + "</svg>\n"
    )


def _png(finding: Finding, series: FindingSeries, out: Path) -> None:
    try:
        figure_module = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise ConfigurationError(
            file=str(out), key="--plot", value=".png", expected="khettara[plots] to be installed, or a file ending in .svg"
        ) from error
    figure = figure_module.Figure(figsize=(9, 3.2), dpi=120, layout="constrained")
    axes = figure.subplots()
    moments = [datetime.fromtimestamp(float(t), UTC) for t in series.times_s]
    if series.expected_m3h is not None:
        axes.plot(moments, series.expected_m3h, color=_EXPECTED, linewidth=1)
    axes.plot(moments, series.observed_m3h, color=_OBSERVED, linewidth=1.4)
    axes.axvline(finding.since, color=_MARK, linestyle="--", linewidth=1)
    axes.axvline(finding.found_at, color=_MARK, linewidth=1)
    axes.set_title(_title(finding), loc="left", fontsize=9)
    axes.set_ylabel("m³/h")
    axes.set_xlabel(f"{_legend(series)}\n{_places(finding)}" if finding.places else _legend(series), fontsize=8)
    figure.savefig(out)


def _title(finding: Finding) -> str:
    return (
        f"{finding.key}: {finding.kind.value}, {finding.flow_m3h:.1f} ± {finding.flow_error_m3h:.1f} m³/h, {finding.confidence:.0%}"
    )


_SEEN = {
    "balance": "inflow that the meters do not explain",
    "inflow": "inflow; grey: the week before",
    "meters": "all metered flows; grey: the week before",
}


def _legend(series: FindingSeries) -> str:
    return f"{_SEEN.get(series.name, series.name)} [m³/h]; dashed: since, full: found (UTC)"


def _places(finding: Finding) -> str:
    """The first pipes and how sure they are."""
    return "pipes " + ", ".join(f"{p.pipe} {p.probability:.0%}" for p in finding.places[:_MOST_PLACES])


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
