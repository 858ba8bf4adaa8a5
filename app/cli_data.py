"""``khettara db …`` and ``khettara deadletters …``: the database and what could not become a reading."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

db = typer.Typer(no_args_is_help=True, help="The database.")
deadletters = typer.Typer(no_args_is_help=True, help="What could not become a reading.")

SettingsFile = Annotated[Path | None, typer.Option("--config", help="The centre's TOML file; else KHETTARA_… variables.")]
DataFolder = Annotated[Path | None, typer.Option("--data", help="Data folder of a demo or replay that is not running.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
LetterReason = Annotated[str | None, typer.Option("--reason", help="Only this reason, such as unknown_device.")]
LetterEdge = Annotated[str | None, typer.Option("--edge", help="Only this gateway, as group/node.")]
LetterSince = Annotated[str | None, typer.Option("--since", help="Only what was received since; UTC unless it says otherwise.")]


@db.command("migrate")
def db_migrate(config: SettingsFile = None) -> None:
    """Brings the schema to the newest version and the site's inventory into the database."""
    from app.database import migrate_and_load
    from app.settings import load_settings

    for line in asyncio.run(migrate_and_load(load_settings(config))):
        typer.echo(line)


@db.command("status")
def db_status(data: DataFolder = None, config: SettingsFile = None, as_json: AsJson = False) -> None:
    """Schema, rows, sizes on disk, rollups and their lag, retention, the ledgers' sums and open dead letters."""
    from app.db_tools import run_status

    run_status(data.resolve() if data else None, config, as_json=as_json, console=Console(soft_wrap=True))


@db.command("refresh")
def db_refresh(data: DataFolder = None, config: SettingsFile = None, as_json: AsJson = False) -> None:
    """Writes the rollups of 15 minutes, hours and days that are behind; the running centre does it by itself."""
    from app.database_life import run_refresh

    run_refresh(data.resolve() if data else None, config, as_json=as_json, console=Console(soft_wrap=True))


@db.command("retain")
def db_retain(
    data: DataFolder = None,
    config: SettingsFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    as_json: AsJson = False,
) -> None:
    """Drops values older than they are kept; readings never before their rollups are written."""
    from app.database_life import run_retain

    run_retain(data.resolve() if data else None, config, dry_run=dry_run, as_json=as_json, console=Console(soft_wrap=True))


@db.command("backup")
def db_backup(
    file: Annotated[Path, typer.Argument(help="A new file.", dir_okay=False)], data: DataFolder = None, config: SettingsFile = None
) -> None:
    """Dumps the database into one file, with counts and checksums of what it held at that moment."""
    from app.db_backup import run_backup

    run_backup(file.resolve(), data.resolve() if data else None, config, Console(soft_wrap=True))


@db.command("restore-check")
def db_restore_check(file: Annotated[Path, typer.Argument(help="A backup.", exists=True, dir_okay=False)]) -> None:
    """Restores a backup into a fresh embedded database and compares; exit 1 if anything differs."""
    from app.db_backup import run_restore_check

    raise typer.Exit(run_restore_check(file.resolve(), Console(soft_wrap=True)))


@deadletters.command("list")
def deadletters_list(
    data: DataFolder = None,
    config: SettingsFile = None,
    reason: LetterReason = None,
    edge: LetterEdge = None,
    since: LetterSince = None,
    as_json: AsJson = False,
) -> None:
    """Open dead letters by reason and gateway: how many, since when, and a sample."""
    from app.deadletters import letter_filter, run_list

    run_list(data.resolve() if data else None, config, letter_filter(reason, edge, since), as_json=as_json, console=Console())


@deadletters.command("replay")
def deadletters_replay(
    data: DataFolder = None,
    config: SettingsFile = None,
    reason: LetterReason = None,
    edge: LetterEdge = None,
    since: LetterSince = None,
    as_json: AsJson = False,
) -> None:
    """Tries kept messages again after a repair, such as a device that is in the inventory now; never twice."""
    from app.deadletters import letter_filter, run_replay

    run_replay(data.resolve() if data else None, config, letter_filter(reason, edge, since), as_json=as_json, console=Console())
