"""Whether a law still lives. Pure.

In auto the desk keeps a setpoint alive by renewing its lease, and it does so in the law's name: so only while the law itself keeps
deciding. A law that hangs, dies or is not there after a restart lets the lease run out, and the site takes its safe value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class Heartbeats:
    """When a law last decided about each actuator; a decision to hold is one."""

    patience_s: float
    """A law that has decided nothing for this long counts as dead [process s]."""
    _decided: dict[str, datetime] = field(default_factory=dict)

    def decided(self, actuator: str, at: datetime) -> None:
        """A law has looked at the actuator's measurements of now and come to a decision."""
        self._decided[actuator] = max(at, self._decided.get(actuator, at))

    def lives(self, actuator: str, now: datetime) -> bool:
        """Whether a law leads the actuator now. A decision dated in the future is none."""
        last = self._decided.get(actuator)
        return last is not None and timedelta() <= now - last <= timedelta(seconds=self.patience_s)
