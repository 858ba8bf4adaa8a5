"""Each stage of the delivery path alone, by its CPU seconds; the write by wall time, for it waits for PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from app.bench.stand import Stand
from app.bench.traffic import Message, Round, Traffic
from domain.delivery import BlockRows
from domain.errors import KhettaraError
from ingest.aliases import AliasBook
from ingest.channels import ChannelTable
from ingest.intake import Reception
from ingest.settings import IngestSettings
from storage.batch import gather, settle
from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.reading_rows import copy_bytes
from storage.roles import Role
from storage.sequence_set import EMPTY

_AT_ONCE = 52
"""Messages of 100 readings in 128 KiB."""


async def measure_stages(
    stand: Stand, traffic: Traffic, *, messages: int, per_message: int, batch_rows: int, times: int = 3
) -> dict[str, float]:
    """Readings a second of each stage: the best of ``times``.

    encode: arrays → payloads, as gateways do; decode: payload → rows to be written; buffer: rows → COPY bytes, ledger applied;
    write: a transaction through the store, which returns after COMMIT.
    """
    best = dict.fromkeys(("encode", "decode", "buffer", "write"), 0.0)
    async with Database(stand.services.dsn(Role.INGEST), size=1) as database:
        store = PostgresIngestStore(database)
        reception = Reception(IngestSettings(), book=AliasBook(), channels=ChannelTable(await store.channels()))
        for gateway in range(stand.fleet.gateways):
            for topic, payload in stand.fleet.births(gateway, _now_ms()):
                reception.handle(topic, payload, now_ms=_now_ms(), monotonic_s=0.0)
        for _ in range(times):
            started = time.process_time()
            part = traffic.round(messages=messages, per_message=per_message)
            encoded = time.process_time()
            blocks = _blocks(reception, part.messages)
            decoded = time.process_time()
            _buffers(blocks, batch_rows // per_message)
            made = time.process_time()
            wall_s = await _write(store, _elsewhere(blocks), batch_rows // per_message)
            seconds = {"encode": encoded - started, "decode": decoded - encoded, "buffer": made - decoded, "write": wall_s}
            best = {name: max(best[name], _rate(part, taken)) for name, taken in seconds.items()}
    return best


def _blocks(reception: Reception, messages: Sequence[Message]) -> list[BlockRows]:
    """Decoded as many at a time as the ingestor does."""
    found: list[BlockRows] = []
    for at in range(0, len(messages), _AT_ONCE):
        part = [(message.topic, message.payload) for message in messages[at : at + _AT_ONCE]]
        for intake in reception.handle_all(part, now_ms=_now_ms(), monotonic_s=0.0):
            if intake.block is None or intake.block.dead:
                raise KhettaraError(f"a block of the benchmark was not understood: {intake}")
            found.append(intake.block)
    return found


def _buffers(blocks: Sequence[BlockRows], size: int) -> None:
    for at in range(0, len(blocks), size):
        batch = gather(blocks[at : at + size])
        copy_bytes(settle(batch, dict.fromkeys(batch.streams, EMPTY)).rows)


def _elsewhere(blocks: Sequence[BlockRows]) -> list[BlockRows]:
    """The same for points a century of numbers away: the round before and after keep their own rows and ledgers."""
    return [replace(block, point_id=block.point_id + 1_000_000) for block in blocks]


async def _write(store: PostgresIngestStore, blocks: Sequence[BlockRows], size: int) -> float:
    started = time.perf_counter()
    for at in range(0, len(blocks), size):
        await store.write(blocks[at : at + size])
    return time.perf_counter() - started


def _rate(part: Round, seconds: float) -> float:
    return round(part.readings / max(seconds, 1e-9))


def _now_ms() -> int:
    return int(time.time() * 1000)


def run_stages(stand: Stand, traffic: Traffic, *, messages: int, per_message: int, batch_rows: int) -> dict[str, float]:
    """``measure_stages`` from ordinary code."""
    return asyncio.run(measure_stages(stand, traffic, messages=messages, per_message=per_message, batch_rows=batch_rows))
