"""The desk: the only door from a wish to an actuator, for people in steps and for laws in one.

    person   propose ─▶ (preview) ─▶ select ─▶ execute with the value typed again ─▶ Command
    law      order, in auto only; advise, in advisory: a proposal that a person may select ─▶ Command
    both     authorised, interlocks asked, owner settled, audit row written, then sent; exactly one outcome comes back

A proposal, its command and its outcome share one id. Two callers never decide about one actuator at once.

Thin for now: no second person is asked for above a threshold; while it renews leases in auto, the desk trusts the law to be alive.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from commands import arbitration
from commands.authorisation import Right, authorise, right_to_set
from commands.interlocks import Wish, check_mode, check_move
from commands.road import BadWish, Road, finite, new_id
from commands.selection import Accepted, Selection, SelectionBook
from commands.settings import DeskSettings
from commands.upkeep import Upkeep
from domain.inventory import Inventory
from domain.ports import ActuatorView, Clock, CommandSender, CommandStore, EffectPredictor, ModeRow, User
from domain.setpoints import Command, Mode, Outcome, PredictedEffect, Proposal, Reason, Refused, Source, Unknown, outcome_word

REMEMBERED_OUTCOMES = 2000


class Desk:
    """Takes wishes, answers with a command or with every reason against it.

    Args:
        inventory: The site.
        store: Durable memory; everything is in it before it happens.
        view: What is measured at the actuators.
        predictor: Says what a setpoint would do.
        sender: Takes commands to the gateways.
        clock: Process time.
        monotonic: Wall seconds that only grow, for what waits for people.
        settings: How long things hold.
        on_concluded: Is told each command with its outcome, once, after both are kept; silence (``Unknown``) included.
        make_id: Identities for proposals, selections and commands.
    """

    def __init__(
        self,
        *,
        inventory: Inventory,
        store: CommandStore,
        view: ActuatorView,
        predictor: EffectPredictor,
        sender: CommandSender,
        clock: Clock,
        monotonic: Callable[[], float],
        settings: DeskSettings | None = None,
        on_concluded: Callable[[Command, Outcome], Awaitable[None]] | None = None,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._settings = settings or DeskSettings()
        self._store = store
        self._predictor = predictor
        self._clock = clock
        self._monotonic = monotonic
        self._zones = inventory.zones
        self._road = Road(
            inventory=inventory, store=store, view=view, sender=sender, clock=clock, settings=self._settings, make_id=make_id
        )
        self._upkeep = Upkeep(road=self._road, conclude=self._conclude)
        self._book = SelectionBook(proposal_ttl_s=self._settings.proposal_ttl_s)
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._concluded = asyncio.Condition()
        self._foreign: set[tuple[str, str]] = set()
        self._on_concluded = on_concluded

    async def start(self) -> None:
        """After a restart: commands still pending go to the sender again (it drops those past their expiry)."""
        for command in await self._store.pending():
            await self._road.resume(command)

    async def preview(self, actuator: str, value_m: float) -> PredictedEffect:
        """What a setpoint would do. Nothing is kept.

        Raises:
            BadWish: No such actuator, or the value is not a number.
        """
        self._road.actuator(actuator)
        if not math.isfinite(value_m):
            raise BadWish(f"{actuator}: {value_m} is not a pressure in metres")
        return await self._predictor.predict(actuator, value_m)

    async def propose(self, user: User, actuator: str, value_m: float, reason: str) -> Accepted | Refused:
        """A person's wish: kept and audited whether accepted or refused. Nothing moves, nothing is reserved."""
        denied = self._denied(user, Right.PROPOSE, actuator)
        return await self._consider(self._proposal(actuator, value_m, Source.OPERATOR, user.name, reason), denied)

    async def advise(self, law: str, actuator: str, value_m: float, reason: str) -> Accepted | Refused:
        """A law's wish in advisory mode: a person may select and execute it, nobody else will."""
        return await self._consider(self._proposal(actuator, value_m, Source.LAW, law, reason), ())

    async def select(self, user: User, proposal_id: str) -> Selection | Refused:
        """Reserves the proposal's actuator for this person for ``selection_s`` of wall time."""
        proposal = self._book.proposal(proposal_id, self._monotonic())
        if proposal is None:
            reason = Reason(
                code="unknown_proposal", text=f"no proposal {proposal_id} can be selected: it never was, or is used, or too old"
            )
            return await self._refuse(user.name, "select_refused", proposal_id, (reason,))
        async with self._road.lock(proposal.actuator):
            reasons = (*self._denied(user, Right.SELECT, proposal.actuator), *self._reserved(user.name, proposal.actuator))
            if reasons:
                return await self._refuse(user.name, "select_refused", proposal_id, reasons)
            await self._audit(user.name, "select", proposal_id, {"actuator": proposal.actuator, "value_m": proposal.value_m})
            selection = Selection(
                selection_id=self._road.make_id(),
                user=user.name,
                proposal=proposal,
                ends_at_s=self._monotonic() + self._settings.selection_s,
            )
            self._book.reserve(selection)
        return selection

    async def execute(self, user: User, selection_id: str, confirm_value_m: float) -> Command | Refused:
        """Orders what was selected: the value typed again, every rule asked again, manual taken, audit row, then sent.

        A value that does not match leaves the selection standing until its time is up; any other refusal ends it.
        """
        selection = self._book.find(selection_id)
        if selection is None:
            reason = Reason(code="unknown_selection", text=f"no selection {selection_id}: it never was, was used or was replaced")
            return await self._refuse(user.name, "execute_refused", selection_id, (reason,))
        proposal = selection.proposal
        async with self._road.lock(proposal.actuator):
            hindered = self._not_held(user, selection) or self._mismatch(selection, confirm_value_m)
            if hindered:
                return await self._refuse(user.name, "execute_refused", proposal.proposal_id, hindered)
            self._book.release(selection)
            situation, _ = await self._road.situation(proposal.actuator)
            effect = await self._predictor.predict(proposal.actuator, proposal.value_m)
            wish = Wish(value_m=proposal.value_m, source=Source.OPERATOR)
            reasons = (
                *self._denied(user, Right.EXECUTE, proposal.actuator),
                *check_move(wish, situation, effect, self._settings.interlocks),
            )
            if reasons:
                return await self._refuse(user.name, "execute_refused", proposal.proposal_id, reasons)
            row = await self._take(user.name, proposal)
            return await self._road.issue(
                command_id=proposal.proposal_id,
                value_m=proposal.value_m,
                source=Source.OPERATOR,
                author=user.name,
                row=row,
                previous_m=situation.current_m,
            )

    async def order(self, law: str, actuator: str, value_m: float, reason: str) -> Command | Refused:
        """The law's door: proposal and order in one, in auto only, by the same interlocks as a person's."""
        proposal = self._proposal(actuator, value_m, Source.LAW, law, reason)
        if not self._can_be_looked_at(proposal):
            return await self._refuse_unlooked(proposal, ())
        async with self._road.lock(actuator):
            row = await self._road.mode_row(actuator)
            situation, _ = await self._road.situation(actuator)
            effect = await self._predictor.predict(actuator, value_m)
            not_auto = check_mode(Source.LAW, row.mode)
            reasons = (
                *(() if not_auto is None else (not_auto,)),
                *self._reserved(law, actuator),
                *check_move(Wish(value_m=value_m, source=Source.LAW), situation, effect, self._settings.interlocks),
            )
            await self._store.save_proposal(proposal, reasons, effect)
            if reasons:
                return self._refused(proposal.proposal_id, reasons)
            return await self._road.issue(
                command_id=proposal.proposal_id,
                value_m=value_m,
                source=Source.LAW,
                author=law,
                row=row,
                previous_m=situation.current_m,
            )

    async def set_mode(self, user: User, actuator: str, mode: Mode, until: datetime | None, reason: str) -> ModeRow | Refused:
        """Puts an actuator into a mode. Manual ends at ``until`` (by default after ``manual_s``); other modes have no end."""
        denied = self._denied(user, right_to_set(mode), actuator)
        now = self._clock.now()
        if mode is Mode.MANUAL and until is None:
            until = now + timedelta(seconds=self._settings.manual_s)
        reasons = (*denied, *_no_words(reason), *self._bad_end(mode, until, now))
        if reasons:
            return await self._refuse(user.name, "mode_refused", actuator, reasons)
        async with self._road.lock(actuator):
            row = arbitration.change(await self._road.mode_row(actuator), mode=mode, owner=user.name, until=until)
            await self._store.set_mode(row, actor=user.name, at=now, reason=reason)
        return row

    async def on_outcome(self, outcome: Outcome, origin: str | None = None) -> None:
        """What a gateway answered. Repeats change nothing.

        Args:
            outcome: The answer.
            origin: ``group/node`` the answer came from; an answer of a gateway that was not asked is audited and not believed.
        """
        command = await self._pending(outcome.command_id)
        if origin is not None and command is not None and command.gateway != origin:
            if (command.command_id, origin) not in self._foreign:
                self._foreign.add((command.command_id, origin))
                body = {"asked": command.gateway, "answered": origin, "outcome": outcome_word(outcome)}
                await self._audit(origin, "foreign_answer", outcome.command_id, body)
            return
        known = self._outcomes.get(outcome.command_id)
        if not await self._conclude(outcome) and isinstance(known, Unknown) and not isinstance(outcome, Unknown):
            await self._audit(origin or "gateway", "late_answer", outcome.command_id, {"outcome": outcome_word(outcome)})
            self._outcomes[outcome.command_id] = outcome  # so that repeats of the late answer are not audited again

    async def wait(self, command_id: str, timeout_s: float) -> Outcome | None:
        """The outcome of a command issued since the desk started, or None if it does not come within ``timeout_s`` of wall time."""
        async with self._concluded:
            try:
                await asyncio.wait_for(self._concluded.wait_for(lambda: command_id in self._outcomes), timeout_s)
            except TimeoutError:
                return None
        return self._outcomes[command_id]

    async def tick(self) -> None:
        """What time demands: outcomes that never came, manual modes that end, leases to renew. Call it every few wall seconds."""
        await self._upkeep.run()

    async def _pending(self, command_id: str) -> Command | None:
        return next((c for c in await self._store.pending() if c.command_id == command_id), None)

    async def _conclude(self, outcome: Outcome) -> bool:
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

    async def _consider(self, proposal: Proposal, denied: tuple[Reason, ...]) -> Accepted | Refused:
        denied = (*denied, *_no_words(proposal.reason))
        if not self._can_be_looked_at(proposal):
            return await self._refuse_unlooked(proposal, denied)
        situation, _ = await self._road.situation(proposal.actuator)
        effect = await self._predictor.predict(proposal.actuator, proposal.value_m)
        wish = Wish(value_m=proposal.value_m, source=proposal.source)
        reasons = (*denied, *check_move(wish, situation, effect, self._settings.interlocks))
        await self._store.save_proposal(proposal, reasons, effect)
        if reasons:
            return self._refused(proposal.proposal_id, reasons)
        self._book.remember(proposal, self._monotonic())
        return Accepted(proposal=proposal, effect=effect)

    async def _take(self, user: str, proposal: Proposal) -> ModeRow:
        now = self._clock.now()
        before = await self._road.mode_row(proposal.actuator)
        row = arbitration.take_manual(before, user, now + timedelta(seconds=self._settings.manual_s))
        await self._store.set_mode(row, actor=user, at=now, reason=proposal.reason)
        return row

    def _proposal(self, actuator: str, value_m: float, source: Source, author: str, reason: str) -> Proposal:
        return Proposal(
            proposal_id=self._road.make_id(),
            actuator=actuator,
            value_m=value_m,
            source=source,
            author=author,
            created_at=self._clock.now(),
            reason=reason,
        )

    def _can_be_looked_at(self, proposal: Proposal) -> bool:
        return proposal.actuator in self._road.inventory.actuators and math.isfinite(proposal.value_m)

    async def _refuse_unlooked(self, proposal: Proposal, denied: tuple[Reason, ...]) -> Refused:
        """A wish no rule can be asked about: it is audited, but no row of a proposal can hold it."""
        reasons = list(denied)
        if proposal.actuator not in self._road.inventory.actuators and not any(r.code == "unknown_actuator" for r in reasons):
            reasons.append(self._unknown_actuator(proposal.actuator))
        if finite(proposal.value_m) is None:
            reasons.append(Reason(code="not_finite", text=f"{proposal.value_m} is not a pressure in metres"))
        return await self._refuse(proposal.author, "proposal_refused", proposal.proposal_id, tuple(reasons))

    def _denied(self, user: User, right: Right, actuator: str) -> tuple[Reason, ...]:
        found = self._road.inventory.actuators.get(actuator)
        if found is None:
            return (self._unknown_actuator(actuator),)
        reason = authorise(user, right, found.zone, self._zones)
        return () if reason is None else (reason,)

    def _unknown_actuator(self, actuator: str) -> Reason:
        known = ", ".join(sorted(self._road.inventory.actuators))
        return Reason(code="unknown_actuator", text=f"no actuator is called {actuator!r}; there are {known}")

    def _reserved(self, name: str, actuator: str) -> tuple[Reason, ...]:
        now_s = self._monotonic()
        holder = self._book.holder(actuator, now_s)
        if holder is None or holder.user == name:
            return ()
        return (
            Reason(code="reserved", text=f"{holder.user} has selected {actuator} for another {holder.ends_at_s - now_s:.0f} s"),
        )

    def _mismatch(self, selection: Selection, confirm_value_m: float) -> tuple[Reason, ...]:
        wanted = selection.proposal.value_m
        if abs(confirm_value_m - wanted) < self._settings.confirm_within_m:
            return ()
        return (Reason(code="not_confirmed", text=f"typed again was {confirm_value_m} m, selected is {wanted:.2f} m"),)

    def _not_held(self, user: User, selection: Selection) -> tuple[Reason, ...]:
        if selection.user != user.name:
            return (Reason(code="selected_by_other", text=f"{selection.user} selected it; {user.name} cannot execute it"),)
        held = self._book.holder(selection.proposal.actuator, self._monotonic())
        if held is None or held.selection_id != selection.selection_id:
            return (
                Reason(code="selection_over", text=f"a selection holds for {self._settings.selection_s:.0f} s; this one is over"),
            )
        return ()

    def _bad_end(self, mode: Mode, until: datetime | None, now: datetime) -> tuple[Reason, ...]:
        if mode is not Mode.MANUAL or until is None:
            return ()
        longest_s = self._settings.manual_max_s
        if until.tzinfo is not None and 0 < (until - now).total_seconds() <= longest_s:
            return ()
        return (
            Reason(code="bad_end", text=f"manual until {until.isoformat()}: it must end within the next {longest_s / 3600:.0f} h"),
        )

    def _refused(self, subject: str, reasons: tuple[Reason, ...]) -> Refused:
        return Refused(command_id=subject, at=self._clock.now(), by="desk", reasons=reasons)

    async def _refuse(self, actor: str, action: str, subject: str, reasons: tuple[Reason, ...]) -> Refused:
        await self._audit(actor, action, subject, {"reasons": [{"code": r.code, "text": r.text} for r in reasons]})
        return self._refused(subject, reasons)

    async def _audit(self, actor: str, action: str, subject: str, body: Mapping[str, Any]) -> None:
        await self._store.audit(at=self._clock.now(), actor=actor, action=action, subject=subject, body=body)


def _no_words(reason: str) -> tuple[Reason, ...]:
    return () if reason.strip() else (Reason(code="no_reason", text="say why, in words another operator can check"),)
