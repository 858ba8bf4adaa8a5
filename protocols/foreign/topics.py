"""Topic patterns with named levels: ``loggers/{device}/data`` is the filter ``loggers/+/data``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAMED = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """One pattern."""

    text: str

    @property
    def filter(self) -> str:
        """What to subscribe to."""
        return _NAMED.sub("+", self.text)

    def match(self, topic: str) -> Mapping[str, str] | None:
        """The named levels of a topic; None if it does not match."""
        wanted, given = self.text.split("/"), topic.split("/")
        if wanted[-1] == "#":
            wanted = wanted[:-1]
            given = given[: len(wanted)] if len(given) >= len(wanted) else given
        if len(wanted) != len(given):
            return None
        parts: dict[str, str] = {}
        for level, found in zip(wanted, given, strict=True):
            named = _NAMED.fullmatch(level)
            if named is not None:
                parts[named[1]] = found
            elif level not in ("+", found):
                return None
        return parts


def problem(text: str) -> str | None:
    """What is wrong with a pattern; None if nothing is."""
    levels = text.split("/")
    names = _NAMED.findall(text)
    if "\x00" in text or text.startswith(("$", "spBv1.0/")) or levels[0] in ("+", "#") or _NAMED.fullmatch(levels[0]):
        return "a topic with a fixed first level of its own: not $…, spBv1.0 or a wildcard"
    for i, level in enumerate(levels):
        if level == "+" or _NAMED.fullmatch(level) or (level == "#" and i == len(levels) - 1):
            continue
        if not level or any(c in level for c in "+#{}"):
            return "levels that are words, '+', '{name}' or a last '#'"
    if len(set(names)) < len(names):
        return "each {name} once"
    return None
