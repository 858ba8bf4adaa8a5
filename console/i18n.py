"""The console's languages: one TOML catalogue each, read once, looked up by dotted key.

Texts are written with ``{name}`` places. A key that is missing is an error; nothing falls back
silently.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError

LANGUAGES = ("fr", "ar", "en")
"""In the order of the language switch; the first is the default."""
RIGHT_TO_LEFT = frozenset({"ar"})
_FOLDER = Path(__file__).parent / "locales"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """One language."""

    language: str
    entries: Mapping[str, str]

    @property
    def direction(self) -> str:
        """``rtl`` or ``ltr``."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def __call__(self, key: str, /, **values: object) -> str:
        """The text for a key, its places filled.

        Raises:
            KeyError: The key is in no catalogue.
        """
        text = self.entries[key]
        return text.format_map(_Lenient(values)) if "{" in text else text

    def find(self, key: str, /, **values: object) -> str | None:
        """The same, or None where the key is unknown: for codes that come from elsewhere."""
        return self(key, **values) if key in self.entries else None

    def group(self, prefix: str) -> dict[str, str]:
        """Every entry under ``prefix.``, by the rest of its key: handed to the browser."""
        start = prefix + "."
        return {k.removeprefix(start): v for k, v in self.entries.items() if k.startswith(start)}


class _Lenient(dict[str, object]):
    """Places nobody filled show as an ellipsis rather than stop a page of a control room."""

    def __missing__(self, key: str) -> str:
        return "…"


def load_texts(folder: Path = _FOLDER) -> dict[str, Texts]:
    """Every language's catalogue.

    Raises:
        ConfigurationError: A catalogue is absent or holds something other than texts.
    """
    return {language: Texts(language=language, entries=_read(folder / f"{language}.toml")) for language in LANGUAGES}


def _read(path: Path) -> dict[str, str]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(file=path.name, key="", value=str(error), expected="a readable TOML catalogue") from None
    return dict(_flatten(path.name, "", tables))


def _flatten(file: str, prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        dotted = f"{prefix}.{key}" if prefix else key
        if isinstance(value, str):
            yield dotted, value
        elif isinstance(value, Mapping):
            yield from _flatten(file, dotted, value)
        else:
            raise ConfigurationError(file=file, key=dotted, value=value, expected="a text")


def choose_language(cookie: str | None, preferred: str | None) -> str:
    """The language of a page: what the browser chose, else what the user's account says, else French."""
    for wish in (cookie, preferred):
        if wish in LANGUAGES:
            return wish
    return LANGUAGES[0]
