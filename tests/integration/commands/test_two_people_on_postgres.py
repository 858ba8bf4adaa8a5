"""The same random days on PostgreSQL; and what the tables themselves refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from app.embedded.postgres import ADMIN
from domain.ports_commands import CommandStore, Deed, TwoPeopleStore
from domain.setpoints import Proposal, Reason, Source
from domain.two_people import ApprovalRequest, Emergency, Verdict
from storage.commands import PostgresCommands
from storage.database import Database
from storage.roles import Role
from storage.two_people import PostgresTwoPeople
from tests.support.desk import START
from tests.support.postgres import FreshDatabase, fresh_database
from tests.support.two_people_machine import TwoPeopleMachine

REQUEST = ApprovalRequest(
    request_id="r1",
    proposal=Proposal(
        proposal_id="r1",
        actuator="prv_medina",
        value_m=39.0,
        source=Source.OPERATOR,
        author="amina",
        created_at=START,
        reason="night",
    ),
    asked_by="amina",
    current_m=40.0,
    owner_token=1,
    because=(Reason(code="second_person_change", text="a change of 1 m", parameters={"change_m": 1.0}),),
    asked_at=START,
    ends_at=START + timedelta(seconds=600),
)
FIRE = Emergency(
    emergency_id="e1",
    actuator="prv_medina",
    declared_by="amina",
    reason="fire",
    declared_at=START,
    until=START + timedelta(hours=1),
)


def deed(actor: str, action: str = "approval.given", subject: str = "r1", at_s: float = 0.0) -> Deed:
    return Deed(at=START + timedelta(seconds=at_s), actor=actor, action=action, subject=subject, body={})


class OnPostgres(TwoPeopleMachine):
    def memories(self) -> tuple[CommandStore, TwoPeopleStore]:
        self.fresh = fresh_database()
        self.name = self.fresh.__enter__()
        self.pool = Database(self.name.dsn(Role.COMMAND), size=2, check=False)
        self.loop.run_until_complete(self.pool.open())
        return PostgresCommands(self.pool), PostgresTwoPeople(self.pool)

    def close(self) -> None:
        self.loop.run_until_complete(self.pool.close())
        self.fresh.__exit__(None, None, None)


TestTwoPeople = OnPostgres.TestCase
TestTwoPeople.settings = settings(max_examples=6, stateful_step_count=15)


@pytest.mark.slow
@pytest.mark.timeout(3600)
class TestTwoPeopleForLong(OnPostgres.TestCase):  # type: ignore[misc, valid-type]  # hypothesis makes the class
    settings = settings(max_examples=60, stateful_step_count=40)


async def test_what_was_asked_comes_back_as_it_was(stored_two_people: PostgresTwoPeople, stored_commands: PostgresCommands) -> None:
    assert await stored_two_people.ask(REQUEST, deed("amina", "approval.asked")) is None
    assert await stored_two_people.waiting() == (REQUEST,)
    newer = replace(REQUEST, request_id="r2", proposal=replace(REQUEST.proposal, proposal_id="r2", value_m=38.0))
    assert await stored_two_people.ask(newer, deed("amina", "approval.asked", "r2")) == "r1"
    assert await stored_two_people.waiting() == (newer,)
    assert not await stored_two_people.settle("r1", Verdict.APPROVED, wall=START, deed=deed("brahim"))
    assert await stored_two_people.settle("r2", Verdict.APPROVED, wall=START, deed=deed("brahim", subject="r2"))
    assert not await stored_two_people.settle("r2", Verdict.APPROVED, wall=START, deed=deed("driss", subject="r2"))
    actions = [r.action for r in await stored_commands.audit_rows()]
    assert actions == ["approval.asked", "approval.replaced", "approval.asked", "approval.given"]


@pytest.mark.parametrize("wall_s", [-1.0, 600.0])
async def test_out_of_its_time_nobody_approves(stored_two_people: PostgresTwoPeople, wall_s: float) -> None:
    await stored_two_people.ask(REQUEST, deed("amina", "approval.asked"))
    wall = START + timedelta(seconds=wall_s)
    assert not await stored_two_people.settle("r1", Verdict.APPROVED, wall=wall, deed=deed("brahim"))
    assert await stored_two_people.expire(wall=wall, at=START, by="desk") == ("r1",)


async def test_an_emergency_is_confirmed_once_and_ends_once(stored_two_people: PostgresTwoPeople) -> None:
    await stored_two_people.declare(FIRE, deed("amina", "emergency.declared", "prv_medina"))
    assert await stored_two_people.confirm("e1", deed("brahim", "emergency.confirmed", "prv_medina"))
    assert not await stored_two_people.confirm("e1", deed("driss", "emergency.confirmed", "prv_medina"))
    assert await stored_two_people.emergencies(START) == (replace(FIRE, confirmed_by="brahim"),)
    assert await stored_two_people.emergencies(START + timedelta(hours=1)) == ()
    assert await stored_two_people.end("e1", deed("amina", "emergency.ended", "prv_medina"))
    assert not await stored_two_people.end("e1", deed("amina", "emergency.ended", "prv_medina"))
    assert not await stored_two_people.confirm("e1", deed("driss", "emergency.confirmed", "prv_medina", at_s=4000.0))


LIES = [
    "UPDATE approval_request SET value_m = 20",
    "UPDATE approval_request SET asked_by = 'brahim'",
    "UPDATE approval_request SET ends_at = ends_at + interval '1 day'",
    "UPDATE approval_request SET state = 'approved', decided_by = ' AMINA ', decided_at = now()",
    "UPDATE approval_request SET state = 'approved'",
    "DELETE FROM approval_request",
    (
        "INSERT INTO approval_request SELECT 'r2', actuator, value_m, current_m, owner_token, author, proposed_at, reason, "
        "asked_by, because, asked_at, ends_at FROM approval_request"
    ),
    "UPDATE emergency SET until = until + interval '1 day'",
    "UPDATE emergency SET confirmed_by = 'Amina', confirmed_at = now()",
    "DELETE FROM emergency",
]


@pytest.mark.parametrize("lie", LIES)
async def test_the_tables_refuse_what_the_desk_must_never_do(
    database: FreshDatabase, stored_two_people: PostgresTwoPeople, lie: str
) -> None:
    """Even as the desk's own role."""
    await stored_two_people.ask(REQUEST, deed("amina", "approval.asked"))
    await stored_two_people.declare(FIRE, deed("amina", "emergency.declared", "prv_medina"))
    refused = (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation)
    with psycopg.connect(database.dsn(Role.COMMAND)) as connection, pytest.raises(refused):
        connection.execute(lie.encode())


async def test_what_is_decided_stays_decided_even_for_the_owner_of_the_table(
    database: FreshDatabase, stored_two_people: PostgresTwoPeople
) -> None:
    await stored_two_people.ask(REQUEST, deed("amina", "approval.asked"))
    await stored_two_people.settle("r1", Verdict.DECLINED, wall=START, deed=deed("brahim"))
    statement = sql.SQL("UPDATE approval_request SET state = 'waiting', decided_by = NULL, decided_at = NULL")
    with psycopg.connect(database.dsn(ADMIN)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)
