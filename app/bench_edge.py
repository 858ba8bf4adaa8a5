"""``khettara bench edge``: what one core of a gateway carries, against Modbus servers in a process of their own.

*Throughput*: 50 connections ask for 10 registers (five floats) as fast as they can, each answer is decoded and its readings go
through the collector into the spool on disk. *Schedule*: 400 devices at 1 s, each on time or not. *Memory*: a gateway as it runs at
a site (``app.bench_edge_memory``). *Commands* and *isolation*: see ``app.bench_edge_control``. CPU is this process's own, so a busy
machine slows the wall clock and not the figure per core.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from app.bench_edge_control import bench_commands, bench_isolation
from app.bench_edge_memory import bench_memory
from app.bench_edge_site import BenchSite, servers
from edge.device import DeviceLink
from edge.scheduler import next_due, phase_of
from edge.waiting import end_tasks, sleep_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Polls as fast as they go."""

    connections: int
    seconds: float
    polls: int
    readings_spooled: int
    polls_per_s: float
    polls_per_cpu_s: float
    """Per second of CPU of this process, its database thread included: what a core of its own would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Polls at their time. The error is from when a poll was due to when it was asked for."""

    devices: int
    period_s: float
    seconds: float
    polls: int
    failed: int
    skipped: int
    error_p50_ms: float
    error_p99_ms: float
    cpu_share: float


def run_bench(*, seconds: float, connections: int, devices: int, out: Path | None) -> str:
    """Runs all and returns them as text; writes JSON to ``out``."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with servers(min(devices, 400)) as ports:
        memory = bench_memory(ports, devices=devices, seconds=seconds)
        schedule = asyncio.run(_schedule([ports[i % len(ports)] for i in range(devices)], min(seconds, 60.0)))
    with servers(connections) as ports:
        throughput = asyncio.run(_throughput(ports, min(seconds, 60.0)))
    with servers(10) as ports:
        commands = asyncio.run(bench_commands(ports[0]))
        isolation = asyncio.run(bench_isolation(ports))
    found = {
        "throughput": asdict(throughput),
        "schedule": asdict(schedule),
        "memory": asdict(memory),
        "commands": asdict(commands),
        "isolation": asdict(isolation),
    }
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return "\n".join(
        f"{part}.{key}: {value if isinstance(value, tuple) else f'{value:,.2f}'}"
        for part, rows in found.items()
        for key, value in rows.items()
    )


async def _throughput(ports: list[int], seconds: float) -> Throughput:
    polls = 0

    async def go(link: DeviceLink, site: BenchSite, until: float) -> None:
        nonlocal polls
        poller = site.poller(link)
        while time.monotonic() < until:
            await poller.poll()
            polls += 1

    with TemporaryDirectory() as folder:
        async with BenchSite(Path(folder)) as site:
            links = [site.link(f"d{i}", port, 1.0) for i, port in enumerate(ports)]
            await asyncio.gather(*(go(link, site, time.monotonic() + 0.5) for link in links))  # connections and caches are warm
            polls, began, cpu = 0, time.monotonic(), time.process_time()
            await asyncio.gather(*(go(link, site, began + seconds) for link in links))
            await site.collector.flush()
            took, used = time.monotonic() - began, time.process_time() - cpu
            spooled = site.spool.stats().spooled
    return Throughput(
        connections=len(ports),
        seconds=took,
        polls=polls,
        readings_spooled=spooled,
        polls_per_s=polls / took,
        polls_per_cpu_s=polls / used,
    )


async def _schedule(ports: list[int], seconds: float, period_s: float = 1.0) -> Schedule:
    errors: list[float] = []

    async def go(link: DeviceLink, site: BenchSite) -> None:
        poller, phase = site.poller(link), phase_of(link.key, period_s)
        due = next_due(site.clock.now(), period_s, phase)
        while True:
            await sleep_until(site.clock, due)
            errors.append((site.clock.now() - due).total_seconds() * 1000)
            await poller.poll()
            due = next_due(max(site.clock.now(), due), period_s, phase)

    with TemporaryDirectory() as folder:
        async with BenchSite(Path(folder)) as site:
            tasks = [asyncio.create_task(go(site.link(f"d{i}", port, period_s), site)) for i, port in enumerate(ports)]
            await asyncio.sleep(2 * period_s)  # everybody has connected
            errors.clear()
            began, cpu, polls = time.monotonic(), time.process_time(), site.counters.polls
            await asyncio.sleep(seconds)
            took, used = time.monotonic() - began, time.process_time() - cpu
            await end_tasks(tasks)
            polls = site.counters.polls - polls
            failed = site.counters.failed
    cuts = statistics.quantiles(errors, n=100) if len(errors) > 1 else [0.0] * 99
    return Schedule(
        devices=len(ports),
        period_s=period_s,
        seconds=took,
        polls=polls,
        failed=failed,
        skipped=max(0, round(len(ports) * took / period_s) - polls),
        error_p50_ms=cuts[49],
        error_p99_ms=cuts[98],
        cpu_share=used / took,
    )
