"""Leaks behind customers' meters: one leak, one alarm, on the customers' desk; no crew, and nobody of the network is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.book import Book
from alerts.customers import customer_conditions
from alerts.definitions import Desk, desk_of
from alerts.notices import wants
from alerts.recipients import Recipient
from alerts.settling import settle
from alerts.topology import Topology
from alerts.work import WorkRefused, new_order
from domain.alerts import Alert, AlertState, Priority
from domain.customers import CustomerFinding, CustomerKind
from domain.points import PointKey

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


def finding(meter: str, kind: CustomerKind = CustomerKind.CONTINUOUS) -> CustomerFinding:
    return CustomerFinding(
        key=f"customer:{meter}:1", meter=PointKey(meter), zone="medina", kind=kind, since=NOW - timedelta(hours=40), found_at=NOW,
        flow_m3h=0.036, usual_m3h=0.0, lasted_h=40, seen_at=NOW,
    )  # fmt: skip


def after(alerts: list[Alert], *found: CustomerFinding, at: datetime = NOW) -> list[Alert]:
    """The alarms after a round."""
    book = Book(alerts, at)
    for condition in customer_conditions(found, alerts):
        book.condition(condition)
    settle(book, Topology({}))
    return list(book.alerts.values())


def test_one_leak_is_one_alarm_that_knows_its_page_and_ends_with_it() -> None:
    first = after([], finding("m1"), finding("m10"))
    assert [(a.code, a.parameters["subject"], a.priority) for a in first] == [
        ("customer.leak", "m1", Priority.LOW),
        ("customer.leak", "m10", Priority.LOW),
    ]
    assert first[0].finding == "customer:m1:1"
    assert first[0].parameters["flow_behind"] == "36 L/h"
    again = after(first, finding("m1"), finding("m10"), at=NOW + timedelta(hours=6))
    assert again == first, "said once"
    over = after(again, finding("m10"), at=NOW + timedelta(days=2))
    assert [a.state for a in over] == [AlertState.RETURNED_UNACKNOWLEDGED, AlertState.UNACKNOWLEDGED]


def test_a_drip_that_becomes_a_burst_is_more_urgent_and_still_one() -> None:
    then = after(after([], finding("m1")), finding("m1", CustomerKind.SUDDEN), at=NOW + timedelta(days=1))
    assert [(a.code, a.priority) for a in then if a.active] == [("customer.burst", Priority.MEDIUM)]


def test_many_in_one_hour_are_no_event_of_the_network() -> None:
    assert all(a.parent is None for a in after([], *(finding(f"m{k}") for k in range(60))))


def test_no_crew_is_sent_and_only_the_customers_desk_is_told() -> None:
    (alert,) = after([], finding("m1", CustomerKind.SUDDEN))
    with pytest.raises(WorkRefused, match="behind a customer's meter"):
        new_order(alert, "omar", NOW, [])
    crew, desk = Recipient(key="crew", channel="c"), Recipient(key="desk", channel="c", desk=Desk.CUSTOMERS)
    assert [wants(r, alert, {}) for r in (crew, desk)] == [False, True]
    leak = replace(alert, code="leak.burst")
    assert [wants(r, leak, {}) for r in (crew, desk)] == [True, False]
    assert (desk_of("customer.leak"), desk_of("leak.burst")) == (Desk.CUSTOMERS, Desk.NETWORK)
