"""The desk: the only door from a wish to an actuator, for people in steps and for laws in one.

    person   propose ─▶ (preview) ─▶ select ─▶ execute with the value typed again ─▶ Command
    law      order, in auto only; advise, in advisory: a proposal that a person may select ─▶ Command
    both     authorised, interlocks asked, owner settled, audit row written, then sent; exactly one outcome comes back

A proposal, its command and its outcome share one id. Two callers never decide about one actuator at once. Above the site's
thresholds an order waits for a second person (``approvals``); in auto leases live only while the law decides (``heartbeat``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from commands import arbitration
from commands.answers import Answers, OnAlarm, OnConcluded
from commands.approvals import Approvals
from commands.authorisation import Right, right_to_set
from commands.doors import Doors, no_words
from commands.emergencies import Emergencies, Evidence
from commands.heartbeat import Heartbeats
from commands.interlocks import check_mode
from commands.road import BadWish, Road, finite, new_id
from commands.selection import Accepted, Selection, SelectionBook, mismatch
from commands.settings import DeskSettings
from commands.upkeep import OnEffect, Upkeep
from domain.inventory import Inventory
from domain.ports import Clock, User
from domain.ports_commands import ActuatorView, CommandSender, CommandStore, EffectPredictor, ModeRow, TwoPeopleStore
from domain.setpoints import Command, Mode, Outcome, PredictedEffect, Proposal, Reason, Refused, Source
from domain.two_people import ApprovalRequest, Emergency, same_person


class Desk:
    """Takes wishes, answers with a command or with every reason against it.

    Args:
        inventory: The site.
        store: Durable memory; everything is in it before it happens.
        two_people: Durable memory of orders that wait for a second person, and of emergencies.
        view: What is measured at the actuators.
        predictor: Says what a setpoint would do.
        sender: Takes commands to the gateways.
        clock: Process time.
        monotonic: Wall seconds that only grow, for selections.
        wall: Wall time, for what waits for people over a restart.
        settings: How long things hold.
        on_concluded: Is told each command with its outcome, once, after both are kept; silence (``Unknown``) included.
        on_effect: Is told of each verified move whether the outlet pressure followed.
        on_alarm: Is told what gateways say of commands that should not have come, unless our own doing explains it.
        evidence: Confirms emergencies that a law claims; without, only people do.
        make_id: Identities for proposals, selections and commands.
    """

    def __init__(
        self,
        *,
        inventory: Inventory,
        store: CommandStore,
        two_people: TwoPeopleStore,
        view: ActuatorView,
        predictor: EffectPredictor,
        sender: CommandSender,
        clock: Clock,
        monotonic: Callable[[], float],
        wall: Callable[[], datetime],
        settings: DeskSettings | None = None,
        on_concluded: OnConcluded | None = None,
        on_effect: OnEffect | None = None,
        on_alarm: OnAlarm | None = None,
        evidence: Evidence | None = None,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._settings = settings or DeskSettings()
        self._store = store
        self._predictor = predictor
        self._clock = clock
        self._monotonic = monotonic
        self._road = Road(
            inventory=inventory,
            store=store,
            two_people=two_people,
            view=view,
            sender=sender,
            clock=clock,
            settings=self._settings,
            make_id=make_id,
        )
        self._doors = Doors(road=self._road, predictor=predictor)
        self._approvals = Approvals(doors=self._doors, store=two_people, wall=wall)
        self._emergencies = Emergencies(doors=self._doors, store=two_people, evidence=evidence)
        self._beats = Heartbeats(patience_s=self._settings.law_patience_s)
        self._answers = Answers(doors=self._doors, on_concluded=on_concluded, on_alarm=on_alarm)
        self._upkeep = Upkeep(road=self._road, conclude=self._answers.conclude, heartbeats=self._beats, on_effect=on_effect)
        self._book = SelectionBook(proposal_ttl_s=self._settings.proposal_ttl_s)

    async def start(self) -> None:
        """After a restart: commands still pending go to the sender again (it drops those past their expiry), and approvals whose
        order was never made are told of in the audit."""
        await self._approvals.start()
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
        denied = self._doors.denied(user, Right.PROPOSE, actuator)
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
            return await self._doors.refuse(user.name, "select_refused", proposal_id, (reason,))
        async with self._road.lock(proposal.actuator):
            reserved = self._book.reserved(user.name, proposal.actuator, self._monotonic())
            reasons = (*self._doors.denied(user, Right.SELECT, proposal.actuator), *reserved)
            if reasons:
                return await self._doors.refuse(user.name, "select_refused", proposal_id, reasons)
            await self._doors.audit(user.name, "select", proposal_id, {"actuator": proposal.actuator, "value_m": proposal.value_m})
            selection = Selection(
                selection_id=self._road.make_id(),
                user=user.name,
                proposal=proposal,
                ends_at_s=self._monotonic() + self._settings.selection_s,
            )
            self._book.reserve(selection)
        return selection

    async def execute(self, user: User, selection_id: str, confirm_value_m: float) -> Command | ApprovalRequest | Refused:
        """Orders what was selected: the value typed again, every rule asked again, manual taken, audit row, then sent.

        Where it takes two people and only one has been at it, the order waits for the second. A value that does not match leaves
        the selection standing until its time is up; any other refusal ends it.
        """
        selection = self._book.find(selection_id)
        if selection is None:
            reason = Reason(code="unknown_selection", text=f"no selection {selection_id}: it never was, was used or was replaced")
            return await self._doors.refuse(user.name, "execute_refused", selection_id, (reason,))
        proposal = selection.proposal
        async with self._road.lock(proposal.actuator):
            not_held = self._book.not_held(user.name, selection, self._monotonic(), holds_s=self._settings.selection_s)
            hindered = not_held or mismatch(selection, confirm_value_m, within_m=self._settings.confirm_within_m)
            if hindered:
                return await self._doors.refuse(user.name, "execute_refused", proposal.proposal_id, hindered)
            self._book.release(selection)
            situation, _, against = await self._doors.look(replace(proposal, source=Source.OPERATOR))
            reasons = (*self._doors.denied(user, Right.EXECUTE, proposal.actuator), *against)
            if reasons:
                return await self._doors.refuse(user.name, "execute_refused", proposal.proposal_id, reasons)
            because = self._doors.takes_two(proposal, situation)
            alone = proposal.source is not Source.OPERATOR or same_person(proposal.author, user.name)
            if because and alone:
                waiting = replace(proposal, source=Source.OPERATOR)
                return await self._approvals.ask(user, waiting, because, situation.current_m)
            return await self._doors.give(user.name, proposal, situation)

    async def approvals(self, user: User) -> tuple[ApprovalRequest, ...]:
        """Orders that wait for a second person, in the zones this person sees; oldest first."""
        return await self._approvals.waiting(user)

    async def approve(self, user: User, request_id: str, confirm_value_m: float) -> Command | Refused:
        """The second person's yes: every rule is asked again, and the value must be typed again."""
        return await self._approvals.approve(user, request_id, confirm_value_m)

    async def decline(self, user: User, request_id: str, reason: str) -> ApprovalRequest | Refused:
        """The second person's no, or the first one's withdrawal."""
        return await self._approvals.decline(user, request_id, reason)

    async def emergencies(self, user: User) -> tuple[Emergency, ...]:
        """Emergencies that are not over, confirmed or not, where this person sees; oldest first."""
        return await self._emergencies.seen_by(user)

    async def declare_emergency(self, user: User, actuator: str, lasts_s: float, reason: str) -> Emergency | Refused:
        """Says that there is an emergency, for so many process seconds. It allows nothing before it is confirmed."""
        return await self._emergencies.declare(user, actuator, lasts_s, reason)

    async def confirm_emergency(self, user: User, emergency_id: str) -> Emergency | Refused:
        """Confirms what another declared: from now on larger steps upwards are allowed."""
        return await self._emergencies.confirm(user, emergency_id)

    async def end_emergency(self, user: User, emergency_id: str, reason: str) -> Emergency | Refused:
        """Ends an emergency before its time."""
        return await self._emergencies.end(user, emergency_id, reason)

    def law_decided(self, actuator: str, at: datetime) -> None:
        """A law has looked at the actuator's measurements and decided, be it to hold: its lease may live on."""
        self._beats.decided(actuator, at)

    async def order(self, law: str, actuator: str, value_m: float, reason: str, *, emergency: bool = False) -> Command | Refused:
        """The law's door: proposal and order in one, in auto only, by the same interlocks as a person's.

        With ``emergency`` the law claims one: larger steps upwards are allowed where people or the measurements confirm it.
        """
        proposal = self._proposal(actuator, value_m, Source.LAW, law, reason)
        if not self._can_be_looked_at(proposal):
            return await self._refuse_unlooked(proposal, ())
        self._beats.decided(actuator, self._clock.now())
        async with self._road.lock(actuator):
            row = await self._road.mode_row(actuator)
            if emergency and row.mode is Mode.AUTO:
                await self._emergencies.measure(law, actuator)
            situation, effect, against = await self._doors.look(proposal)
            not_auto = check_mode(Source.LAW, row.mode)
            reasons = (
                *(() if not_auto is None else (not_auto,)),
                *self._book.reserved(law, actuator, self._monotonic()),
                *against,
            )
            await self._store.save_proposal(proposal, reasons, effect)
            if reasons:
                return self._doors.refused(proposal.proposal_id, reasons)
            return await self._road.issue(
                command_id=proposal.proposal_id,
                value_m=value_m,
                source=Source.LAW,
                author=law,
                row=row,
                situation=situation,
            )

    async def set_mode(self, user: User, actuator: str, mode: Mode, until: datetime | None, reason: str) -> ModeRow | Refused:
        """Puts an actuator into a mode. Manual ends at ``until`` (by default after ``manual_s``); other modes have no end."""
        denied = self._doors.denied(user, right_to_set(mode), actuator)
        now = self._clock.now()
        if mode is Mode.MANUAL and until is None:
            until = now + timedelta(seconds=self._settings.manual_s)
        reasons = (*denied, *no_words(reason), *arbitration.bad_end(mode, until, now, longest_s=self._settings.manual_max_s))
        if reasons:
            return await self._doors.refuse(user.name, "mode_refused", actuator, reasons)
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
        await self._answers.take(outcome, origin)

    async def wait(self, command_id: str, timeout_s: float) -> Outcome | None:
        """The outcome of a command issued since the desk started, or None if it does not come within ``timeout_s`` of wall time."""
        return await self._answers.wait(command_id, timeout_s)

    async def tick(self) -> None:
        """What time demands: outcomes that never came, manual modes that end, leases to renew. Call it every few wall seconds."""
        await self._approvals.end_overdue()
        await self._upkeep.run()

    async def _consider(self, proposal: Proposal, denied: tuple[Reason, ...]) -> Accepted | Refused:
        denied = (*denied, *no_words(proposal.reason))
        if not self._can_be_looked_at(proposal):
            return await self._refuse_unlooked(proposal, denied)
        situation, effect, against = await self._doors.look(proposal)
        reasons = (*denied, *against)
        await self._store.save_proposal(proposal, reasons, effect)
        if reasons:
            return self._doors.refused(proposal.proposal_id, reasons)
        self._book.remember(proposal, self._monotonic())
        return Accepted(proposal=proposal, effect=effect, takes_two=self._doors.takes_two(proposal, situation))

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
            reasons.append(self._doors.unknown_actuator(proposal.actuator))
        if finite(proposal.value_m) is None:
            reasons.append(Reason(code="not_finite", text=f"{proposal.value_m} is not a pressure in metres"))
        return await self._doors.refuse(proposal.author, "proposal_refused", proposal.proposal_id, tuple(reasons))
