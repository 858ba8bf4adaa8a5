"""Commands on their way: which one to publish to which gateway now. Pure; process time for expiry, wall seconds for repeating.

A gateway gets its commands one after the other, in the order of their counters: were a later one to overtake a lost earlier one,
the gateway would refuse the earlier for its old counter. One exception: an order of a new owner goes before those of the former.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from commands.arbitration import is_superseded
from domain.setpoints import Command


@dataclass(slots=True)
class Outbox:
    """Commands that have neither an answer nor passed their expiry."""

    republish_s: float
    """The same command is published again after this long [wall s]."""
    _waiting: dict[str, Command] = field(default_factory=dict)
    _published_at_s: dict[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, command: Command) -> None:
        """Takes a command."""
        self._waiting[command.command_id] = command

    def drop(self, command_id: str) -> None:
        """Forgets a command: it is answered or over."""
        self._waiting.pop(command_id, None)
        self._published_at_s.pop(command_id, None)

    def gateway_of(self, command_id: str) -> str | None:
        """The gateway a waiting command is for."""
        command = self._waiting.get(command_id)
        return command.gateway if command is not None else None

    def publish_again(self) -> None:
        """After a new connection: nothing counts as published."""
        self._published_at_s.clear()

    def due(self, now: datetime, now_s: float) -> tuple[Command, ...]:
        """The commands to publish now, at most one a gateway; what has expired is dropped, never published.

        Args:
            now: Process time.
            now_s: Monotonic wall time [s]; the commands returned count as published at this moment.
        """
        for command in [c for c in self._waiting.values() if now >= c.expires_at]:
            self.drop(command.command_id)
        found = []
        for head in self._heads(self._waiting.values()):
            published_at_s = self._published_at_s.get(head.command_id)
            if published_at_s is None or now_s - published_at_s >= self.republish_s:
                self._published_at_s[head.command_id] = now_s
                found.append(head)
        return tuple(found)

    @staticmethod
    def _heads(waiting: Iterable[Command]) -> tuple[Command, ...]:
        everyone = tuple(waiting)
        heads: dict[str, Command] = {}
        for command in sorted(everyone, key=lambda c: (is_superseded(c, everyone), c.counter)):
            heads.setdefault(command.gateway, command)
        return tuple(heads.values())
