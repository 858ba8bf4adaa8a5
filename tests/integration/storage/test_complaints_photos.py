"""Complaints and photographs in the real database: each once, numbers forgotten, nothing of callers in any view."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.alerts import Alert, AlertState, Priority, WorkOrder, WorkState
from domain.complaints import Complaint, ComplaintKind
from domain.errors import StorageError
from domain.photos import Photo
from storage.alerts import PostgresAlerts
from storage.complaints import PostgresComplaints
from storage.database import Database
from storage.photos import PostgresPhotos
from storage.roles import Role
from storage.work import PostgresWork
from tests.support.postgres import FreshDatabase

NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
WET = Complaint(
    key="c-1",
    kind=ComplaintKind.WET_STREET,
    noticed_at=NOW,
    taken_at=NOW,
    taken_by="omar",
    zone="medina",
    x=12.5,
    y=-3.0,
    address="rue 1",
    text="ماء في الشارع",
    phone="0600000001",
)
ORDER = WorkOrder(key="work:medina:1", alert="leak:1", zone="medina", state=WorkState.OPEN, created_at=NOW, updated_at=NOW)


@pytest.fixture
async def command(database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(database.dsn(Role.COMMAND), size=2) as pool:
        yield pool


async def test_a_complaint_is_kept_once_and_its_caller_forgotten(database: FreshDatabase, command: Database) -> None:
    store = PostgresComplaints(command)
    assert await store.add_complaint(WET)
    assert not await store.add_complaint(replace(WET, text="another"))
    later = replace(
        WET, key="c-2", zone=None, x=None, y=None, noticed_at=NOW + timedelta(hours=1), taken_at=NOW + timedelta(days=5)
    )
    await store.add_complaint(later)
    assert await store.complaints(since=NOW) == (later, WET)
    assert await store.complaints(since=NOW, zone="medina") == (WET,)
    assert await store.complaints(since=NOW, limit=1) == (later,)
    assert await store.forget_phones(NOW + timedelta(days=1)) == 1
    assert [c.phone for c in await store.complaints(since=NOW)] == ["0600000001", None]
    with pytest.raises(StorageError):
        await store.add_complaint(replace(later, key="c-3", address=""))
    async with await AsyncConnection.connect(database.dsn(Role.READ), autocommit=True) as reader:
        cursor = await reader.execute("SELECT * FROM v_complaint")
        assert {c.name for c in cursor.description or ()} == {"complaint", "kind", "noticed_at", "zone", "x", "y"}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await reader.execute("SELECT phone FROM complaint")
    async with await AsyncConnection.connect(database.dsn(Role.COMMAND), autocommit=True) as desk:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await desk.execute("UPDATE complaint SET text = ''")


async def test_a_photograph_is_kept_once_and_only_of_its_order(command: Database) -> None:
    alert = Alert(
        key="leak:1", code="leak.burst", zone="medina", priority=Priority.HIGH, state=AlertState.UNACKNOWLEDGED,
        raised_at=NOW, updated_at=NOW,
    )  # fmt: skip
    await PostgresAlerts(command).save_alert(alert, actor="system", action="raised")
    work, photos = PostgresWork(command), PostgresPhotos(command)
    await work.save_order(ORDER)
    photo = Photo(key="p" * 16, order=ORDER.key, taken_at=NOW, by="leila", media_type="image/jpeg", width=4, height=3, size_bytes=5)
    assert await photos.add_photo(photo, b"12345")
    assert not await photos.add_photo(photo, b"67890")
    assert await photos.photos(ORDER.key) == (photo,)
    assert await photos.photo(ORDER.key, photo.key) == (photo, b"12345")
    assert await photos.photo("another", photo.key) is None
    with pytest.raises(StorageError):
        await photos.add_photo(replace(photo, key="q" * 16), b"x" * (2 * 1024 * 1024 + 1))
    proved = replace(ORDER, state=WorkState.VERIFIED, night_before_m3h=31.5, night_after_m3h=19.25)
    await work.save_order(proved)
    found = await work.order(ORDER.key)
    assert found is not None
    assert found[0] == proved
    assert [(e.at, e.actor, e.action, e.state) for e in await work.history("leak:1")] == [
        (NOW, "system", "raised", AlertState.UNACKNOWLEDGED)
    ]
