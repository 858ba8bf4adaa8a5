"""``khettara audit verify`` walks the chain and holds it against its witnesses; ``khettara audit anchor`` makes a witness."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from app.audit_anchors import ANCHORS_NAME, HEAD_NAME, PUBLIC_NAME, Anchoring, read_copies, read_keys
from app.demo.layout import Layout
from app.local import LocalServices
from app.settings import load_settings
from commands.anchors import Anchor, ChainCheck, Evidence
from domain.audit import GENESIS, verify_chain
from domain.clock import WallClock
from domain.ports import Clock
from domain.setpoints import Command
from edge.journal import read_orders
from storage.audit import PostgresAnchors
from storage.commands import PostgresCommands
from storage.database import Database
from storage.roles import Role

PAGE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """Where to look for what others remember."""

    anchors: Sequence[Path] = ()
    """Copies of ``audit-anchors.jsonl``, or of single lines of it."""
    journals: Sequence[Path] = ()
    """Copies of gateways' ``spool.db``."""
    keys: Sequence[Path] = ()
    """Public keys of anchors; without any, the one in the centre's state folder."""


def run_audit_verify(data: Path | None, config: Path | None, console: Console, witnesses: Witnesses | None = None) -> int:
    """Prints what the chain and its witnesses say; 0 if nothing contradicts, 1 if a row was changed or is missing."""
    with _place(data, config) as (dsn, state, _):
        rows, wrong, seen = asyncio.run(_verify(dsn, state, witnesses or Witnesses()))
    if not wrong:
        console.print(f"[green]✓[/] {rows:,} audit rows, the chain is whole; {seen}", highlight=False)
        return 0
    for sentence in wrong[:20]:
        console.print(f"[red]✗[/] {sentence}", highlight=False)
    return 1


def run_audit_anchor(data: Path | None, config: Path | None, console: Console) -> int:
    """Makes an anchor now and prints it, for keeping elsewhere."""
    with _place(data, config) as (dsn, state, clock):
        made = asyncio.run(_anchor(dsn, state, clock))
    if made is None:
        console.print("nothing to anchor: the audit is empty, or has not grown since the last anchor", highlight=False)
    else:
        console.print(made.line(), highlight=False, markup=False)
    return 0


@contextmanager
def _place(data: Path | None, config: Path | None) -> Iterator[tuple[str, Path, Clock]]:
    """(connection string, the centre's state folder, process time)."""
    with ExitStack() as stack:
        if data is not None:
            layout = Layout(root=data)
            services = stack.enter_context(LocalServices(layout=layout))
            services.start_database(None)
            yield services.dsn(Role.COMMAND), layout.centre, WallClock(wall=time.time)
        else:
            settings = load_settings(config)
            yield settings.database.of("command"), settings.centre.state_folder, settings.clock.clock()


async def _anchor(dsn: str, state: Path, clock: Clock) -> Anchor | None:
    async with Database(dsn, size=1) as database:
        anchoring = Anchoring(store=PostgresCommands(database), anchors=PostgresAnchors(database), clock=clock, folder=state)
        return await anchoring.anchor()


async def _verify(dsn: str, state: Path, witnesses: Witnesses) -> tuple[int, list[str], str]:
    orders: list[tuple[str, Command]] = []
    for path in witnesses.journals:
        gateway, commands = read_orders(path)
        orders += [(gateway, command) for command in commands]
    async with Database(dsn, size=1) as database:
        kept = await PostgresAnchors(database).all()
        evidence = Evidence(
            anchors=[Anchor(document=document, signature=signature, key_id=key_id) for document, signature, key_id in kept],
            copies=read_copies(state / HEAD_NAME, state / ANCHORS_NAME, *witnesses.anchors),
            orders=orders,
            keys=read_keys(*(witnesses.keys or (state / PUBLIC_NAME,))),
        )
        rows, wrong = await check_database(database, evidence)
    seen = f"{len(evidence.anchors)} anchors, {len(evidence.copies)} copies and marks, {len(orders)} commands in journals agree"
    return rows, wrong, seen


async def check_database(database: Database, evidence: Evidence) -> tuple[int, list[str]]:
    """How many rows the chain has, and everything that is not right with it."""
    store, check = PostgresCommands(database), ChainCheck(evidence)
    while rows := await store.audit_rows(after=check.rows, limit=PAGE):
        check.page(rows)
    wrong = check.finish()
    wrong += [
        f"command {command_id} was issued, its audit row is gone"
        for command_id in await PostgresAnchors(database).issued_without_audit()
    ]
    return check.rows, wrong


async def audit_is_whole(database: Database) -> str | None:
    """None if the chain is whole in itself, else one sentence naming the first row that is wrong."""
    store, previous, last = PostgresCommands(database), GENESIS, 0
    while rows := await store.audit_rows(after=last, limit=PAGE):
        wrong = verify_chain(rows, previous=previous, first=last + 1)
        if wrong is not None:
            return wrong
        previous, last = rows[-1].hash, rows[-1].sequence
    return None
