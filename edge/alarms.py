"""What a gateway must tell of commands that should not have come: forged, replayed, late, of a former owner.

An alarm goes the way of a result, under an id of its own (``alarm:CODE:CLAIMED ID``): what nobody signed must never end a command
that somebody did sign. It is repeated until the centre has it, lives in memory alone and is bounded, so that a flood fills no disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.setpoints import ALARM_PREFIX, Reason, Refused

MAX_OPEN = 32
_WINDOW = timedelta(seconds=60)
_ID_CHARS = 80


@dataclass(slots=True, kw_only=True)
class CommandAlarms:
    """Alarms the centre has not acknowledged, at most ``MAX_OPEN``, and at most as many new ones a minute of process time."""

    node: str
    total: int = 0
    """Alarms since the process began, those that were not told among them."""
    _open: dict[str, tuple[str, Refused]] = field(default_factory=dict)
    _begun: list[datetime] = field(default_factory=list)

    def add(self, device: str, claimed_id: str, reason: Reason, now: datetime) -> bool:
        """Notes one; returns whether there is something new to tell."""
        self.total += 1
        self._begun = [at for at in self._begun if now - at < _WINDOW]
        alarm_id = f"{ALARM_PREFIX}{reason.code}:{claimed_id[:_ID_CHARS]}"
        if alarm_id in self._open or len(self._open) >= MAX_OPEN or len(self._begun) >= MAX_OPEN:
            return False
        self._begun.append(now)
        self._open[alarm_id] = (device, Refused(command_id=alarm_id, at=now, by=self.node, reasons=(reason,)))
        return True

    def acknowledge(self, alarm_id: str) -> bool:
        """The centre has it; False if this is no open alarm."""
        return self._open.pop(alarm_id, None) is not None

    def open(self) -> tuple[tuple[str, Refused], ...]:
        """(device, alarm) still to be told."""
        return tuple((device, alarm) for device, alarm in self._open.values() if device)
