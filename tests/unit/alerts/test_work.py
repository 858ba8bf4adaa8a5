"""A crew's word, and what the night flow makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.pictures import PictureRefused
from alerts.work import LONGEST_NOTE, PROOF, NightProof, WorkRefused, awaits_proof, new_order, night_proof, proved, reported
from alerts.work_service import LOOK_AGAIN, MOST_PHOTOS, WorkDesk
from domain.alerts import Alert, AlertState, CrewReport, Priority, ReportKind, WorkOrder, WorkState
from domain.clock import WallClock
from domain.ports import Night
from tests.support.alert_store import MemoryAlertStore
from tests.support.pictures import jpeg
from tests.support.work_store import MemoryPhotos, MemoryWorkStore

NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
ALERT = Alert(
    key="leak:medina:x",
    code="leak.burst",
    zone="medina",
    priority=Priority.HIGH,
    state=AlertState.ACKNOWLEDGED,
    raised_at=NOW,
    updated_at=NOW,
)
ORDER = new_order(ALERT, "omar", NOW, ())
OVER = replace(ALERT, state=AlertState.NORMAL)


def said(kind: ReportKind, hours: float = 1.0, note: str = "") -> CrewReport:
    return CrewReport(key=f"{kind}{hours}", order=ORDER.key, kind=kind, said_at=NOW + timedelta(hours=hours), by="leila", note=note)


def test_a_repair_closes_only_when_the_loss_is_gone() -> None:
    order = reported(ORDER, said(ReportKind.ON_SITE), NOW + timedelta(hours=1))
    assert order.state is WorkState.ON_SITE
    order = reported(order, said(ReportKind.REPAIRED, 3), NOW + timedelta(hours=3))
    assert order.state is WorkState.REPAIRED
    assert proved(order, ALERT, NOW + timedelta(hours=20)) == order
    assert proved(order, OVER, NOW + timedelta(hours=20)).state is WorkState.VERIFIED
    again = proved(order, ALERT, NOW + timedelta(hours=3) + PROOF)
    assert (again.state, again.repaired_at, again.reopened) == (WorkState.OPEN, None, 1)


def test_an_end_without_a_repair_closes_nothing() -> None:
    assert proved(ORDER, OVER, NOW + timedelta(days=9)) == ORDER


def test_reports_may_come_late_and_out_of_order() -> None:
    order = reported(ORDER, said(ReportKind.REPAIRED, 3), NOW + timedelta(hours=5))
    after = reported(order, said(ReportKind.ON_SITE, 1), NOW + timedelta(hours=6))
    assert after.state is WorkState.REPAIRED
    assert after.repaired_at == NOW + timedelta(hours=3)


@pytest.mark.parametrize("hours", [-100.0, 1000.0])
def test_a_telephone_with_a_wrong_clock_moves_no_repair_out_of_its_order(hours: float) -> None:
    now = NOW + timedelta(hours=2)
    order = reported(ORDER, said(ReportKind.REPAIRED, hours), now)
    assert order.repaired_at is not None
    assert ORDER.created_at <= order.repaired_at <= now


def test_what_cannot_be_is_refused_with_its_code() -> None:
    cases = [
        ("alert_over", lambda: new_order(OVER, "omar", NOW, ())),
        ("no_zone", lambda: new_order(replace(ALERT, zone=None), "omar", NOW, ())),
        ("order_exists", lambda: new_order(ALERT, "omar", NOW, (ORDER,))),
        ("order_closed", lambda: reported(replace(ORDER, state=WorkState.VERIFIED), said(ReportKind.NOTE), NOW)),
        ("note_too_long", lambda: reported(ORDER, said(ReportKind.NOTE, note="x" * (LONGEST_NOTE + 1)), NOW)),
    ]
    for code, call in cases:
        with pytest.raises(WorkRefused) as caught:
            call()
        assert caught.value.code == code
    assert new_order(ALERT, "omar", NOW, (replace(ORDER, state=WorkState.VERIFIED),)).alert == ALERT.key


def test_two_orders_of_one_zone_and_second_are_two() -> None:
    first = new_order(ALERT, "omar", NOW, ())
    second = new_order(replace(ALERT, key="another"), "samira", NOW, (first,))
    third = new_order(replace(ALERT, key="a third"), "samira", NOW, (first, second))
    assert len({first.key, second.key, third.key}) == 3


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["on_site", "repaired", "note", "look"]), st.booleans(), st.floats(0.1, 60.0)), max_size=20
    )
)
def test_no_way_leads_to_verified_but_a_repair_and_a_loss_that_is_gone(steps: list[tuple[str, bool, float]]) -> None:
    order, now = ORDER, NOW
    for word, gone, hours in steps:
        now += timedelta(hours=hours)
        before: WorkOrder = order
        if word == "look":
            order = proved(order, OVER if gone else ALERT, now)
            if order.state is WorkState.VERIFIED:
                assert gone
                assert before.state is WorkState.REPAIRED
                return
        else:
            order = reported(order, replace(said(ReportKind(word)), said_at=now), now)
        assert order.reopened >= before.reopened
        assert (order.repaired_at is not None) == (order.state is WorkState.REPAIRED)


def night(days: int, flow_m3h: float) -> Night:
    at = NOW.replace(hour=2) + timedelta(days=days)
    return Night(night=at.date(), at=at, flow_m3h=flow_m3h)


def test_the_nights_before_are_those_with_the_leak_and_the_night_after_is_the_newest() -> None:
    alert = replace(ALERT, since=NOW - timedelta(days=2))
    order = reported(replace(ORDER, created_at=NOW), said(ReportKind.REPAIRED, 3), NOW + timedelta(hours=3))
    nights = [night(-9, 20.0), night(-1, 33.0), night(0, 35.0), night(1, 24.0), night(2, 21.0)]
    assert night_proof(order, alert, nights) == NightProof(before_m3h=34.0, after_m3h=21.0)
    assert night_proof(order, None, nights[:3]) == NightProof()
    assert night_proof(ORDER, alert, nights) == NightProof(), "no repair, nothing to prove"


def test_an_order_waits_for_a_measured_night_however_sure_the_detectors_are() -> None:
    order = reported(ORDER, said(ReportKind.REPAIRED, 3), NOW + timedelta(hours=3))
    late = NOW + timedelta(days=9)
    assert awaits_proof(order, OVER, NOW + timedelta(hours=4))
    assert not awaits_proof(order, ALERT, NOW + timedelta(hours=4))
    assert awaits_proof(order, ALERT, late)
    assert proved(order, OVER, late, NightProof(before_m3h=30.0)) == order, "the meter was silent: nobody knows"
    closed = proved(order, OVER, late, NightProof(before_m3h=30.0, after_m3h=19.0))
    assert (closed.state, closed.night_before_m3h, closed.night_after_m3h) == (WorkState.VERIFIED, 30.0, 19.0)
    assert proved(order, OVER, late, NightProof(after_m3h=19.0)).state is WorkState.VERIFIED, (
        "no night with the leak to hold it against"
    )


def test_a_night_that_did_not_fall_opens_the_order_again_though_the_alert_is_gone() -> None:
    order = reported(ORDER, said(ReportKind.REPAIRED, 3), NOW + timedelta(hours=3))
    stayed = NightProof(before_m3h=30.0, after_m3h=30.0)
    assert proved(order, OVER, NOW + timedelta(hours=30), stayed) == order
    again = proved(order, OVER, NOW + timedelta(hours=3) + PROOF, stayed)
    assert (again.state, again.reopened, again.night_after_m3h) == (WorkState.OPEN, 1, 30.0)
    fell = NightProof(before_m3h=30.0, after_m3h=19.0)
    assert proved(order, ALERT, NOW + timedelta(hours=3) + PROOF, fell).state is WorkState.OPEN, "the detectors still see it"
    assert proved(order, replace(ALERT, active=False), NOW + timedelta(hours=30), fell).state is WorkState.VERIFIED


class Nights:
    """Measured nights, and how often somebody asked for them."""

    def __init__(self, *rows: Night, measured: bool = True) -> None:
        self.rows, self.measured, self.asked = rows, measured, 0

    def measures(self, zone: str) -> bool:
        return self.measured

    async def nights(self, zone: str, since: datetime, until: datetime) -> tuple[Night, ...]:
        self.asked += 1
        return tuple(n for n in self.rows if since <= n.at and n.at + timedelta(hours=3) <= until)


async def repaired_desk(nights: Nights) -> WorkDesk:
    store, alerts = MemoryWorkStore(), MemoryAlertStore()
    await alerts.save_alert(ALERT, actor="system", action="raised")
    desk = WorkDesk(store=store, alerts=alerts, clock=WallClock(wall=NOW.timestamp), nights=nights, photos=MemoryPhotos())
    order = await desk.create(ALERT.key, "omar")
    await desk.report(CrewReport(key="r" * 16, order=order.key, kind=ReportKind.REPAIRED, said_at=NOW, by="leila"))
    await alerts.save_alert(OVER, actor="system", action="returned")
    return desk


async def test_the_nights_are_read_seldom_and_decide() -> None:
    nights = Nights(night(1, 19.0))
    desk = await repaired_desk(nights)
    for minute in range(59):
        assert await desk.tick(NOW + timedelta(minutes=minute)) == ()
    assert nights.asked == 2, f"once in {LOOK_AGAIN}"
    (closed,) = await desk.tick(NOW + timedelta(days=1))
    assert (closed.state, closed.night_after_m3h) == (WorkState.VERIFIED, 19.0)


async def test_where_no_night_can_be_measured_the_detectors_word_must_do() -> None:
    desk = await repaired_desk(Nights(measured=False))
    (closed,) = await desk.tick(NOW + timedelta(minutes=1))
    assert (closed.state, closed.night_after_m3h) == (WorkState.VERIFIED, None)


async def test_photographs_are_bounded_and_belong_to_one_order() -> None:
    desk = await repaired_desk(Nights())
    (order,) = await desk.orders()
    with pytest.raises(PictureRefused):
        await desk.add_photo("p" * 8, order.key, NOW, "leila", b"no picture")
    with pytest.raises(KeyError):
        await desk.add_photo("p" * 8, "another", NOW, "leila", jpeg())
    for number in range(MOST_PHOTOS):
        await desk.add_photo(f"photo{number:03}", order.key, NOW, "leila", jpeg())
    with pytest.raises(WorkRefused, match="at most"):
        await desk.add_photo("one more", order.key, NOW, "leila", jpeg())
    same = await desk.add_photo("photo000", order.key, NOW, "leila", jpeg())
    assert same == (await desk.photos(order.key))[0]
    without = WorkDesk(store=MemoryWorkStore(), alerts=MemoryAlertStore(), clock=WallClock(wall=NOW.timestamp))
    with pytest.raises(WorkRefused, match="keeps no photographs"):
        await without.add_photo("p" * 8, order.key, NOW, "leila", jpeg())
