"""What time demands of the desk: outcomes that never came, manual modes that end, leases that need renewing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from commands import arbitration
from commands.effect import Effect, Move, judge
from commands.heartbeat import Heartbeats
from commands.history import History
from commands.interlocks import check_mode, check_renewal
from commands.road import Road
from domain.ports_commands import CommandRow, ModeRow
from domain.setpoints import Command, Mode, Outcome, Source, Unknown

OnEffect = Callable[[Command, Effect], Awaitable[None]]
"""Is told once of each move whether the outlet pressure followed."""

AUTHOR = "desk"
RENEW_AT = 2.0 / 3.0
"""Share of a lease after which it is renewed."""
RETRY_AFTER = 0.1
"""Share of a lease to wait after a renewal that did not succeed."""


class Upkeep:
    """One round of chores over every actuator.

    Args:
        road: Locks, knowledge and the way out.
        conclude: Keeps an outcome; False if the command has one already.
        heartbeats: When a law last decided.
        on_effect: Is told whether the water followed a move.
    """

    def __init__(
        self,
        *,
        road: Road,
        conclude: Callable[[Outcome], Awaitable[bool]],
        heartbeats: Heartbeats,
        on_effect: OnEffect | None = None,
    ) -> None:
        self._road = road
        self._conclude = conclude
        self._beats = heartbeats
        self._on_effect = on_effect
        self._resolved: set[str] = set()
        self._judged: set[str] = set()
        self._silent: set[str] = set()

    async def run(self) -> None:
        """Does everything that is due."""
        await self._end_unanswered()
        for actuator in self._road.inventory.actuators:
            async with self._road.lock(actuator):
                row = await self._end_manual(await self._road.mode_row(actuator))
                history = await self._road.history(actuator)
                await self._renew(row, history)
                await self._note_resolved(actuator, history)
                await self._note_effect(history)

    async def _end_unanswered(self) -> None:
        """Past expiry and grace nothing can still be executed: what became of the command is unknown until the site is read."""
        now, grace = self._road.clock.now(), timedelta(seconds=self._road.settings.outcome_grace_s)
        for command in await self._road.store.pending():
            if now >= command.expires_at + grace:
                detail = (
                    f"no answer from {command.gateway} by {command.expires_at.isoformat()} and {grace.total_seconds():.0f} s more"
                )
                await self._conclude(Unknown(command_id=command.command_id, at=now, detail=detail))

    async def _end_manual(self, row: ModeRow) -> ModeRow:
        now = self._road.clock.now()
        if not arbitration.is_over(row, now):
            return row
        back = arbitration.give_back(row)
        await self._road.store.set_mode(back, actor=AUTHOR, at=now, reason=f"manual by {row.owner} has come to its end")
        return back

    async def _renew(self, row: ModeRow, history: History) -> None:
        """Orders the value in force again before its lease ends; never a value the site does not read back."""
        if check_mode(Source.RENEWAL, row.mode) is not None:
            return
        now = self._road.clock.now()
        command = _due(history, now)
        if command is None or not await self._led(row, now):
            return
        situation, _ = await self._road.situation(row.actuator)
        if check_renewal(command.value_m, situation, self._road.settings.interlocks):
            return  # the lease runs out and the site takes its safe value by itself: the rule for every doubt
        await self._road.issue(
            command_id=self._road.make_id(),
            value_m=command.value_m,
            source=Source.RENEWAL,
            author=AUTHOR,
            row=row,
            situation=situation,
        )

    async def _led(self, row: ModeRow, now: datetime) -> bool:
        """Whether somebody stands behind a renewal: in manual the owner does until the mode ends, in auto only a law that lives."""
        if row.mode is not Mode.AUTO or self._beats.lives(row.actuator, now):
            self._silent.discard(row.actuator)
            return True
        if row.actuator not in self._silent:
            self._silent.add(row.actuator)
            body = {"patience_s": self._road.settings.law_patience_s}
            await self._road.store.audit(at=now, actor=AUTHOR, action="law_silent", subject=row.actuator, body=body)
        return False

    async def _note_resolved(self, actuator: str, history: History) -> None:
        """A command that ended unknown is resolved by reading the site: the reading is put beside it, once."""
        row = history.unknown
        if row is None or row.command.command_id in self._resolved:
            return
        situation, _ = await self._road.situation(actuator)
        if situation.unresolved_since is not None:
            return
        self._resolved.add(row.command.command_id)
        body = {"actuator": actuator, "ordered_m": row.command.value_m, "read_back_m": situation.current_m}
        subject = row.command.command_id
        await self._road.store.audit(at=situation.now, actor=AUTHOR, action="unknown_resolved", subject=subject, body=body)

    async def _note_effect(self, history: History) -> None:
        """Looks at the outlet after the newest move, until it has followed or its time is up."""
        row = history.last_move
        if row is None or row.finished_at is None or row.command.command_id in self._judged:
            return
        command, now, settings = row.command, self._road.clock.now(), self._road.settings
        age_s = (now - row.finished_at).total_seconds()
        if age_s < settings.effect_after_s or age_s > 2 * settings.effect_within_s:
            return
        effect = judge(await self._move(row))
        if effect in (Effect.MISSING, Effect.NOT_MEASURED) and age_s < settings.effect_within_s:
            return
        self._judged.add(command.command_id)
        if effect is not Effect.TOO_SMALL:
            body = {"actuator": command.actuator, "ordered_m": command.value_m, "effect": effect.value}
            await self._road.store.audit(at=now, actor=AUTHOR, action="effect", subject=command.command_id, body=body)
        if self._on_effect is not None:
            await self._on_effect(command, effect)

    async def _move(self, row: CommandRow) -> Move:
        command = row.command
        situation, _ = await self._road.situation(command.actuator)
        read_since = situation.observed_at is not None and row.finished_at is not None and situation.observed_at > row.finished_at
        return Move(
            before_m=command.value_m if command.previous_m is None else command.previous_m,
            value_m=command.value_m,
            outlet_before_m=self._road.outlets_m.get(command.command_id),
            outlet_m=situation.outlet_m if read_since else None,
        )


def _due(history: History, now: datetime) -> Command | None:
    """The command whose lease is to be renewed now."""
    if history.verified is None or history.lease_from is None or history.pending:
        return None
    command, tried_at = history.verified.command, history.renewal_tried_at
    if tried_at is not None and (now - tried_at).total_seconds() < RETRY_AFTER * command.lease_s:
        return None
    age_s = (now - history.lease_from).total_seconds()
    return command if RENEW_AT * command.lease_s <= age_s < command.lease_s else None
