"""``khettara audit verify``: walks the chain from its first row."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from app.demo.layout import Layout
from app.local import LocalServices
from app.settings import load_settings
from domain.audit import GENESIS, verify_chain
from storage.commands import PostgresCommands
from storage.database import Database
from storage.roles import Role

PAGE = 2000


def run_audit_verify(data: Path | None, config: Path | None, console: Console) -> int:
    """Prints what the chain says; 0 if it is whole, 1 if a row was changed or is missing."""
    with ExitStack() as stack:
        if data is not None:
            services = stack.enter_context(LocalServices(layout=Layout(root=data)))
            services.start_database(None)
            dsn = services.dsn(Role.COMMAND)
        else:
            dsn = load_settings(config).database.of("command")
        rows, wrong = asyncio.run(_verify(dsn))
    if wrong is None:
        console.print(f"[green]✓[/] {rows:,} audit rows, the chain is whole", highlight=False)
        return 0
    console.print(f"[red]✗[/] {wrong}", highlight=False)
    return 1


async def _verify(dsn: str) -> tuple[int, str | None]:
    async with Database(dsn, size=1) as database:
        wrong = await audit_is_whole(database)
        newest = 0
        while rows := await PostgresCommands(database).audit_rows(after=newest, limit=PAGE):
            newest = rows[-1].sequence
        return newest, wrong


async def audit_is_whole(database: Database) -> str | None:
    """None if the chain is whole, else one sentence naming the first row that is wrong."""
    store, previous, last = PostgresCommands(database), GENESIS, 0
    while rows := await store.audit_rows(after=last, limit=PAGE):
        wrong = verify_chain(rows, previous=previous, first=last + 1)
        if wrong is not None:
            return wrong
        previous, last = rows[-1].hash, rows[-1].sequence
    return None
