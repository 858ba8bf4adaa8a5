"""A replayed week with a burst in a zone with twelve children, from raw measurements to the crews' telephones.

Real: the leak detectors, the watch over pressures, the alarm service, the database, the outbox, the sender's process, which is
killed twice while it sends. Replayed: the clock. ``pytest -s`` prints the figures.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from alerts.conditions import gateway_conditions
from alerts.incidents import first_out
from alerts.notices import notices_of
from alerts.performance import Verdict, measure
from alerts.pressure import PressureWatch
from alerts.service import Alerts
from domain.alerts import AlertState
from leak_detection.service import LeakDetection
from storage.alerts import PostgresAlerts
from storage.database import Database
from storage.roles import Role
from tests.support.alarm_town import AREAS
from tests.support.alarm_week import BURST_AT, DAYS, LEARN_DAYS, REPAIRED_AT, WEEK, Week
from tests.support.desk import OPERATOR, SetClock
from tests.support.finding_store import MemoryFindingStore
from tests.support.notice_sender import CREWS, plan
from tests.support.notice_sink import Sink, kill_at_work, running_sink, start_sender
from tests.support.postgres import FreshDatabase

END = WEEK + timedelta(days=DAYS)
ROUND = timedelta(minutes=15)


class Centre:
    """The centre's loops over the week, by the replayed clock."""

    def __init__(self, week: Week, database: Database, every: timedelta) -> None:
        self.week, self.every = week, every
        self.store, self.clock, self.findings = PostgresAlerts(database), SetClock(WEEK), MemoryFindingStore()
        zones = week.inventory.zones
        self.alerts = Alerts(
            store=self.store,
            clock=self.clock,
            authorise=lambda _user, _right, _zone: None,
            notices=lambda alert, action: notices_of(alert, action, plan(), zones, UTC),
            zones=zones,
        )
        self.detection = LeakDetection(week.inventory, week, self.findings, history_days=LEARN_DAYS)
        self.pressures = PressureWatch(zones)
        self._looked = WEEK - self.every

    async def run(self, start: datetime, end: datetime) -> None:
        """Every round from ``start`` to before ``end``."""
        now = start
        while now < end:
            self.clock.at = now
            if self._detectors_are_due(now):
                await self.detection.tick(now)
                self._looked = now
            await self.alerts.on_findings(await self.findings.open_findings(), now)
            seen = (
                *self.pressures.conditions(self.week.zones_at(now)),
                *gateway_conditions(self.week.gateways_at(now), now),
                *self.week.device_alarms(now, now - ROUND),
            )
            await self.alerts.on_conditions(seen, now)
            now += ROUND

    def _detectors_are_due(self, now: datetime) -> bool:
        """Every round near what happens; at other times seldom, for a look takes longer than all the rest."""
        near = any(abs(now - moment) <= timedelta(hours=1) for moment in (BURST_AT, REPAIRED_AT))
        return near or now - self._looked >= self.every


@pytest.mark.parametrize("every", [timedelta(hours=12), pytest.param(ROUND, marks=pytest.mark.slow)], ids=["fast", "every-round"])
async def test_one_alarm_for_the_burst_few_in_the_week_and_each_notice_once(database: FreshDatabase, every: timedelta) -> None:
    told_at = BURST_AT + timedelta(hours=3)
    with running_sink() as sink:
        async with Database(database.dsn(Role.COMMAND), size=3) as pool:
            centre = Centre(Week(), pool, every)
            await centre.run(WEEK, told_at)
            for minutes in (0, 3):
                kill_at_work(database, sink, told_at + timedelta(minutes=minutes))
            assert start_sender(database, sink, told_at + timedelta(minutes=6)).wait(120) == 0
            await centre.run(told_at, END)
            assert start_sender(database, sink, END).wait(120) == 0
            await check_alarms(centre)
            await check_notices(pool, sink)


async def check_alarms(centre: Centre) -> None:
    """One alarm for the burst, its children behind it; the week within the benchmarks."""
    told = await centre.store.annunciations(WEEK, END)
    alerts = await centre.store.alerts(include_closed=True)
    wet = [a for a in told if a.code.startswith(("leak.", "pressure.", "command.", "event."))]
    assert len({a.alert for a in wet}) == len(wet) == 1, wet
    (head,) = [a for a in alerts if a.key == wet[0].alert]
    children = [a for a in alerts if a.parent == head.key]
    by_code = Counter(a.code for a in children)
    assert (head.code, head.zone, head.state) == ("leak.burst", "plain", AlertState.RETURNED_UNACKNOWLEDGED)
    assert by_code["command.no_effect"] == 12
    assert {a.zone for a in children if a.code == "pressure.low"} == set(AREAS)
    assert first_out([head, *children]) is head
    await centre.alerts.acknowledge(OPERATOR, head.key)
    found = measure(told, await centre.store.alerts(), WEEK, END)
    rate = next(m for m in found.measures if m.code == "per_ten_minutes")
    peak = next(m for m in found.measures if m.code == "peak")
    raw = len(alerts) - 1 + (len(told) - 2)
    print(
        f"\nburst: {len(wet)} alarm to the operator, {len(children)} children behind it; week: {found.total} alarms "
        f"({rate.value:.3f} per ten minutes, peak {peak.value:.0f}) out of {raw} raw ones"
    )
    assert rate.value <= 1
    assert {m.verdict for m in found.measures} == {Verdict.GOOD}
    assert wet[0].at - BURST_AT <= timedelta(hours=1)


async def check_notices(pool: Database, sink: Sink) -> None:
    """What the outbox holds has reached the sink, each under its key, exactly once."""
    async with pool.transaction("look at the outbox") as connection:
        rows = await (await connection.execute("SELECT key, kind, recipient, state FROM notice")).fetchall()
    sent = {key for key, _, _, state in rows if state == "sent"}
    assert {state for _, _, _, state in rows} <= {"sent", "cancelled"}
    taken = Counter(key for _, _, key in sink.taken)
    print(
        f"notices: {len(sent)} for {len(CREWS)} crews, sender killed twice: {len(taken)} taken once by their key, "
        f"{sink_repeats(taken)} sent again under a known key"
    )
    assert set(taken) == sent
    assert sink_repeats(taken) <= 2, "only what was under way when the sender was killed"
    heard = Counter((kind, recipient) for _, kind, recipient, state in rows if state == "sent")
    assert heard == Counter((kind, crew) for kind in ("raised", "returned") for crew in CREWS)


def sink_repeats(taken: Counter[str]) -> int:
    """Requests beyond the first of each key."""
    return sum(taken.values()) - len(taken)
