"""``khettara deadletters``: what could not become a reading, and bringing it back after a repair."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.demo.layout import Layout
from app.local import LocalServices
from app.settings import load_settings, parse
from domain.errors import ConfigurationError, StorageError
from ingest.aliases import AliasBook
from ingest.channels import ChannelTable
from ingest.intake import Reception
from ingest.replay import Message, StillDead, look_again
from ingest.settings import IngestSettings
from storage.database import Database
from storage.dead_letters import KeptMessage, LetterFilter, LetterSummary, PostgresDeadLetters
from storage.ingest import PostgresIngestStore
from storage.roles import Role


@dataclass(slots=True, kw_only=True)
class ReplayReport:
    """What a replay did."""

    messages: int = 0
    """Messages looked at."""
    replayed: int = 0
    """Letters that are open no more."""
    stored: int = 0
    """Readings newly in the table."""
    repeated: int = 0
    """Readings that were in the table already, the same."""
    dead_again: Counter[str] = field(default_factory=Counter)
    """Letters that replayed messages leave, by reason."""
    still_dead: Counter[str] = field(default_factory=Counter)
    """Letters that nothing has changed for, by reason."""
    cannot: Counter[str] = field(default_factory=Counter)
    """Letters that cannot be replayed, by why."""
    details: dict[str, str] = field(default_factory=dict)
    """One sample for each reason of ``still_dead``."""


def run_list(data: Path | None, config: Path | None, which: LetterFilter, *, as_json: bool, console: Console) -> None:
    """Prints the open letters by reason and gateway."""
    with _ingest_database(data, config) as (dsn, _):
        summary = asyncio.run(_list(dsn, which))
    if as_json:
        print(json.dumps([_plain(asdict(row)) for row in summary], indent=2, ensure_ascii=False))
    else:
        console.print(_table(summary) if summary else "no open dead letters", highlight=False)


def run_replay(data: Path | None, config: Path | None, which: LetterFilter, *, as_json: bool, console: Console) -> None:
    """Puts kept messages through the ingestor's eyes again, and prints what became of them."""
    with _ingest_database(data, config) as (dsn, settings):
        report = asyncio.run(_replay(dsn, settings, which))
    if as_json:
        print(json.dumps(_plain(asdict(report)), indent=2, ensure_ascii=False))
    else:
        for line in as_lines(report):
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def letter_filter(reason: str | None, edge: str | None, since: str | None) -> LetterFilter:
    """The filter of a command line.

    Raises:
        ConfigurationError: ``since`` is no moment.
    """
    moment = None
    if since is not None:
        try:
            moment = datetime.fromisoformat(since)
        except ValueError:
            raise ConfigurationError(
                file="command line", key="--since", value=since, expected="a moment such as 2026-03-01T12:00:00+01:00"
            ) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return LetterFilter(reason=reason, edge=edge, since=moment)


async def replay(database: Database, settings: IngestSettings, which: LetterFilter) -> ReplayReport:
    """Brings back what can be, each message in a transaction of its own; run twice, the second finds nothing to do."""
    store, letters = PostgresIngestStore(database), PostgresDeadLetters(database)
    channels = ChannelTable(await store.channels())
    book = AliasBook(await store.bindings())
    report = ReplayReport()
    for kept in await letters.messages(which):
        report.messages += 1
        # One message must not colour the next: what it teaches (a gateway seen) stays in a reception of its own.
        reception = Reception(settings, book=book, channels=channels, patient=False)
        await _replay_one(reception, store, letters, kept, report)
    return report


async def _replay_one(
    reception: Reception, store: PostgresIngestStore, letters: PostgresDeadLetters, kept: KeptMessage, report: ReplayReport
) -> None:
    if kept.message is None:
        report.cannot["no message is kept with it"] += len(kept.ids)
        return
    found = await letters.bytes_of(kept.message)
    if not found.whole:
        report.cannot["the message was cut to 64 KiB"] += len(kept.ids)
        return
    message = Message(
        topic=found.topic,
        payload=found.payload,
        received_ms=found.received_ms,
        stream=kept.stream,
        ranges=kept.ranges,
        reasons=kept.reasons,
        details=kept.details,
    )
    block = look_again(reception, message)
    if isinstance(block, StillDead):
        report.still_dead[block.reason] += len(kept.ids)
        report.details.setdefault(block.reason, block.detail)
        return
    try:
        result = await store.replay(kept.ids, block)
    except StorageError as error:
        if error.retryable:
            raise
        report.still_dead["sql_rejected"] += len(kept.ids)
        report.details.setdefault("sql_rejected", str(error))
        return
    if result is None:
        report.cannot["somebody else has replayed it meanwhile"] += len(kept.ids)
        return
    report.replayed += len(kept.ids)
    report.stored += result.stored
    report.repeated += result.repeated
    report.dead_again.update(result.dead)


def as_lines(report: ReplayReport) -> list[str]:
    """The report for people."""
    seen = f"{report.messages:,} messages looked at, {report.replayed:,} letters replayed"
    lines = [f"{seen}: {report.stored:,} readings stored, {report.repeated:,} were there already"]
    lines += [f"  left again   {reason}: {count:,} letters" for reason, count in report.dead_again.items()]
    lines += [
        f"  still dead   {reason}: {count:,} letters; {report.details[reason]}" for reason, count in report.still_dead.items()
    ]
    lines += [f"  cannot       {count:,} letters: {why}" for why, count in report.cannot.items()]
    return lines


async def _list(dsn: str, which: LetterFilter) -> tuple[LetterSummary, ...]:
    async with Database(dsn, size=1) as database:
        return await PostgresDeadLetters(database).summary(which)


async def _replay(dsn: str, settings: IngestSettings, which: LetterFilter) -> ReplayReport:
    async with Database(dsn, size=2) as database:
        return await replay(database, settings, which)


@contextmanager
def _ingest_database(data: Path | None, config: Path | None) -> Iterator[tuple[str, IngestSettings]]:
    """Connection string of the ingestor's role and its settings, from a data folder or a settings file."""
    if data is None:
        settings = load_settings(config)
        yield settings.database.of("ingest"), parse(IngestSettings, settings.ingest, str(config or "environment"))
        return
    if not (data / "postgres").is_dir():
        raise ConfigurationError(file=str(data), key="--data", value="no database there", expected="the folder of a demo or replay")
    file = config or data / "ingest.toml"
    section = tomllib.loads(file.read_text()).get("ingest", {}) if file.exists() else {}
    with LocalServices(layout=Layout(root=data)) as services:
        services.start_database(None)
        yield services.dsn(Role.INGEST), parse(IngestSettings, section, str(file))


def _table(summary: tuple[LetterSummary, ...]) -> Table:
    table = Table("reason", "edge", "letters", "readings", "kept", "first", "last", "newest detail")
    for row in summary:
        first, last = (moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") for moment in (row.first_at, row.last_at))
        table.add_row(row.reason, row.edge, f"{row.letters:,}", f"{row.readings:,}", f"{row.kept:,}", first, last, row.detail)
    return table


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.astimezone(UTC).isoformat() if isinstance(v, datetime) else v for k, v in document.items()}
