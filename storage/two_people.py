"""Orders that wait for a second person, and emergencies (port ``TwoPeopleStore``): each change with its audit row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from domain.ports_commands import Deed
from domain.setpoints import Proposal, Reason, Source
from domain.two_people import ApprovalRequest, Emergency, Verdict
from storage import audit
from storage.database import Database
from storage.reasons import plain_reason
from storage.sql import queries

_Q = queries("two_people")
LOOK_BACK = timedelta(hours=24)
"""An approval without its order is told of for this long: later nobody waits for it any more [wall time]."""


class PostgresTwoPeople:
    """``TwoPeopleStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, request: ApprovalRequest, deed: Deed) -> str | None:
        """Keeps a request; returns the id of the one of the same actuator whose place it takes."""
        proposal = request.proposal
        values = {
            "request_id": request.request_id,
            "actuator": proposal.actuator,
            "value_m": proposal.value_m,
            "current_m": request.current_m,
            "owner_token": request.owner_token,
            "author": proposal.author,
            "proposed_at": proposal.created_at,
            "reason": proposal.reason,
            "asked_by": request.asked_by,
            "because": Jsonb([plain_reason(reason) for reason in request.because]),
            "asked_at": request.asked_at,
            "ends_at": request.ends_at,
        }
        async with self._database.transaction("keep an order for a second person") as connection:
            place = {"actuator": proposal.actuator, "by": deed.actor, "wall": request.asked_at}
            row = await (await connection.execute(_Q["replace_request"], place)).fetchone()
            await connection.execute(_Q["insert_request"], values)
            if row is not None:
                body = {"by": request.request_id}
                await audit.append(connection, at=deed.at, actor=deed.actor, action="approval.replaced", subject=row[0], body=body)
            await audit.append(connection, **_parts(deed))
        return None if row is None else str(row[0])

    async def waiting(self) -> Sequence[ApprovalRequest]:
        """Requests nobody has decided about, oldest first; some may be out of their time."""
        async with self._database.transaction("read the orders that wait") as connection:
            rows = await (await connection.execute(_Q["waiting_requests"])).fetchall()
        return tuple(_request(row) for row in rows)

    async def settle(self, request_id: str, verdict: Verdict, *, wall: datetime, deed: Deed) -> bool:
        """Ends a waiting request; False, and nothing is audited, if it waits no more."""
        values = {"request_id": request_id, "verdict": verdict.value, "by": deed.actor, "wall": wall}
        async with self._database.transaction("decide about an order") as connection:
            if await (await connection.execute(_Q["settle_request"], values)).fetchone() is None:
                return False
            await audit.append(connection, **_parts(deed))
        return True

    async def expire(self, *, wall: datetime, at: datetime, by: str) -> Sequence[str]:
        """Ends what is out of its time, each with an audit row; returns the ids."""
        async with self._database.transaction("end what nobody decided") as connection:
            rows = await (await connection.execute(_Q["expire_requests"], {"wall": wall, "by": by})).fetchall()
            for request_id, actuator in rows:
                body = {"actuator": actuator}
                await audit.append(connection, at=at, actor=by, action="approval.expired", subject=request_id, body=body)
        return tuple(str(row[0]) for row in rows)

    async def tell_lost(self, *, wall: datetime, at: datetime, by: str) -> Sequence[str]:
        """Audits approvals whose order was never made, each once; returns their ids."""
        async with self._database.transaction("look for approvals without an order") as connection:
            rows = await (await connection.execute(_Q["approved_without_order"], {"since": wall - LOOK_BACK})).fetchall()
            for request_id, actuator in rows:
                body = {"actuator": actuator}
                await audit.append(connection, at=at, actor=by, action="approval.lost", subject=request_id, body=body)
        return tuple(str(row[0]) for row in rows)

    async def declare(self, emergency: Emergency, deed: Deed) -> None:
        """Keeps an emergency; one of the same actuator that was there before ends."""
        values = {
            "emergency_id": emergency.emergency_id,
            "actuator": emergency.actuator,
            "declared_by": emergency.declared_by,
            "reason": emergency.reason,
            "declared_at": emergency.declared_at,
            "until": emergency.until,
            "confirmed_by": emergency.confirmed_by,
            "confirmed_at": None if emergency.confirmed_by is None else emergency.declared_at,
        }
        async with self._database.transaction("keep an emergency") as connection:
            before = {"actuator": emergency.actuator, "by": deed.actor, "at": emergency.declared_at}
            await connection.execute(_Q["make_room"], before)
            await connection.execute(_Q["declare"], values)
            await audit.append(connection, **_parts(deed))

    async def confirm(self, emergency_id: str, deed: Deed) -> bool:
        """Confirms exactly this one; False if it is over, confirmed already, or another by now."""
        values = {"emergency_id": emergency_id, "by": deed.actor, "at": deed.at}
        async with self._database.transaction("confirm an emergency") as connection:
            if await (await connection.execute(_Q["confirm"], values)).fetchone() is None:
                return False
            await audit.append(connection, **_parts(deed))
        return True

    async def end(self, emergency_id: str, deed: Deed) -> bool:
        """Ends exactly this one; False if it is over."""
        values = {"emergency_id": emergency_id, "by": deed.actor, "at": deed.at}
        async with self._database.transaction("end an emergency") as connection:
            if await (await connection.execute(_Q["end_emergency"], values)).fetchone() is None:
                return False
            await audit.append(connection, **_parts(deed))
        return True

    async def emergencies(self, now: datetime) -> Sequence[Emergency]:
        """Emergencies that are not over, confirmed or not, oldest first."""
        async with self._database.transaction("read the emergencies") as connection:
            rows = await (await connection.execute(_Q["emergencies"], {"now": now})).fetchall()
        return tuple(
            Emergency(emergency_id=i, actuator=a, declared_by=by, reason=why, declared_at=at, until=until, confirmed_by=second)
            for i, a, by, why, at, until, second in rows
        )


def _parts(deed: Deed) -> Mapping[str, Any]:
    return {"at": deed.at, "actor": deed.actor, "action": deed.action, "subject": deed.subject, "body": deed.body}


def _request(row: Sequence[Any]) -> ApprovalRequest:
    request_id, actuator, value_m, current_m, token, author, proposed_at, reason, asked_by, because, asked_at, ends_at = row
    proposal = Proposal(
        proposal_id=request_id,
        actuator=actuator,
        value_m=value_m,
        source=Source.OPERATOR,
        author=author,
        created_at=proposed_at,
        reason=reason,
    )
    return ApprovalRequest(
        request_id=request_id,
        proposal=proposal,
        asked_by=asked_by,
        current_m=current_m,
        owner_token=token,
        because=tuple(Reason(code=r["code"], text=r["text"], parameters=r.get("parameters", {})) for r in because),
        asked_at=asked_at,
        ends_at=ends_at,
    )
