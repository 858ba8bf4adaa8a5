"""The provisioning files of Grafana's alerting: every field, in the shape of file provisioning, and nothing to put in by it."""

# ruff: noqa: N815 - Grafana's own names of fields

from __future__ import annotations

from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from dashboards.alerting import ADDRESS, CONTACT, DATASOURCE_UID, QUERIES, RULES, alerting_texts
from dashboards.build import DASHBOARDS

DURATION = r"^\d+[smh]$"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Span(Part):
    from_: int = Field(alias="from", ge=0)
    to: Literal[0]


class Step(Part):
    refId: Literal["A", "B"]
    relativeTimeRange: Span
    datasourceUid: Literal["khettara", "__expr__"]
    model: dict[str, Any]


class Rule(Part):
    uid: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    title: str = Field(max_length=190)
    condition: Literal["B"]
    data: list[Step] = Field(min_length=2, max_length=2)
    for_: str = Field(alias="for", pattern=DURATION)
    noDataState: Literal["Alerting", "OK"]
    execErrState: Literal["Alerting", "Error"]
    labels: dict[str, str]
    annotations: dict[str, str]
    isPaused: Literal[False]


class Group(Part):
    orgId: Literal[1]
    name: str
    folder: str
    interval: str = Field(pattern=DURATION)
    rules: list[Rule]


class Rules(Part):
    apiVersion: Literal[1]
    groups: list[Group] = Field(min_length=1)


class Receiver(Part):
    uid: str
    type: Literal["email"]
    disableResolveMessage: bool
    settings: dict[str, Any]


class ContactPoint(Part):
    orgId: Literal[1]
    name: str
    receivers: list[Receiver] = Field(min_length=1)


class ContactPoints(Part):
    apiVersion: Literal[1]
    contactPoints: list[ContactPoint]


class Route(Part):
    receiver: str
    object_matchers: list[tuple[str, Literal["=", "!=", "=~", "!~"], str]]
    group_wait: str = Field(pattern=DURATION)
    group_interval: str = Field(pattern=DURATION)
    repeat_interval: str = Field(pattern=DURATION)


class Policy(Part):
    orgId: Literal[1]
    receiver: str
    group_by: list[str]
    group_wait: str = Field(pattern=DURATION)
    group_interval: str = Field(pattern=DURATION)
    repeat_interval: str = Field(pattern=DURATION)
    routes: list[Route]


class Policies(Part):
    apiVersion: Literal[1]
    policies: list[Policy] = Field(min_length=1, max_length=1)


def read(name: str) -> Any:
    return yaml.safe_load(alerting_texts()[name])


def test_the_rules_have_the_shape_of_file_provisioning() -> None:
    (group,) = Rules.model_validate(read("khettara-rules.yaml"), strict=False).groups
    assert [rule.uid for rule in group.rules] == [rule.uid for rule in RULES]
    assert len({rule.uid for rule in RULES}) == len(RULES)
    for rule, made in zip(RULES, group.rules, strict=True):
        asked, judged = made.data
        assert (asked.datasourceUid, asked.model["rawSql"]) == (DATASOURCE_UID, rule.sql)
        (condition,) = judged.model["conditions"]
        assert condition["evaluator"] == {"type": "gt" if rule.above else "lt", "params": [rule.limit]}
        assert (judged.model["expression"], judged.model["type"]) == ("A", "threshold")
        assert made.annotations["description"].splitlines() == list(rule.action)


def test_contact_points_and_policies_lead_to_one_another() -> None:
    points = ContactPoints.model_validate(read("khettara-contact-points.yaml"), strict=False)
    (policy,) = Policies.model_validate(read("khettara-policies.yaml"), strict=False).policies
    names = {point.name for point in points.contactPoints}
    assert {policy.receiver, *(route.receiver for route in policy.routes)} <= names == {CONTACT}
    labels = {rule.severity for rule in RULES}
    assert {value for route in policy.routes for _, _, value in route.object_matchers} <= labels


def test_grafana_finds_nothing_to_put_in_but_the_address() -> None:
    """In provisioning files a dollar is an environment variable."""
    whole = "".join(alerting_texts().values())
    assert whole.count("$") == whole.count(ADDRESS) == 1


def test_every_rule_says_where_to_look_and_every_query_is_used() -> None:
    assert {rule.panel for rule in RULES} <= {spec.key for spec in DASHBOARDS}
    assert {rule.key for rule in RULES} == {path.stem for path in QUERIES.glob("*.sql")}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_a_rule_speaks_both_languages(rule: Any) -> None:
    assert all(rule.title)
    assert all(rule.action)
    assert rule.action.fr != rule.action.en
