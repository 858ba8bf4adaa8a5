"""Where other systems put their alerts: an Alertmanager's webhook, behind a token."""

from __future__ import annotations

import hmac
from collections.abc import Collection

from alerts.alertmanager import Inbound, read_webhook
from alerts.service import Alerts
from domain.ports import Clock

SHORTEST_TOKEN = 24


class AlertInbox:
    """Takes webhooks.

    Args:
        alerts: The service.
        clock: Process time.
        token: What the sender must show.
        zones: Keys of the site's zones.

    Raises:
        ValueError: The token is too short to keep anybody out.
    """

    def __init__(self, *, alerts: Alerts, clock: Clock, token: str, zones: Collection[str]) -> None:
        if len(token) < SHORTEST_TOKEN:
            raise ValueError(f"a token of {len(token)} characters; at least {SHORTEST_TOKEN}")
        self._alerts, self._clock, self._token, self._zones = alerts, clock, token.encode(), zones

    def opens_to(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._token)

    async def take(self, document: object) -> Inbound:
        """Opens and ends alerts by a webhook; the same again changes nothing.

        Raises:
            BadPayload: It is none; nothing was changed.
        """
        inbound = read_webhook(document, self._zones)
        await self._alerts.on_conditions(inbound.conditions, self._clock.now())
        return inbound
