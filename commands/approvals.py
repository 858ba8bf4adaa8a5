"""The second person's door: an order that waits, and somebody else who approves or declines it.

    execute ─▶ ApprovalRequest (audited, ``approval_s`` of wall time) ─▶ approve by another, the value typed again ─▶ Command
                                                                   └──▶ decline, or nobody comes: nothing moves

A request lives in the database, not here: a restart forgets none. Approving asks every rule again, and whether setpoint and owner
are still those the first person saw. The yes is used up, with its audit row, in one transaction before the order is made: whoever
dies in between leaves a yes without an order, never an order twice; ``start`` says so in the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from commands.authorisation import Right
from commands.doors import Doors, no_words, said
from domain.ports import User
from domain.ports_commands import Deed, TwoPeopleStore
from domain.setpoints import Command, Proposal, Reason, Refused
from domain.two_people import ApprovalRequest, Verdict, same_person

AUTHOR = "desk"


class Approvals:
    """Requests that wait for a second person.

    Args:
        doors: Rights, refusals, orders.
        store: Where they wait.
        wall: Wall time, UTC: it is people who are waited for, over restarts too.
    """

    def __init__(self, *, doors: Doors, store: TwoPeopleStore, wall: Callable[[], datetime]) -> None:
        self._doors = doors
        self._store = store
        self._wall = wall

    async def start(self) -> None:
        """After a restart: says of which approvals the order was never made, so that nobody waits for it."""
        await self._store.tell_lost(wall=self._wall(), at=self._now(), by=AUTHOR)

    async def waiting(self, user: User) -> tuple[ApprovalRequest, ...]:
        """Requests that this person may see, oldest first; whether they may approve is another question."""
        wall, found = self._wall(), await self._store.waiting()
        return tuple(r for r in found if r.waits_at(wall) and not self._doors.denied(user, Right.VIEW, r.proposal.actuator))

    async def ask(self, user: User, proposal: Proposal, because: tuple[Reason, ...], current_m: float | None) -> ApprovalRequest:
        """Keeps an order for a second person; an older one of the same actuator is replaced. The caller holds the lock."""
        wall, owner = self._wall(), await self._doors.road.mode_row(proposal.actuator)
        request = ApprovalRequest(
            request_id=proposal.proposal_id,
            proposal=proposal,
            asked_by=user.name,
            current_m=current_m,
            owner_token=owner.owner_token,
            because=because,
            asked_at=wall,
            ends_at=wall + timedelta(seconds=self._doors.road.settings.approval_s),
        )
        body = {
            "actuator": proposal.actuator,
            "value_m": proposal.value_m,
            "current_m": current_m,
            "owner_token": owner.owner_token,
            "ends_at": request.ends_at.isoformat(),
            "because": said(because),
        }
        await self._store.ask(request, self._deed(user.name, "approval.asked", request, body))
        return request

    async def approve(self, user: User, request_id: str, confirm_value_m: float) -> Command | Refused:
        """Orders what another asked for.

        A value typed wrongly, or the wrong person, leaves the request as it is; any other refusal ends it.
        """
        request = await self._find(request_id)
        if request is None:
            return await self._gone(user, request_id)
        proposal = request.proposal
        async with self._doors.road.lock(proposal.actuator):
            hindered = (*self._hindered(user, request), *self._mismatch(request, confirm_value_m))
            if hindered:
                return await self._doors.refuse(user.name, "approval.refused", request_id, hindered)
            situation, _, against = await self._doors.look(proposal)
            owner = await self._doors.road.mode_row(proposal.actuator)
            same_m = self._doors.road.settings.interlocks.same_m
            reasons = (*against, *_moved_since(request, situation.current_m, same_m), *_taken_since(request, owner.owner_token))
            if reasons:
                deed = self._deed(user.name, "approval.refused", request, {"reasons": said(reasons)})
                ended = await self._store.settle(request_id, Verdict.REFUSED, wall=self._wall(), deed=deed)
                return self._doors.refused(request_id, reasons) if ended else await self._gone(user, request_id)
            body = {"actuator": proposal.actuator, "value_m": proposal.value_m, "asked_by": request.asked_by}
            deed = self._deed(user.name, "approval.given", request, body | {"owner_token": request.owner_token})
            if not await self._store.settle(request_id, Verdict.APPROVED, wall=self._wall(), deed=deed):
                return await self._gone(user, request_id)
            return await self._doors.give(request.asked_by, proposal, situation)

    async def decline(self, user: User, request_id: str, reason: str) -> ApprovalRequest | Refused:
        """Ends a request, by the one who asked or by one who could approve."""
        request = await self._find(request_id)
        if request is None:
            return await self._gone(user, request_id)
        own = same_person(user.name, request.asked_by)
        denied = () if own else self._doors.denied(user, Right.APPROVE, request.proposal.actuator)
        hindered = (*denied, *no_words(reason))
        if hindered:
            return await self._doors.refuse(user.name, "approval.refused", request_id, hindered)
        deed = self._deed(user.name, "approval.declined", request, {"reason": reason})
        ended = await self._store.settle(request_id, Verdict.DECLINED, wall=self._wall(), deed=deed)
        return request if ended else await self._gone(user, request_id)

    async def end_overdue(self) -> None:
        """Ends, with an audit row each, what nobody decided in time."""
        await self._store.expire(wall=self._wall(), at=self._now(), by=AUTHOR)

    async def _find(self, request_id: str) -> ApprovalRequest | None:
        return next((r for r in await self._store.waiting() if r.request_id == request_id), None)

    async def _gone(self, user: User, request_id: str) -> Refused:
        text = f"no order {request_id} waits for a second person: it never did, is decided, or over"
        reason = Reason(code="unknown_request", text=text)
        return await self._doors.refuse(user.name, "approval.refused", request_id, (reason,))

    def _hindered(self, user: User, request: ApprovalRequest) -> tuple[Reason, ...]:
        if not request.waits_at(self._wall()):
            limit_s = self._doors.road.settings.approval_s
            text = f"a request waits for {limit_s:.0f} s; this one is over"
            return (Reason(code="approval_over", text=text, parameters={"limit_s": limit_s}),)
        if same_person(user.name, request.asked_by):
            text = f"{user.name} gave this order; a second person must approve it"
            return (Reason(code="same_person", text=text),)
        return self._doors.denied(user, Right.APPROVE, request.proposal.actuator)

    def _mismatch(self, request: ApprovalRequest, confirm_value_m: float) -> tuple[Reason, ...]:
        wanted = request.proposal.value_m
        if abs(confirm_value_m - wanted) < self._doors.road.settings.confirm_within_m:
            return ()
        text = f"typed again was {confirm_value_m} m, asked for is {wanted:.2f} m"
        return (Reason(code="not_confirmed", text=text, parameters={"typed_m": confirm_value_m, "value_m": wanted}),)

    def _deed(self, actor: str, action: str, request: ApprovalRequest, body: dict[str, Any]) -> Deed:
        return Deed(at=self._now(), actor=actor, action=action, subject=request.request_id, body=body)

    def _now(self) -> datetime:
        return self._doors.road.clock.now()


def _moved_since(request: ApprovalRequest, current_m: float | None, same_m: float) -> tuple[Reason, ...]:
    """The approver decides about what the first person saw, not about another step."""
    seen = request.current_m
    if current_m is not None and seen is not None and abs(current_m - seen) <= same_m:
        return ()
    now = "not known" if current_m is None else f"{current_m:.2f} m"
    then = "not known" if seen is None else f"{seen:.2f} m"
    numbers = {name: value for name, value in (("seen_m", seen), ("current_m", current_m)) if value is not None}
    return (
        Reason(code="situation_changed", text=f"the setpoint was {then} when it was asked for and is {now}", parameters=numbers),
    )


def _taken_since(request: ApprovalRequest, owner_token: int) -> tuple[Reason, ...]:
    """Whoever took the valve since did not know of this order."""
    if owner_token == request.owner_token:
        return ()
    return (Reason(code="owner_changed", text="the valve has changed hands since this was asked for; ask again"),)
