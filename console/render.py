"""Pages out of templates: strict about missing values, escaped by default, with the page's language at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console import numbers
from console.clauses import Clauses
from console.i18n import LANGUAGES, Texts

_FOLDER = Path(__file__).parent / "templates"


class Renderer:
    """Renders templates.

    Args:
        site_names: Name of the utility's site by language.
        local: The site's time zone.
        catalogues: Every language.
    """

    def __init__(self, *, site_names: Mapping[str, str], local: tzinfo, catalogues: Mapping[str, Texts]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._site_names = site_names
        self._local = local
        self._clauses = {language: Clauses(catalogues["en"], texts) for language, texts in catalogues.items()}

    def text(self, template: str, texts: Texts, **values: Any) -> str:
        """A rendered template."""
        language = texts.language
        return self._environment.get_template(template).render(
            t=texts,
            lang=language,
            dir=texts.direction,
            languages=LANGUAGES,
            site_name=self._site_names.get(language) or self._site_names.get("fr") or "Khettara",
            f=Formats(language, self._local),
            say=self._clauses[language],
            browser_texts=json.dumps(texts.group("browser"), ensure_ascii=False),
            **values,
        )

    def page(self, template: str, texts: Texts, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The same as an answer."""
        return HTMLResponse(self.text(template, texts, **values), status_code=status)


class Formats:
    """Numbers and times as the templates need them, each kept left to right inside right-to-left text."""

    def __init__(self, language: str, local: tzinfo) -> None:
        self._language = language
        self._local = local

    def num(self, value: float | None, digits: int = 1) -> Markup:
        """A number."""
        return _isolated(numbers.number(value, digits, self._language))

    def plain(self, value: float | None, digits: int = 2) -> str:
        """A number for a form field."""
        return "" if value is None else numbers.number(value, digits, self._language).replace("\u2212", "-").replace("\u202f", "")

    def signed(self, value: float | None, digits: int = 1) -> Markup:
        """A change, with its sign."""
        return _isolated(numbers.signed(value, digits, self._language))

    def whole(self, value: int | float | None) -> Markup:
        """A count."""
        return _isolated(numbers.whole(value))

    def moment(self, value: datetime | None) -> Markup:
        """Local date and minute."""
        return _isolated(numbers.moment(value, self._local))

    def short(self, value: datetime | None) -> Markup:
        """Local day of the month and minute, where the year goes without saying."""
        return _isolated(numbers.moment(value, self._local)[5:] or numbers.NO_VALUE)

    def local_day(self, value: datetime | None) -> Markup:
        """Local date of a moment."""
        return _isolated(numbers.NO_VALUE if value is None else numbers.moment(value, self._local)[:10])

    def seconds(self, value: datetime | None) -> Markup:
        """Local time to the second."""
        return _isolated(numbers.clock_time(value, self._local))

    def day(self, value: date | None) -> Markup:
        """A date."""
        return _isolated(numbers.day(value))

    def offset(self, value: datetime) -> str:
        """How far the local clock is from UTC: which clock every time on a page goes by."""
        return numbers.utc_offset(value, self._local)

    def clock_changes(self, value: datetime) -> str:
        """The local clock around a time as JSON, for the browser."""
        return json.dumps(numbers.clock_changes(value, self._local))

    def minutes(self, seconds: float | None) -> Markup:
        """A duration in whole minutes."""
        return _isolated(numbers.whole(None if seconds is None else seconds // 60))


def _isolated(text: str) -> Markup:
    return Markup('<bdi dir="ltr">{}</bdi>').format(text)
