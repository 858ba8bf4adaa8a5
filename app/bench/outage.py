"""``khettara bench outage``: the database dies under load and comes back. Who grows meanwhile, and how fast is it made good?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.bench.ingest import used_cpu_s
from app.bench.live import LiveFleet, live_fleet
from app.bench.processes import children, rss_mb
from app.bench.stand import Stand, running_stand
from app.bench.watch import Watch, percentiles

WARM_UP_S = 10.0
_DRAIN_S = 300.0


@dataclass(slots=True, kw_only=True)
class Memory:
    """Resident memory of the ingestor and the broker [MB]."""

    ingest: list[float] = field(default_factory=list)
    broker: list[float] = field(default_factory=list)

    def sample(self, stand: Stand) -> None:
        """Notes what they use now."""
        parent = stand.services.children["ingest"].pid
        self.ingest.append(rss_mb([parent, *children(parent)]))
        self.broker.append(rss_mb([stand.services.broker.pid]))

    def growth(self) -> dict[str, float]:
        """How far each and both together rose above the first sample."""
        both = [a + b for a, b in zip(self.ingest, self.broker, strict=True)]
        return {"ingest_mb": _rise(self.ingest), "broker_mb": _rise(self.broker), "together_mb": _rise(both)}


def bench_outage(*, rate: int, seconds: float, broker: str, workers: int = 1) -> dict[str, Any]:
    """Runs the benchmark and returns its report.

    Args:
        rate: Readings a second, before, during and after.
        seconds: How long the database is dead.
        broker: ``embedded`` or ``mosquitto``.
        workers: Ingestors.
    """
    with running_stand(live_fleet(rate), broker=broker) as stand:
        stand.start_ingest(workers)
        stand.wait_connected(workers)
        return asyncio.run(_measure(stand, rate, seconds)) | {"broker": broker, "workers": workers}


async def _measure(stand: Stand, rate: int, seconds: float) -> dict[str, Any]:
    fleet, memory = LiveFleet(stand, rate=rate), Memory()
    await asyncio.sleep(WARM_UP_S)
    memory.sample(stand)
    await asyncio.to_thread(stand.services.postgres.kill)
    died = time.monotonic()
    while time.monotonic() - died < seconds:
        await asyncio.sleep(0.5)
        memory.sample(stand)
    await asyncio.to_thread(stand.services.postgres.start)
    up_s, up_ms = time.monotonic(), int(time.time() * 1000)
    watch = Watch(stand)
    used = used_cpu_s(stand)
    blocks, backlog = await fleet.unacknowledged(up_ms)
    first_s, drained_s = await _drained(fleet, up_s, up_ms, blocks, memory, stand)
    used = {name: round(after - used[name], 2) for name, after in used_cpu_s(stand).items()}
    during = {key: delay for key, delay in watch.seen.items() if key[1] <= up_ms + drained_s * 1000}
    left = await fleet.finish(timeout_s=60)
    await asyncio.sleep(0.5)
    watch.stop()
    delays = [delay for key, delay in watch.seen.items() if key in during or key[1] <= up_ms + drained_s * 1000]
    return {
        "memory_growth": memory.growth(),
        "backlog_readings": backlog,
        "first_commit_after_s": round(first_s, 2),
        "drained_after_s": round(drained_s, 2),
        "drain_times_incoming": round(backlog / max(drained_s, 1e-3) / rate, 1),
        "drain_times_incoming_from_first_commit": round(backlog / max(drained_s - first_s, 1e-3) / rate, 1),
        "cpu_s_while_draining": used,
        "live_delay_while_draining": percentiles(delays),
        "rate_readings_s": rate,
        "dead_s": seconds,
        "blocks_without_receipt": left,
        "stored_as_read": await asyncio.to_thread(_stored, stand, fleet.read()),
    }


async def _drained(fleet: LiveFleet, up_s: float, up_ms: int, blocks: int, memory: Memory, stand: Stand) -> tuple[float, float]:
    """How long until the first receipt and until the last one for what was read before the database was up [s]."""
    first_s = 0.0
    while (left := (await fleet.unacknowledged(up_ms))[0]) and time.monotonic() - up_s < _DRAIN_S:
        if not first_s and left < blocks:
            first_s = time.monotonic() - up_s
        memory.sample(stand)
        await asyncio.sleep(0.05)
    return first_s, time.monotonic() - up_s


def _stored(stand: Stand, read: Iterable[object]) -> bool:
    """Whether the database holds exactly as many readings as were made."""
    with stand.connect() as connection:
        row = connection.execute("SELECT count(*) FROM reading").fetchone()
    return row is not None and int(row[0]) == len(list(read)) * stand.fleet.metrics


def _rise(samples: list[float]) -> float:
    return round(max(samples) - samples[0], 1)
