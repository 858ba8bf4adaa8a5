"""Wiring of other systems' alerts: the token out of its file."""

from __future__ import annotations

from alerts.inbox import SHORTEST_TOKEN, AlertInbox
from alerts.service import Alerts
from app.settings import AlertsSettings
from domain.errors import ConfigurationError
from domain.inventory import Inventory
from domain.ports import Clock


def alert_inbox(settings: AlertsSettings, alerts: Alerts, clock: Clock, inventory: Inventory) -> AlertInbox | None:
    """The inbox; None where no token is configured.

    Raises:
        ConfigurationError: The file cannot be read, or its token is too short to keep anybody out. The token is never shown.
    """
    file = settings.inbox_token_file
    if file is None:
        return None
    try:
        return AlertInbox(alerts=alerts, clock=clock, token=file.read_text(encoding="utf-8").strip(), zones=inventory.zones)
    except (OSError, ValueError):  # absent, no text, or too short
        expected = f"a readable file with one token of at least {SHORTEST_TOKEN} characters"
        raise ConfigurationError(file="settings", key="alerts.inbox_token_file", value=str(file), expected=expected) from None
