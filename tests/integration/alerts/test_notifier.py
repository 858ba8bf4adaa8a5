"""From an alert's change to a webhook, over a real database and real HTTP, though the sender is killed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.conditions import NOTIFY_FAILED, Condition
from alerts.link_desk import LinkDesk
from alerts.links import make_link
from alerts.notices import TRIES, notices_of, test_key
from alerts.notifier import Deliver, DeliveryFailed, Notifier
from alerts.recipients import Channel, NotifyPlan, Recipient, Step
from alerts.service import Alerts
from domain.alerts import AlertState, Priority
from domain.clock import WallClock
from domain.notices import Notice, NoticeKind
from storage.alerts import PostgresAlerts
from storage.database import Database
from storage.notices import PostgresNotices
from tests.support.alarm_town import AREAS, low, supply
from tests.support.notice_sender import CREWS, plan, words
from tests.support.notice_sink import Sink, kill_at_work, start_sender
from tests.support.postgres import FreshDatabase

NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
SECRET = b"s" * 32


def alerts_of(pool: Database, people: NotifyPlan) -> Alerts:
    return Alerts(
        store=PostgresAlerts(pool),
        clock=WallClock(wall=NOW.timestamp),
        authorise=lambda _user, _right, _zone: None,
        notices=lambda alert, action: notices_of(alert, action, people, {}, UTC),
    )


def wrong(subject: str = "demo/gw", *, active: bool = True) -> Condition:
    return Condition(code="gateway.offline", subject=subject, active=active, priority=Priority.HIGH)


async def test_each_notice_once_though_the_sender_is_killed_twice(database: FreshDatabase, pool: Database, sink: Sink) -> None:
    service = alerts_of(pool, plan())
    for gateway in ("a", "b"):
        await service.on_condition(wrong(gateway), NOW)
    now = NOW
    for _ in range(2):
        kill_at_work(database, sink, now)
        now += timedelta(minutes=3)
    assert start_sender(database, sink, now).wait(120) == 0
    assert start_sender(database, sink, now + timedelta(minutes=3)).wait(120) == 0
    once = {(recipient, alert, key) for recipient, alert, key in sink.taken}
    assert Counter(recipient for recipient, _, _ in once) == Counter(dict.fromkeys(CREWS, 2))
    assert len({key for _, _, key in once}) == 12
    assert len(sink.taken) <= 12 + 2  # what was under way at a kill comes again, under the same key


def notifier_of(pool: Database, people: NotifyPlan, sink: Sink, deliver: Deliver | None = None) -> Notifier:
    from app.apprise_delivery import deliver_by_apprise

    return Notifier(
        outbox=PostgresNotices(pool),
        alerts=PostgresAlerts(pool),
        plan=people,
        deliver=deliver or deliver_by_apprise,
        wording=words,
        secret=SECRET,
        local=UTC,
        environment={"SINK": sink.url},
    )


PEOPLE = NotifyPlan(
    recipients={key: Recipient(key=key, channel="sink") for key in ("crew", "duty")},
    channels={"sink": Channel(key="sink", url_env="SINK")},
    steps=(Step(to=("crew",)), Step(to=("duty",), after_min=15)),
)


async def tell(notifier: Notifier, sink: Sink, now: datetime, messages: int) -> None:
    """Ticks until so many were taken: a delivery may run out of its time on a busy machine and is tried again minutes later."""
    for minute in range(12):
        await notifier.tick(now + timedelta(minutes=minute))
        if len(sink.taken) >= messages:
            return


async def test_an_acknowledged_alert_is_not_escalated_and_its_end_is_told_to_who_was_told(pool: Database, sink: Sink) -> None:
    service, notifier = alerts_of(pool, PEOPLE), notifier_of(pool, PEOPLE, sink)
    alert = await service.on_condition(wrong(), NOW)
    assert alert is not None
    await tell(notifier, sink, NOW, 1)
    await service.acknowledge_raise("crew", alert.key, alert.raised_at)
    await notifier.tick(NOW + timedelta(minutes=20))
    await service.on_condition(wrong(active=False), NOW + timedelta(minutes=30))
    await tell(notifier, sink, NOW + timedelta(minutes=31), 2)
    assert [recipient for recipient, _, _ in sink.taken] == ["crew", "crew"]


async def test_without_an_acknowledgement_the_next_step_is_told(pool: Database, sink: Sink) -> None:
    service, notifier = alerts_of(pool, PEOPLE), notifier_of(pool, PEOPLE, sink)
    await service.on_condition(wrong(), NOW)
    for minute in range(0, 30, 5):
        await notifier.tick(NOW + timedelta(minutes=minute))
    assert [recipient for recipient, _, _ in sink.taken] == ["crew", "duty"]


async def test_a_road_that_does_not_work_is_tried_again_and_then_an_alarm(pool: Database, sink: Sink) -> None:
    service, notifier = alerts_of(pool, PEOPLE), notifier_of(pool, PEOPLE, sink)
    await service.on_condition(wrong(), NOW)
    sink.status = 503
    conditions: list[Condition] = []
    for minute in range(14):
        conditions += await notifier.tick(NOW + timedelta(minutes=minute))
    assert conditions == []
    sink.status = 200
    await notifier.tick(NOW + timedelta(minutes=20))
    assert {r for r, _, _ in sink.taken} == {"crew", "duty"}

    async def never(url: str, *, title: str, body: str, key: str) -> None:
        raise DeliveryFailed("no")

    failing = notifier_of(pool, PEOPLE, sink, never)
    await service.on_condition(wrong("other"), NOW)
    for quarter in range(TRIES + 3):
        conditions += await failing.tick(NOW + timedelta(minutes=20 + 16 * quarter))
    assert {(c.code, c.subject, c.active) for c in conditions} == {(NOTIFY_FAILED, "crew", True), (NOTIFY_FAILED, "duty", True)}


async def test_a_link_acknowledges_once_by_post_alone(pool: Database, sink: Sink) -> None:
    service = alerts_of(pool, PEOPLE)
    store, outbox = PostgresAlerts(pool), PostgresNotices(pool)
    alert = await service.on_condition(wrong(), NOW)
    assert alert is not None
    desk = LinkDesk(alerts=service, store=store, outbox=outbox, plan=PEOPLE, secret=SECRET, clock=WallClock(wall=NOW.timestamp))
    (notice, _) = notices_of(alert, "raised", PEOPLE, {}, UTC)
    token = make_link(notice, NOW, SECRET)
    shown = await desk.read(token)
    assert shown is not None
    assert shown.open
    assert (await store.alerts())[0].state is AlertState.UNACKNOWLEDGED
    for _ in range(2):
        done = await desk.acknowledge(token)
        assert done is not None
        assert not done.open
    (after,) = await store.alerts()
    assert (after.state, after.acknowledged_by) == (AlertState.ACKNOWLEDGED, "link:crew")
    assert await desk.read(token + "x") is None


async def test_a_daily_test_that_nobody_answers_is_an_alarm(pool: Database, sink: Sink) -> None:
    from datetime import time

    people = replace(PEOPLE, recipients={"crew": Recipient(key="crew", channel="sink", daily_test=time(8))}, steps=())
    notifier = notifier_of(pool, people, sink)
    assert await notifier.tick(NOW) == ()
    await notifier.tick(NOW + timedelta(minutes=1))
    assert len(sink.taken) == 1
    (late,) = await notifier.tick(NOW + timedelta(hours=5))
    assert (late.code, late.subject, late.active) == ("notify.untested", "crew", True)
    notice = Notice(
        key=test_key("crew", NOW.date()), kind=NoticeKind.TEST, recipient="crew", language="fr", due_at=NOW, priority=Priority.LOW
    )
    clock = WallClock(wall=(NOW + timedelta(hours=5)).timestamp)
    desk = LinkDesk(
        alerts=alerts_of(pool, people),
        store=PostgresAlerts(pool),
        outbox=PostgresNotices(pool),
        plan=people,
        secret=SECRET,
        clock=clock,
    )
    assert await desk.acknowledge(make_link(notice, NOW, SECRET)) is not None
    (right,) = await notifier.tick(NOW + timedelta(hours=6))
    assert not right.active


async def test_a_link_to_what_went_behind_its_cause_leads_to_the_cause(pool: Database, sink: Sink) -> None:
    service = Alerts(
        store=PostgresAlerts(pool),
        clock=WallClock(wall=NOW.timestamp),
        authorise=lambda _user, _right, _zone: None,
        zones=supply(),
    )
    first = await service.on_condition(replace(low("area01"), since=NOW), NOW)
    assert first is not None
    await service.on_conditions([replace(low(a), since=NOW) for a in AREAS[1:]], NOW)
    desk = LinkDesk(
        alerts=service,
        store=PostgresAlerts(pool),
        outbox=PostgresNotices(pool),
        plan=PEOPLE,
        secret=SECRET,
        clock=WallClock(wall=NOW.timestamp),
    )
    (notice, _) = notices_of(first, "raised", PEOPLE, {}, UTC)
    token = make_link(notice, NOW, SECRET)
    shown = await desk.read(token)
    assert shown is not None
    assert shown.alert is not None
    assert (shown.alert.code, shown.open) == ("event.pressure", True)
    assert await desk.acknowledge(token) is not None
    (event,) = [a for a in await PostgresAlerts(pool).alerts() if a.parent is None]
    assert (event.state, event.acknowledged_by) == (AlertState.ACKNOWLEDGED, "link:crew")
