"""What a dashboard shows, said without Grafana's words: a few frozen values that ``grafana`` turns into its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["stat", "table", "timeseries"]
Unit = Literal[
    "suffix: m³/h", "suffix: m³", "suffix: m", "suffix: L/h", "suffix: kWh/m³", "suffix: min", "kwatt", "percent", "percentunit",
    "s", "none", "short", "string", "dateTimeAsIso",
]  # fmt: skip
"""Units of Grafana that we use; flow, volume and head have none of their own there that does not rescale."""

QUERIES = Path(__file__).parent / "queries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a table shows one column of its query."""

    name: str
    unit: Unit
    decimals: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: a question, its SQL, and how the answer is drawn."""

    query: str
    """Name of the file under ``queries/``, without ``.sql``."""
    kind: Kind
    title: str
    """French."""
    fr: str
    """What it shows and how to read it, in French."""
    en: str
    """The same in English."""
    unit: Unit
    width: int = 12
    """Columns of 24."""
    height: int = 8
    """Rows of 30 pixels."""
    decimals: int | None = None
    bars: bool = False
    """Bars instead of a line."""
    columns: tuple[Column, ...] = ()
    min_interval: str | None = None
    """``$__interval`` is never below this."""
    time_from: str | None = None
    """Shows this much time instead of the dashboard's range, if that is relative to now."""
    empty: str | None = None
    """What an empty panel says, where no rows is a good answer; without it no rows is a fault."""

    @property
    def sql(self) -> str:
        """Text of the query."""
        return (QUERIES / f"{self.query}.sql").read_text(encoding="utf-8").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A heading and the panels under it."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One dashboard, one JSON file."""

    uid: str
    """Stable identity in Grafana; the file's name as well."""
    title: str
    """French, then English."""
    description: str
    rows: tuple[Row, ...]
    by_zone: bool = True
    """Whether the reader may choose zones."""
    time_from: str = "now-24h"
