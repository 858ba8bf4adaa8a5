"""A picture of a finding: SVG by ourselves, PNG where matplotlib is installed (extra ``plots``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from app.leak_output import check_folder
from app.leaks_drawing import Clock, Panel, Plan, confidence_words
from domain.errors import ConfigurationError
from domain.findings import Finding, FindingKind

OBSERVED, EXPECTED, MARK, LOST = "#0b6e99", "#8a949b", "#b3261e", "#e08e0b"
"""Colours that stay apart for the colour-blind: what was seen, what is usual, moments, what is claimed or likely."""
_SHORT_S = 2 * 86400.0
SEVERAL = (OBSERVED, "#6a3d9a", "#2e7d32", "#8d5524")
"""Of several seen lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A pipe and how likely the leak lies in it."""

    pipe: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is drawn."""

    title: str
    subtitle: str
    since: datetime
    found_at: datetime
    clock: Clock
    panels: tuple[Panel, ...]
    plan: Plan | None = None
    ranked: tuple[Ranked, ...] = ()
    region: frozenset[str] = frozenset()
    telling: tuple[str, ...] = ()
    """Gauges that show it most."""
    place: str = ""
    """Where, in words."""

    @property
    def whole_s(self) -> tuple[float, float] | None:
        """From the onset until it was told, where that is short: a burst is itself the peak, which no axis may cut off."""
        since_s, found_s = self.since.timestamp(), self.found_at.timestamp()
        return (since_s, found_s) if found_s - since_s <= _SHORT_S else None


def finding_picture(finding: Finding, panels: Sequence[Panel], plan: Plan | None, clock: Clock) -> Picture:
    """The picture of a finding."""
    region = finding.region
    state, sure = "open" if finding.open else "over", confidence_words(finding.confidence)
    lost = "no loss is claimed" if finding.kind is FindingKind.METER_FAULT or finding.cause != "leak" else _flow(finding)
    where = "" if region is None else f"{region.probability:.0%} within {region.radius_m:.0f} m of {region.pipes[0]}"
    return Picture(
        title=f"Zone {finding.zone}: {finding.kind.value.replace('_', ' ')}, {lost}, confidence {sure}, {state}",
        subtitle=f"{finding.key}; since {clock.text(finding.since)}, found {clock.text(finding.found_at)} ({clock.words})",
        since=finding.since,
        found_at=finding.found_at,
        clock=clock,
        panels=tuple(p for p in panels if p.times_s.size > 1),
        plan=plan if finding.places else None,
        ranked=tuple(Ranked(pipe=p.pipe, probability=p.probability) for p in finding.places),
        region=frozenset(region.pipes if region else ()),
        telling=tuple(e.name.partition(":")[2] for e in finding.evidence if e.name.startswith("gauge:")),
        place=f"{where}; best {', '.join(f'{p.pipe} {p.probability:.0%}' for p in finding.places[:3])}" if finding.places else "",
    )


def _flow(finding: Finding) -> str:
    return f"{finding.flow_m3h:.1f} ± {finding.flow_error_m3h:.1f} m³/h ({24 * finding.flow_m3h:.0f} m³ a day)"


def best_suffix() -> str:
    """``.png`` where matplotlib is installed, else ``.svg``."""
    return ".png" if find_spec("matplotlib") is not None else ".svg"


def check_suffix(out: Path) -> None:
    """Sees that a picture of this name can be drawn.

    Raises:
        ConfigurationError: Another suffix, or PNG without matplotlib.
    """
    if out.suffix not in (".svg", ".png"):
        raise ConfigurationError(file=str(out), key="--plot", value=out.suffix, expected="a file ending in .svg or .png")
    if out.suffix == ".png" and best_suffix() != ".png":
        raise ConfigurationError(
            file=str(out), key="--plot", value=".png", expected="khettara[plots] to be installed, or a file ending in .svg"
        )


def draw(picture: Picture, out: Path) -> None:
    """Writes the picture; its kind by the file's suffix, ``.svg`` or ``.png``.

    Raises:
        ConfigurationError: Another suffix, PNG without matplotlib, or nothing can be written there.
    """
    check_suffix(out)
    check_folder(out.parent, "--plot")
    if out.suffix == ".png":
        from app.leaks_png import write_png

        write_png(picture, out)
    else:
        from app.leaks_svg import svg_of

        out.write_text(svg_of(picture), encoding="utf-8")
