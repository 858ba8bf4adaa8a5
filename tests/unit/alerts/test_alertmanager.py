"""Alertmanager's formats: what others send is judged before it is believed, and what we send says what we know."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alertmanager import HOLDS_FOR, OWN_LABEL, BadPayload, as_pushed, as_webhook, fingerprint, read_webhook
from alerts.inbox import AlertInbox
from alerts.service import Alerts
from domain.alerts import Alert, AlertState, Priority
from tests.support.alarm_town import at, supply
from tests.support.alert_store import MemoryAlertStore
from tests.support.desk import SetClock

ZONES = frozenset({"medina", "area01"})
TOKEN = "a token that nobody guesses"
ENTRY: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "PumpVibration", "severity": "critical", "zone": "area01", "instance": "pump-2"},
    "annotations": {"summary": "Pump 2 vibrates", "description": "8.1 mm/s"},
    "startsAt": "2026-05-04T00:10:00.123456789Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus.example/graph",
    "fingerprint": "0f1e2d3c4b5a6978",
}


def webhook(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "khettara", "alerts": list(alerts or (ENTRY,))} | more


def test_an_alert_is_a_condition_known_by_its_fingerprint() -> None:
    (found,) = read_webhook(webhook(), ZONES).conditions
    assert (found.code, found.subject, found.active, found.zone, found.priority) == (
        "external", "0f1e2d3c4b5a6978", True, "area01", Priority.HIGH,
    )  # fmt: skip
    assert found.parameters == {"name": "PumpVibration", "summary": "Pump 2 vibrates"}
    assert found.since == datetime(2026, 5, 4, 0, 10, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "3"}, r'version is \'3\'; expected "4"'),
        ({"alerts": None}, "alerts is None; expected a list"),
        ({"alerts": [{}] * 501}, "at most 500"),
        ({"alerts": ["x"]}, r"alerts\[0\] is 'x'; expected an object"),
        ({"alerts": [{**ENTRY, "status": "maybe"}]}, r"alerts\[0\].status is 'maybe'"),
        ({"alerts": [ENTRY, {**ENTRY, "labels": {"alertname": 5}}]}, r"alerts\[1\].labels .* expected an object of texts"),
        ({"alerts": [{**ENTRY, "labels": {}}]}, r"alerts\[0\].labels.alertname"),
        ({"alerts": [{**ENTRY, "annotations": []}]}, r"alerts\[0\].annotations"),
        ({"alerts": [{**ENTRY, "startsAt": "yesterday"}]}, r"alerts\[0\].startsAt is 'yesterday'; expected a time by RFC 3339"),
        ({"alerts": [{**ENTRY, "startsAt": "2026-05-04T00:00:00"}]}, "with its offset"),
        ({"alerts": [{**ENTRY, "startsAt": "0001-01-01T00:00:00+14:00"}]}, "expected a time"),
        ({"alerts": [{**ENTRY, "fingerprint": "../../etc"}]}, "hexadecimal"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadPayload, match=words):
        read_webhook(webhook() | change, ZONES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ENTRY, "alerts", "version", "zone"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_sent_is_refused_with_words_or_understood(document: object) -> None:
    words = "expected"
    try:
        read_webhook(document, ZONES)
    except BadPayload as error:
        words = str(error)
    assert "expected" in words
    assert words.isprintable()


@given(st.sampled_from(sorted(ENTRY)), JSON)
def test_one_wrong_field_never_breaks_it(name: str, value: object) -> None:
    entry = copy.deepcopy(ENTRY) | {name: value}
    try:
        (found,) = read_webhook(webhook(entry), ZONES).conditions
    except BadPayload:
        return
    assert all(text.isprintable() and len(text) <= 300 for text in found.parameters.values())


def test_what_others_write_cannot_draw_on_our_pages() -> None:
    entry = ENTRY | {"annotations": {"summary": "a\u202eb\x00c\nd" + "x" * 999}}
    (found,) = read_webhook(webhook(entry), ZONES).conditions
    assert found.parameters["summary"].startswith("a b c dxxx")
    assert len(found.parameters["summary"]) == 300


def test_our_own_alerts_and_unknown_zones_are_told_of_and_left_out() -> None:
    ours = ENTRY | {"labels": {"alertname": "leak.burst", OWN_LABEL: "leak:medina:1"}}
    elsewhere = ENTRY | {"labels": {"alertname": "x", "zone": "atlantis"}}
    found = read_webhook(webhook(ours, elsewhere, truncatedAlerts=3), ZONES)
    assert [c.zone for c in found.conditions] == [None]
    assert [text.split(":")[0] for text in found.ignored] == [
        "alerts[0]", "alerts[1].labels.zone", "3 alerts were left out by the sender (max_alerts)",
    ]  # fmt: skip


def test_without_a_fingerprint_the_labels_are_it() -> None:
    entry = {k: v for k, v in ENTRY.items() if k != "fingerprint"}
    (found,) = read_webhook(webhook(entry), ZONES).conditions
    assert found.subject == fingerprint(dict(reversed(ENTRY["labels"].items())))


@pytest.fixture
def store() -> MemoryAlertStore:
    return MemoryAlertStore()


@pytest.fixture
def inbox(store: MemoryAlertStore) -> AlertInbox:
    clock = SetClock(at(60))
    alerts = Alerts(store=store, clock=clock, authorise=lambda _u, _r, _z: None, zones=supply())
    return AlertInbox(alerts=alerts, clock=clock, token=TOKEN, zones=supply())


def later(minutes: int, status: str = "firing") -> dict[str, Any]:
    return ENTRY | {"status": status, "startsAt": at(minutes).isoformat()}


async def test_the_same_again_is_the_same_alert_and_its_end_ends_it(inbox: AlertInbox, store: MemoryAlertStore) -> None:
    for _ in range(3):
        await inbox.take(webhook(later(10)))
    (alert,) = store.by_key.values()
    assert (alert.state, alert.since) == (AlertState.UNACKNOWLEDGED, at(10))
    for _ in range(2):
        await inbox.take(webhook(later(10, "resolved")))
    assert store.by_key[alert.key].state is AlertState.RETURNED_UNACKNOWLEDGED
    assert [action for _, _, action, _ in store.log] == ["raised", "returned"]


async def test_messages_that_come_late_or_twice_change_nothing(inbox: AlertInbox, store: MemoryAlertStore) -> None:
    await inbox.take(webhook(later(10)))
    await inbox.take(webhook(later(10, "resolved")))
    await inbox.take(webhook(later(10)))
    assert [a.state for a in store.by_key.values()] == [AlertState.RETURNED_UNACKNOWLEDGED], "a repetition of the beginning"
    await inbox.take(webhook(later(20)))
    assert [a.state for a in store.by_key.values()] == [AlertState.UNACKNOWLEDGED], "the next occurrence"
    await inbox.take(webhook(later(10, "resolved")))
    assert [a.state for a in store.by_key.values()] == [AlertState.UNACKNOWLEDGED], "the end of the one before"


async def test_one_that_was_closed_is_not_opened_by_an_echo(inbox: AlertInbox, store: MemoryAlertStore) -> None:
    await inbox.take(webhook(later(10)))
    (key,) = store.by_key
    store.by_key[key] = replace(store.by_key[key], state=AlertState.NORMAL, active=False)
    await inbox.take(webhook(later(10)))
    assert store.by_key[key].state is AlertState.NORMAL
    await inbox.take(webhook(later(30)))
    assert len(store.by_key) == 2


async def test_a_bad_payload_changes_nothing_at_all(inbox: AlertInbox, store: MemoryAlertStore) -> None:
    with pytest.raises(BadPayload):
        await inbox.take(webhook(ENTRY, {**ENTRY, "status": "?"}))
    assert store.by_key == {}


def test_the_token_must_be_long_and_right(inbox: AlertInbox) -> None:
    assert inbox.opens_to(TOKEN)
    assert not any(inbox.opens_to(t) for t in ("", TOKEN[:-1], TOKEN + "x", "\ud800"))
    with pytest.raises(ValueError, match="at least 24"):
        AlertInbox(alerts=None, clock=SetClock(at(0)), token="short", zones=())  # type: ignore[arg-type]  # refused before it is used


LEAK = Alert(
    key="leak:medina:1", code="leak.burst", zone="medina", priority=Priority.HIGH, state=AlertState.UNACKNOWLEDGED,
    raised_at=at(30), updated_at=at(30), since=at(0),
)  # fmt: skip


def test_out_it_says_how_long_it_holds_and_when_it_is_over() -> None:
    pushed = as_pushed(LEAK, "Burst", "Send a crew", at(31), "https://console.example/alerts")
    assert pushed["labels"] == {"alertname": "leak.burst", "severity": "critical", OWN_LABEL: "leak:medina:1", "zone": "medina"}
    assert (pushed["startsAt"], pushed["endsAt"]) == (
        "2026-05-04T00:00:00.000Z",
        (at(31) + HOLDS_FOR).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )
    over = replace(LEAK, active=False, updated_at=at(90))
    assert as_pushed(over, "", "", at(95))["endsAt"] == "2026-05-04T01:30:00.000Z"
    assert "generatorURL" not in as_pushed(LEAK, "", "", at(31))


def test_a_webhook_of_ours_can_be_read_as_one_of_theirs_but_is_known_as_ours() -> None:
    sent = as_webhook(replace(LEAK, active=False, updated_at=at(90) + timedelta(seconds=1)), "Burst", "text", "key-1")
    assert (sent["status"], sent["groupKey"]) == ("resolved", "key-1")
    found = read_webhook(sent, ZONES)
    assert found.conditions == ()
    del sent["alerts"][0]["labels"][OWN_LABEL]
    (condition,) = read_webhook(sent, ZONES).conditions
    assert (condition.active, condition.zone) == (False, "medina")
