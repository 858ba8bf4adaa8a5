"""Several detectors, one leak, one alert."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.grouping import Family, PriorityRules, family_of, group, matched, new_alert, parameters_of, priority_of
from alerts.places import onsets_agree
from domain.alerts import Priority
from domain.findings import Finding, FindingKind

START = datetime(2026, 5, 3, 2, 10, tzinfo=UTC)
STEP = Finding(
    key="burst:medina:1",
    kind=FindingKind.BURST,
    zone="medina",
    detector="flow_step",
    since=START,
    found_at=START + timedelta(minutes=30),
    flow_m3h=12.34,
    flow_error_m3h=1.8,
    confidence=0.93,
)
NIGHT = replace(
    STEP,
    key="night:medina:1",
    kind=FindingKind.STANDING,
    detector="night_flow",
    since=START + timedelta(hours=1),
    found_at=START + timedelta(hours=3),
    flow_m3h=10.0,
    confidence=0.8,
)
FINDINGS = st.lists(
    st.builds(
        lambda n, kind, zone, since, hours, is_open: replace(
            STEP,
            key=f"f{n}",
            kind=kind,
            zone=zone,
            since=START + timedelta(hours=since),
            found_at=START + timedelta(hours=since + hours),
            open=is_open,
        ),
        st.integers(0, 10**6),
        st.sampled_from(FindingKind),
        st.sampled_from(["medina", "plateau"]),
        st.integers(0, 100),
        st.integers(0, 20),
        st.booleans(),
    ),
    max_size=10,
    unique_by=lambda f: f.key,
)


def test_two_detectors_that_see_one_leak_make_one_group() -> None:
    (found,) = group([NIGHT, STEP])
    assert (found.key, found.code, found.zone) == ("leak:medina:2026-05-03T02:10Z", "leak.burst", "medina")
    assert found.spokesman is STEP


@given(FINDINGS)
def test_every_finding_is_in_one_group_of_its_own_zone_and_family(findings: list[Finding]) -> None:
    groups = group(findings)
    assert sorted(f.key for g in groups for f in g.members) == sorted(f.key for f in findings)
    assert all(f.zone == g.zone for g in groups for f in g.members)
    assert all((f.kind is FindingKind.METER_FAULT) == (g.family.value == "meter") for g in groups for f in g.members)
    keys = [g.key for g in groups]
    assert len(set(keys)) == len(keys)


@given(FINDINGS)
def test_the_order_of_the_findings_does_not_matter(findings: list[Finding]) -> None:
    assert {g.members for g in group(findings)} == {g.members for g in group(reversed(findings))}


@given(FINDINGS)
def test_open_findings_of_one_zone_and_family_are_apart_only_by_their_onsets(findings: list[Finding]) -> None:
    groups = group(f for f in findings if f.open)
    for one, other in itertools.combinations(groups, 2):
        if (one.zone, one.family) == (other.zone, other.family):
            assert one.family is Family.LEAK, "of meters that fail one alarm speaks"
            assert not any(onsets_agree((a.since, a.found_at), (b.since, b.found_at)) for a in one.members for b in other.members)


def test_a_burst_in_a_zone_where_something_has_stood_for_weeks_is_an_alarm_of_its_own() -> None:
    stood = replace(
        NIGHT, key="stands", kind=FindingKind.STANDING, since=START - timedelta(days=40), found_at=START - timedelta(days=36)
    )
    groups = group([stood, NIGHT, STEP])
    assert [[f.key for f in g.members] for g in groups] == [["stands"], [STEP.key, NIGHT.key]]
    old = new_alert(groups[0], PriorityRules(), START)
    assert matched([old], groups) == {old.key: groups[0]}
    gone = replace(old, finding="of a run that is forgotten", raised_at=stood.found_at)
    assert matched([gone], groups[1:]) == {}, "an alarm that has been seen does not hide the burst"


def test_a_leak_that_was_over_before_the_next_began_is_another() -> None:
    over = replace(STEP, open=False)
    later = replace(STEP, key="burst:medina:2", since=START + timedelta(hours=9))
    assert len(group([over, later])) == 2
    assert len(group([STEP, later])) == 1


def test_zones_and_families_are_kept_apart() -> None:
    fault = replace(STEP, key="meter", kind=FindingKind.METER_FAULT)
    assert len(group([STEP, fault, replace(STEP, key="other", zone="oued")])) == 3


@pytest.mark.parametrize(
    ("flow_m3h", "kind", "expected"),
    [
        (12.0, FindingKind.BURST, Priority.HIGH),
        (10.0, FindingKind.BURST, Priority.HIGH),
        (9.9, FindingKind.STANDING, Priority.MEDIUM),
        (3.0, FindingKind.CREEPING, Priority.MEDIUM),
        (2.9, FindingKind.BURST, Priority.LOW),
        (50.0, FindingKind.METER_FAULT, Priority.MEDIUM),
    ],
)
def test_priority_follows_the_water_lost(flow_m3h: float, kind: FindingKind, expected: Priority) -> None:
    (found,) = group([replace(STEP, flow_m3h=flow_m3h, kind=kind)])
    assert priority_of(found, PriorityRules()) is expected


def test_numbers_come_with_their_units() -> None:
    (found,) = group([STEP, NIGHT])
    assert parameters_of(found) == {
        "flow": "12.3 m³/h",
        "flow_error": "±1.8 m³/h",
        "loss_per_day": "296 m³/d",
        "since": "2026-05-03T02:10Z",
        "confidence": "93 %",
        "detectors": "flow_step, night_flow",
    }


@pytest.mark.parametrize(
    ("share", "said"), [(0.5, "50 %"), (0.984, "98 %"), (0.9951, "99.5 %"), (0.99999, "99.9 %"), (1.0, "99.9 %")]
)
def test_no_alert_is_certain(share: float, said: str) -> None:
    (found,) = group([replace(STEP, confidence=share)])
    assert parameters_of(found)["confidence"] == said


def test_an_alert_says_when_it_was_raised_not_when_the_leak_began() -> None:
    (found,) = group([STEP])
    now = START + timedelta(hours=1)
    alert = new_alert(found, PriorityRules(), now)
    assert (alert.raised_at, alert.finding, alert.code) == (now, STEP.key, "leak.burst")
    assert family_of(alert) is found.family
    assert family_of(replace(alert, code="command.failed")) is None
