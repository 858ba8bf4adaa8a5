"""From which days the network layer learns. Pure.

The past that teaches is chosen by the data and the calendar alone, so that a restart learns from the same days and comes to
the same leaks: after 8, 16, 32 and 52 weeks of data, then every half year from the last year.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from domain.calendar import Calendar

TEACH_DAYS = (56, 112, 224, 364)
"""Days of data after which the layer learns."""
AGAIN_DAYS = 182
"""After the last of these it learns every so many days, counted from 1970, from the ``TEACH_DAYS[-1]`` days before."""
LONGEST_DAYS = TEACH_DAYS[-1] + AGAIN_DAYS + 2
"""Of readings: more are never asked for."""
_DAY_S = 86400.0


def winter_offset_s(calendar: Calendar) -> float:
    """Local time less UTC [s], one for ever: the layer's days are of one length, whatever the clock does."""
    offset = calendar.local(datetime(2000, 1, 1, tzinfo=UTC)).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def teaching_span(first_s: float, end_s: float, offset_s: float) -> tuple[float, int] | None:
    """Start of the past to learn from and how many of its days teach; None while there is too little.

    Args:
        first_s: Midnight of the first whole day of data, seconds since 1970 UTC.
        end_s: Now.
        offset_s: Of the local midnights.
    """
    longest = TEACH_DAYS[-1]
    days = int((end_s - first_s) // _DAY_S)
    if days < TEACH_DAYS[0]:
        return None
    taught = max(d for d in TEACH_DAYS if d <= days)
    local_day = int((end_s + offset_s) // _DAY_S)
    opening_s = local_day // AGAIN_DAYS * AGAIN_DAYS * _DAY_S - offset_s
    if opening_s - first_s >= longest * _DAY_S:
        return opening_s - longest * _DAY_S, longest
    return first_s, taught


def next_midnight_s(at_s: float, offset_s: float) -> float:
    """The local midnight at or after a moment."""
    return float(np.ceil((at_s + offset_s) / _DAY_S)) * _DAY_S - offset_s
