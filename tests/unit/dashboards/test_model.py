"""What Grafana would swallow silently is refused here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from dashboards.build import built
from dashboards.model import parse
from dashboards.rules import faults
from domain.errors import ConfigurationError

NAME = "fr/khettara-network-fr.json"
UIDS = frozenset(data["uid"] for data in built().values())
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return built()[NAME]


def panel(data: dict[str, Any]) -> dict[str, Any]:
    """The first time series."""
    found: dict[str, Any] = next(p for p in data["panels"] if p["type"] == "timeseries")
    return found


def column(data: dict[str, Any], name: str, part: str = "unit") -> dict[str, Any]:
    """One property of a column of the first table."""
    table = next(p for p in data["panels"] if p["type"] == "table")
    override = next(o for o in table["fieldConfig"]["overrides"] if o["matcher"]["options"] == name)
    found: dict[str, Any] = next(p for p in override["properties"] if p["id"] == part)
    return found


def set_sql(before: str, after: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        target = panel(data)["targets"][0]
        assert before in target["rawSql"]
        target["rawSql"] = target["rawSql"].replace(before, after)

    return change


STRUCTURE: dict[str, tuple[Change, str]] = {
    "misspelt rawSql": (lambda d: panel(d)["targets"][0].update(rawSQL=panel(d)["targets"][0].pop("rawSql")), "rawSql"),
    "no refId": (lambda d: panel(d)["targets"][0].pop("refId"), "refId"),
    "unknown unit": (lambda d: panel(d)["fieldConfig"]["defaults"].update(unit="m3ph"), "unit"),
    "no unit": (lambda d: panel(d)["fieldConfig"]["defaults"].pop("unit"), "unit"),
    "unknown panel": (lambda d: panel(d).update(type="timeserie"), "panels"),
    "no description": (lambda d: panel(d).update(description=""), "description"),
    "another source": (lambda d: panel(d)["datasource"].update(uid="abc"), "uid"),
    "grid as text": (lambda d: panel(d)["gridPos"].update(w="12"), "gridPos"),
    "no id": (lambda d: panel(d).pop("id"), "id"),
    "an unknown unit of a column": (lambda d: column(d, "Excès").update(value="m3ph"), "properties"),
    "decimals as text": (lambda d: column(d, "Excès", "decimals").update(value="1"), "properties"),
    "a link into the void": (
        lambda d: column(d, "Secteur", "links")["value"][0].update(url="https://example.org"),
        "properties.1.value",
    ),
    "no thresholds": (lambda d: panel(d)["fieldConfig"]["defaults"].pop("thresholds"), "thresholds"),
    "editable": (lambda d: d.update(editable=True), "editable"),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_a_wrong_structure_is_refused_by_key(whole: dict[str, Any], name: str) -> None:
    change, key = STRUCTURE[name]
    data = copy.deepcopy(whole)
    change(data)
    with pytest.raises(ConfigurationError) as caught:
        parse(data, NAME)
    assert key in caught.value.key


RULES: dict[str, tuple[Change, str]] = {
    "id twice": (lambda d: panel(d).update(id=1), "not unique"),
    "overlap": (lambda d: panel(d)["gridPos"].update(y=0), "over one another"),
    "too wide": (lambda d: panel(d)["gridPos"].update(x=20), "of 24"),
    "select star": (set_sql("ORDER BY 1, 2", "AND f.zone IN (SELECT v.* FROM v_zone v) ORDER BY 1, 2"), "SELECT *"),
    "no time": (set_sql('AS "time"', "AS moment"), 'AS "time"'),
    "no order": (set_sql("ORDER BY 1, 2", ""), "ordered"),
    "no zone": (set_sql("IN ($zone)", "IN ('medina')"), "$zone is not used"),
    "quoted zone": (set_sql("IN ($zone)", "IN ('$zone')"), "quoted already"),
    "wrong format": (lambda d: panel(d)["targets"][0].update(format="table"), "does not fit"),
    "no limit": (lambda d: d["panels"][-1].update(type="table"), "LIMIT"),
    "no source variable": (lambda d: d["templating"]["list"].pop(0), "variable ds"),
    "a link to a dashboard that is gone": (
        lambda d: column(d, "Secteur", "links")["value"][0].update(url="/d/khettara-gone-fr?var-zone=x"),
        "leads to khettara-gone-fr",
    ),
    "a link into the other language": (
        lambda d: column(d, "Secteur", "links")["value"][0].update(url="/d/khettara-zone-en?var-zone=x"),
        "not there in fr",
    ),
    "a link by a column that is gone": (
        lambda d: column(d, "Secteur", "links")["value"][0].update(url="${console}/zones/${__data.fields.area}"),
        "needs a column area",
    ),
    "a link to nowhere": (lambda d: d["links"][0].update(tags=["other"]), "leads to tags"),
}


@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_is_said(whole: dict[str, Any], name: str) -> None:
    change, said = RULES[name]
    data = copy.deepcopy(whole)
    change(data)
    found = faults(parse(data, NAME), UIDS)
    assert any(said in fault for fault in found), found


@pytest.mark.parametrize("name", sorted(built()))
def test_our_own_keep_every_rule(name: str) -> None:
    assert faults(parse(built()[name], name), UIDS) == []
