"""``khettara bench ingest``: how much of PostgreSQL's own COPY rate is left to readings by MQTT, exactly once, with a receipt.

In one run on one database, round by round: raw COPY of the rows, the same rows end to end, single-reading messages. What counts
is the ratio within a round: machines differ, and the load of one changes from minute to minute.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.bench.gateways import Gateways
from app.bench.processes import cpu_s, family_cpu_s
from app.bench.raw import Timing, check_same, prepare, raw_copy, rows_of
from app.bench.stages import run_stages
from app.bench.stand import Stand, running_stand
from app.bench.traffic import PERIOD_MS, Fleet, Round, Traffic
from ingest.settings import BatchSettings

PER_MESSAGE = 100
ROUNDS = 5
_WINDOW_READINGS = 12_800
"""Readings each gateway may have on their way: 128 blocks of 100."""
_MOST_FLYING = 200
"""Messages each gateway may have on their way for each worker: eight of them stay below its queue."""
_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One round end to end."""

    readings: int
    messages: int
    wall_s: float
    ingest_cpu_s: float
    database_cpu_s: float
    broker_cpu_s: float
    generator_cpu_s: float
    resent: int


@dataclass(slots=True, kw_only=True)
class Rounds:
    """Everything measured."""

    raw: list[Timing] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    single: list[Delivered] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    counters: list[dict[str, Any]] = field(default_factory=list)
    checked_rows: int = 0


