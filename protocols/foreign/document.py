"""Reading a JSON message: bounded, by pointer, with numbers and times judged here once for every format."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from domain.errors import DecodeError

MISSING: Any = object()
"""There is nothing at a pointer; a JSON null is something."""
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEPTH = 32


def parse(payload: bytes) -> Any:
    """The JSON value in these bytes.

    Raises:
        DecodeError: ``decode_error``: no UTF-8, no JSON, or nested too deeply.
    """
    try:
        found = json.loads(payload.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DecodeError("decode_error", f"{len(payload)} bytes are no JSON: {error}") from None
    return found


def at(document: Any, pointer: str) -> Any:
    """What is at a JSON pointer (RFC 6901), or ``MISSING``. The empty pointer is the document."""
    found = document
    for raw in pointer.split("/")[1:]:
        key = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isascii() and key.isdigit() and len(key) < 7 and int(key) < len(found):
            found = found[int(key)]
        else:
            return MISSING
    return found


def leaves(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every value of nested objects with its dotted name; arrays are left out."""
    if isinstance(document, dict) and len(path) < _DEPTH:
        for key, value in document.items():
            yield from leaves(value, (*path, str(key)))
    elif not isinstance(document, list | dict):
        yield ".".join(path), document


def number(value: Any) -> float | None:
    """A JSON number, boolean or number in a text as a float; None where it is none of these.

    NaN and whole numbers beyond every double stay what they are: NaN and infinity, which no later step takes for a value.
    """
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return None


def time_ms(value: Any, time_format: str, timezone: ZoneInfo | None) -> int:
    """A time as milliseconds since 1970 UTC; what is finer is cut off.

    Raises:
        DecodeError: ``bad_time``: no such time, or one without offset where no time zone was given.
    """
    if time_format in ("unix", "unix_ms"):
        found = number(value)
        if found is None or isinstance(value, bool) or not math.isfinite(found):
            raise DecodeError("bad_time", f"{value!r} is no number of {'seconds' if time_format == 'unix' else 'milliseconds'}")
        exact = Fraction(repr(found) if not isinstance(value, int) else value) * (1000 if time_format == "unix" else 1)
        return _bounded(math.floor(exact), value)
    try:
        moment = datetime.fromisoformat(value) if time_format == "iso8601" else datetime.strptime(value, time_format)  # noqa: DTZ007  (the zone is added below)
    except (TypeError, ValueError):
        raise DecodeError("bad_time", f"{value!r} is no time of the form {time_format}") from None
    if moment.tzinfo is None:
        if timezone is None:
            raise DecodeError("bad_time", f"{value!r} has no offset, and the source names no timezone")
        moment = moment.replace(tzinfo=timezone)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _bounded(ms: int, value: Any) -> int:
    if not 0 <= ms < 2**53:
        raise DecodeError("bad_time", f"{value!r} lies outside every calendar")
    return ms
