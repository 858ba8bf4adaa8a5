"""Status, and a backup that is restored: whole, changed, damaged."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.db_backup import BackupError, run_backup, run_restore_check
from app.db_tools import as_lines, run_status, size, status_of
from domain.errors import ConfigurationError
from storage.commands import PostgresCommands
from storage.database import Database
from storage.roles import Role
from tests.support.dead_letters import Town
from tests.support.uplink import NOW_MS, block, series, topic


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to every user: the embedded server may run as another one."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def config(town: Town, folder: Path) -> Path:
    path = folder / "centre.toml"
    path.write_text(f'[site]\nfolder = "."\n[database]\ndsn = "{town.database.dsn()}"\n')
    return path


async def fill(town: Town) -> None:
    """A hundred readings, ten dead ones, three audit rows."""
    await town.take(
        (topic("DDATA", "meter-1"), block(series(100))),
        (topic("DDATA", "meter-2"), block(series(10, first=101, alias=11), first=101)),
    )
    async with Database(town.database.dsn(Role.COMMAND)) as pool:
        for n in range(3):
            await PostgresCommands(pool).audit(
                at=datetime(2026, 3, 1, 12, n, 0, 123_456, tzinfo=UTC), actor="amina", action="test", subject="x", body={"é": n / 3}
            )


async def test_status(town: Town) -> None:
    empty = await status_of(town.database.dsn())
    assert (empty.rows, empty.oldest, empty.streams, empty.dead_letters) == (0, None, 0, {})
    await fill(town)
    status = await status_of(town.database.dsn())
    assert (status.rows, status.rows_exact, status.partitions, status.pending) == (100, True, 1, ())
    assert status.schema >= "0006"
    assert status.oldest == datetime.fromtimestamp((NOW_MS - 10_000_000) / 1000 + 1, UTC)
    assert status.newest == datetime.fromtimestamp((NOW_MS - 10_000_000) / 1000 + 100, UTC)
    assert (status.committed, status.stored, status.repeated, status.dead, status.ledgers_wrong) == (110, 100, 0, 10, 0)
    assert status.dead_letters == {"unknown_device": 1}
    assert 0 < status.readings_bytes < status.size_bytes
    text = "\n".join(as_lines(status))
    assert "100 rows in 1 partitions of 7 days" in text
    assert "= 100 stored + 0 repeated + 10 dead (exact)" in text
    await town.fetch("UPDATE ledger SET dead = 9 RETURNING dead")
    assert "WRONG in 1 of them" in "\n".join(as_lines(await status_of(town.database.dsn())))


async def test_status_of_a_database_that_nobody_migrated(town: Town) -> None:
    status = await status_of(town.database.server.dsn("postgres", "postgres"))
    assert (status.rows, status.schema) == (None, "")
    assert status.pending[0] == "0001_roles.sql"
    assert "not migrated yet" in as_lines(status)[-1]


def test_status_as_json(town: Town, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(fill(town))
    run_status(None, config, as_json=True, console=Console())
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["dead"], found["dead_letters"]) == (100, 10, {"unknown_device": 1})
    assert found["newest"].endswith("+00:00")


def test_sizes() -> None:
    assert [size(n) for n in (0, 999, 1000, 2_345_678, 9e15)] == ["0 B", "999 B", "1.0 kB", "2.3 MB", "9000.0 TB"]


def test_a_backup_is_restored_and_compared(town: Town, config: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(fill(town))
    file = folder / "out" / "khettara.backup"
    run_backup(file, None, config, Console(width=200))
    assert "100 readings" in capsys.readouterr().out
    assert file.stat().st_mode & 0o077 == 0, "it holds password hashes"
    assert [path.name for path in file.parent.iterdir()] == [file.name], "nothing is left beside it"
    with pytest.raises(ConfigurationError, match="does not exist yet"):
        run_backup(file, None, config, Console())
    assert run_restore_check(file, Console(width=200)) == 0
    assert "the ledgers' sums, the audit chain" in capsys.readouterr().out

    changed = rewritten(file, folder / "changed", lambda m: m["contents"]["tables"].update(reading=[101, "7"]))
    assert run_restore_check(changed, Console(width=300)) == 1
    assert "tables: reading is [100," in capsys.readouterr().out

    damaged = rewritten(file, folder / "damaged", lambda m: None, flip=True)
    assert run_restore_check(damaged, Console(width=300)) == 1
    assert "database.dump is damaged" in capsys.readouterr().out


def test_a_broken_audit_chain_is_found(town: Town, config: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(fill(town))
    tamper = "SET session_replication_role = replica; UPDATE audit SET actor = 'mallory' WHERE sequence = 2; COMMIT; SELECT 1"
    asyncio.run(committed(town, tamper))
    file = folder / "khettara.backup"
    run_backup(file, None, config, Console())
    assert run_restore_check(file, Console(width=300)) == 1
    assert "audit: " in capsys.readouterr().out


def test_what_is_no_backup_is_told(folder: Path) -> None:
    file = folder / "x"
    file.write_bytes(b"no tar")
    with pytest.raises(BackupError, match="is no backup of khettara"):
        run_restore_check(file, Console())


async def committed(town: Town, statements: str) -> None:
    from psycopg import AsyncConnection

    async with await AsyncConnection.connect(town.database.dsn()) as admin:
        await admin.execute(statements.encode())


def rewritten(file: Path, target: Path, change: Any, *, flip: bool = False) -> Path:
    """The backup with another manifest, or with a flipped bit in the dump."""
    with tarfile.open(file) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        contents = {name: file.read() for name, file in files.items() if file is not None}
    manifest = json.loads(contents["manifest.json"])
    change(manifest)
    contents["manifest.json"] = json.dumps(manifest).encode()
    if flip:
        dump = bytearray(contents["database.dump"])
        dump[len(dump) // 2] ^= 1
        contents["database.dump"] = bytes(dump)
    with tarfile.open(target, "w") as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target
