"""What every door of the desk needs: who may pass, how a refusal is said and audited, how an order is looked at and given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from commands import arbitration
from commands.authorisation import Right, authorise
from commands.interlocks import Situation, Wish, check_move
from commands.road import Road
from commands.second_person import why_two
from domain.ports import User
from domain.ports_commands import EffectPredictor
from domain.setpoints import Command, PredictedEffect, Proposal, Reason, Refused, Source


class Doors:
    """Shared by the desk, the second person's door and the emergencies'.

    Args:
        road: Knowledge, memory and the way out.
        predictor: Says what a setpoint would do.
    """

    def __init__(self, *, road: Road, predictor: EffectPredictor) -> None:
        self.road = road
        self.predictor = predictor

    def denied(self, user: User, right: Right, actuator: str) -> tuple[Reason, ...]:
        """Why this person may not do this to the actuator; empty if they may."""
        found = self.road.inventory.actuators.get(actuator)
        if found is None:
            return (self.unknown_actuator(actuator),)
        reason = authorise(user, right, found.zone, self.road.inventory.zones, actuator=actuator)
        return () if reason is None else (reason,)

    def unknown_actuator(self, actuator: str) -> Reason:
        """There is no such actuator."""
        known = ", ".join(sorted(self.road.inventory.actuators))
        return Reason(code="unknown_actuator", text=f"no actuator is called {actuator!r}; there are {known}")

    async def look(self, proposal: Proposal) -> tuple[Situation, PredictedEffect, tuple[Reason, ...]]:
        """The situation now, what the value would do, and everything that speaks against it."""
        situation, _ = await self.road.situation(proposal.actuator)
        effect = await self.predictor.predict(proposal.actuator, proposal.value_m)
        wish = Wish(value_m=proposal.value_m, source=proposal.source)
        return situation, effect, check_move(wish, situation, effect, self.road.settings.interlocks)

    def takes_two(self, proposal: Proposal, situation: Situation) -> tuple[Reason, ...]:
        """Why the order needs a second person; empty where one is enough."""
        zone = self.road.inventory.zones[situation.actuator.zone]
        rules = self.road.settings.second_person
        return why_two(proposal.value_m, current_m=situation.current_m, connections=zone.connections, rules=rules)

    async def give(self, user: str, proposal: Proposal, situation: Situation) -> Command:
        """A person's order: manual is taken in their name, then it leaves. The caller holds the lock and has asked every rule."""
        now = self.road.clock.now()
        before = await self.road.mode_row(proposal.actuator)
        row = arbitration.take_manual(before, user, now + timedelta(seconds=self.road.settings.manual_s))
        await self.road.store.set_mode(row, actor=user, at=now, reason=proposal.reason)
        return await self.road.issue(
            command_id=proposal.proposal_id,
            value_m=proposal.value_m,
            source=Source.OPERATOR,
            author=user,
            row=row,
            situation=situation,
        )

    def refused(self, subject: str, reasons: tuple[Reason, ...]) -> Refused:
        """The refusal, where its audit row is written elsewhere."""
        return Refused(command_id=subject, at=self.road.clock.now(), by="desk", reasons=reasons)

    async def refuse(self, actor: str, action: str, subject: str, reasons: tuple[Reason, ...]) -> Refused:
        """The refusal, with its audit row."""
        await self.audit(actor, action, subject, {"reasons": said(reasons)})
        return self.refused(subject, reasons)

    async def audit(self, actor: str, action: str, subject: str, body: Mapping[str, Any]) -> None:
        """One row, at the present."""
        await self.road.store.audit(at=self.road.clock.now(), actor=actor, action=action, subject=subject, body=body)


def said(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Reasons as an audit row holds them."""
    rows: list[dict[str, Any]] = []
    for reason in reasons:
        numbers = {name: value for name, value in reason.parameters.items() if math.isfinite(value)}
        rows.append({"code": reason.code, "text": reason.text} | ({"parameters": numbers} if numbers else {}))
    return rows


def no_words(reason: str) -> tuple[Reason, ...]:
    """A reason must say something."""
    return () if reason.strip() else (Reason(code="no_reason", text="say why, in words another operator can check"),)
