"""What is drawn of a finding: series over time beside what is usual, and the pipes on a plan; kept as JSON by a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from domain.series import FloatArray

SEEN, USUAL, CLAIMED, OTHER = "seen", "usual", "claimed", "other"
"""Roles of a line: what was measured; what was usual; what is claimed to be lost, on what is usual; anything beside."""

_RARE, _PEAK, _ROOM = 0.98, 1.6, 0.15
"""A peak is rare above this quantile, and left off where it would stretch the axis by so much; then so much room is left above."""
_CERTAIN = 0.995
"""From there on rounding would say 100 %."""


def confidence_words(confidence: float) -> str:
    """A confidence of 0..1 as people read it: never certain, whatever the rounding."""
    return f"{confidence:.0%}" if confidence < _CERTAIN else ">99%"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """One line of a panel."""

    label: str
    role: str
    values: FloatArray
    """Shape (T,); NaN where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Lines over one time and one unit."""

    title: str
    unit: str
    times_s: FloatArray
    """Seconds since 1970 UTC, shape (T,)."""
    lines: tuple[Line, ...]
    half_width: float = 0.0
    """Of the band around what is usual, same unit; 0: none is drawn."""
    marks: bool = False
    """Each value is drawn as a point too: there are few."""

    def of(self, role: str) -> Line | None:
        """The first line of a role."""
        return next((line for line in self.lines if line.role == role), None)

    @property
    def axis(self) -> str:
        """The unit as it stands at an axis; nothing at a plain ratio."""
        return "" if self.unit == "1" else f"[{self.unit}]"

    def limits(self, whole_s: tuple[float, float] | None = None) -> tuple[float, float]:
        """Least and most that is drawn: everything, but for rare peaks that would make the rest flat.

        Args:
            whole_s: From when until when what was measured is drawn up to its peak, seconds since 1970 UTC.
        """
        known = np.concatenate([np.empty(0), *(line.values[np.isfinite(line.values)] for line in self.lines)])
        if not known.size:
            return 0.0, 1.0
        most = float(np.quantile(known, _RARE))
        low, high = float(known.min()), float(known.max())
        high = most + _ROOM * (most - low) if high - low > _PEAK * (most - low) > 0 else high
        if whole_s is not None:
            inside = (self.times_s >= whole_s[0]) & (self.times_s <= whole_s[1])
            told = [line.values[inside] for line in self.lines if line.role == SEEN]
            high = max([high, *(float(v) for part in told for v in part[np.isfinite(part)])])
        usual = self.of(USUAL)
        middle = np.empty(0) if usual is None else usual.values[np.isfinite(usual.values)]
        if middle.size:
            low, high = min(low, float(middle.min()) - self.half_width), max(high, float(middle.max()) + self.half_width)
        return (low, high) if high > low else (low - 0.5, low + 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A network from above, in the coordinates of its file."""

    pipes: Mapping[str, tuple[float, float, float, float]]
    """Both ends of each."""
    gauges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """In whose time moments are said."""

    timezone: str = ""
    """IANA name; empty: the recording's own local time, which carries no zone and is kept as if it were UTC."""

    @property
    def zone(self) -> tzinfo:
        """To turn a moment into what is said."""
        return ZoneInfo(self.timezone) if self.timezone else UTC

    @property
    def words(self) -> str:
        """Whose time it is."""
        return f"time of {self.timezone}" if self.timezone not in ("", "UTC") else self.timezone or "local time of the recording"

    def text(self, moment: datetime) -> str:
        """To the minute."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"


def panels_document(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """JSON values."""
    return [
        {
            "title": p.title,
            "unit": p.unit,
            "time": [datetime.fromtimestamp(float(t), UTC).isoformat() for t in p.times_s],
            "half_width": round(p.half_width, 4),
            "marks": p.marks,
            "lines": [{"label": line.label, "role": line.role, "values": _numbers(line.values)} for line in p.lines],
        }
        for p in panels
    ]


def read_panels(documents: list[dict[str, Any]]) -> tuple[Panel, ...]:
    """Back from ``panels_document``."""
    return tuple(
        Panel(
            title=p["title"],
            unit=p["unit"],
            times_s=np.array([datetime.fromisoformat(t).timestamp() for t in p["time"]], dtype=np.float64),
            half_width=float(p["half_width"]),
            marks=bool(p["marks"]),
            lines=tuple(Line(label=line["label"], role=line["role"], values=_array(line["values"])) for line in p["lines"]),
        )
        for p in documents
    )


def plan_document(plan: Plan | None) -> dict[str, Any] | None:
    """JSON values."""
    return None if plan is None else {"pipes": dict(plan.pipes), "gauges": dict(plan.gauges)}


def read_plan(document: dict[str, Any] | None) -> Plan | None:
    """Back from ``plan_document``."""
    if document is None:
        return None
    pipes = {name: (float(a), float(b), float(c), float(d)) for name, (a, b, c, d) in document["pipes"].items()}
    return Plan(pipes=pipes, gauges={name: (float(x), float(y)) for name, (x, y) in document["gauges"].items()})


def _numbers(values: FloatArray) -> list[float | None]:
    return [round(float(v), 4) if np.isfinite(v) else None for v in values]


def _array(values: list[float | None]) -> FloatArray:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
