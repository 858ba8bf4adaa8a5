"""``khettara bench freshness``: how long from reading a device until the database answers with it."""

from __future__ import annotations

import asyncio
from typing import Any

from app.bench.live import LiveFleet, live_fleet
from app.bench.stand import Stand, running_stand
from app.bench.watch import Watch, percentiles

WARM_UP_S = 5.0


def bench_freshness(*, rate: int, seconds: float, broker: str, workers: int = 1) -> dict[str, Any]:
    """Runs the benchmark and returns its report.

    Args:
        rate: Readings a second.
        seconds: How long is measured, after a warm-up.
        broker: ``embedded`` or ``mosquitto``.
        workers: Ingestors.
    """
    with running_stand(live_fleet(rate), broker=broker) as stand:
        stand.start_ingest(workers)
        stand.wait_connected(workers)
        return asyncio.run(_measure(stand, rate, seconds)) | {"broker": broker, "workers": workers}


async def _measure(stand: Stand, rate: int, seconds: float) -> dict[str, Any]:
    fleet = LiveFleet(stand, rate=rate)
    await asyncio.sleep(WARM_UP_S)
    watch = Watch(stand)
    await asyncio.sleep(seconds)
    left = await fleet.finish(timeout_s=60)
    await asyncio.sleep(0.5)
    watch.stop()
    begun = min(at for _, at in watch.seen) if watch.seen else 0
    read = [key for key in fleet.read() if key[1] >= begun]
    return {
        **percentiles(list(watch.seen.values())),
        "rate_readings_s": rate,
        "seconds": seconds,
        "blocks_watched": len(watch.seen),
        "blocks_read": len(read),
        "blocks_without_receipt": left,
    }
