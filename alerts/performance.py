"""How well the alarms serve the operators, after EEMUA 191 and ISA-18.2: pure, from the history of who was made to look, and when.

Counted is each time an operator was made to look (``v_alert_annunciation``), not what stands behind its cause or is kept back: that
is what both standards set their limits for. The limits are their figures for one operator in normal running.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from domain.alerts import LISTED, WITHHELD, Alert, AlertState, Annunciation, Priority

TEN = timedelta(minutes=10)
FLOOD_BEGINS, FLOOD_ENDS = 10, 5
"""More than so many in ten minutes begin a flood; it lasts until a ten minutes with fewer than the second."""
STALE_AFTER = timedelta(hours=24)
CHATTER = 3
"""So many of one source within ``CHATTER_WITHIN`` are a chatter. The standard's minute is that of a plant; our rounds take one."""
CHATTER_WITHIN = timedelta(minutes=30)
TOP = 10
MOST_BARS = 168


class Verdict(StrEnum):
    """Where a figure stands."""

    GOOD = "good"
    """Within the target."""
    TOLERABLE = "tolerable"
    """Within the most that can be managed."""
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure and its benchmark."""

    code: str
    """E.g. ``per_ten_minutes``; pages say it in words."""
    value: float
    target: float
    limit: float
    share: bool = False
    """Value and limits are shares, 0..1."""

    @property
    def verdict(self) -> Verdict:
        """Against target and limit."""
        if self.value <= self.target:
            return Verdict.GOOD
        return Verdict.TOLERABLE if self.value <= self.limit else Verdict.BAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What alarms come from."""

    code: str
    place: str
    """Subject or zone; empty for the whole network."""
    count: int
    share: float
    """Of all alarms of the span, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """A time in which more came than a person can take in."""

    start: datetime
    end: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """A span of the alarm system."""

    start: datetime
    end: datetime
    operators: int
    total: int
    measures: tuple[Measure, ...]
    top: tuple[Source, ...]
    chattering: tuple[Source, ...]
    priorities: Mapping[Priority, float]
    """Share of each, 0..1; empty without alarms."""
    floods: tuple[Flood, ...]
    standing: tuple[Alert, ...]
    """In the list with their condition there, oldest first."""
    stale: tuple[Alert, ...]
    """Those of them that are older than a day."""
    withheld: Mapping[AlertState, int]
    """How many are shelved, suppressed and out of service now."""
    bars: tuple[int, ...]
    """For the plot: the most alarms in any ten minutes of each bar's span, per operator rounded up."""
    bar_span: timedelta


def measure(
    annunciations: Sequence[Annunciation], alerts: Sequence[Alert], start: datetime, end: datetime, *, operators: int = 1
) -> Performance:
    """The figures of a span.

    Args:
        annunciations: Those of the span, in any order.
        alerts: What is open now.
        start: Beginning of the span.
        end: Its end, after the beginning; "now" for what is standing and stale.
        operators: How many share the alarms.

    Raises:
        ValueError: An empty span, or no operator.
    """
    if end <= start or operators < 1:
        raise ValueError(
            f"from {start.isoformat()} to {end.isoformat()} with {operators} operators: both must be more than nothing"
        )
    mine = sorted((a for a in annunciations if start <= a.at < end), key=lambda a: (a.at, a.alert))
    slots = _slots(mine, start, end)
    floods = _floods(slots, start, end)
    sources = Counter((a.code, a.subject or a.zone or "") for a in mine)
    top = tuple(_source(key, count, len(mine)) for key, count in sorted(sources.items(), key=lambda i: (-i[1], i[0]))[:TOP])
    chattering = tuple(_source(key, sources[key], len(mine)) for key in sorted(_chattering(mine)))
    standing = tuple(sorted((a for a in alerts if a.state in LISTED and a.active), key=lambda a: (a.raised_at, a.key)))
    stale = tuple(a for a in standing if end - a.raised_at > STALE_AFTER)
    priorities = {p: sum(a.priority is p for a in mine) / len(mine) for p in Priority} if mine else {}
    bars, bar_span = _bars(slots, operators)
    return Performance(
        start=start,
        end=end,
        operators=operators,
        total=len(mine),
        measures=_measures(slots, floods, top, chattering, standing, stale, end - start, operators),
        top=top,
        chattering=chattering,
        priorities=priorities,
        floods=floods,
        standing=standing,
        stale=stale,
        withheld={state: sum(a.state is state for a in alerts) for state in sorted(WITHHELD)},
        bars=bars,
        bar_span=bar_span,
    )


