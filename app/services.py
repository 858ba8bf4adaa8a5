"""Wiring of the ingestor: database, broker and clock behind its ports."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.logs import configure_logs
from app.settings import Settings, parse
from app.workers import run_workers
from ingest.service import IngestService
from ingest.settings import BrokerSettings, IngestSettings
from storage.database import Database
from storage.ingest import PostgresIngestStore


async def run_ingest(settings: Settings, stop: asyncio.Event) -> None:
    """Runs one ingestor until ``stop``; several may run beside one another."""
    configure_logs("ingest")
    ingest = ingest_settings(settings)
    # A try costs nothing that is not done again: no sign of life is asked for, and a database that comes back is found at once.
    size = ingest.batch.lanes + 2
    async with Database(settings.database.of("ingest"), size=size, wait_s=2.0, reconnect_s=1.0, check=False) as database:
        service = IngestService(PostgresIngestStore(database), ingest, settings.clock.clock())
        await service.run(stop)


async def run_ingest_workers(settings: Settings, config: Path | None, workers: int, stop: asyncio.Event) -> None:
    """Runs so many ingestors as processes of their own until ``stop``; one that falls is started again.

    Args:
        settings: Checked here once, so that a mistake in them is told before anything starts.
        config: Where they came from; None where they come from the environment, which the workers inherit.
        workers: How many.
    """
    configure_logs("ingest-workers")
    ingest_settings(settings)
    argv = [sys.executable, "-m", "app", "ingest", "run", *(["--config", str(config)] if config else [])]
    await run_workers(argv, workers, stop)


def ingest_settings(settings: Settings) -> IngestSettings:
    """The ingestor's own settings out of the centre's.

    Raises:
        ConfigurationError: An unknown key or an impossible value.
    """
    broker = BrokerSettings(
        host=settings.broker.host,
        port=settings.broker.port,
        username=settings.broker.username,
        password=settings.broker.password,
        ca_file=settings.broker.ca_file,
        certificate_file=settings.broker.certificate_file,
        key_file=settings.broker.key_file,
    )
    return parse(IngestSettings, settings.ingest | {"broker": broker, "host_id": settings.host_id}, "the settings' [ingest]")
