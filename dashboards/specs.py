"""What a dashboard shows, said without Grafana's words: a few frozen values that ``grafana`` turns into its JSON.

Every text is there in French and in English. In SQL, where a text names a column or a series, both stand as ``<<Débit|Flow>>``;
``<<fr|en>>`` is the language itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")

Kind = Literal["stat", "table", "timeseries", "geomap", "xychart", "trend", "bargauge"]
Unit = Literal[
    "suffix: m³/h", "suffix: m³", "suffix: m", "suffix: L/h", "suffix: kWh/m³", "suffix: min", "suffix: h", "suffix: /s",
    "suffix: d", "kwatt", "percent", "percentunit", "s", "bytes", "none", "short", "string", "dateTimeAsIso", "locale",
]  # fmt: skip
"""Units of Grafana that we use; flow, volume and head have none of their own there that does not rescale."""

QUERIES = Path(__file__).parent / "queries"
CONSOLE = "http://127.0.0.1:8700"
"""Where the operators' console is, unless the dashboard's variable ``console`` says otherwise."""

_BOTH = re.compile(r"<<(?P<fr>[^<>|]*)\|(?P<en>[^<>|]*)>>")


class Words(NamedTuple):
    """A text in each language."""

    fr: str
    en: str

    def said(self, language: Language) -> str:
        """In this language."""
        return self.fr if language == "fr" else self.en


def worded(sql: str, language: Language) -> str:
    """SQL with the names of one language."""
    return _BOTH.sub(lambda match: match[language], sql)


Drawn = tuple[str, str | int | Words | dict[str, str | list[int]]]
"""A property of Grafana's ``custom`` and its value; words where it names another series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a click on a value leads. ``url`` may name ``{lang}``, a column of the row as ``[column]``, and ``{console}``."""

    title: Words
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one column of a query, or one series, is shown."""

    name: Words
    unit: Unit
    decimals: int | None = None
    hidden: bool = False
    """There for links alone."""
    link: Link | None = None
    drawn: tuple[Drawn, ...] = ()
    """Properties of Grafana's ``custom`` that draw a series otherwise than its panel, by their names there."""


def column(fr: str, en: str, unit: Unit, decimals: int | None = None, link: Link | None = None) -> Column:
    """A column of a table, in a line."""
    return Column(name=Words(fr, en), unit=unit, decimals=decimals, link=link)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From this value on a value is drawn in this colour; grey is normal."""

    value: float | None
    """None is from the lowest on."""
    color: Literal["#8e8e8e", "semi-dark-yellow", "semi-dark-orange", "semi-dark-red"]


NORMAL = Step(value=None, color="#8e8e8e")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: a question, its SQL, and how the answer is drawn."""

    query: str
    """Name of the file under ``queries/``, without ``.sql``."""
    kind: Kind
    title: Words
    about: Words
    """What it shows and how to read it."""
    unit: Unit
    width: int = 12
    """Columns of 24."""
    height: int = 8
    """Rows of 30 pixels."""
    decimals: int | None = None
    bars: bool = False
    """Bars instead of a line."""
    columns: tuple[Column, ...] = ()
    steps: tuple[Step, ...] = ()
    """Colours by value; without them everything is grey."""
    min_interval: str | None = None
    """``$__interval`` is never below this."""
    time_from: str | None = None
    """Shows this much time instead of the dashboard's range, if that is relative to now."""
    empty: Words | None = None
    """What an empty panel says, where no rows is a good answer; without it no rows is a fault."""

    def sql(self, language: Language) -> str:
        """Text of the query."""
        return worded((QUERIES / f"{self.query}.sql").read_text(encoding="utf-8").strip(), language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A heading and the panels under it."""

    title: Words
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One dashboard, one JSON file a language."""

    key: str
    """Stable identity; with the language it is Grafana's uid and the name of the file."""
    title: Words
    about: Words
    rows: tuple[Row, ...]
    by_zone: bool = True
    """Whether the reader may choose region, province and zone."""
    time_from: str = "now-24h"

    def uid(self, language: Language) -> str:
        """Identity in Grafana."""
        return f"khettara-{self.key}-{language}"
