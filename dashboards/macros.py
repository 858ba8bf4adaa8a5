"""What Grafana does to a panel's SQL before PostgreSQL sees it, so that tests can send PostgreSQL the same.

Two steps, in this order: the browser puts in the variables (a value of a multi-value variable becomes a quoted literal, several
are joined by commas), then the server expands the macros ``$__name(arguments)``. The server's rule for finding a macro's arguments
stops at the first closing parenthesis, so an argument may not hold one. Written after Grafana's documentation.

Thin: of the variable formats only the data source's own is known, and ``$__interval`` is rounded to our own list of round steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.errors import KhettaraError

MAX_DATA_POINTS = 1000
"""Width of a panel on a screen, which Grafana takes as the number of points [pixels]."""

_VARIABLE = re.compile(r"\$\{(?P<braced>[^}]*)\}|\[\[(?P<square>[^\]]*)\]\]|\$(?P<plain>[A-Za-z_]\w*)")
_MACRO = re.compile(r"\$__(?P<name>\w+)\((?P<arguments>[^)]*)\)")
_INTERVAL = re.compile(r"'?(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d|w)'?")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)

Value = str | Sequence[str]
"""Value of a variable: one text, or the chosen texts of a multi-value variable."""


class MacroError(KhettaraError):
    """A panel's SQL names a variable or macro that does not exist, or gives a macro what it cannot use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """The time range of a dashboard, both ends included, time zone aware."""

    start: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        """Length."""
        return self.end - self.start

    def last(self, text: str) -> TimeRange:
        """The range of a panel with its own relative time, such as ``30d``: as long as told, up to the same end."""
        return TimeRange(start=self.end - timedelta(seconds=interval_s(text)), end=self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that expansion depends on."""

    range: TimeRange
    variables: Mapping[str, Value]
    interval_s: float
    """Value of ``$__interval`` [s]."""
    timescale: bool = False
    """What the data source's switch "TimescaleDB" says."""


def interval_s(text: str) -> float:
    """Seconds of an interval as Grafana writes it: ``500ms``, ``30s``, ``5m``, ``1h``, ``7d``.

    Raises:
        MacroError: It is not one.
    """
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        raise MacroError(f"{text!r} is no interval; right would be a number and one of {', '.join(_UNIT_S)}, such as 5m")
    return float(match["number"]) * _UNIT_S[match["unit"]]


def interval_text(seconds: float) -> str:
    """The same backwards, in the largest unit that leaves a whole number."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= _UNIT_S[unit] and seconds % _UNIT_S[unit] == 0:
            return f"{seconds / _UNIT_S[unit]:.0f}{unit}"
    return f"{seconds * 1000:.0f}ms"


def step_s(duration: timedelta, *, points: int = MAX_DATA_POINTS, at_least: str | None = None) -> float:
    """``$__interval`` for a range: the round step nearest to range / points, not below the panel's minimum interval [s]."""
    wanted = duration.total_seconds() / points
    nearest = float(min(_STEPS_S, key=lambda step: abs(step - wanted)))
    return max(nearest, interval_s(at_least) if at_least else 0.0)


def quote(text: str) -> str:
    """A SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def expand(sql: str, context: Context) -> str:
    """The SQL that PostgreSQL gets.

    Raises:
        MacroError: An unknown variable or macro, or arguments a macro cannot use.
    """
    return _expand_macros(_put_in_variables(sql, context), context)


def _put_in_variables(sql: str, context: Context) -> str:
    known: dict[str, str] = {
        "__interval": interval_text(context.interval_s),
        "__interval_ms": f"{context.interval_s * 1000:.0f}",
        "__from": f"{context.range.start.timestamp() * 1000:.0f}",
        "__to": f"{context.range.end.timestamp() * 1000:.0f}",
    }
    for name, value in context.variables.items():
        known[name] = quote(value) if isinstance(value, str) else ",".join(map(quote, value))

    def put_in(match: re.Match[str]) -> str:
        name = match["braced"] or match["square"] or match["plain"]
        if name in known:
            return known[name]
        if match["plain"] and name.startswith("__") and sql[match.end() : match.end() + 1] == "(":
            return match[0]
        raise MacroError(f"variable {match[0]} is not known; there are {', '.join(sorted(known))}")

    return _VARIABLE.sub(put_in, sql)


def _expand_macros(sql: str, context: Context) -> str:
    # A group followed by a comma is a column of the select list, and gets the name Grafana looks for.
    sql = re.sub(r"\$__((?:unixEpoch|time)Group)(\([^)]*\)),", r"$__\1Alias\2,", sql)

    def call(match: re.Match[str]) -> str:
        macro = _MACROS.get(match["name"])
        if macro is None:
            raise MacroError(f"macro $__{match['name']} is not known; there are {', '.join(sorted(_MACROS))}")
        arguments = [part.strip() for part in match["arguments"].split(",")]
        return macro(arguments, context)

    return _MACRO.sub(call, sql)


Macro = Callable[[list[str], Context], str]


def _column(arguments: list[str]) -> str:
    if not arguments[0]:
        raise MacroError("the macro needs the name of a column in its parentheses")
    return arguments[0]


def _moment(moment: datetime) -> str:
    return quote(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def _time_filter(arguments: list[str], context: Context) -> str:
    return f"{_column(arguments)} BETWEEN {_moment(context.range.start)} AND {_moment(context.range.end)}"


def _epoch_filter(arguments: list[str], context: Context) -> str:
    column, span = _column(arguments), context.range
    return f"{column} >= {span.start.timestamp():.0f} AND {column} <= {span.end.timestamp():.0f}"


def _width(arguments: list[str]) -> float:
    if len(arguments) < 2:
        raise MacroError("a group macro needs a column and an interval, such as $__timeGroup(time, '5m')")
    return interval_s(arguments[1])


def _time_group(arguments: list[str], context: Context) -> str:
    column, width = _column(arguments), _width(arguments)
    if context.timescale:
        return f"time_bucket('{width:.3f}s',{column})"
    return f"floor(extract(epoch from {column})/{width:g})*{width:g}"


def _epoch_group(arguments: list[str], _: Context) -> str:
    column, width = _column(arguments), _width(arguments)
    return f"floor(({column})/{width:g})*{width:g}"


def _aliased(macro: Macro) -> Macro:
    return lambda arguments, context: macro(arguments, context) + ' AS "time"'


_MACROS: dict[str, Macro] = {
    "time": lambda arguments, _: f'{_column(arguments)} AS "time"',
    "timeEpoch": lambda arguments, _: f'extract(epoch from {_column(arguments)}) AS "time"',
    "timeFilter": _time_filter,
    "timeFrom": lambda _, context: _moment(context.range.start),
    "timeTo": lambda _, context: _moment(context.range.end),
    "timeGroup": _time_group,
    "timeGroupAlias": _aliased(_time_group),
    "unixEpochFilter": _epoch_filter,
    "unixEpochFrom": lambda _, context: f"{context.range.start.timestamp():.0f}",
    "unixEpochTo": lambda _, context: f"{context.range.end.timestamp():.0f}",
    "unixEpochGroup": _epoch_group,
    "unixEpochGroupAlias": _aliased(_epoch_group),
}