def _measures(
    slots: Sequence[int],
    floods: Sequence[Flood],
    top: Sequence[Source],
    chattering: Sequence[Source],
    standing: Sequence[Alert],
    stale: Sequence[Alert],
    span: timedelta,
    operators: int,
) -> tuple[Measure, ...]:
    each = sum(slots) / operators
    busy_hours = [sum(slots[i : i + 6]) / operators for i in range(0, len(slots), 6)]
    flooded = sum(((f.end - f.start) for f in floods), timedelta(0)) / span
    return (
        Measure(code="per_ten_minutes", value=each / (span / TEN), target=1, limit=2),
        Measure(code="per_hour", value=each / (span / timedelta(hours=1)), target=6, limit=12),
        Measure(code="per_day", value=each / (span / timedelta(days=1)), target=144, limit=288),
        Measure(code="peak", value=max(slots, default=0) / operators, target=10, limit=10),
        Measure(
            code="busy_hours", value=sum(h > 30 for h in busy_hours) / max(1, len(busy_hours)), target=0.01, limit=0.01, share=True
        ),
        Measure(code="flooded", value=flooded, target=0.01, limit=0.01, share=True),
        Measure(code="top_ten", value=sum(s.share for s in top) if len(top) == TOP else 0.0, target=0.05, limit=0.20, share=True),
        Measure(code="chattering", value=len(chattering), target=0, limit=0),
        Measure(code="standing", value=len(standing), target=9, limit=50),
        Measure(code="stale", value=len(stale), target=4, limit=5),
    )


def _slots(mine: Sequence[Annunciation], start: datetime, end: datetime) -> list[int]:
    """Alarms in each ten minutes of the span."""
    slots = [0] * max(1, -(-(end - start) // TEN))
    for alarm in mine:
        slots[(alarm.at - start) // TEN] += 1
    return slots


def _floods(slots: Sequence[int], start: datetime, end: datetime) -> tuple[Flood, ...]:
    found: list[Flood] = []
    first: int | None = None
    for number, count in enumerate([*slots, 0]):
        if first is None and count > FLOOD_BEGINS:
            first = number
        elif first is not None and count < FLOOD_ENDS:
            until = min(start + number * TEN, end)
            found.append(Flood(start=start + first * TEN, end=until, count=sum(slots[first:number])))
            first = None
    return tuple(found)


def _chattering(mine: Sequence[Annunciation]) -> set[tuple[str, str]]:
    times: dict[tuple[str, str], list[datetime]] = {}
    for alarm in mine:
        times.setdefault((alarm.code, alarm.subject or alarm.zone or ""), []).append(alarm.at)
    return {
        key
        for key, at in times.items()
        if any(last - first <= CHATTER_WITHIN for first, last in zip(at, at[CHATTER - 1 :], strict=False))
    }


def _source(key: tuple[str, str], count: int, total: int) -> Source:
    return Source(code=key[0], place=key[1], count=count, share=count / total)


def _bars(slots: Sequence[int], operators: int) -> tuple[tuple[int, ...], timedelta]:
    """Ten-minute counts, drawn together until there are few enough: the worst of each bar."""
    wide = next(w for w in (1, 6, 18, 36, 144, 1008, len(slots)) if -(-len(slots) // w) <= MOST_BARS)
    edges = [*range(0, len(slots), wide), len(slots)]
    return tuple(-(-max(slots[a:b]) // operators) for a, b in pairwise(edges)), wide * TEN
