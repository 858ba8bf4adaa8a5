"""Alerts over their life, with a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.conditions import Condition
from alerts.lifecycle import ImpossibleTransition
from alerts.service import Alerts
from domain.alerts import Alert, AlertState, Priority
from domain.errors import NotAllowed
from domain.findings import Finding, FindingKind
from domain.ports import User
from domain.setpoints import Reason
from tests.support.alert_store import MemoryAlertStore
from tests.support.desk import OPERATOR, VIEWER, SetClock

START = datetime(2026, 5, 3, 2, 0, tzinfo=UTC)
STEP = Finding(
    key="burst:medina:1",
    kind=FindingKind.BURST,
    zone="medina",
    detector="flow_step",
    since=START - timedelta(minutes=30),
    found_at=START,
    flow_m3h=5.0,
    flow_error_m3h=0.5,
    confidence=0.9,
)
NIGHT = replace(STEP, key="night:medina:1", kind=FindingKind.STANDING, detector="night_flow", confidence=0.7)
OVER = replace(STEP, open=False)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def operators_only(user: User, right: str, zone: str | None) -> Reason | None:
    return None if user.role == "operator" else Reason(code="role_too_low", text=f"{user.name} may not {right} in {zone}")


class Room:
    """The service and its store."""

    def __init__(self) -> None:
        self.store = MemoryAlertStore()
        self.clock = SetClock(START)
        self.service = self.restart()

    def restart(self) -> Alerts:
        self.service = Alerts(store=self.store, clock=self.clock, authorise=operators_only)
        return self.service

    def only(self) -> Alert:
        (alert,) = self.store.by_key.values()
        return alert


@pytest.fixture
def room() -> Room:
    return Room()


async def test_one_leak_is_one_alert_whoever_sees_it_and_however_often(room: Room) -> None:
    await room.service.on_findings([STEP], at(0))
    for minute in range(1, 5):
        await room.service.on_findings([STEP, NIGHT], at(minute))
    assert room.only().state is AlertState.UNACKNOWLEDGED
    assert room.only().parameters["detectors"] == "flow_step, night_flow"
    assert [action for _, _, action, _ in room.store.log] == ["raised", "updated"]


async def test_it_ends_when_no_detector_sees_it_any_more(room: Room) -> None:
    later = replace(NIGHT, since=at(-5))
    await room.service.on_findings([STEP, later], at(0))
    assert room.only().code == "leak.burst"
    await room.service.on_findings([OVER, later], at(1))
    assert room.only().parameters["since"] == "2026-05-03T01:30Z"  # the leak is as old as it was
    assert room.only().state is AlertState.UNACKNOWLEDGED
    assert room.only().code == "leak.standing"
    await room.service.on_findings([], at(2))
    assert room.only().state is AlertState.RETURNED_UNACKNOWLEDGED
    await room.service.acknowledge(OPERATOR, room.only().key)
    assert room.only().state is AlertState.NORMAL


async def test_a_leak_seen_again_before_anybody_looked_is_the_same_alert(room: Room) -> None:
    for findings in ([STEP], [], [STEP, NIGHT]):
        await room.service.on_findings(findings, at(1))
    assert room.only().state is AlertState.UNACKNOWLEDGED


async def test_a_new_leak_after_one_that_is_over_is_a_new_alert(room: Room) -> None:
    await room.service.on_findings([STEP], at(0))
    await room.service.on_findings([OVER], at(1))
    await room.service.on_findings([replace(STEP, key="burst:medina:2", since=at(600), found_at=at(610))], at(610))
    states = [a.state for a in await room.store.alerts()]
    assert sorted(states) == [AlertState.RETURNED_UNACKNOWLEDGED, AlertState.UNACKNOWLEDGED]


async def test_a_closed_leak_that_comes_back_alarms_again(room: Room) -> None:
    await room.service.on_findings([STEP], at(0))
    await room.service.acknowledge(OPERATOR, room.only().key)
    await room.service.on_findings([OVER], at(1))
    assert room.only().state is AlertState.NORMAL
    await room.service.on_findings([STEP], at(2))
    assert room.only().state is AlertState.UNACKNOWLEDGED


async def test_a_leak_that_grows_must_be_looked_at_again_and_one_that_shrinks_stays_as_urgent(room: Room) -> None:
    await room.service.on_findings([STEP], at(0))
    await room.service.acknowledge(OPERATOR, room.only().key)
    await room.service.on_findings([replace(STEP, flow_m3h=6.0)], at(1))
    assert room.only().state is AlertState.ACKNOWLEDGED
    await room.service.on_findings([replace(STEP, flow_m3h=14.0)], at(2))
    assert (room.only().state, room.only().priority) == (AlertState.UNACKNOWLEDGED, Priority.HIGH)
    await room.service.on_findings([STEP], at(3))
    assert room.only().priority is Priority.HIGH


async def test_after_a_restart_it_is_still_one_alert(room: Room) -> None:
    await room.service.on_findings([STEP], at(0))
    await room.restart().on_findings([STEP, NIGHT], at(1))
    assert len(room.store.by_key) == 1
    await room.restart().on_findings([OVER], at(2))
    assert room.only().state is AlertState.RETURNED_UNACKNOWLEDGED


async def test_a_finding_that_was_over_before_it_was_told_alarms_nobody(room: Room) -> None:
    assert await room.service.on_findings([OVER], at(0)) == ()
    assert room.store.by_key == {}


async def test_zones_have_their_own_alerts(room: Room) -> None:
    await room.service.on_findings([STEP, replace(STEP, key="burst:oued:1", zone="oued")], at(0))
    assert sorted(str(a.zone) for a in await room.store.alerts()) == ["medina", "oued"]


async def test_people_need_the_right_and_an_open_alert(room: Room) -> None:
    await room.service.on_findings([STEP], at(0))
    key = room.only().key
    with pytest.raises(NotAllowed, match="chadia may not acknowledge in medina"):
        await room.service.acknowledge(VIEWER, key)
    with pytest.raises(KeyError, match="no open alert"):
        await room.service.acknowledge(OPERATOR, "leak:nowhere")
    await room.service.acknowledge(OPERATOR, key)
    with pytest.raises(ImpossibleTransition):
        await room.service.acknowledge(OPERATOR, key)
    assert room.store.log[-1] == (key, "amina", "acknowledged", AlertState.ACKNOWLEDGED)


async def test_a_shelved_alert_is_silent_until_its_end(room: Room) -> None:
    await room.service.on_findings([STEP], at(0))
    await room.service.shelve(OPERATOR, room.only().key, at(60), "crew is on site")
    await room.service.on_findings([replace(STEP, flow_m3h=5.5)], at(30))
    await room.service.tick(at(59))
    assert room.only().state is AlertState.SHELVED
    await room.service.tick(at(60))
    assert room.only().state is AlertState.UNACKNOWLEDGED
    await room.service.shelve(OPERATOR, room.only().key, at(120), "still there")
    await room.service.unshelve(OPERATOR, room.only().key)
    assert room.only().state is AlertState.UNACKNOWLEDGED


async def test_conditions_open_and_end_their_alert_once(room: Room) -> None:
    broken = Condition(code="command.failed", subject="prv_medina", active=True, zone="medina", priority=Priority.HIGH)
    for minute in (0, 1):
        await room.service.on_condition(broken, at(minute))
        await room.service.on_findings([STEP], at(minute))  # leaks do not touch it
    failed = [a for a in await room.store.alerts() if a.code == "command.failed"]
    assert [a.state for a in failed] == [AlertState.UNACKNOWLEDGED]
    await room.service.on_condition(replace(broken, active=False), at(2))
    await room.service.on_condition(replace(broken, active=False), at(3))
    assert room.store.by_key[failed[0].key].state is AlertState.RETURNED_UNACKNOWLEDGED
    await room.service.on_condition(broken, at(4))
    assert room.store.by_key[failed[0].key].state is AlertState.UNACKNOWLEDGED
