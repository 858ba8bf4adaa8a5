"""``khettara bench dlms``: how fast meters are read, beside two independent clients against the same meters.

*Profile*: 96 rows of 8 columns over the wrapper, association by password, against our simulated meter: from the request to rows.
*GETs*: one connection, one register, against a peer that answers as fast as a process can. Both meters are in another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.bench_dlms_meters import LOAD, PASSWORD, READER, WATER, FastPeer, bench_meter
from protocols.dlms.acse import Mechanism
from protocols.dlms.association import Association
from protocols.dlms.client import DlmsClient
from protocols.dlms.get import Attribute
from protocols.dlms.listener import MeterListener
from protocols.dlms.profile import read_layout, read_profile
from protocols.dlms.wrapper import Wrapper

PROFILE_LIMIT_MS, GETS_LEAST_PER_S = 25.0, 3_000.0
_ROUNDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one run found."""

    profile_ms: float
    """Median time for 96 rows of 8 columns."""
    profile_worst_ms: float
    gets_per_s: float
    gets_per_cpu_s: float
    """Per second of CPU of this process."""
    gets_from_our_meter_per_s: float
    peers: dict[str, dict[str, float]]
    """The same by independent clients; empty where they are not installed."""

    @property
    def holds(self) -> bool:
        """Whether both limits are kept."""
        return self.profile_ms <= PROFILE_LIMIT_MS and self.gets_per_s >= GETS_LEAST_PER_S


def bench_dlms(*, seconds: float, peer_python: Path | None, peer_script: Path) -> Figures:
    """Measures, our client first and the peers after it, against the same two processes' worth of meters."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    try:
        meter_port, fast_port = ours.recv()
        profile = asyncio.run(_profile_ms(meter_port))
        gets, per_cpu = asyncio.run(_gets_per_s(fast_port, seconds))
        from_meter, _ = asyncio.run(_gets_per_s(meter_port, seconds))
        peers = _peers(peer_python, peer_script, meter_port, fast_port, seconds)
    finally:
        ours.close()
        server.join(10)
    return Figures(
        profile_ms=round(statistics.median(profile), 1),
        profile_worst_ms=round(max(profile), 1),
        gets_per_s=round(gets),
        gets_per_cpu_s=round(per_cpu),
        gets_from_our_meter_per_s=round(from_meter),
        peers=peers,
    )


def describe(figures: Figures) -> list[str]:
    """The figures in lines."""
    lines = [
        (
            f"96 rows x 8 columns, by password    {figures.profile_ms:.1f} ms median, {figures.profile_worst_ms:.1f} ms worst"
            f" (limit {PROFILE_LIMIT_MS:g} ms)"
        ),
        (
            f"GETs on one connection              {figures.gets_per_s:,.0f}/s, {figures.gets_per_cpu_s:,.0f} per CPU second"
            f" (at least {GETS_LEAST_PER_S:,.0f}/s); from our own simulated meter {figures.gets_from_our_meter_per_s:,.0f}/s"
        ),
    ]
    for name, found in figures.peers.items():
        lines.append(f"  the same by {name:<22}  {found['profile_ms']:.1f} ms, {found['gets_per_s']:,.0f}/s")
    if not figures.peers:
        lines.append("  no peers here: --peer-python names an interpreter that has pydlms-client and gurux-dlms")
    return lines


def run_bench_dlms(*, seconds: float, peer_python: Path | None, peer_script: Path, as_json: bool) -> tuple[str, bool]:
    """The text to print, and whether the limits hold."""
    found = bench_dlms(seconds=seconds, peer_python=peer_python or _installed(), peer_script=peer_script)
    return (json.dumps(asdict(found)) if as_json else "\n".join(describe(found))), found.holds


def _installed() -> Path | None:
    """The interpreter that the tests have made for the peers, if they have run here."""
    return next(iter(sorted(Path(".cache").glob("dlms-peers-*/bin/python"))), None)


def _peers(python: Path | None, script: Path, meter: int, fast: int, seconds: float) -> dict[str, Any]:
    if python is None or not script.is_file():
        return {}
    options = json.dumps({"meter": meter, "fast": fast, "password": PASSWORD.decode(), "seconds": seconds})
    ran = subprocess.run([str(python), str(script), options], capture_output=True, text=True, check=False, timeout=60 + 8 * seconds)
    if ran.returncode:
        print(ran.stderr[-1000:], file=sys.stderr)
        return {}
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def _client(port: int, sap: int, association: Association) -> DlmsClient:
    return DlmsClient("127.0.0.1", port, framing=partial(Wrapper, local=sap, remote=1), association=association, timeout_s=20.0)


async def _profile_ms(port: int) -> list[float]:
    times = []
    async with _client(port, READER, Association(mechanism=Mechanism.LLS, password=PASSWORD)) as client:
        layout = await read_layout(client, LOAD)
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            rows = await read_profile(client, layout)
            times.append((time.perf_counter() - began) * 1000)
            if (len(rows), len(rows[0].cells)) != (96, 8):
                raise RuntimeError("the meter did not give 96 rows of 8 columns")
    return times


async def _gets_per_s(port: int, seconds: float) -> tuple[float, float]:
    register, count = Attribute(class_id=3, obis=WATER, attribute=2), 0
    async with _client(port, 16, Association()) as client:
        began, cpu = time.perf_counter(), time.process_time()
        while (now := time.perf_counter()) - began < seconds:
            await client.get(register)
            count += 1
        return count / (now - began), count / (time.process_time() - cpu)


def _serve(pipe: Connection) -> None:
    """Both meters, until the other end of the pipe is closed."""
    asyncio.run(_serve_until(pipe))


async def _serve_until(pipe: Connection) -> None:
    listener = MeterListener({1: bench_meter()})
    await listener.start()
    loop = asyncio.get_running_loop()
    fast = await loop.create_server(FastPeer, "127.0.0.1", 0)
    pipe.send((listener.port, fast.sockets[0].getsockname()[1]))
    try:
        await asyncio.to_thread(_wait, pipe)
    finally:
        fast.close()
        await listener.stop()


def _wait(pipe: Connection) -> None:
    with contextlib.suppress(EOFError):  # the parent has gone without a word: the end, all the same
        pipe.recv()
