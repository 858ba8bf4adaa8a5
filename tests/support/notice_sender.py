"""A sender as a process of its own, to be killed: ``python -m tests.support.notice_sender DSN URL SECONDS_OF_PROCESS_TIME``.

Process time stands still within one run: what was claimed by a sender that died is due again in the next run alone.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from alerts.notifier import Message, Notifier
from alerts.recipients import Channel, NotifyPlan, Recipient, Step
from app.apprise_delivery import deliver_by_apprise
from domain.alerts import Alert
from domain.notices import Notice
from storage.alerts import PostgresAlerts
from storage.database import Database
from storage.notices import PostgresNotices

CREWS = tuple(f"crew{i}" for i in range(6))


def plan() -> NotifyPlan:
    """Six crews, everyone at once."""
    return NotifyPlan(
        recipients={key: Recipient(key=key, channel="sink") for key in CREWS},
        channels={"sink": Channel(key="sink", url_env="SINK")},
        steps=(Step(to=CREWS),),
    )


def words(notice: Notice, alert: Alert | None) -> Message:
    """What the sink counts by."""
    return Message(title=notice.recipient, body=alert.key if alert else "test")


async def main(dsn: str, url: str, now: datetime) -> None:
    async with Database(dsn, size=2) as database:
        notifier = Notifier(
            outbox=PostgresNotices(database),
            alerts=PostgresAlerts(database),
            plan=plan(),
            deliver=deliver_by_apprise,
            wording=words,
            secret=b"s" * 32,
            local=UTC,
            environment={"SINK": url},
        )
        await notifier.tick(now)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], datetime.fromtimestamp(float(sys.argv[3]), UTC)))
