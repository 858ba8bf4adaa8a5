"""Variables first, macros second, as Grafana documents them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.macros import Context, MacroError, TimeRange, expand, interval_s, interval_text, quote, step_s

RANGE = TimeRange(
    start=datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=1))), end=datetime(2026, 5, 2, tzinfo=timezone(timedelta(hours=1)))
)
FROM, TO = "'2026-04-30T23:00:00.000000Z'", "'2026-05-01T23:00:00.000000Z'"


def context(*, timescale: bool = False, **variables: str | list[str]) -> Context:
    return Context(range=RANGE, variables=variables, interval_s=300.0, timescale=timescale)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("$__timeFilter(r.time)", f"r.time BETWEEN {FROM} AND {TO}"),
        ("f($__timeFrom(), $__timeTo())", f"f({FROM}, {TO})"),
        ("$__timeTo()::timestamptz", f"{TO}::timestamptz"),
        ("SELECT $__time(at)", 'SELECT at AS "time"'),
        ("SELECT $__timeEpoch(at)", 'SELECT extract(epoch from at) AS "time"'),
        ("GROUP BY $__timeGroup(at,'5m')", "GROUP BY floor(extract(epoch from at)/300)*300"),
        ("GROUP BY $__timeGroup(at, 1h, NULL)", "GROUP BY floor(extract(epoch from at)/3600)*3600"),
        ("SELECT $__timeGroup(at,'5m'), x", 'SELECT floor(extract(epoch from at)/300)*300 AS "time", x'),
        ("SELECT $__timeGroupAlias(at,'5m'), x", 'SELECT floor(extract(epoch from at)/300)*300 AS "time", x'),
        ("$__timeGroup(at,$__interval)", "floor(extract(epoch from at)/300)*300"),
        ("$__unixEpochFilter(s)", "s >= 1777590000 AND s <= 1777676400"),
        ("$__unixEpochFrom() $__unixEpochTo()", "1777590000 1777676400"),
        ("$__unixEpochGroup(s,'1m')", "floor((s)/60)*60"),
        ("'$__interval' $__interval_ms", "'5m' 300000"),
        ("${__from} $__to", "1777590000000 1777676400000"),
    ],
)
def test_expansion(sql: str, expected: str) -> None:
    assert expand(sql, context()) == expected


def test_timescaledb_has_its_own_buckets() -> None:
    assert expand("$__timeGroup(at,'5m')", context(timescale=True)) == "time_bucket('300.000s',at)"


@pytest.mark.parametrize("name", ["$zone", "${zone}", "[[zone]]"])
def test_several_values_are_quoted_and_joined(name: str) -> None:
    assert expand(f"zone IN ({name})", context(zone=["medina", "l'oued"])) == "zone IN ('medina','l''oued')"
    assert expand(f"zone = {name}", context(zone="l'oued")) == "zone = 'l''oued'"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("$sector", "is not known"),
        ("${zone:csv}", "is not known"),
        ("$__timeForm()", "timeForm is not known"),
        ("$__timeFilter()", "name of a column"),
        ("$__timeGroup(at)", "a column and an interval"),
        ("$__timeGroup(at, soon)", "is no interval"),
    ],
)
def test_what_cannot_be_expanded_says_why(sql: str, said: str) -> None:
    with pytest.raises(MacroError, match=said):
        expand(sql, context(zone=["medina"]))


def test_an_argument_ends_at_the_first_closing_parenthesis() -> None:
    assert expand("$__timeFilter(coalesce(a, b))", context()) == f"coalesce(a BETWEEN {FROM} AND {TO})"


@given(st.text())
def test_a_quoted_text_is_one_literal(text: str) -> None:
    quoted = quote(text)
    assert quoted.startswith("'")
    assert quoted.endswith("'")
    assert quoted[1:-1].replace("''", "").count("'") == 0
    assert quoted[1:-1].replace("''", "'") == text


@given(st.sampled_from([0.5, 1, 30, 60, 90, 300, 3600, 5400, 86400, 604800]))
def test_an_interval_reads_back(seconds: float) -> None:
    assert interval_s(interval_text(seconds)) == seconds


@pytest.mark.parametrize(
    ("hours", "at_least", "expected"), [(6, None, 15), (24, "1m", 60), (24, "5m", 300), (24 * 7, None, 600), (24 * 30, None, 1800)]
)
def test_the_step_follows_the_range(hours: int, at_least: str | None, expected: float) -> None:
    assert step_s(timedelta(hours=hours), at_least=at_least) == expected


def test_a_panel_may_show_more_time_than_its_dashboard() -> None:
    shown = RANGE.last("30d")
    assert (shown.duration, shown.end) == (timedelta(days=30), datetime(2026, 5, 1, 23, tzinfo=UTC))
