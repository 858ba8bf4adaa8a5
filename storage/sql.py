"""Named statements out of ``queries/*.sql``.

    -- name: open_findings
    -- Findings that are not over, oldest first.
    SELECT …

Every statement has a name and one line that says what it is for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

_QUERIES = Path(__file__).parent / "queries"
_HEAD = re.compile(r"^-- name: (\w+)\n(-- \S.*\n)+", re.MULTILINE)


def parse_queries(text: str) -> Mapping[str, bytes]:
    """Statements by name.

    Raises:
        ValueError: Text before the first name, a name twice, a name without the line that says what it is for, or no statement.
    """
    heads = list(_HEAD.finditer(text))
    if text[: heads[0].start() if heads else None].strip():
        raise ValueError(f"a statement must follow '-- name: x' and a line saying what it is for, found {text.strip()[:60]!r}")
    found: dict[str, bytes] = {}
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        name, statement = head[1], text[head.end() : following.start() if following else None].strip()
        if name in found:
            raise ValueError(f"the name {name} is used twice")
        if not statement or "-- name:" in statement:
            raise ValueError(f"{name} has no statement, or the one after it no line saying what it is for")
        found[name] = statement.removesuffix(";").encode()
    return MappingProxyType(found)


@cache
def queries(aggregate: str) -> Mapping[str, bytes]:
    """The statements of ``queries/<aggregate>.sql``."""
    return parse_queries((_QUERIES / f"{aggregate}.sql").read_text(encoding="utf-8"))
