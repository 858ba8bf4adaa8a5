"""A ``[[foreign]]`` table of the ingestor's settings as a ``Source``: everything wrong in it is said by file and key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from domain.quantities import UNITS, Quantity, Unit
from domain.tables import Table, closest
from protocols.foreign.model import MetricRule, Source
from protocols.foreign.table import DECODERS
from protocols.foreign.topics import TopicPattern, problem

_SUFFIXES = sorted({q.suffix for q in Quantity if q.suffix}, key=len, reverse=True)


def parse_sources(rows: Sequence[Mapping[str, Any]], file: str) -> tuple[Source, ...]:
    """All ``[[foreign]]`` tables.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    tables = Table.root(file, {"foreign": list(rows)}).tables("foreign")
    found: dict[str, Source] = {}
    for table in tables:
        source = parse_source(table)
        if source.name in found:
            raise table.wrong("name", source.name, "a name used only once")
        if any(source.topic.filter == other.topic.filter for other in found.values()):
            raise table.wrong("topic", source.topic.text, "a topic that no other source has: one message is of one source")
        found[source.name] = source
    return tuple(found.values())


def parse_source(table: Table) -> Source:
    """One ``[[foreign]]`` table."""
    table.only(
        "name", "format", "topic", "device", "time", "time_format", "timezone", "records", "metric", "status", "good", "separator"
    )
    name = table.text("name")
    if any(c in name for c in "/+#") or not name.isprintable():
        raise table.wrong("name", name, "a name without '/', '+' or '#': the devices' gateway is mqtt/<name>")
    kind = table.text("format")
    if kind not in DECODERS:
        near = closest(kind, DECODERS)
        raise table.wrong("format", kind, "one of " + ", ".join(DECODERS) + (f"; did you mean {near!r}?" if near else ""))
    topic = table.text("topic")
    wrong = problem(topic)
    if wrong is not None:
        raise table.wrong("topic", topic, wrong)
    source = Source(
        name=name,
        format=kind,
        topic=TopicPattern(topic),
        device=_pointer(table, "device"),
        time=_pointer(table, "time"),
        time_format=table.text("time_format", "iso8601"),
        timezone=_timezone(table),
        records=_pointer(table, "records", whole=True),
        metrics=tuple(_rule(row, pointer=kind != "senml") for row in table.tables("metric")),
        status=_pointer(table, "status"),
        good=table.texts("good"),
        separator=table.text("separator", ":"),
    )
    if kind == "json" and not source.metrics:
        raise table.wrong("metric", (), "at least one [[foreign.metric]]: plain JSON names nothing by itself")
    if kind == "json" and source.device is None and "{device}" not in topic:
        raise table.wrong("device", None, "a pointer to the device's name, or {device} in the topic")
    if source.time_format not in ("iso8601", "unix", "unix_ms") and "%" not in source.time_format:
        raise table.wrong("time_format", source.time_format, "iso8601, unix, unix_ms or a pattern such as %d.%m.%Y %H:%M:%S")
    return source


def _rule(table: Table, *, pointer: bool) -> MetricRule:
    table.only("name", "path", "unit", "factor", "words")
    name = table.text("name")
    path = (_pointer(table, "path") if "path" in table.data else f"/{name}") if pointer else table.text("path", name)
    words = {}
    for word, value in table.table("words").data.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise table.wrong(f"words.{word}", value, "a number")
        words[word] = float(value)
    unit = _unit(table, name)
    factor = Fraction(repr(table.number("factor", 1.0)))
    if factor == 0:
        raise table.wrong("factor", 0, "a number other than 0")
    return MetricRule(
        name=name,
        path=str(path),
        factor=factor * (unit.factor if unit else 1),
        offset=unit.offset if unit else Fraction(0),
        words=words,
    )


def _unit(table: Table, name: str) -> Unit | None:
    """The unit of the value, which must measure what the suffix of the metric's name says."""
    symbol = table.text("unit", None)
    if symbol is None:
        return None
    suffix = next((s for s in _SUFFIXES if name.endswith(s)), None)
    fitting = {s: unit for (s, quantity), unit in UNITS.items() if quantity.suffix == suffix}
    if suffix is None or symbol not in fitting:
        known = ", ".join(fitting) if fitting else "none, as the name ends in none of " + ", ".join(_SUFFIXES)
        raise table.wrong("unit", symbol, f"a unit that can become {name!r}: {known}")
    return fitting[symbol]


def _pointer(table: Table, key: str, *, whole: bool = False) -> str | None:
    value = table.data.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not (value.startswith("/") or (whole and value == "")):
        raise table.wrong(key, value, "a JSON pointer such as /values/flow")
    return value


def _timezone(table: Table) -> ZoneInfo | None:
    name = table.text("timezone", None)
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise table.wrong("timezone", name, "a time zone such as Africa/Casablanca") from None
