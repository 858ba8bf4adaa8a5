"""Numbers and times as people read them, the same in Python here and in ``static/js/format.js``.

Latin digits in every language, as Moroccan control rooms use them; comma as decimal sign in French and Arabic, point in English;
U+2212 for minus, U+202F between thousands, and an en dash pair for "no value".
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from domain.setpoints import Reason

NO_VALUE = "––"
_COMMA_LANGUAGES = frozenset({"fr", "ar"})
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")


def number(value: float | None, digits: int, language: str) -> str:
    """The value with a fixed number of decimals, or ``NO_VALUE``."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and any(c in "123456789" for c in text)
    text = text.replace(",", "\u202f")
    if language in _COMMA_LANGUAGES:
        text = text.replace(".", ",")
    return f"\u2212{text}" if negative else text


def signed(value: float | None, digits: int, language: str) -> str:
    """The value with its sign always shown: for changes."""
    text = number(value, digits, language)
    return f"+{text}" if text != NO_VALUE and value is not None and value > 0 and any(c in "123456789" for c in text) else text


def whole(value: int | float | None) -> str:
    """A count, thousands apart."""
    return NO_VALUE if value is None else f"{value:,.0f}".replace(",", "\u202f")


def moment(value: datetime | None, zone: tzinfo) -> str:
    """Local date and minute, ISO order: read the same way in three languages."""
    return NO_VALUE if value is None else value.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def clock_time(value: datetime | None, zone: tzinfo) -> str:
    """Local time to the second."""
    return NO_VALUE if value is None else value.astimezone(zone).strftime("%H:%M:%S")


def utc_offset(value: datetime, zone: tzinfo) -> str:
    """The zone's distance from UTC at that time: ``UTC``, ``UTC+1``, ``UTC−3:30``."""
    minutes = round((value.astimezone(zone).utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "\u2212"
    return f"UTC{sign}{hours}{f':{rest:02d}' if rest else ''}" if minutes else "UTC"


def clock_changes(value: datetime, zone: tzinfo, days: int = 45) -> list[tuple[int, int]]:
    """The local clock around a time: (from which second since 1970, seconds ahead of UTC), oldest first.

    Browsers keep time zones of their own, older or newer than the server's; a page goes by one clock, which is this one.
    """
    return list(_clock_changes(value.astimezone(UTC).date(), zone, days))


@lru_cache(maxsize=8)
def _clock_changes(middle: date, zone: tzinfo, days: int) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    start = datetime(middle.year, middle.month, middle.day, tzinfo=UTC) - timedelta(days=days)
    for hours in range(48 * days):
        at = start + timedelta(hours=hours)
        ahead = round((at.astimezone(zone).utcoffset() or timedelta()).total_seconds())
        if not found or found[-1][1] != ahead:
            found.append((int(at.timestamp()), ahead))
    return tuple(found)


def day(value: date | None) -> str:
    """A date, ISO order."""
    return NO_VALUE if value is None else value.isoformat()


def parse_number(text: str) -> float | Reason:
    """A number as an operator types it: comma or point, Latin or Arabic digits, spaces ignored.

    Returns:
        The number, or the reason why it is none.
    """
    plain = text.translate(_DIGITS).replace("٫", ".").replace(",", ".").replace("\u2212", "-")
    plain = "".join(c for c in plain if not c.isspace())
    try:
        value = float(plain) if len(plain) <= 20 and set(plain) <= set("0123456789.-") else None
    except ValueError:
        value = None
    if value is None:
        return Reason(code="no_number", text=f"{text[:20]!r} is not a number; expected metres of head such as 42.5")
    return value
