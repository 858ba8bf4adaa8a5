"""Migrations on a server: idempotent, guarded, and possible for an administrator who is no superuser."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from app.embedded.postgres import EmbeddedPostgres
from domain.errors import StorageError
from storage.migrate import MIGRATIONS, migrate, read_migrations
from storage.roles import Role
from tests.support.postgres import FreshDatabase


@pytest.fixture
def empty(database_server: EmbeddedPostgres) -> Iterator[str]:
    """A database without our schema, owned by an administrator as managed services give one: may create roles, no superuser."""
    with psycopg.connect(database_server.dsn("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE landlord LOGIN CREATEROLE CREATEDB PASSWORD 'landlord'")
        for role in Role:
            connection.execute(f"GRANT {role.value} TO landlord WITH ADMIN OPTION".encode())
        connection.execute("CREATE DATABASE managed OWNER landlord")
        yield f"postgresql://landlord:landlord@127.0.0.1:{database_server.port}/managed"
        connection.execute("DROP DATABASE managed WITH (FORCE)")
        connection.execute("DROP OWNED BY landlord")
        connection.execute("DROP ROLE landlord")


async def test_an_administrator_without_superuser_may_migrate(empty: str) -> None:
    assert await migrate(empty) == [file.name for file in read_migrations()]
    async with await AsyncConnection.connect(empty) as connection:
        rows = await (await connection.execute(
            "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'"
        )).fetchall()  # fmt: skip
    assert rows == [(Role.MIGRATE.value,)]


async def test_two_at_once_apply_each_file_once(empty: str) -> None:
    done = await asyncio.gather(migrate(empty), migrate(empty), migrate(empty))
    assert sorted(name for part in done for name in part) == [file.name for file in read_migrations()]


async def test_a_changed_file_is_refused(database: FreshDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    assert await migrate(database.dsn(), folder) == []
    file = folder / "0002_inventory.sql"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(StorageError, match=r"0002_inventory\.sql was changed"):
        await migrate(database.dsn(), folder)


async def test_a_file_that_fails_leaves_nothing_and_is_named(database: FreshDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "9998_good.sql").write_text("SET LOCAL ROLE khettara_migrate; CREATE TABLE good (n int)")
    (folder / "9999_wrong.sql").write_text("SET LOCAL ROLE khettara_migrate; CREATE TABLE half (n int); SELECT nonsense")
    with pytest.raises(StorageError, match=r"nonsense.*9999_wrong\.sql"):
        await migrate(database.dsn(), folder)
    async with await AsyncConnection.connect(database.dsn()) as connection:
        row = await (await connection.execute("SELECT to_regclass('good') IS NULL, to_regclass('half') IS NULL")).fetchone()
    assert row == (False, True)


async def test_the_owner_can_go_on_migrating(database: FreshDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "9999_later.sql").write_text("CREATE TABLE later (n int)")
    assert await migrate(database.dsn(Role.MIGRATE), folder) == ["9999_later.sql"]
