"""The second person's door: an order that waits, and somebody else who approves or declines it.

    execute ─▶ ApprovalRequest (audited, ``approval_s`` of wall time) ─▶ approve by another, the value typed again ─▶ Command
                                                                   └──▶ decline, or nobody comes: nothing moves

Approving asks every rule again, and whether the setpoint is still the one the first person saw.
"""

from __future__ import annotations

from collections.abc import Callable

from commands.authorisation import Right
from commands.doors import Doors, no_words, said
from commands.second_person import ApprovalBook, ApprovalRequest, same_person
from domain.ports import User
from domain.setpoints import Command, Proposal, Reason, Refused


class Approvals:
    """Requests that wait for a second person.

    Args:
        doors: Rights, refusals, orders.
        monotonic: Wall seconds that only grow: it is people who are waited for.
    """

    def __init__(self, *, doors: Doors, monotonic: Callable[[], float]) -> None:
        self._doors = doors
        self._monotonic = monotonic
        self._book = ApprovalBook()

    def waiting(self, user: User) -> tuple[ApprovalRequest, ...]:
        """Requests that this person may see; whether they may approve is another question."""
        waiting = self._book.waiting(self._monotonic())
        return tuple(r for r in waiting if not self._doors.denied(user, Right.VIEW, r.proposal.actuator))

    async def ask(self, user: User, proposal: Proposal, because: tuple[Reason, ...], current_m: float | None) -> ApprovalRequest:
        """Keeps an order for a second person; an older one of the same actuator is replaced. The caller holds the lock."""
        request = ApprovalRequest(
            request_id=proposal.proposal_id,
            proposal=proposal,
            asked_by=user.name,
            current_m=current_m,
            because=because,
            ends_at_s=self._monotonic() + self._doors.road.settings.approval_s,
        )
        body = {"actuator": proposal.actuator, "value_m": proposal.value_m, "current_m": current_m, "because": said(because)}
        await self._doors.audit(user.name, "approval.asked", request.request_id, body)
        replaced = self._book.add(request)
        if replaced is not None:
            await self._doors.audit(user.name, "approval.replaced", replaced.request_id, {"by": request.request_id})
        return request

    async def approve(self, user: User, request_id: str, confirm_value_m: float) -> Command | Refused:
        """Orders what another asked for.

        A value typed wrongly, or the wrong person, leaves the request as it is; any other refusal ends it.
        """
        request = self._book.find(request_id)
        if request is None:
            return await self._doors.refuse(user.name, "approval.refused", request_id, (_unknown(request_id),))
        proposal = request.proposal
        async with self._doors.road.lock(proposal.actuator):
            hindered = (*self._hindered(user, request), *self._mismatch(request, confirm_value_m))
            if hindered:
                return await self._doors.refuse(user.name, "approval.refused", request_id, hindered)
            self._book.remove(request_id)
            situation, _, against = await self._doors.look(proposal)
            reasons = (*against, *_moved_since(request, situation.current_m, self._doors.road.settings.interlocks.same_m))
            if reasons:
                return await self._doors.refuse(user.name, "approval.refused", request_id, reasons)
            body = {"actuator": proposal.actuator, "value_m": proposal.value_m, "asked_by": request.asked_by}
            await self._doors.audit(user.name, "approval.given", request_id, body)
            return await self._doors.give(request.asked_by, proposal, situation)

    async def decline(self, user: User, request_id: str, reason: str) -> ApprovalRequest | Refused:
        """Ends a request, by the one who asked or by one who could approve."""
        request = self._book.find(request_id)
        if request is None:
            return await self._doors.refuse(user.name, "approval.refused", request_id, (_unknown(request_id),))
        async with self._doors.road.lock(request.proposal.actuator):
            own = same_person(user.name, request.asked_by)
            denied = () if own else self._doors.denied(user, Right.APPROVE, request.proposal.actuator)
            gone = () if self._book.find(request_id) is request else (_unknown(request_id),)
            hindered = (*gone, *denied, *no_words(reason))
            if hindered:
                return await self._doors.refuse(user.name, "approval.refused", request_id, hindered)
            self._book.remove(request_id)
            await self._doors.audit(user.name, "approval.declined", request_id, {"reason": reason})
        return request

    async def end_overdue(self) -> None:
        """Audits and forgets what nobody decided in time."""
        for request in self._book.over(self._monotonic()):
            self._book.remove(request.request_id)
            await self._doors.audit("desk", "approval.expired", request.request_id, {"actuator": request.proposal.actuator})

    def _hindered(self, user: User, request: ApprovalRequest) -> tuple[Reason, ...]:
        if self._book.find(request.request_id) is not request:
            return (_unknown(request.request_id),)
        if self._monotonic() >= request.ends_at_s:
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


def _unknown(request_id: str) -> Reason:
    return Reason(
        code="unknown_request", text=f"no order {request_id} waits for a second person: it never did, is decided, or over"
    )
