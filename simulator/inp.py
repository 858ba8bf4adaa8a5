"""EPANET's text format (.inp), as much of it as a map and a sizing need. Pure; no toolkit.

Written by ``write_sections``, read by ``read_sections``; the hydraulics themselves read the file with EPANET's own parser.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a section."""

    line: int
    """Line number in the file, from 1."""
    words: tuple[str, ...]
    comment: str = ""
    """What stands after ``;``."""


def read_sections(text: str) -> dict[str, tuple[Row, ...]]:
    """Rows by section name in capitals, e.g. ``COORDINATES``; lines that hold a comment only are left out."""
    sections: dict[str, list[Row]] = {}
    current: list[Row] = []
    for number, raw in enumerate(text.splitlines(), 1):
        content, _, comment = raw.partition(";")
        words = tuple(content.split())
        if not words:
            continue
        if words[0].startswith("["):
            current = sections.setdefault(words[0].strip("[]").upper(), [])
        else:
            current.append(Row(line=number, words=words, comment=comment.strip()))
    return {name: tuple(rows) for name, rows in sections.items()}


def word(row: Row, column: int, *, section: str, what: str) -> str:
    """The word in a column.

    Raises:
        ConfigurationError: There is none; names section and line.
    """
    if column >= len(row.words):
        raise ConfigurationError(
            file="network file",
            key=f"[{section}] line {row.line}",
            value=" ".join(row.words),
            expected=f"{what} in column {column + 1}",
        )
    return row.words[column]


def number(row: Row, column: int, *, section: str, what: str) -> float:
    """The number in a column.

    Raises:
        ConfigurationError: There is none; names section and line.
    """
    try:
        return float(row.words[column])
    except (IndexError, ValueError):
        value = row.words[column] if column < len(row.words) else None
        raise ConfigurationError(
            file="network file",
            key=f"[{section}] line {row.line}",
            value=value,
            expected=f"{what} as a number in column {column + 1}",
        ) from None


def write_sections(sections: Mapping[str, Iterable[Sequence[object]]]) -> str:
    """The text of a file: one line a row, words set apart by a tab; floats without needless zeros."""
    lines: list[str] = []
    for name, rows in sections.items():
        lines.append(f"[{name}]")
        lines.extend("\t".join(_word(word) for word in row) for row in rows)
        lines.append("")
    lines.append("[END]")
    return "\n".join(lines) + "\n"


def _word(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
