"""The desk's memory: one outcome a command, counters never twice, an audit that nobody can change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from domain.audit import verify_chain
from domain.errors import StorageError
from domain.ports_commands import ModeRow
from domain.setpoints import (
    Command,
    Expired,
    Failed,
    Mode,
    Outcome,
    PredictedEffect,
    Proposal,
    Reason,
    Refused,
    Source,
    Unknown,
    Verified,
    Witness,
)
from storage.commands import PostgresCommands
from storage.database import Database
from storage.roles import Role
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import START

COMMAND = Command(
    command_id="c1", actuator="prv", gateway="town/gw-1", device="valve", field="setpoint_m", value_m=38.1, previous_m=None,
    source=Source.OPERATOR, author="amina", issued_at=START, expires_at=START + timedelta(minutes=10), counter=1, owner_token=3,
    lease_s=1800.0, key_id="k1",
)  # fmt: skip
NUMBERS = {"limit_m": 60.0, "value_m": float("inf")}
"""What JSON cannot hold stays in the text."""
OUTCOMES: list[tuple[Outcome, str, str, float | None, str]] = [
    (Verified(command_id="c1", at=START, readback_m=38.1), "verified", "", 38.1, "town/gw-1"),
    (
        Refused(command_id="c1", at=START, by="gw-1", reasons=(Reason(code="a", text="high"), Reason(code="b", text="soon"))),
        "refused", "high; soon", None, "gw-1",
    ),
    (Expired(command_id="c1", at=START), "expired", "", None, "town/gw-1"),
    (Failed(command_id="c1", at=START, detail="still 40", readback_m=40.0), "failed", "still 40", 40.0, "town/gw-1"),
    (Unknown(command_id="c1", at=START, detail="no answer"), "unknown", "no answer", None, "desk"),
]  # fmt: skip


@pytest.fixture
async def store(town_database: FreshDatabase) -> AsyncIterator[PostgresCommands]:
    async with Database(town_database.dsn(Role.COMMAND), size=4) as pool:
        yield PostgresCommands(pool)


@pytest.mark.parametrize(("outcome", "state", "detail", "readback", "actor"), OUTCOMES)
async def test_a_command_has_one_outcome(
    store: PostgresCommands, outcome: Outcome, state: str, detail: str, readback: float | None, actor: str
) -> None:
    await store.save_command(COMMAND)
    assert await store.pending() == (COMMAND,)
    assert await store.finish(outcome)
    assert not await store.finish(Expired(command_id="c1", at=START + timedelta(hours=1)))
    assert not await store.finish(Expired(command_id="never", at=START))
    assert await store.pending() == ()
    [row] = await store.commands(actuator="prv")
    assert (row.command, row.state, row.detail, row.readback_m, row.finished_at) == (COMMAND, state, detail, readback, START)
    rows = await store.audit_rows()
    assert [(r.action, r.actor) for r in rows] == [("command.issued", "amina"), (f"command.{state}", actor)]
    assert verify_chain(rows) is None


async def test_two_answers_at_once_leave_one(store: PostgresCommands) -> None:
    await store.save_command(COMMAND)
    answers = await asyncio.gather(*(store.finish(outcome) for outcome, *_ in OUTCOMES))
    assert sorted(answers) == [False] * 4 + [True]
    assert len(await store.audit_rows()) == 2


async def test_commands_are_listed_newest_first(store: PostgresCommands) -> None:
    for n in range(1, 6):
        await store.save_command(replace(COMMAND, command_id=f"c{n}", counter=n, issued_at=START + timedelta(minutes=n)))
    assert [row.command.command_id for row in await store.commands(limit=3)] == ["c5", "c4", "c3"]
    assert [command.command_id for command in await store.pending()] == ["c1", "c2", "c3", "c4", "c5"]
    assert await store.commands(actuator="other") == ()


async def _ordered(store: PostgresCommands, first: float, last: float, actuator: str = "prv") -> bool:
    """Whether something was, between these hours after the start."""
    return await store.ordered(actuator, START + timedelta(hours=first), START + timedelta(hours=last))


async def test_an_order_may_have_moved_the_valve_when_it_was_given_and_when_its_lease_ended(store: PostgresCommands) -> None:
    await store.save_command(COMMAND)
    for hours, renewal in ((0.4, 2), (0.8, 3)):
        at = START + timedelta(hours=hours)
        again = replace(COMMAND, command_id=f"c{renewal}", counter=renewal, source=Source.RENEWAL, previous_m=38.1, issued_at=at)
        await store.save_command(again)
    assert await _ordered(store, 0.0, 0.1)
    assert not await _ordered(store, 0.0, 0.1, "other")
    assert not await _ordered(store, -1.0, 0.0)
    assert not await _ordered(store, 0.1, 1.2), "a renewal moves nothing, and while it comes no lease ends"
    assert await _ordered(store, 1.2, 1.4), "the last lease ends, and the site takes its safe value"
    assert not await _ordered(store, 1.4, 99.0)


@pytest.mark.parametrize(("outcome", "may_have"), [(outcome, word not in ("refused", "expired")) for outcome, word, *_ in OUTCOMES])
async def test_what_was_refused_or_came_too_late_has_moved_nothing(
    store: PostgresCommands, outcome: Outcome, may_have: bool
) -> None:
    await store.save_command(COMMAND)
    assert await store.finish(outcome)
    assert await _ordered(store, -1.0, 24.0) is may_have
    await store.save_command(replace(COMMAND, command_id="c2", counter=2, previous_m=38.1, issued_at=START + timedelta(days=2)))
    assert not await _ordered(store, 47.9, 48.1), "an order of what is set already"


async def test_an_id_or_counter_twice_is_refused_and_leaves_no_audit_row(store: PostgresCommands) -> None:
    await store.save_command(COMMAND)
    for again in (COMMAND, replace(COMMAND, command_id="c2")):
        with pytest.raises(StorageError):
            await store.save_command(again)
    assert len(await store.audit_rows()) == 1


async def test_counters_are_never_given_twice(store: PostgresCommands) -> None:
    given = await asyncio.gather(*(store.next_counter("town/gw-1") for _ in range(20)))
    assert sorted(given) == list(range(1, 21))
    assert await store.next_counter("town/gw-2") == 1


async def test_an_older_owner_does_not_come_back(store: PostgresCommands) -> None:
    row = ModeRow(actuator="prv", mode=Mode.MANUAL, until=START + timedelta(hours=2), owner="amina", owner_token=5)
    await store.set_mode(row, actor="amina", at=START, reason="works in the street")
    assert await store.modes() == {"prv": row}
    with pytest.raises(StorageError, match="owner token 4"):
        await store.set_mode(replace(row, owner_token=4), actor="law", at=START, reason="")
    automatic = ModeRow(actuator="prv", mode=Mode.AUTO, until=None, owner="flow_law", owner_token=6)
    await store.set_mode(automatic, actor="flow_law", at=START, reason="end of works")
    assert await store.modes() == {"prv": automatic}
    assert [row.action for row in await store.audit_rows()] == ["mode.set", "mode.set"]


async def test_proposals_are_kept_with_their_refusals(store: PostgresCommands, admin: AsyncConnection) -> None:
    proposal = Proposal(
        proposal_id="p1", actuator="prv", value_m=70.0, source=Source.LAW, author="law 1", created_at=START, reason="night"
    )
    effect = PredictedEffect(
        actuator="prv", value_m=70.0, current_m=None, critical_m={"upper.low": 21.5}, lowest_m=21.5, min_pressure_m=20.0,
        customers_below=0, leakage_change_m3h=None, basis="the last night",
    )  # fmt: skip
    await store.save_proposal(proposal, [Reason(code="above_limit", text="70 m is above 60 m", parameters=NUMBERS)], effect)
    await store.save_proposal(replace(proposal, proposal_id="p2"), [], None)
    rows = await (await admin.execute("SELECT proposal_id, refusals, effect ->> 'lowest_m' FROM proposal ORDER BY 1")).fetchall()
    said = {"code": "above_limit", "text": "70 m is above 60 m", "parameters": {"limit_m": 60.0}}
    assert rows == [("p1", [said], "21.5"), ("p2", [], None)]
    assert [row.action for row in await store.audit_rows()] == ["proposal.refused", "proposal.accepted"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.text(max_size=5), json_values, max_size=4))
async def test_whatever_is_written_verifies_when_read_back(body: dict[str, Any], store: PostgresCommands) -> None:
    """The store lives over all examples, so the chain grows: the whole of it must hold each time."""
    at = datetime(2026, 5, 1, 3, 4, 5, 678_901, tzinfo=timezone(timedelta(hours=1)))
    written = await store.audit(at=at, actor="é ا", action="test", subject="s", body=body)
    rows = await store.audit_rows(limit=100_000)
    assert rows[-1] == written
    assert written.at == at.astimezone(UTC)
    assert verify_chain(rows) is None


async def test_bodies_that_json_would_change_are_hashed_as_they_will_be_read(store: PostgresCommands) -> None:
    written = await store.audit(at=START, actor="a", action="b", subject="c", body={"pair": (1, 2), "by": {10: "x", 9: "y"}})
    assert written.body == {"pair": [1, 2], "by": {"10": "x", "9": "y"}}
    assert verify_chain(await store.audit_rows()) is None
    for body in ({"x": float("nan")}, {"x": START}, {"x": "\ud800"}):
        with pytest.raises(StorageError, match="JSON"):
            await store.audit(at=START, actor="a", action="b", subject="c", body=body)


async def test_writers_at_once_make_one_chain(store: PostgresCommands) -> None:
    await asyncio.gather(*(store.audit(at=START, actor="a", action="b", subject=str(n), body={"n": n}) for n in range(24)))
    rows = await store.audit_rows()
    assert len(rows) == 24
    assert verify_chain(rows) is None
    assert verify_chain(await store.audit_rows(after=10), previous=rows[9].hash, first=11) is None


@pytest.mark.parametrize("role", ["postgres", *Role])
@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_nobody_changes_the_audit(town_database: FreshDatabase, store: PostgresCommands, role: str, statement: str) -> None:
    """Not even the superuser by accident: to do it, he has to disable the trigger first."""
    await store.audit(at=START, actor="a", action="b", subject="c", body={})
    async with await AsyncConnection.connect(town_database.dsn(role), autocommit=True) as connection:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            await connection.execute(statement.encode())
    assert verify_chain(await store.audit_rows()) is None


async def test_a_change_behind_the_back_is_seen(store: PostgresCommands, admin: AsyncConnection) -> None:
    for n in range(3):
        await store.audit(at=START, actor="a", action="b", subject=str(n), body={"value_m": 38.1})
    await admin.execute("ALTER TABLE audit DISABLE TRIGGER audit_append_only")
    await admin.execute("UPDATE audit SET body = '{\"value_m\":38.2}' WHERE sequence = 2")
    assert verify_chain(await store.audit_rows()) == "row 2 was changed after it was written: its hash does not fit its content"


async def test_an_emergency_and_its_witness_survive_a_restart_of_the_desk(store: PostgresCommands) -> None:
    assert await store.audit_head() is None
    row = await store.audit(at=START, actor="amina", action="a", subject="s", body={})
    head = await store.audit_head()
    assert head == Witness(sequence=1, hash=row.hash.hex())
    order = replace(COMMAND, emergency=True, witness=head)
    await store.save_command(order)
    assert await store.pending() == (order,)
    assert [r.command for r in await store.commands()] == [order]
