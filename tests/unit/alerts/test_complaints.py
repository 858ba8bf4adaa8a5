"""What complaints may say of a leak, and what they may not."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.complaint_desk import ComplaintDesk, ComplaintRefused, checked
from alerts.complaints import (
    CHANCE,
    LEAST_DOUBT,
    QUIET_AFTER,
    WEIGHT,
    Verdict,
    at_least,
    clusters,
    heard,
    independent,
    nearer,
)
from alerts.conditions import Condition
from alerts.definitions import COMPLAINTS_CLUSTER
from domain.clock import WallClock
from domain.complaints import Complaint, ComplaintKind
from domain.findings import Finding, FindingKind
from tests.support.work_store import MemoryComplaintStore, MemoryFindings

NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
LEAK = Finding(
    key="leak:medina:x", kind=FindingKind.BURST, zone="medina", detector="flow_step", since=NOW - timedelta(hours=3),
    found_at=NOW - timedelta(hours=2), flow_m3h=12.0, flow_error_m3h=1.0, confidence=0.8,
)  # fmt: skip


def said(number: int, kind: ComplaintKind = ComplaintKind.WET_STREET, hours: float = 1.0, **more: Any) -> Complaint:
    at = NOW - timedelta(hours=hours)
    plain = Complaint(
        key=f"c{number}", kind=kind, noticed_at=at, taken_at=at, taken_by="omar", zone="medina", phone=f"06000000{number:02}"
    )
    return replace(plain, **more)  # only fields of a complaint are given


def test_one_complaint_alone_raises_nothing() -> None:
    for kind in ComplaintKind:
        one = heard(LEAK, [said(1, kind)], NOW)
        assert one.confidence == LEAK.confidence
        assert one.verdict is (Verdict.ALONE if WEIGHT[kind] else Verdict.NONE)
        assert clusters([said(1, kind)], [], NOW) == {}
    assert nearer({"P1": 0.5, "P2": 0.5}, {"P1": (0, 0), "P2": (900, 0)}, [said(1, x=0.0, y=0.0)]) is None


def test_one_caller_who_calls_ten_times_is_one() -> None:
    often = [said(1, hours=h / 10, key=f"k{h}") for h in range(10)]
    assert len(independent(often)) == 1
    assert heard(LEAK, often, NOW).confidence == LEAK.confidence
    assert clusters(often, [], NOW) == {}
    nameless = [said(n, phone=None) for n in range(10)]
    assert len(independent(nameless)) == 1, "nobody can tell whether they are several"
    assert len(independent([said(n, phone=None, address=f"rue {n}") for n in range(4)])) == 4
    assert len(independent([said(1, phone="+212 600000001"), said(2, phone="0600000001")])) == 1


def test_several_take_doubt_away() -> None:
    two, five = heard(LEAK, [said(n) for n in range(2)], NOW), heard(LEAK, [said(n) for n in range(5)], NOW)
    assert (two.verdict, two.independent) == (Verdict.RAISED, 2)
    assert LEAK.confidence < two.confidence < five.confidence
    assert two.confidence == pytest.approx(1 - 0.2 * 0.7, abs=1e-3)
    many = heard(LEAK, [said(n) for n in range(60)], NOW)
    assert many.confidence == pytest.approx(1 - 0.2 * LEAST_DOUBT, abs=1e-3), "a crowd is no flow meter"


def test_what_says_nothing_of_this_leak() -> None:
    elsewhere = [said(n, zone="oued") for n in range(5)]
    before = [said(n, hours=30) for n in range(5)]
    bills = [said(n, ComplaintKind.HIGH_BILL) for n in range(5)]
    for rows in (elsewhere, before, bills):
        assert heard(LEAK, rows, NOW).confidence == LEAK.confidence
    meter = replace(LEAK, kind=FindingKind.METER_FAULT, cause="meter")
    found = heard(meter, [said(n) for n in range(5)], NOW)
    assert (found.verdict, found.confidence) == (Verdict.NO_LEAK, meter.confidence)


def test_what_a_zone_always_complains_of_is_no_news() -> None:
    usual = [said(n, hours=24 * d + n, phone=f"07{d:03}{n:04}") for d in range(1, 28) for n in range(20)]
    fresh = [said(n) for n in range(5)]
    found = heard(LEAK, [*usual, *fresh], NOW)
    assert found.usual > 5
    assert (found.verdict, found.confidence) == (Verdict.USUAL, LEAK.confidence)
    assert clusters([*usual, *fresh], [], NOW) == {}
    assert set(clusters(fresh, [], NOW)) == {"medina"}


def test_several_within_hours_without_a_finding_are_worth_a_look() -> None:
    rows = [said(n, hours=n) for n in range(1, 4)]
    (cluster,) = clusters(rows, [], NOW).values()
    assert (cluster.zone, cluster.count, cluster.first) == ("medina", 3, NOW - timedelta(hours=3))
    assert clusters(rows[:2], [], NOW) == {}
    assert clusters(rows, [LEAK], NOW) == {}, "the leak has its alert"
    assert clusters(rows, [replace(LEAK, zone="oued")], NOW), "of another zone"
    assert clusters(rows, [replace(LEAK, kind=FindingKind.METER_FAULT)], NOW), "a meter explains no wet street"
    assert clusters(rows, [], NOW + QUIET_AFTER) == {}, "over"
    assert clusters([said(n, hours=5 * n) for n in range(1, 4)], [], NOW) == {}, "too far apart"
    assert clusters([said(n, zone=None, address="rue 1") for n in range(5)], [], NOW) == {}, "nobody knows where"


def test_a_town_without_water_is_one_cluster_however_many_call() -> None:
    rows = [said(1, ComplaintKind.NO_WATER, hours=n / 200, key=f"k{n}", phone=f"07{n:06}") for n in range(1500)]
    (cluster,) = clusters(rows, [], NOW).values()
    assert cluster.count > 1000


def test_places_near_complaints_come_forward() -> None:
    at = {"P1": (0.0, 0.0), "P2": (300.0, 0.0), "P3": (2000.0, 0.0)}
    prior = {"P1": 0.2, "P2": 0.5, "P3": 0.2, "off": 0.1}
    rows = [said(1, x=10.0, y=0.0), said(2, x=-20.0, y=30.0)]
    found = nearer(prior, at, rows)
    assert found is not None
    assert next(iter(found)) == "P1"
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["P3"] > 0, "a complaint may be about something else"
    assert nearer(prior, {}, rows) is None


places = st.tuples(st.floats(-5e3, 5e3), st.floats(-5e3, 5e3))


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(ComplaintKind), st.floats(-2, 900), st.integers(0, 8), st.none() | places), max_size=40
    ),
    confidence=st.floats(0, 1),
)
def test_complaints_never_lower_and_never_prove(
    rows: list[tuple[ComplaintKind, float, int, tuple[float, float] | None]], confidence: float
) -> None:
    complaints = [
        said(i, kind, hours, phone=f"06123{caller:04}", x=place[0] if place else None, y=place[1] if place else None)
        for i, (kind, hours, caller, place) in enumerate(rows)
    ]
    found = heard(replace(LEAK, confidence=confidence), complaints, NOW)
    assert confidence <= found.confidence <= max(confidence, 0.999)
    assert 1 - found.confidence >= min(1 - confidence, LEAST_DOUBT * (1 - confidence) - 6e-4)
    assert found == heard(replace(LEAK, confidence=confidence), complaints[::-1], NOW)
    prior = {"P1": 0.6, "P2": 0.3, "P3": 0.1}
    weighed = nearer(prior, {"P1": (0, 0), "P2": (100, 50), "P3": (4e3, 4e3)}, complaints)
    if weighed is not None:
        assert set(weighed) == set(prior)
        assert math.isclose(sum(weighed.values()), 1.0, rel_tol=1e-9)
    for cluster in clusters(complaints, [], NOW).values():
        assert cluster.count >= 3
        assert cluster.last <= NOW


@given(st.integers(0, 20), st.floats(1e-3, 30))
def test_the_chance_is_poissons(count: int, mean: float) -> None:
    direct = 1.0 - sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(count))
    assert at_least(count, mean) == pytest.approx(max(direct, 0.0), abs=1e-9)
    assert at_least(3, 1 * 6 / (28 * 24)) < CHANCE < at_least(3, 2.0)


def test_what_cannot_be_is_refused_with_its_code() -> None:
    cases: dict[str, dict[str, Any]] = {
        "no_place": {"zone": None},
        "no_point": {"x": 1.0},
        "no_phone": {"phone": "call me"},
        "text_too_long": {"text": "x" * 1001},
        "address_too_long": {"address": "x" * 201},
        "noticed_when": {"noticed_at": NOW + timedelta(hours=1)},
    }
    for code, change in cases.items():
        with pytest.raises(ComplaintRefused) as caught:
            checked(said(1, **change), NOW)
        assert caught.value.code == code
    with pytest.raises(ComplaintRefused):
        checked(said(1, x=math.nan, y=1.0), NOW)
    with pytest.raises(ComplaintRefused):
        checked(said(1, x=1.0, y=1e19), NOW)
    clean = checked(said(1, address="  rue\x00 1 ", phone=" ", noticed_at=NOW + timedelta(minutes=5)), NOW)
    assert (clean.address, clean.phone, clean.noticed_at) == ("rue 1", None, NOW)


class Told:
    """Conditions as the alarms would hear them."""

    def __init__(self) -> None:
        self.heard: list[Condition] = []

    async def __call__(self, condition: Condition, _now: datetime) -> None:
        self.heard.append(condition)


def desk(store: MemoryComplaintStore, findings: MemoryFindings, told: Told) -> ComplaintDesk:
    return ComplaintDesk(store=store, findings=findings, clock=WallClock(wall=NOW.timestamp), tell=told)


async def test_an_advisory_opens_and_ends_when_the_leak_is_found() -> None:
    store, findings, told = MemoryComplaintStore(), MemoryFindings(), Told()
    found = desk(store, findings, told)
    for n in range(1, 4):
        assert await found.take(said(n))
        assert not await found.take(said(n)), "the same again is the same"
        await found.tick(NOW)
    active = [c for c in told.heard if c.active]
    assert [(c.code, c.zone, c.parameters["complaints"]) for c in active] == [(COMPLAINTS_CLUSTER, "medina", "3")]
    findings.rows = [LEAK]
    await found.tick(NOW)
    assert not told.heard[-1].active
    again = Told()
    await desk(store, findings, again).tick(NOW)
    assert [c.active for c in again.heard] == [False], "after a restart what is over is ended"


async def test_numbers_are_forgotten_in_time() -> None:
    store = MemoryComplaintStore()
    found = desk(store, MemoryFindings(), Told())
    await found.take(said(1))
    assert await found.forget(NOW + timedelta(days=89)) == 0
    assert await found.forget(NOW + timedelta(days=91)) == 1
    assert [c.phone for c in await found.complaints(since=NOW - timedelta(days=1))] == [None]
