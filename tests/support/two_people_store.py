"""What takes two people, in dictionaries, with the promises of the real store: decided once, each change with its audit row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.ports_commands import Deed
from domain.two_people import ApprovalRequest, Emergency, Verdict, same_person
from tests.support.command_store import MemoryCommandStore


class MemoryTwoPeople:
    """``TwoPeopleStore`` for tests, beside the memory of the commands, whose audit chain it writes."""

    def __init__(self, commands: MemoryCommandStore) -> None:
        self._commands = commands
        self.requests: dict[str, ApprovalRequest] = {}
        self.verdicts: dict[str, tuple[Verdict, str]] = {}
        self._emergencies: dict[str, Emergency] = {}
        self._ended: set[str] = set()

    async def ask(self, request: ApprovalRequest, deed: Deed) -> str | None:
        await self._commands._wait()
        assert request.request_id not in self.requests
        old = next((r for r in self._waiting() if r.proposal.actuator == request.proposal.actuator), None)
        if old is not None:
            self.verdicts[old.request_id] = (Verdict.REPLACED, deed.actor)
            self._commands._append(deed.at, deed.actor, "approval.replaced", old.request_id, {"by": request.request_id})
        self.requests[request.request_id] = request
        self._note(deed)
        return None if old is None else old.request_id

    async def waiting(self) -> Sequence[ApprovalRequest]:
        await self._commands._wait()
        return self._waiting()

    async def settle(self, request_id: str, verdict: Verdict, *, wall: datetime, deed: Deed) -> bool:
        await self._commands._wait()
        request = self.requests.get(request_id)
        if request is None or request_id in self.verdicts or (verdict is Verdict.APPROVED and not request.waits_at(wall)):
            return False
        assert verdict is not Verdict.APPROVED or not same_person(request.asked_by, deed.actor)
        self.verdicts[request_id] = (verdict, deed.actor)
        self._note(deed)
        return True

    async def expire(self, *, wall: datetime, at: datetime, by: str) -> Sequence[str]:
        over = [r for r in self._waiting() if not r.waits_at(wall)]
        for request in over:
            self.verdicts[request.request_id] = (Verdict.EXPIRED, by)
            self._commands._append(at, by, "approval.expired", request.request_id, {"actuator": request.proposal.actuator})
        return [r.request_id for r in over]

    async def tell_lost(self, *, wall: datetime, at: datetime, by: str) -> Sequence[str]:
        told = {r.subject for r in self._commands.rows if r.action in ("approval.lost", "command")}
        lost = [i for i, (verdict, _) in self.verdicts.items() if verdict is Verdict.APPROVED and i not in told]
        for request_id in lost:
            self._commands._append(at, by, "approval.lost", request_id, {})
        return lost

    async def declare(self, emergency: Emergency, deed: Deed) -> None:
        await self._commands._wait()
        self._ended |= {e.emergency_id for e in self._emergencies.values() if e.actuator == emergency.actuator}
        self._emergencies[emergency.emergency_id] = emergency
        self._note(deed)

    async def confirm(self, emergency_id: str, deed: Deed) -> bool:
        await self._commands._wait()
        found = self._open(emergency_id, deed.at)
        if found is None or found.confirmed_by is not None:
            return False
        assert not same_person(found.declared_by, deed.actor)
        self._emergencies[emergency_id] = replace(found, confirmed_by=deed.actor)
        self._note(deed)
        return True

    async def end(self, emergency_id: str, deed: Deed) -> bool:
        await self._commands._wait()
        if self._open(emergency_id, deed.at) is None:
            return False
        self._ended.add(emergency_id)
        self._note(deed)
        return True

    async def emergencies(self, now: datetime) -> Sequence[Emergency]:
        return [e for e in self._emergencies.values() if e.emergency_id not in self._ended and now < e.until]

    def _waiting(self) -> list[ApprovalRequest]:
        return [r for i, r in self.requests.items() if i not in self.verdicts]

    def _open(self, emergency_id: str, now: datetime) -> Emergency | None:
        found = self._emergencies.get(emergency_id)
        return found if found is not None and emergency_id not in self._ended and now < found.until else None

    def _note(self, deed: Deed) -> None:
        self._commands._append(deed.at, deed.actor, deed.action, deed.subject, deed.body)
