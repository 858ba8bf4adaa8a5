"""Every panel's SQL on a real PostgreSQL, as the read-only role: no errors, and rows where there must be some."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from dashboards.build import DASHBOARDS, built
from dashboards.execute import Choice, Connection, check_panels, run_panels
from dashboards.macros import TimeRange
from dashboards.specs import LANGUAGES, Language
from storage.roles import Role
from tests.integration.dashboards.conftest import END
from tests.support.postgres import FreshDatabase

RANGES = [TimeRange(start=END - timedelta(hours=hours), end=END) for hours in (6, 24, 7 * 24, 30 * 24)]
CHOICES: list[Choice] = [{}, {"zone": ("medina",)}, {"zone": ("l'oued", "medina")}, {"region": ("-",)}, {"province": ("al-haouz",)}]
FULL = CHOICES[:2]
"""In these there is one of everything; where nothing happened, empty panels are right."""


@pytest.fixture
def reader(month: FreshDatabase) -> Iterator[Connection]:
    with psycopg.connect(month.dsn(Role.READ), autocommit=True) as connection:
        yield connection


def of(language: Language) -> dict[str, dict[str, Any]]:
    return {name: data for name, data in built().items() if name.startswith(f"{language}/")}


@pytest.mark.parametrize(
    ("ranges", "choices"),
    [(RANGES[1:], CHOICES[:3]), pytest.param(RANGES, CHOICES, marks=pytest.mark.slow)],
    ids=["three by three", "all of them"],
)
def test_every_panel_answers_for_every_range_and_choice(reader: Connection, ranges: list[TimeRange], choices: list[Choice]) -> None:
    results = run_panels(reader, of("fr"), ranges, choices)
    wrong = [str(result) for result in results if result.error is not None]
    wrong += [str(result) for result in results if dict(result.choice) in FULL and result.rows == 0]
    assert not wrong, "\n".join(wrong)
    assert len({(result.dashboard, result.panel) for result in results}) >= 65
    assert len({result.dashboard for result in results}) == len(DASHBOARDS)
    assert len(results) >= 60 * len(ranges) * len(choices)


def test_every_panel_answers_in_every_language(reader: Connection) -> None:
    said = {language: run_panels(reader, of(language), RANGES[1:2], [{}]) for language in LANGUAGES}
    assert [str(result) for results in said.values() for result in results if not result.ok] == []
    rows = [[result.rows for result in results] for results in said.values()]
    assert rows[0] == rows[1], "the same questions in other words"


def test_each_list_follows_the_choice_before_it(reader: Connection) -> None:
    figures = {"zone": of("fr")["fr/khettara-network-fr.json"]}
    asked: list[Choice] = [{}, {"region": ("marrakech-safi",)}, {"region": ("-",)}, {"province": ("al-haouz",)}]
    rows = [
        {r.panel: r.rows for r in run_panels(reader, figures, RANGES[1:2], [choice])}["Chiffres par secteur"] for choice in asked
    ]
    assert rows == [5, 1, 4, 1]


def test_a_data_source_with_timescaledb_changes_nothing_we_use(reader: Connection) -> None:
    results = run_panels(reader, of("fr"), RANGES[:1], [{}], timescale=True)
    assert [str(result) for result in results if not result.ok] == []


def test_an_administrator_may_ask_and_is_read_only_all_the_same(month: FreshDatabase) -> None:
    results = check_panels(month.dsn(), END - timedelta(days=1), END)
    assert results
    assert all(result.ok for result in results), [str(result) for result in results if not result.ok]
    assert [str(result) for result in check_panels(month.dsn(Role.READ), END - timedelta(days=1), END) if not result.ok] == []


def test_an_empty_database_gives_voids_that_are_said_and_no_errors(database: FreshDatabase) -> None:
    results = check_panels(database.dsn(Role.READ), END - timedelta(days=1), END)
    errors = [result for result in results if result.error is not None]
    assert {result.error.partition(":")[0] for result in errors if result.error} <= {"SyntaxError"}  # an IN () of no zones
    assert not all(result.ok for result in results)


NETWORK = "fr/khettara-network-fr.json"
SEEDED = {
    "a renamed column": ("net_inflow_m3h", "net_flow_m3h"),
    "an undefined variable": ("$zone", "$sector"),
    "a misspelt macro": ("$__timeFrom()", "$__timeForm()"),
    "a table the role may not read": ("v_zone z", "zone z"),
    "a quoted variable": ("IN ($zone)", "IN ('$zone')"),
    "a parenthesis in a macro": ("$__timeTo()", "$__timeTo(now())"),
    "unsorted rows": ("ORDER BY 1, 2", "ORDER BY 1 DESC, 2"),
    "a series twice": ("zone_name(z.names, z.zone, 'fr') AS metric", "'x' AS metric"),
    "another name for the value": ("AS value", "AS worth"),
}


@pytest.mark.parametrize("fault", SEEDED)
def test_a_seeded_fault_is_found(reader: Connection, fault: str) -> None:
    before, after = SEEDED[fault]
    files = {NETWORK: copy.deepcopy(built()[NETWORK])}
    panel = _panel(files[NETWORK], "Débit net par secteur")
    target = panel["targets"][0]
    assert before in target["rawSql"]
    target["rawSql"] = target["rawSql"].replace(before, after)
    (result,) = [r for r in run_panels(reader, files, RANGES[:1], [{}]) if r.panel == panel["title"]]
    assert result.error is not None


def test_a_panel_that_takes_too_long_is_stopped(reader: Connection) -> None:
    files = {NETWORK: copy.deepcopy(built()[NETWORK])}
    target = _panel(files[NETWORK], "Débit net")["targets"][0]
    target["rawSql"] = "SELECT count(*) FROM v_zone WHERE zone IN ($zone) AND pg_sleep(60) IS NOT NULL"
    result = next(r for r in run_panels(reader, files, RANGES[:1], [{}], timeout_s=0.2) if r.panel == "Débit net")
    assert "statement timeout" in (result.error or "")


def test_an_override_for_a_column_that_is_gone_is_found(reader: Connection) -> None:
    files = {NETWORK: copy.deepcopy(built()[NETWORK])}
    target = _panel(files[NETWORK], "Chiffres par secteur")["targets"][0]
    target["rawSql"] = target["rawSql"].replace('AS "Volume entré"', 'AS "Volumes"')
    wrong = [result for result in run_panels(reader, files, RANGES[:1], [{}]) if result.error]
    assert [result.panel for result in wrong] == ["Chiffres par secteur"]
    assert "Volume" in (wrong[0].error or "")


def _panel(dashboard: dict[str, Any], title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(panel for panel in dashboard["panels"] if panel["title"] == title)
    return found
