"""Empties the outbox: claims what is due, words it, hands it over, notes what became of it.

At least once: a sender that dies between handing over and noting leaves the notice claimed, and it goes out again after two
minutes with the same key. Nobody is told twice while the sender lives, for the outbox knows every key once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Protocol

import structlog

from alerts.alertmanager import as_pushed, as_webhook
from alerts.conditions import NOTIFY_FAILED, NOTIFY_UNTESTED, Condition
from alerts.links import make_link
from alerts.notices import TEST_ANSWER, TRIES, daily_tests, retry_at
from alerts.recipients import Channel, ChannelKind, NotifyPlan
from domain.alerts import Alert, Priority
from domain.errors import ConfigurationError
from domain.notices import Notice
from domain.ports import AlertStore, NoticeOutbox

log = structlog.get_logger(__name__)

_AGAIN = timedelta(minutes=2)
_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a person reads."""

    title: str
    body: str


class DeliveryFailed(Exception):
    """The message has not arrived, as far as anybody knows. Its text never contains the address."""


class Deliver(Protocol):
    """Hands a message over."""

    async def __call__(self, url: str, *, title: str, body: str, key: str) -> None:
        """Returns once the other side has taken it. ``key`` is the same whenever the same notice is tried again.

        Raises:
            DeliveryFailed: It has not.
        """
        ...


class Push(Protocol):
    """Hands an alert over to a machine."""

    async def __call__(self, url: str, *, body: object, key: str) -> None:
        """Posts ``body`` as JSON; returns once the other side has taken it, raises as ``Deliver``."""
        ...


class Wording(Protocol):
    """The texts of messages, in the languages of the house."""

    def __call__(self, notice: Notice, alert: Alert | None) -> Message:
        """The message of a notice, in its language."""
        ...


class Notifier:
    """The sender. ``secret`` signs the links; ``wording`` knows the languages."""

    def __init__(
        self,
        *,
        outbox: NoticeOutbox,
        alerts: AlertStore,
        plan: NotifyPlan,
        deliver: Deliver,
        wording: Wording,
        secret: bytes,
        local: tzinfo,
        environment: Mapping[str, str] | None = None,
        push: Push | None = None,
    ) -> None:
        self._outbox, self._alerts, self._plan = outbox, alerts, plan
        self._deliver, self._wording = deliver, wording
        self._secret, self._local, self._environment = secret, local, environment
        self._push = push
        self._failing: set[str] = set()

    async def tick(self, now: datetime) -> tuple[Condition, ...]:
        """Sends what is due; returns what is wrong, or right again, with the roads to the recipients."""
        await self._outbox.add(daily_tests(self._plan, now, self._local))
        conditions: list[Condition] = []
        while claimed := await self._outbox.claim(now, again_at=now + _AGAIN, limit=_AT_ONCE):
            for notice in claimed:
                alert = None if notice.alert is None else await self._alerts.alert(notice.alert)
                condition = await self._send(notice, alert, now)
                if condition is not None:
                    conditions.append(condition)
            if len(claimed) < _AT_ONCE:
                break
        return (*conditions, *await self._untested(now))

    async def _send(self, notice: Notice, alert: Alert | None, now: datetime) -> Condition | None:
        recipient = self._plan.recipients.get(notice.recipient)
        if recipient is None:
            await self._outbox.not_sent(notice.key, "no such recipient any more", None)
            return None
        try:
            await self._hand_over(notice, alert, self._plan.channels[recipient.channel], now)
        except (DeliveryFailed, ConfigurationError) as error:
            return await self._not_sent(notice, str(error), now)
        await self._outbox.sent(notice.key, now)
        if notice.recipient in self._failing:
            self._failing.discard(notice.recipient)
            return Condition(code=NOTIFY_FAILED, subject=notice.recipient, active=False)
        return None

    async def _hand_over(self, notice: Notice, alert: Alert | None, channel: Channel, now: datetime) -> None:
        message = self._wording(notice, alert)
        url = channel.url(self._environment)
        if channel.kind is ChannelKind.TEXT:
            link = f"\n{self._plan.console_url}/a/{make_link(notice, now, self._secret)}" if self._plan.console_url else ""
            await self._deliver(url, title=message.title, body=message.body + link, key=notice.key)
            return
        if self._push is None:
            raise DeliveryFailed(f"nothing here speaks to a channel of kind {channel.kind.value}")
        if alert is None:
            return  # a daily test: machines are not asked whether they are awake
        link = f"{self._plan.console_url}/alerts" if self._plan.console_url else ""
        if channel.kind is ChannelKind.ALERTMANAGER:
            pushed = as_pushed(alert, message.title, message.body, now, link)
            await self._push(f"{url.rstrip('/')}/api/v2/alerts", body=[pushed], key=notice.key)
        else:
            await self._push(url, body=as_webhook(alert, message.title, message.body, notice.key, link), key=notice.key)

    async def _not_sent(self, notice: Notice, error: str, now: datetime) -> Condition | None:
        log.warning("notice not sent", recipient=notice.recipient, attempts=notice.attempts, error=error)
        last = notice.attempts >= TRIES
        await self._outbox.not_sent(notice.key, error, None if last else retry_at(notice.attempts, now))
        if not last:
            return None
        self._failing.add(notice.recipient)
        parameters = {"detail": error, "tries": str(notice.attempts)}
        return Condition(code=NOTIFY_FAILED, subject=notice.recipient, active=True, priority=Priority.HIGH, parameters=parameters)

    async def _untested(self, now: datetime) -> list[Condition]:
        """Recipients whose last test nobody has acknowledged in time, and those who did."""
        found = []
        for test in await self._outbox.tests():
            waiting = test.acked_at is None and now - test.sent_at >= TEST_ANSWER
            if waiting or test.acked_at is not None:
                found.append(Condition(code=NOTIFY_UNTESTED, subject=test.recipient, active=waiting))
        return found
