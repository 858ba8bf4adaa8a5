"""JSON with one byte form only: sorted keys, no blanks, UTF-8, no NaN; and times as RFC 3339 UTC with milliseconds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.readings import aware

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def canonical_json(content: Mapping[str, Any]) -> bytes:
    """The one byte form of this content.

    Raises:
        ValueError: NaN, an infinity, or text that is not Unicode.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def parse_json(data: bytes, *, max_bytes: int) -> dict[str, Any]:
    """The object in these bytes, if they are its canonical form.

    Raises:
        ValueError: Too long, not JSON, not an object, or another byte form: blanks, a key twice, another order.
    """
    if len(data) > max_bytes:
        raise ValueError(f"{len(data)} bytes; the limit is {max_bytes}")
    try:
        content = json.loads(data.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError(f"a JSON {type(content).__name__}, expected an object")  # noqa: TRY004 (the input's fault, not a caller's)
    if canonical_json(content) != data:
        raise ValueError("not in canonical form: sorted keys, no blanks, each key once")
    return content


def time_text(moment: datetime) -> str:
    """The moment as RFC 3339 UTC; what is finer than a millisecond is cut off.

    Raises:
        ValueError: The moment has no time zone.
    """
    return aware(moment, "time").isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_time(text: object) -> datetime:
    """The moment in a text such as ``2026-11-21T12:00:00.000Z``.

    Raises:
        ValueError: Not such a text.
    """
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is no time such as 2026-11-21T12:00:00.000Z")
    return datetime.fromisoformat(text).astimezone(UTC)
