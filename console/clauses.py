"""What the control engine says, in the page's language.

The law's advice and what a prediction rests on come as English clauses joined by "; ", with numbers and points in them. The
English catalogue holds each clause as the engine writes it (``[clause]``), the others its translation: ``{n0}`` stands for a
number, ``{p0}`` for a point or another name, ``{w0}`` for further clauses. What is not known is shown as it came: a reason is
never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from console.i18n import Texts
from console.messages import localised

_PREFIX = "clause."
_PLACE = re.compile(r"\{([npw])\d+\}")
_SHAPES = {"n": r"(?:[-+\u2212]?\d+(?:\.\d+)?|inf)", "p": r"\S+?", "w": r".+"}
_NOTES = re.compile(r"(.+) \(([^()]+)\)")
_JOINTS = {"ar": "؛ "}


class Clauses:
    """Clauses into one language.

    Args:
        english: The catalogue that holds them as the engine writes them.
        texts: The page's.
    """

    def __init__(self, english: Texts, texts: Texts) -> None:
        known = [(key, text) for key, text in english.entries.items() if key.startswith(_PREFIX)]
        known.sort(key=lambda pair: -len(_PLACE.sub("", pair[1])))
        self._known = tuple((re.compile(_pattern(text), re.DOTALL), texts.entries[key]) for key, text in known)
        self._language = texts.language
        self._joint = _JOINTS.get(texts.language, "; ")

    def __call__(self, text: str, names: Mapping[str, str] | None = None) -> str:
        """The text; ``names`` are what the page calls points."""
        if names and text in names:
            return names[text]
        for pattern, sentence in self._known:
            if found := pattern.fullmatch(text):
                return self._filled(sentence, found.groupdict(), names or {})
        parts = list(_split(text))
        if len(parts) > 1:
            return self._joint.join(self(part, names) for part in parts)
        if notes := _NOTES.fullmatch(text):
            return f"{self(notes[1], names)} ({self(notes[2], names)})"
        return text

    def _filled(self, sentence: str, values: Mapping[str, str], names: Mapping[str, str]) -> str:
        return sentence.format_map({place: self._said(place[0], value, names) for place, value in values.items()})

    def _said(self, kind: str, value: str, names: Mapping[str, str]) -> str:
        if kind == "n":
            return localised(value, self._language)
        return names.get(value, value) if kind == "p" else self(value, names)


def _pattern(text: str) -> str:
    """The regular expression of a clause."""
    found, at = "", 0
    for place in _PLACE.finditer(text):
        found += re.escape(text[at : place.start()]) + f"(?P<{place[0][1:-1]}>{_SHAPES[place[1]]})"
        at = place.end()
    return found + re.escape(text[at:])


def _split(text: str) -> Iterator[str]:
    """The clauses of a text; a joint inside brackets is none."""
    depth, begins = 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and text.startswith("; ", at):
            yield text[begins:at]
            begins = at + 2
    yield text[begins:]
