"""What a gateway tells of commands that should not have come, sorted: worth a row of the audit, worth waking somebody. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.setpoints import ALARM_PREFIX, Outcome, Reason, Refused

MOST = 60
"""So many alarms are taken in a window; a flood is counted and not written down."""
WINDOW = timedelta(seconds=60)
_REMEMBERED = 2000
_OUR_OWN_RACE = frozenset({"old_owner"})
"""A newer owner overtook an order on its way: it happens when a person pre-empts a law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAlarm:
    """One alarm of one gateway."""

    edge: str
    code: str
    claimed_id: str
    """Id that the suspicious command bore: anybody may have written it."""
    reasons: tuple[Reason, ...]

    def explained(self, *, known: bool) -> bool:
        """Whether our own doing explains it. ``known``: the desk itself ordered a command of this id not long ago."""
        return known and self.code in _OUR_OWN_RACE


def read_alarm(outcome: Outcome, edge: str) -> GatewayAlarm | None:
    """The alarm in what looks like an outcome; None if it is one."""
    if not outcome.command_id.startswith(ALARM_PREFIX):
        return None
    code, _, claimed = outcome.command_id.removeprefix(ALARM_PREFIX).partition(":")
    reasons = outcome.reasons if isinstance(outcome, Refused) else ()
    return GatewayAlarm(edge=edge, code=code[:40], claimed_id=claimed[:100], reasons=reasons)


@dataclass(slots=True)
class AlarmGate:
    """Lets each alarm pass once, and no flood."""

    suppressed: int = 0
    """Alarms of a flood."""
    _seen: OrderedDict[tuple[str, str, str], None] = field(default_factory=OrderedDict)
    _passed: deque[datetime] = field(default_factory=deque)

    def passes(self, alarm: GatewayAlarm, now: datetime) -> bool:
        """Whether it is new and there is room for it."""
        key = (alarm.edge, alarm.code, alarm.claimed_id)
        if key in self._seen:
            return False
        while self._passed and now - self._passed[0] >= WINDOW:
            self._passed.popleft()
        if len(self._passed) >= MOST:
            self.suppressed += 1
            return False
        self._passed.append(now)
        self._seen[key] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True
