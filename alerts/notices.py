"""From a change of an alert to the notices it causes. Pure.

A raise makes the notices of every step of the escalation at once, each due in its turn; they go into the outbox in the transaction
of the change itself, so that an alert that is kept is told. Who acknowledges cancels what is still waiting.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo

from alerts.book import PLACED, TOLD
from alerts.definitions import desk_of
from alerts.lifecycle import URGENCY
from alerts.recipients import NotifyPlan, Recipient
from domain.alerts import Alert, AlertState, Priority
from domain.notices import Notice, NoticeKind
from domain.zones import Zone

_TOLD = TOLD | {"causefound", PLACED}
"""Actions after which somebody is told: what makes an operator look, and that cause or place of what they were told is found."""
_QUIET = "tookover"
"""An event that took the place of an alarm that was told already: only later steps of the escalation are its own."""
TRIES = 6
TEST_ANSWER = timedelta(hours=4)
"""A daily test that is not acknowledged for so long is an alarm of its own."""


def notices_of(alert: Alert, action: str, plan: NotifyPlan, zones: Mapping[str, Zone], local: tzinfo) -> tuple[Notice, ...]:
    """The notices of one change, by what was done (``action``, as the alert's log has it) at ``alert.updated_at``."""
    if (action in _TOLD or action == _QUIET) and alert.state is AlertState.UNACKNOWLEDGED:
        return tuple(
            _notice(alert, plan.recipients[key], number, alert.updated_at + timedelta(minutes=step.after_min), local)
            for number, step in enumerate(plan.steps)
            for key in step.to
            if wants(plan.recipients[key], alert, zones)
            and (action != _QUIET or step.after_min > 0)
            and (action != PLACED or step.after_min == 0)  # the escalation of the raise goes on
        )
    if action == "returned":
        return tuple(
            Notice(
                key=_key(alert, NoticeKind.RETURNED, recipient.key),
                kind=NoticeKind.RETURNED,
                recipient=recipient.key,
                language=recipient.language,
                due_at=after_quiet(alert.updated_at, recipient, Priority.LOW, local),
                priority=alert.priority,
                alert=alert.key,
                raised_at=alert.raised_at,
            )
            for recipient in {key: plan.recipients[key] for step in plan.steps for key in step.to}.values()
            if wants(recipient, alert, zones)
        )
    return ()


def wants(recipient: Recipient, alert: Alert, zones: Mapping[str, Zone]) -> bool:
    """Whether an alert is this recipient's business: of their desk, urgent enough, and in one of their zones or striking one."""
    if desk_of(alert.code) is not recipient.desk or URGENCY[alert.priority] < URGENCY[recipient.least]:
        return False
    if not recipient.zones or (alert.zone is None and not alert.areas):
        return True
    return any(_lies_in(area, recipient.zones, zones) for area in (alert.zone, *alert.areas))


def _lies_in(zone: str | None, wanted: Collection[str], zones: Mapping[str, Zone]) -> bool:
    while zone is not None and zone not in wanted:
        zone = zones[zone].parent if zone in zones else None
    return zone is not None


def daily_tests(plan: NotifyPlan, now: datetime, local: tzinfo) -> tuple[Notice, ...]:
    """Today's test messages that are due; asking again makes the same keys."""
    here = now.astimezone(local)
    found = []
    for recipient in plan.recipients.values():
        if recipient.daily_test is None or here.timetz().replace(tzinfo=None) < recipient.daily_test:
            continue
        due = datetime.combine(here.date(), recipient.daily_test, tzinfo=local)
        found.append(
            Notice(
                key=test_key(recipient.key, here.date()),
                kind=NoticeKind.TEST,
                recipient=recipient.key,
                language=recipient.language,
                due_at=due,
                priority=Priority.LOW,
            )
        )
    return tuple(found)


def test_key(recipient: str, day: date) -> str:
    """Key of a recipient's test of a day."""
    return f"test|{recipient}|{day.isoformat()}"


test_key.__test__ = False  # type: ignore[attr-defined]  # not a test of pytest's


def after_quiet(moment: datetime, recipient: Recipient, priority: Priority, local: tzinfo) -> datetime:
    """The first moment at or after ``moment`` at which this recipient may be told; high priority knows no quiet."""
    if recipient.quiet is None or priority is Priority.HIGH:
        return moment
    start, end = recipient.quiet
    here = moment.astimezone(local)
    clock = here.timetz().replace(tzinfo=None)
    inside = start <= clock < end if start <= end else clock >= start or clock < end
    if not inside:
        return moment
    day = here.date() if clock < end else here.date() + timedelta(days=1)
    return datetime.combine(day, end, tzinfo=local).astimezone(UTC)


def retry_at(attempts: int, now: datetime) -> datetime:
    """When to try again after so many attempts: 1, 2, 4, 8, 15 minutes."""
    return now + timedelta(minutes=min(2.0 ** (attempts - 1), 15.0))


def _notice(alert: Alert, recipient: Recipient, step: int, due_at: datetime, local: tzinfo) -> Notice:
    kind = NoticeKind.ESCALATED if step else NoticeKind.RAISED
    return Notice(
        key=_key(alert, kind, recipient.key) + f"|{step}",
        kind=kind,
        recipient=recipient.key,
        language=recipient.language,
        due_at=after_quiet(due_at, recipient, alert.priority, local),
        priority=alert.priority,
        alert=alert.key,
        raised_at=alert.raised_at,
    )


def _key(alert: Alert, kind: NoticeKind, recipient: str) -> str:
    """One key for one raise at one urgency: unshelved or worsened is told anew, an update is not."""
    stamp = alert.updated_at if kind is not NoticeKind.RETURNED else alert.raised_at
    return f"{alert.key}|{stamp.astimezone(UTC):%Y-%m-%dT%H:%M:%S}|{alert.priority.value}|{kind.value}|{recipient}"
