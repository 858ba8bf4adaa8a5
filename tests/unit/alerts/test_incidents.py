"""One cause, one alarm: consequences, the same water, common causes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.book import TOLD
from alerts.incidents import first_out
from alerts.service import Alerts
from alerts.topology import Topology
from alerts.withholding import PlanRefused
from domain.alerts import LISTED, Alert, AlertState, Priority, Withholding, WithholdingKind
from domain.errors import NotAllowed
from tests.support.alarm_town import AREAS, at, burst, low, no_effect, silent, supply
from tests.support.alert_store import MemoryAlertStore
from tests.support.desk import OPERATOR, SetClock


class Room:
    """The service and its store; ``told`` counts how often an operator was made to look."""

    def __init__(self) -> None:
        self.store = MemoryAlertStore()
        self.clock = SetClock(at(0))
        self.told: list[tuple[str, str]] = []
        self.service = Alerts(
            store=self.store, clock=self.clock, authorise=lambda _u, _r, _z: None, zones=supply(), notices=self._hear
        )

    def _hear(self, alert: Alert, action: str) -> tuple[()]:
        if action in TOLD and alert.state is AlertState.UNACKNOWLEDGED:
            self.told.append((action, alert.key))
        return ()

    @property
    def listed(self) -> list[Alert]:
        return [a for a in self.store.by_key.values() if a.state in LISTED]

    def children(self, key: str) -> list[Alert]:
        return [a for a in self.store.by_key.values() if a.parent == key]


@pytest.fixture
def room() -> Room:
    return Room()


def test_zones_reach_what_lies_in_them_and_what_they_feed() -> None:
    topology = Topology(supply())
    assert topology.reach("plain") == {"plain", *AREAS}
    assert topology.reach("upper") == {"upper", "lower"}
    assert topology.reach("lower") == {"lower"}
    assert topology.meeting({"area01", "area02"}) == "plain"
    assert topology.meeting({"area01", "lower"}) == "region"
    assert topology.metered("plain") == 13
    assert Topology().around(["a", "b"]) == ()


async def test_low_pressures_go_behind_the_burst_that_causes_them(room: Room) -> None:
    await room.service.on_findings([burst("plain")], at(30))
    await room.service.on_conditions([low(a, 10) for a in AREAS] + [no_effect("area03", 20)], at(31))
    (head,) = room.listed
    assert (head.code, head.zone, head.priority) == ("leak.burst", "plain", Priority.HIGH)
    assert len(room.children(head.key)) == 13
    assert {c.state for c in room.children(head.key)} == {AlertState.SUPPRESSED}
    assert len(room.told) == 1
    first = first_out([head, *room.children(head.key)])
    assert first is head


async def test_low_pressures_before_the_burst_is_found_are_one_event_which_the_burst_explains(room: Room) -> None:
    await room.service.on_conditions([low(a, n) for n, a in enumerate(AREAS)], at(15))
    (event,) = room.listed
    assert (event.code, event.zone, event.priority, event.parameters["count"]) == ("event.pressure", "plain", Priority.HIGH, "12")
    assert event.areas == AREAS
    await room.service.acknowledge(OPERATOR, event.key)
    await room.service.on_findings([burst("plain")], at(40))
    (same,) = room.listed
    assert (same.key, same.code, same.zone, same.state) == (event.key, "leak.burst", "plain", AlertState.UNACKNOWLEDGED)
    assert room.told == [("raised", event.key), ("explained", event.key)]
    first = first_out(room.children(event.key))
    assert first is not None
    assert first.zone in ("plain", "area01")


async def test_an_explanation_while_nobody_has_looked_yet_is_no_second_call(room: Room) -> None:
    await room.service.on_conditions([low(a) for a in AREAS], at(15))
    await room.service.on_findings([burst("plain")], at(40))
    (event,) = room.listed
    assert (event.code, event.finding) == ("leak.burst", "burst:plain:1")
    assert len(room.told) == 1


async def test_pressures_that_fall_one_after_the_other_call_once_and_again_only_where_it_is_worse(room: Room) -> None:
    for n, area in enumerate(AREAS):
        await room.service.on_condition(low(area, 5 * n), at(10 + 5 * n))
    (event,) = room.listed
    assert len(room.children(event.key)) == 12
    assert [action for action, _ in room.told] == ["raised", "worsened"]


async def test_a_leak_seen_at_two_meters_is_one_leak(room: Room) -> None:
    await room.service.on_findings([burst("upper", flow_m3h=12), burst("lower", 20, flow_m3h=11)], at(60))
    (alarm,) = room.listed
    assert alarm.zone == "lower", "the place that is told more exactly"
    (child,) = room.children(alarm.key)
    assert child.zone == "upper"


async def test_the_more_urgent_of_two_views_of_one_leak_takes_over(room: Room) -> None:
    await room.service.on_findings([burst("lower", flow_m3h=4)], at(30))
    await room.service.on_findings([burst("lower", flow_m3h=4), burst("upper", flow_m3h=30)], at(40))
    (alarm,) = room.listed
    assert (alarm.zone, alarm.priority) == ("upper", Priority.HIGH)


async def test_leaks_in_several_areas_in_one_hour_are_one_event(room: Room) -> None:
    found = [burst(a, 7 * n, flow_m3h=5) for n, a in enumerate(AREAS[:4])]
    await room.service.on_findings(found, at(60))
    (event,) = room.listed
    assert (event.code, event.parameters["count"], event.parameters["flow"]) == ("event.flow", "4", "20.0 m³/h")
    assert len(room.children(event.key)) == 4
    assert len(room.told) == 1
    await room.service.on_findings([], at(300))
    assert [a.state for a in room.listed] == [AlertState.RETURNED_UNACKNOWLEDGED]
    await room.service.acknowledge(OPERATOR, event.key)
    assert room.listed == []
    assert {a.state for a in room.store.by_key.values()} == {AlertState.NORMAL}
    assert len(room.children(event.key)) == 4, "closed with it, and still its children"


async def test_what_stands_long_after_the_other_areas_have_recovered_is_a_leak(room: Room) -> None:
    both = [burst("area01", flow_m3h=5), burst("area02", 10, flow_m3h=6)]
    await room.service.on_findings(both, at(60))
    (event,) = room.listed
    await room.service.acknowledge(OPERATOR, event.key)
    await room.service.on_findings(both[1:], at(120))
    await room.service.tick(at(120 + 60 * 5))
    assert [(a.code, a.state) for a in room.listed] == [("event.flow", AlertState.ACKNOWLEDGED)]
    await room.service.tick(at(120 + 60 * 6))
    assert [(a.key, a.code, a.zone, a.state) for a in room.listed] == [
        (event.key, "leak.burst", "area02", AlertState.UNACKNOWLEDGED)
    ]


async def test_leaks_hours_apart_or_chance_among_many_areas_stay_leaks(room: Room) -> None:
    await room.service.on_findings([burst("area01"), burst("area02", 120)], at(150))
    assert len(room.listed) == 2
    alone = Room()
    await alone.service.on_findings([burst("area01"), burst("upper", 5)], at(60))
    assert len(alone.listed) == 1, "two of sixteen areas that meet in the region"


async def test_a_leak_of_the_same_hour_elsewhere_is_not_hidden_by_a_burst(room: Room) -> None:
    await room.service.on_findings([burst("plain")], at(30))
    await room.service.on_conditions([low("upper", 10), low("area01", 10)], at(31))
    assert sorted(a.zone or "" for a in room.listed) == ["plain", "upper"]


async def test_a_small_leak_or_an_old_one_accounts_for_no_low_pressure(room: Room) -> None:
    from domain.findings import FindingKind

    await room.service.on_findings([burst("plain", kind=FindingKind.STANDING, flow_m3h=2)], at(30))
    await room.service.on_condition(low("area01", 40), at(55))
    assert len(room.listed) == 2
    late = Room()
    await late.service.on_findings([burst("plain")], at(30))
    await late.service.on_condition(low("area01", 60 * 25), at(60 * 26))
    assert len(late.listed) == 2


async def test_a_child_whose_cause_is_over_follows_or_stands_for_itself(room: Room) -> None:
    await room.service.on_findings([burst("plain")], at(30))
    await room.service.on_conditions([low("area01", 10), low("area02", 10)], at(31))
    (head,) = room.listed
    await room.service.acknowledge(OPERATOR, head.key)
    await room.service.on_findings([], at(100))
    assert room.listed == [], "not yet: pressure takes its time"
    await room.service.on_condition(low("area01", active=False), at(110))
    await room.service.tick(at(129))
    assert room.listed == []
    await room.service.tick(at(131))
    (left,) = room.listed
    assert (left.zone, left.state) == ("area02", AlertState.UNACKNOWLEDGED)
    assert room.told[-1] == ("unsuppressed", left.key)


async def test_gateways_that_fall_silent_together_are_one_alarm(room: Room) -> None:
    await room.service.on_conditions([silent("demo/a"), silent("demo/b", 3)], at(10))
    assert len(room.listed) == 2
    many = Room()
    await many.service.on_conditions([silent(f"demo/{n}", n) for n in range(5)], at(10))
    (event,) = many.listed
    assert (event.code, event.zone, event.priority) == ("event.link", None, Priority.HIGH)
    await many.service.on_conditions([silent(f"demo/{n}", active=False) for n in range(5)], at(20))
    assert [a.state for a in many.listed] == [AlertState.RETURNED_UNACKNOWLEDGED]


async def test_acknowledging_a_child_acknowledges_its_cause(room: Room) -> None:
    raised = await room.service.on_condition(low("area01"), at(12))
    assert raised is not None
    await room.service.on_conditions([low(a, 5) for a in AREAS[1:]], at(20))
    (event,) = room.listed
    seen = await room.service.acknowledge_raise("link:crew", raised.key, raised.raised_at)
    assert (seen.key, seen.state, seen.acknowledged_by) == (event.key, AlertState.ACKNOWLEDGED, "link:crew")


def works(kind: WithholdingKind = WithholdingKind.FLUSHING, zone: str | None = "area01", hours: float = 4) -> Withholding:
    return Withholding(
        key="works:1", kind=kind, zone=zone, code=None, subject=None, by="", reason="flushing of the ring",
        starts_at=at(0), ends_at=at(60 * hours),
    )  # fmt: skip


async def test_planned_works_keep_back_what_they_cause_record_it_and_give_it_back(room: Room) -> None:
    await room.service.on_condition(low("area02", -30), at(-15))
    await room.service.plan(OPERATOR, works())
    await room.service.on_findings([burst("area01", 5)], at(30))
    await room.service.on_conditions([low("area01", 10), silent("demo/a")], at(31))
    assert sorted(a.code for a in room.listed) == ["gateway.offline", "pressure.low"], "works silence no gateway, and no other area"
    kept = [a for a in room.store.by_key.values() if a.state is AlertState.SUPPRESSED]
    assert {(a.withheld_by, a.withheld_reason, a.withheld_until) for a in kept if a.parent is None} == {
        ("works:1", "flushing of the ring", at(240))
    }
    await room.service.on_conditions([low("area01", active=False)], at(200))
    await room.service.on_findings([burst("area01", 5)], at(240))
    assert "leak.burst" in {a.code for a in room.listed}, "a leak that was not the flushing"


async def test_works_that_end_early_give_back_at_once(room: Room) -> None:
    await room.service.plan(OPERATOR, works())
    await room.service.on_findings([burst("area01", 5)], at(30))
    assert room.listed == []
    room.clock.at = at(60)
    await room.service.end_plan(OPERATOR, "works:1")
    assert [a.state for a in room.listed] == [AlertState.UNACKNOWLEDGED]


async def test_out_of_service_keeps_back_what_its_condition_raises_and_gives_it_back(room: Room) -> None:
    first = await room.service.on_condition(silent("demo/a"), at(0))
    assert first is not None
    await room.service.take_out(OPERATOR, first.key, at(60 * 24), "new antenna")
    assert room.listed == []
    await room.service.on_condition(silent("demo/a", active=False), at(30))
    await room.service.on_condition(silent("demo/a", 40), at(50))
    await room.service.on_condition(silent("demo/b", 40), at(50))
    assert [a.parameters["subject"] for a in room.listed] == ["demo/b"]
    await room.service.tick(at(60 * 24))
    assert sorted(a.parameters["subject"] for a in room.listed) == ["demo/a", "demo/b"]


async def test_an_event_has_nothing_to_take_out_of_service(room: Room) -> None:
    await room.service.on_conditions([low(a) for a in AREAS], at(15))
    with pytest.raises(PlanRefused, match="stands for several alarms"):
        await room.service.take_out(OPERATOR, room.listed[0].key, at(60), "sensor")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (works(hours=13), "within 12 h"),
        (works(hours=-1), "ends after now"),
        (works(zone="nowhere"), "no zone 'nowhere'"),
        (works(zone=None), "names its zone"),
    ],
)
async def test_a_plan_that_cannot_be_is_refused(room: Room, plan: Withholding, words: str) -> None:
    with pytest.raises(PlanRefused, match=words):
        await room.service.plan(OPERATOR, plan)


async def test_plans_take_their_right() -> None:
    from domain.setpoints import Reason

    store = MemoryAlertStore()
    nobody = Alerts(
        store=store,
        clock=SetClock(at(0)),
        zones=supply(),
        authorise=lambda u, r, z: Reason(code="no", text=f"{u.name} may not {r} in {z}"),
    )
    with pytest.raises(NotAllowed, match="may not shelve in area01"):
        await nobody.plan(OPERATOR, works())
    with pytest.raises(NotAllowed, match="may not take_out in area01"):
        await nobody.plan(OPERATOR, works(WithholdingKind.OUT_OF_SERVICE))
    assert store.by_plan == {}


async def test_a_shelved_leak_that_is_over_does_not_hide_the_next_one(room: Room) -> None:
    (alarm,) = await room.service.on_findings([burst("area01")], at(30))
    await room.service.shelve(OPERATOR, alarm.key, at(100), "crew is there")
    await room.service.on_findings([], at(40))
    assert room.listed == []
    await room.service.on_findings([burst("area01", 50, n=2)], at(60))
    assert [a.finding for a in room.listed] == ["burst:area01:2"]
    await room.service.tick(at(60) + timedelta(hours=2))
    assert len(room.listed) == 1
