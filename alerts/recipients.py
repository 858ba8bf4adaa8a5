"""Who is told of what, when and how: ``notify.toml`` as frozen values.

console_url = "https://console.example.ma"     # links in messages lead there

[channel.sms_medina]
url_file = "secrets/sms-medina.url"            # an Apprise URL; or url_env = "KHETTARA_SMS_MEDINA"

[channel.prometheus]
kind = "alertmanager"                          # or "webhook_v4"; without: a text by Apprise
url_file = "secrets/alertmanager.url"          # http://alertmanager:9093

[[recipient]]
key = "crew_medina"
channel = "sms_medina"
language = "fr"
desk = "network"                               # or "customers": leaks behind customers' meters, and nothing else
zones = ["medina"]                             # and what lies in them; none is everywhere
least = "medium"
quiet = ["22:00", "06:00"]                     # local time; never for high priority
daily_test = "08:00"

[[step]]
to = ["crew_medina"]
[[step]]
after_min = 15                                 # unless somebody has acknowledged
to = ["duty_engineer"]
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from pathlib import Path

from alerts.definitions import Desk
from domain.alerts import Priority
from domain.errors import ConfigurationError
from domain.tables import Table

LANGUAGES = ("fr", "ar", "en")


class ChannelKind(StrEnum):
    """How a channel is spoken to."""

    TEXT = "text"
    """A text for a person, by Apprise."""
    ALERTMANAGER = "alertmanager"
    """An alert for an Alertmanager: ``POST /api/v2/alerts``."""
    WEBHOOK_V4 = "webhook_v4"
    """An alert for whatever takes an Alertmanager's webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way to reach somebody. Its address holds secrets: it is read when it is used and shown nowhere."""

    key: str
    kind: ChannelKind = ChannelKind.TEXT
    url_file: Path | None = None
    url_env: str | None = None

    def url(self, environment: Mapping[str, str] | None = None) -> str:
        """The address, read now: an Apprise URL, or a plain one for machines.

        Raises:
            ConfigurationError: The file cannot be read or the variable is not set.
        """
        if self.url_file is not None:
            try:
                return self.url_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise self._missing("url_file", str(self.url_file), "a readable file with one Apprise URL") from error
        found = (os.environ if environment is None else environment).get(self.url_env or "", "")
        if not found:
            raise self._missing("url_env", self.url_env, "the name of a variable that is set")
        return found

    def _missing(self, key: str, value: object, expected: str) -> ConfigurationError:
        return ConfigurationError(file="notify.toml", key=f"channel.{self.key}.{key}", value=value, expected=expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A crew or a person."""

    key: str
    channel: str
    language: str = "fr"
    desk: Desk = Desk.NETWORK
    """Only alerts of this desk are told."""
    zones: frozenset[str] = frozenset()
    """Zones of interest, with what lies in them; none is everywhere."""
    least: Priority = Priority.LOW
    """Less urgent alerts are not told."""
    quiet: tuple[time, time] | None = None
    """Local times between which only high priority is told."""
    daily_test: time | None = None
    """Local time of a message every day that must be acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Whom to tell if nobody has acknowledged for so long."""

    to: tuple[str, ...]
    after_min: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyPlan:
    """The whole file. Without recipients nobody is told anything, and alerts wait in the console."""

    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    console_url: str = ""


def parse_plan(table: Table, folder: Path, zones: Collection[str]) -> NotifyPlan:
    """The plan of a parsed ``notify.toml``; files are relative to ``folder``.

    Raises:
        ConfigurationError: An unknown key, recipient, channel or zone, or a time that is none.
    """
    table.only("console_url", "channel", "recipient", "step")
    named = table.table("channel")
    channels = {key: _channel(named.table(key), key, folder) for key in named.data}
    recipients: dict[str, Recipient] = {}
    for entry in table.tables("recipient"):
        recipient = _recipient(entry, channels, zones)
        if recipient.key in recipients:
            raise entry.wrong("key", recipient.key, "a key that no other recipient has")
        recipients[recipient.key] = recipient
    steps = tuple(_step(entry, recipients) for entry in table.tables("step"))
    if recipients and not steps:
        steps = (Step(to=tuple(recipients)),)
    return NotifyPlan(
        recipients=recipients,
        channels=channels,
        steps=tuple(sorted(steps, key=lambda s: s.after_min)),
        console_url=table.text("console_url", "").rstrip("/"),
    )


def _channel(table: Table, key: str, folder: Path) -> Channel:
    table.only("kind", "url_file", "url_env")
    file, variable = table.text("url_file", None), table.text("url_env", None)
    if (file is None) == (variable is None):
        raise table.wrong("url_file", file, "either url_file or url_env; the address itself never stands here")
    kind = table.word("kind", ChannelKind, ChannelKind.TEXT)
    return Channel(key=key, kind=kind, url_file=None if file is None else folder / file, url_env=variable)


def _recipient(table: Table, channels: Collection[str], zones: Collection[str]) -> Recipient:
    table.only("key", "channel", "language", "desk", "zones", "least", "quiet", "daily_test")
    channel = table.text("channel")
    if channel not in channels:
        raise table.wrong("channel", channel, "one of " + (", ".join(sorted(channels)) or "the channels, of which there is none"))
    language = table.text("language", "fr")
    if language not in LANGUAGES:
        raise table.wrong("language", language, "one of " + ", ".join(LANGUAGES))
    wanted = table.texts("zones")
    for zone in wanted:
        if zone not in zones:
            raise table.wrong("zones", zone, "zones of zones.toml: " + ", ".join(sorted(zones)))
    quiet = table.texts("quiet")
    if len(quiet) not in (0, 2):
        raise table.wrong("quiet", list(quiet), 'two local times such as ["22:00", "06:00"]')
    test = table.text("daily_test", None)
    return Recipient(
        key=table.text("key"),
        channel=channel,
        language=language,
        desk=table.word("desk", Desk, Desk.NETWORK),
        zones=frozenset(wanted),
        least=table.word("least", Priority, Priority.LOW),
        quiet=(_time(table, "quiet", quiet[0]), _time(table, "quiet", quiet[1])) if quiet else None,
        daily_test=None if test is None else _time(table, "daily_test", test),
    )


def _step(table: Table, recipients: Collection[str]) -> Step:
    table.only("to", "after_min")
    to = table.texts("to")
    for key in to:
        if key not in recipients:
            raise table.wrong("to", key, "keys of recipients: " + ", ".join(sorted(recipients)))
    if not to:
        raise table.wrong("to", [], "at least one recipient")
    return Step(to=to, after_min=table.number("after_min", 0.0, low=0.0, high=1440.0))


def _time(table: Table, key: str, text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise table.wrong(key, text, "a local time such as 06:30") from None
