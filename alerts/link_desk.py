"""What happens when somebody opens the link in a message, and when they press its button."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from alerts.lifecycle import ImpossibleTransition
from alerts.links import Link, read_link
from alerts.recipients import NotifyPlan
from alerts.service import Alerts
from domain.alerts import UNSEEN, Alert
from domain.ports import AlertStore, Clock, NoticeOutbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What the page of a link shows."""

    recipient: str
    language: str
    alert: Alert | None
    """None for a test, and for an alert that is closed or was raised anew since."""
    test: bool
    open: bool
    """Whether there is still something to acknowledge."""


class LinkDesk:
    """Reads links and acknowledges by them."""

    def __init__(
        self, *, alerts: Alerts, store: AlertStore, outbox: NoticeOutbox, plan: NotifyPlan, secret: bytes, clock: Clock
    ) -> None:
        self._alerts, self._store, self._outbox = alerts, store, outbox
        self._plan, self._secret, self._clock = plan, secret, clock

    async def read(self, token: str) -> Linked | None:
        """What a link is about; changes nothing. None if it is not valid (any more)."""
        link = self._link(token)
        return None if link is None else await self._linked(link)

    async def acknowledge(self, token: str) -> Linked | None:
        """Acknowledges in the recipient's name; a second time is no error. None if the link is not valid (any more)."""
        link = self._link(token)
        if link is None:
            return None
        before = await self._linked(link)
        await self._outbox.acknowledge(link.notice, self._clock.now())
        if before.open and link.alert is not None:
            with contextlib.suppress(KeyError, ImpossibleTransition):  # somebody else was quicker
                await self._alerts.acknowledge_raise(f"link:{link.recipient}", link.alert, link.raised_at)
        after = await self._linked(link)
        return Linked(recipient=after.recipient, language=after.language, alert=after.alert, test=after.test, open=False)

    def _link(self, token: str) -> Link | None:
        link = read_link(token, self._clock.now(), self._secret)
        return link if link is not None and link.recipient in self._plan.recipients else None

    async def _linked(self, link: Link) -> Linked:
        alerts = {a.key: a for a in await self._store.alerts()}
        found = alerts.get(link.alert or "")
        if found is not None:
            # One that went behind its cause meanwhile: that is what is to be looked at now.
            found = None if found.raised_at != link.raised_at else alerts.get(found.parent or "", found)
        waits = found is not None and found.state in UNSEEN
        language = self._plan.recipients[link.recipient].language
        test = link.alert is None
        return Linked(recipient=link.recipient, language=language, alert=found, test=test, open=test or waits)
