"""Two figures of a gateway under load: how fast a command becomes a verified write, and what a dead device costs the living."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.bench_edge_site import PRV_MODEL, SETPOINT_M, BenchSite
from commands.signing import signed
from domain.setpoints import Command, Source, Verified
from edge.actuators import ActuatorDriver
from edge.bus import BusActor
from edge.device import DeviceLink, link_device
from edge.device_settings import ActuatorSettings, DeviceSettings
from edge.executor import CommandCounters, Executor
from edge.journal import Journal
from edge.poller import Poller
from edge.waiting import end_tasks

_EDGE, _KEY_ID, _WAIT_S = "bench/gw", "bench-desk", 30.0
_STEP_M = 0.05
"""Every command raises: the number of times a day a valve may be lowered is limited."""
_ACTUATOR = ActuatorSettings(
    key="prv",
    device="prv",
    field="setpoint_m",
    min_m=20.0,
    max_m=60.0,
    safe_m=45.0,
    ramp_up_m=5.0,
    ramp_down_m=5.0,
    min_interval_s=0.0,
    lease_s=3600.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """From the signed command at the gateway to its outcome: signature, journal on disk, write, read back."""

    commands: int
    verified: int
    pollers_on_the_connection: int
    polls_meanwhile: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """Ten TCP devices at 1 s: how long the nine living take to be polled, beside a tenth that is well or dead, in turns."""

    rounds: int
    beside_living_p99_ms: float
    beside_dead_p99_ms: float
    difference_ms: float
    failed: int
    """Polls of the living that failed."""


async def bench_commands(port: int, *, commands: int = 200, pollers: int = 4) -> Commands:
    """One command after another while pollers ask over the same connection without a pause."""
    with TemporaryDirectory() as folder:
        async with BenchSite(Path(folder)) as site:
            bus = BusActor("127.0.0.1", port)
            site.tasks.append(asyncio.create_task(bus.run()))
            busy = [site.poller(site.link(f"d{i}", port, 1.0, bus=bus)) for i in range(pollers)]

            async def go(poller: Poller) -> None:
                while True:
                    await poller.poll()

            tasks = [asyncio.create_task(go(poller)) for poller in busy]
            async with _executor(site, bus, port) as road:
                for number in range(10):  # caches and connections are warm
                    await road.time_one(number)
                before = site.counters.polls
                took = [await road.time_one(number) for number in range(10, 10 + commands)]
                polls = site.counters.polls - before
            await end_tasks(tasks)
    cuts = statistics.quantiles([seconds * 1000 for seconds, _ in took], n=100)
    verified = sum(good for _, good in took)
    return Commands(
        commands=commands,
        verified=verified,
        pollers_on_the_connection=pollers,
        polls_meanwhile=polls,
        p50_ms=cuts[49],
        p99_ms=cuts[98],
    )


class _Road:
    """Signs commands and waits for what becomes of them."""

    def __init__(self, site: BenchSite, executor: Executor, key: Ed25519PrivateKey, done: asyncio.Event) -> None:
        self._site, self._executor, self._key, self._done = site, executor, key, done

    async def time_one(self, number: int) -> tuple[float, bool]:
        """(seconds, verified) of one command."""
        order = signed(_order(number, self._site.clock.now()), self._key)
        began = time.perf_counter()
        self._done.clear()
        self._executor.offer("prv", order)
        async with asyncio.timeout(_WAIT_S):
            await self._done.wait()
        took = time.perf_counter() - began
        outcome = next(o for _, o in await self._executor.results() if o.command_id == f"c{number}")
        self._executor.acknowledge(outcome.command_id)
        return took, isinstance(outcome, Verified)


@contextlib.asynccontextmanager
async def _executor(site: BenchSite, bus: BusActor, port: int) -> AsyncIterator[_Road]:
    settings = DeviceSettings(
        key="prv", model=PRV_MODEL, host="127.0.0.1", port=port, unit_id=2, period_s=60, timeout_s=5.0, actuators=(_ACTUATOR,)
    )
    key, done = Ed25519PrivateKey.generate(), asyncio.Event()
    executor = Executor(
        edge=_EDGE,
        keys={_KEY_ID: key.public_key()},
        drivers={"prv": ActuatorDriver(settings=_ACTUATOR, link=link_device(settings, bus))},
        journal=Journal(site.connection, node="gw"),
        database=site.database,
        clock=site.clock,
        on_result=done.set,
        counters=CommandCounters(),
    )
    task = asyncio.create_task(executor.run())
    try:
        yield _Road(site, executor, key, done)
    finally:
        await end_tasks([task])


def _order(number: int, now: datetime) -> Command:
    return Command(
        command_id=f"c{number}",
        actuator="prv",
        gateway=_EDGE,
        device="prv",
        field="setpoint_m",
        value_m=round(SETPOINT_M + _STEP_M * number, 2),
        previous_m=None,
        source=Source.OPERATOR,
        author="bench",
        issued_at=now,
        expires_at=now + timedelta(seconds=600),
        counter=number + 1,
        owner_token=1,
        lease_s=3600.0,
        key_id=_KEY_ID,
    )


async def bench_isolation(ports: Sequence[int], *, rounds: int = 6, polls: int = 40) -> Isolation:
    """Rounds in turns, so that what else the machine does falls on both."""
    took: dict[bool, list[float]] = {False: [], True: []}
    failed = 0
    with _deaf() as deaf:
        for number in range(rounds):
            dead = bool(number % 2)
            with TemporaryDirectory() as folder:
                async with BenchSite(Path(folder)) as site:
                    links = [site.link(f"d{i}", port, 1.0) for i, port in enumerate(ports[:9])]
                    tenth = site.link("tenth", deaf if dead else ports[9], 1.0, timeout_s=0.5)
                    took[dead] += await _round(site, links, tenth, polls)
                    failed += site.counters.failed if not dead else 0
    p99 = {dead: statistics.quantiles(times, n=100)[98] for dead, times in took.items()}
    return Isolation(
        rounds=rounds,
        beside_living_p99_ms=p99[False],
        beside_dead_p99_ms=p99[True],
        difference_ms=p99[True] - p99[False],
        failed=failed,
    )


async def _round(site: BenchSite, living: Sequence[DeviceLink], tenth: DeviceLink, polls: int) -> list[float]:
    """Milliseconds of each poll of the living."""
    took: list[float] = []
    other = asyncio.create_task(site.poller(tenth).run())

    async def go(link: DeviceLink) -> None:
        poller = site.poller(link)
        await poller.poll()
        for _ in range(polls):
            began = time.perf_counter()
            await poller.poll()
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(go(link) for link in living))
    await end_tasks([other])
    return took


@contextlib.contextmanager
def _deaf() -> Iterator[int]:
    """The port of somebody who takes connections and never answers."""
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        ear.listen(64)
        yield ear.getsockname()[1]
