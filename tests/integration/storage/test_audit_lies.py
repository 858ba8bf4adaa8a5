"""A thousand deeds on the audit table itself, by somebody for whom no trigger holds: each is found, none is believed."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Json

from app.audit import check_database
from app.audit_anchors import ANCHORS_NAME, HEAD_NAME, PUBLIC_NAME, Anchoring, read_copies, read_keys
from commands.anchors import Anchor, Evidence, check_rows
from storage import audit
from storage.audit import PostgresAnchors
from storage.commands import PostgresCommands
from storage.database import Database
from storage.roles import Role
from tests.support.audit_lies import KINDS, lie
from tests.support.desk import SetClock
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import START

ROWS = 40


async def evidence_of(database: Database, folder: Path) -> Evidence:
    kept = await PostgresAnchors(database).all()
    return Evidence(
        anchors=[Anchor(document=d, signature=s, key_id=k) for d, s, k in kept],
        copies=read_copies(folder / HEAD_NAME, folder / ANCHORS_NAME),
        keys=read_keys(folder / PUBLIC_NAME),
    )


@pytest.mark.parametrize("each", [5, pytest.param(125, marks=pytest.mark.slow)])
async def test_every_deed_is_found(town_database: FreshDatabase, admin: AsyncConnection, tmp_path: Path, each: int) -> None:
    clock = SetClock()
    async with Database(town_database.dsn(Role.COMMAND), size=2) as database:
        store = PostgresCommands(database)
        anchoring = Anchoring(store=store, anchors=PostgresAnchors(database), clock=clock, folder=tmp_path)
        await anchoring.tick()
        for n in range(ROWS):
            await store.audit(at=START + timedelta(minutes=n), actor="amina", action="mode.set", subject="prv", body={"n": n})
            clock.pass_s(86_400 / 15)
            await anchoring.tick()
        evidence = await evidence_of(database, tmp_path)
        assert len(evidence.anchors) == 3
        assert await check_database(database, evidence) == (ROWS, [])
        found = 0
        await admin.rollback()
        async with admin.transaction(force_rollback=True):
            await admin.execute("SET LOCAL session_replication_role = replica")
            rows = list(await audit.rows_after(admin, 0, 1000))
            for kind in KINDS:
                lot = random.Random(KINDS.index(kind))
                for _ in range(each):
                    async with admin.transaction(force_rollback=True):
                        await _put(admin, lie(rows, kind, lot))
                        found += bool(check_rows(await audit.rows_after(admin, 0, 1000), evidence))
        assert found == each * len(KINDS)
        assert await check_database(database, evidence) == (ROWS, [])


async def _put(admin: AsyncConnection, rows: list[Any]) -> None:
    """The table as the deed leaves it."""
    await admin.execute("DELETE FROM audit")
    async with admin.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO audit (sequence, at, actor, action, subject, body, previous_hash, hash) VALUES (%s,%s,%s,%s,%s,%s,%s,%s)",
            [(r.sequence, r.at, r.actor, r.action, r.subject, Json(dict(r.body)), r.previous_hash, r.hash) for r in rows],
        )


async def test_the_mark_follows_and_an_anchor_comes_once_a_day(town_database: FreshDatabase, tmp_path: Path) -> None:
    clock = SetClock()
    async with Database(town_database.dsn(Role.COMMAND), size=2) as database:
        store = PostgresCommands(database)
        anchoring = Anchoring(store=store, anchors=PostgresAnchors(database), clock=clock, folder=tmp_path)
        await anchoring.tick()
        assert not (tmp_path / HEAD_NAME).exists(), "an empty chain has no end"
        for n in range(3):
            await store.audit(at=START, actor="a", action="b", subject="c", body={"n": n})
            await anchoring.tick()
            await anchoring.tick()
            head = json.loads(json.loads((tmp_path / HEAD_NAME).read_text())["document"])
            assert head["sequence"] == n + 1
        assert len(await PostgresAnchors(database).all()) == 1
        clock.pass_s(86_400)
        restarted = Anchoring(store=store, anchors=PostgresAnchors(database), clock=clock, folder=tmp_path)
        await restarted.tick()
        assert len(await PostgresAnchors(database).all()) == 2
        assert len((tmp_path / ANCHORS_NAME).read_text().splitlines()) == 2
        assert await restarted.anchor() is None, "nothing new to anchor"
