"""What comes back to the desk: the one outcome of each command, answers that come late or from elsewhere, alarms of gateways.

gateway ─▶ alarm?                 audited, told unless our own doing explains it
           not the one asked?     audited once, not believed
           the first outcome      kept, then told, once; who waits for it wakes
           after ``Unknown``      audited once as late; the outcome stays
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from commands.alarms import AlarmGate, GatewayAlarm, read_alarm
from commands.doors import Doors, said
from commands.road import HISTORY_ROWS
from domain.setpoints import Command, Outcome, Unknown, outcome_word

REMEMBERED_OUTCOMES = 2000

OnConcluded = Callable[[Command, Outcome], Awaitable[None]]
"""Is told each command with its outcome, once, after both are kept; silence (``Unknown``) included."""
OnAlarm = Callable[[GatewayAlarm], Awaitable[None]]
"""Is told what gateways say of commands that should not have come, unless our own doing explains it."""


class Answers:
    """Outcomes as they come in.

    Args:
        doors: Memory, audit, clock.
        on_concluded: Is told the end of each command.
        on_alarm: Is told what gateways complain of.
    """

    def __init__(self, *, doors: Doors, on_concluded: OnConcluded | None = None, on_alarm: OnAlarm | None = None) -> None:
        self._doors = doors
        self._store = doors.road.store
        self._on_concluded = on_concluded
        self._on_alarm = on_alarm
        self._alarms = AlarmGate()
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._concluded = asyncio.Condition()
        self._foreign: set[tuple[str, str]] = set()

    async def take(self, outcome: Outcome, origin: str | None) -> None:
        """An answer; repeats change nothing.

        Args:
            outcome: What it says.
            origin: ``group/node`` it came from; an answer of a gateway that was not asked is audited and not believed.
        """
        alarm = read_alarm(outcome, origin or "")
        if alarm is not None:
            await self._take_alarm(alarm)
            return
        command = await self._pending(outcome.command_id)
        if origin is not None and command is not None and command.gateway != origin:
            if (command.command_id, origin) not in self._foreign:
                self._foreign.add((command.command_id, origin))
                body = {"asked": command.gateway, "answered": origin, "outcome": outcome_word(outcome)}
                await self._doors.audit(origin, "foreign_answer", outcome.command_id, body)
            return
        known = self._outcomes.get(outcome.command_id)
        if not await self.conclude(outcome) and isinstance(known, Unknown) and not isinstance(outcome, Unknown):
            await self._doors.audit(origin or "gateway", "late_answer", outcome.command_id, {"outcome": outcome_word(outcome)})
            self._outcomes[outcome.command_id] = outcome  # so that repeats of the late answer are not audited again

    async def conclude(self, outcome: Outcome) -> bool:
        """Keeps an outcome and tells it; False if the command has one already."""
        command = await self._pending(outcome.command_id)
        first = await self._store.finish(outcome)
        if first:
            self._outcomes[outcome.command_id] = outcome
            while len(self._outcomes) > REMEMBERED_OUTCOMES:
                self._outcomes.popitem(last=False)
            async with self._concluded:
                self._concluded.notify_all()
            if self._on_concluded is not None and command is not None:
                await self._on_concluded(command, outcome)
        return first

    async def wait(self, command_id: str, timeout_s: float) -> Outcome | None:
        """The outcome of a command, or None if it does not come within ``timeout_s`` of wall time."""
        async with self._concluded:
            try:
                await asyncio.wait_for(self._concluded.wait_for(lambda: command_id in self._outcomes), timeout_s)
            except TimeoutError:
                return None
        return self._outcomes[command_id]

    async def _take_alarm(self, alarm: GatewayAlarm) -> None:
        if not self._alarms.passes(alarm, self._doors.road.clock.now()):
            return
        rows = await self._store.commands(limit=HISTORY_ROWS) if alarm.claimed_id else ()
        explained = alarm.explained(known=any(r.command.command_id == alarm.claimed_id for r in rows))
        body = {"code": alarm.code, "claimed_id": alarm.claimed_id, "reasons": said(alarm.reasons), "explained": explained}
        await self._doors.audit(alarm.edge or "gateway", "gateway_alarm", alarm.edge, body)
        if self._on_alarm is not None and not explained:
            await self._on_alarm(alarm)

    async def _pending(self, command_id: str) -> Command | None:
        return next((c for c in await self._store.pending() if c.command_id == command_id), None)