def bench_ingest(*, readings: int, broker: str, workers: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """Runs the benchmark and returns its report.

    Args:
        readings: Of all rounds together, each written raw and delivered end to end.
        broker: ``embedded`` or ``mosquitto``.
        workers: Ingestors.
        rounds: How often raw and end to end take turns.
    """
    fleet, batch = Fleet(), BatchSettings().rows
    messages = max(fleet.gateways, readings // rounds // PER_MESSAGE)
    singles = max(fleet.gateways, 2 * messages)  # so many that a round lasts as long as the others: a short one is all latency
    start_ms = int(time.time() * 1000) // PERIOD_MS * PERIOD_MS - 30 * 86_400_000
    found = Rounds()
    with running_stand(fleet, broker=broker) as stand:
        prepare(stand, start_ms - 86_400_000, start_ms + 29 * 86_400_000)
        traffic = Traffic(fleet, start_ms=start_ms)
        stand.start_ingest(workers)
        stand.wait_connected(workers)
        asyncio.run(
            _rounds(stand, traffic, found, workers=workers, rounds=rounds + 1, messages=messages, singles=singles, batch=batch)
        )
        found.counters = stand.stop_ingest()
        found.checked_rows = check_same(stand)
        found.stages = run_stages(stand, traffic, messages=messages, per_message=PER_MESSAGE, batch_rows=batch)
    return report(found, broker=broker, workers=workers)


async def _rounds(
    stand: Stand, traffic: Traffic, found: Rounds, *, workers: int, rounds: int, messages: int, singles: int, batch: int
) -> None:
    """The first round only warms up: caches, bindings, prepared statements."""
    gateways = await connected(stand)
    for number in range(rounds):
        part = traffic.round(messages=messages, per_message=PER_MESSAGE)
        single = traffic.round(messages=singles, per_message=1)
        if number % 2:  # by turns, so that neither always meets the checkpoint of the other
            raw = _raw(stand, part, batch)
            whole = await deliver(stand, gateways, part, workers=workers)
        else:
            whole = await deliver(stand, gateways, part, workers=workers)
            raw = _raw(stand, part, batch)
        one = await deliver(stand, gateways, single, workers=workers)
        _raw(stand, single, batch)
        if number:
            found.raw.append(raw)
            found.delivered.append(whole)
            found.single.append(one)
    gateways.close()


def _raw(stand: Stand, part: Round, batch: int) -> Timing:
    return raw_copy(stand, rows_of(part, stand.point_ids), batch=batch)


async def connected(stand: Stand) -> Gateways:
    """The fleet, connected and born."""
    broker = stand.services.broker
    gateways = Gateways(stand.fleet)
    await gateways.connect(broker.host, broker.port, username=broker.username, password=broker.password_file.read_text())
    return gateways


async def deliver(stand: Stand, gateways: Gateways, part: Round, *, workers: int = 1) -> Delivered:
    """One round from the first packet to the last receipt."""
    gateways.window = min(_MOST_FLYING * workers, _WINDOW_READINGS * len(part.messages) // part.readings)
    resent, before, started = gateways.resent, used_cpu_s(stand), time.perf_counter()
    gateways.offer(part.messages)
    await gateways.settle(timeout_s=_TIMEOUT_S)
    wall_s, after = time.perf_counter() - started, used_cpu_s(stand)
    used = {name: after[name] - before[name] for name in after}
    return Delivered(
        readings=part.readings, messages=len(part.messages), wall_s=wall_s, resent=gateways.resent - resent,
        ingest_cpu_s=used["ingest"], database_cpu_s=used["database"], broker_cpu_s=used["broker"],
        generator_cpu_s=used["generator"],
    )  # fmt: skip


def used_cpu_s(stand: Stand) -> dict[str, float]:
    """CPU seconds of the parts so far; the generator is this process."""
    services = stand.services
    ingest = services.children["ingest"].pid
    postmaster = services.postgres.pid
    return {
        "ingest": family_cpu_s(ingest),
        "database": family_cpu_s(postmaster),
        "broker": cpu_s(services.broker.pid),
        "generator": time.process_time(),
    }


# --- the report ---------------------------------------------------------------------------------------------------


def report(found: Rounds, *, broker: str, workers: int) -> dict[str, Any]:
    """The figures as JSON holds them: medians over the rounds, rates a second of wall time."""
    ratios = [(d.readings / d.wall_s) / (r.rows / r.wall_s) for d, r in zip(found.delivered, found.raw, strict=True)]
    batches = sum(c["batches"] for c in found.counters)
    stored = sum(c["stored"] for c in found.counters)
    return {
        "end_to_end_rows_s": round(_median([d.readings / d.wall_s for d in found.delivered])),
        "raw_copy_rows_s": round(_median([r.rows / r.wall_s for r in found.raw])),
        "ratio": round(_median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "single_reading_msgs_s": round(_median([d.messages / d.wall_s for d in found.single])),
        "stages": found.stages,
        "cpu_s_per_million_readings": _per_million(found.delivered)
        | {"raw_copy_database": round(sum(r.cpu_s for r in found.raw) / sum(r.rows for r in found.raw) * 1e6, 2)},
        "cpu_s_per_million_single_readings": _per_million(found.single),
        "broker": broker,
        "workers": workers,
        "rounds": len(ratios),
        "readings_per_round": found.delivered[0].readings,
        "readings_per_transaction": round(stored / batches) if batches else 0,
        "blocks_resent": sum(d.resent for d in (*found.delivered, *found.single)),
        "rows_checked": found.checked_rows,
    }


def _per_million(rounds: Sequence[Delivered]) -> dict[str, float]:
    readings = sum(d.readings for d in rounds)
    names = ("ingest", "database", "broker", "generator")
    return {name: round(sum(getattr(d, f"{name}_cpu_s") for d in rounds) / readings * 1e6, 2) for name in names}


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def describe(figures: Mapping[str, Any]) -> list[str]:
    """The report in words."""
    stages = ", ".join(f"{name} {rate:,.0f}" for name, rate in figures["stages"].items())
    how = f"{PER_MESSAGE} a message, {figures['workers']} worker(s), broker {figures['broker']}"
    return [
        f"end to end   {figures['end_to_end_rows_s']:>10,} readings/s   (MQTT → COMMIT → receipt, {how})",
        f"raw COPY     {figures['raw_copy_rows_s']:>10,} rows/s       (the same rows, same table, same batches)",
        f"ratio        {figures['ratio']:>10.2f}              rounds: " + " ".join(f"{r:.2f}" for r in figures["ratios"]),
        f"workers      {figures['workers']:>10}              broker: {figures['broker']}",
        f"single       {figures['single_reading_msgs_s']:>10,} messages/s   (one reading a message)",
        f"stages alone, readings/s: {stages}",
        f"CPU seconds a million readings: {figures['cpu_s_per_million_readings']}",
        f"CPU seconds a million single-reading messages: {figures['cpu_s_per_million_single_readings']}",
        f"{figures['rows_checked']:,} rows arrived exactly as sent; {figures['blocks_resent']} blocks were sent twice",
    ]
