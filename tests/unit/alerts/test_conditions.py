"""Alerts that come from no detector."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.conditions import command_condition, condition_alert, gateway_conditions, quarantine_condition
from domain.ports import GatewayNow
from domain.setpoints import METER_QUARANTINED, METER_RELEASED, Expired, Failed, Outcome, Reason, Refused, Unknown, Verified
from tests.support.desk import any_command

NOW = datetime(2026, 5, 3, 2, 0, tzinfo=UTC)


def gateway(*, online: bool, minutes: float | None) -> GatewayNow:
    since = None if minutes is None else NOW - timedelta(minutes=minutes)
    return GatewayNow(edge="demo/gw-1", online=online, since=since, last_block_at=None, rows_stored=0, dead_letters=0, missing=0)


@pytest.mark.parametrize(
    ("outcome", "active"),
    [
        (Failed(command_id="c1", at=NOW, detail="reads back 40.00 m"), True),
        (Unknown(command_id="c1", at=NOW, detail="no answer"), True),
        (Verified(command_id="c1", at=NOW, readback_m=39.0), False),
        (Expired(command_id="c1", at=NOW), None),
        (Refused(command_id="c1", at=NOW, by="demo/gw-1", reasons=()), None),
    ],
)
def test_what_an_outcome_says_about_its_valve(outcome: Outcome, active: bool | None) -> None:
    condition = command_condition(any_command(), outcome, "medina")
    assert (None if condition is None else condition.active) is active


def test_a_gateway_must_be_silent_for_a_while() -> None:
    assert gateway_conditions([gateway(online=False, minutes=4.9)], NOW) == ()
    (silent,) = gateway_conditions([gateway(online=False, minutes=5)], NOW)
    assert (silent.active, silent.parameters) == (True, {"silent_for": "5 min"})
    (back,) = gateway_conditions([gateway(online=True, minutes=0)], NOW)
    assert not back.active


def test_a_key_can_stand_in_an_address() -> None:
    (silent,) = gateway_conditions([gateway(online=False, minutes=None)], NOW)
    alert = condition_alert(silent, NOW)
    assert alert.key == "gateway.offline:demo.gw-1:2026-05-03T02:00:00Z"
    assert alert.parameters["subject"] == "demo/gw-1"


def test_a_meter_that_refuses_our_keys_is_an_alert_until_it_is_let_alone_no_more() -> None:
    reason = Reason(code=METER_QUARANTINED, text="credentials: association refused")
    wrong = quarantine_condition(METER_QUARANTINED, "meter_17@20260507T090000Z", (reason,))
    right = quarantine_condition(METER_RELEASED, "meter_17@20260507T090000Z", ())
    assert wrong is not None
    assert right is not None
    assert (wrong.subject, wrong.active, wrong.parameters["until"]) == ("meter_17", True, "20260507T090000Z")
    assert "association refused" in wrong.parameters["detail"]
    assert (right.subject, right.active) == ("meter_17", False)
    assert quarantine_condition("replayed", "c1", ()) is None
