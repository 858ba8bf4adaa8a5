"""Wiring of the ingestor: database, broker and clock behind its ports."""

from __future__ import annotations

import asyncio

from app.logs import configure_logs
from app.settings import Settings, parse
from ingest.service import IngestService
from ingest.settings import BrokerSettings, IngestSettings
from storage.database import Database
from storage.ingest import PostgresIngestStore


async def run_ingest(settings: Settings, stop: asyncio.Event) -> None:
    """Runs one ingestor until ``stop``; several may run beside one another."""
    configure_logs("ingest")
    broker = BrokerSettings(
        host=settings.broker.host,
        port=settings.broker.port,
        username=settings.broker.username,
        password=settings.broker.password,
        ca_file=settings.broker.ca_file,
        certificate_file=settings.broker.certificate_file,
        key_file=settings.broker.key_file,
    )
    ingest = parse(IngestSettings, settings.ingest | {"broker": broker, "host_id": settings.host_id}, "the settings' [ingest]")
    async with Database(settings.database.of("ingest"), size=3) as database:
        service = IngestService(PostgresIngestStore(database), ingest, settings.clock.clock())
        await service.run(stop)
