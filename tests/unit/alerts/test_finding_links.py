"""Which alert stands for a finding, and the other way round."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.finding_links import alert_of, findings_of, over_at
from domain.alerts import Alert, AlertEvent, AlertState, Priority
from domain.findings import Finding, FindingKind

NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
LEAK = Finding(
    key="leak:medina:1",
    kind=FindingKind.BURST,
    zone="medina",
    detector="flow_step",
    since=NOW - timedelta(hours=5),
    found_at=NOW - timedelta(hours=4),
    flow_m3h=12.0,
    flow_error_m3h=1.0,
    confidence=0.9,
)
ALERT = Alert(
    key="leak:medina:a",
    code="leak.burst",
    zone="medina",
    priority=Priority.HIGH,
    state=AlertState.UNACKNOWLEDGED,
    raised_at=NOW - timedelta(hours=4),
    updated_at=NOW - timedelta(hours=4),
    since=NOW - timedelta(hours=5),
    finding=LEAK.key,
)


def test_the_alert_that_names_it_before_one_that_could() -> None:
    other = replace(ALERT, key="leak:medina:b", finding="leak:medina:2", raised_at=NOW)
    assert alert_of(LEAK, [other, ALERT]) == ALERT
    assert alert_of(LEAK, [other]) == other, "the spokesman changes, the water does not"
    assert findings_of(other, [LEAK, replace(LEAK, key="leak:medina:2")])[0].key == "leak:medina:2"


def test_what_is_about_something_else() -> None:
    strangers = [
        replace(ALERT, zone="oued", finding=None),
        replace(ALERT, code="meter.fault", finding=None),
        replace(ALERT, code="gateway.offline", finding=None),
        replace(ALERT, finding=None, active=False, state=AlertState.NORMAL, updated_at=NOW - timedelta(days=3)),
    ]
    assert alert_of(LEAK, strangers) is None
    closed = replace(LEAK, open=False, found_at=NOW - timedelta(days=9), since=NOW - timedelta(days=10))
    assert alert_of(closed, [replace(ALERT, finding=None)]) is None, "an old leak of the same zone"
    assert alert_of(LEAK, [replace(ALERT, zone="town", areas=("oued", "medina"), finding=None)]) is not None


def test_when_it_was_over() -> None:
    closed = replace(LEAK, open=False)
    ended = AlertEvent(at=NOW, actor="system", action="returned", state=AlertState.RETURNED_UNACKNOWLEDGED)
    assert over_at(LEAK, ALERT, [ended]) is None
    assert over_at(closed, ALERT, [ended]) == NOW
    assert over_at(closed, replace(ALERT, updated_at=NOW), []) == NOW
    assert over_at(closed, None, []) == closed.found_at
