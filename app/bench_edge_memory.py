"""What a gateway needs of a machine's memory: ``python -m edge`` as it runs at a site, watched from outside."""

from __future__ import annotations

import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.bench_edge_site import PRV_MODEL

_WARM_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Devices at 1 s, two fields each, the broker away: the spool grows, memory must not."""

    devices: int
    seconds: float
    spooled: int
    rss_mb: float
    """Median of the last tenth."""
    rss_growth_mb: float
    """From the median of the middle two tenths to that of the last two."""
    rss_tenths_mb: tuple[float, ...]


def bench_memory(ports: Sequence[int], *, devices: int, seconds: float) -> Memory:
    """Watches a gateway of so many devices; its log goes nowhere."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "edge.toml"
        config.write_text(_config([ports[i % len(ports)] for i in range(devices)], _closed_port()), encoding="utf-8")
        environment = os.environ | {"MALLOC_ARENA_MAX": "2"}  # as in the unit file
        command = [sys.executable, "-m", "edge", "--config", str(config)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            tenths = _watch(process, seconds)
            spooled = json.loads((folder / "state" / "status.json").read_text(encoding="utf-8"))["spooled"]
        finally:
            process.terminate()
            process.wait(30)
    return Memory(
        devices=devices,
        seconds=seconds,
        spooled=spooled,
        rss_mb=tenths[-1],
        rss_growth_mb=round(statistics.median(tenths[-2:]) - statistics.median(tenths[4:6]), 2),
        rss_tenths_mb=tuple(tenths),
    )


def _watch(process: subprocess.Popen[bytes], seconds: float) -> list[float]:
    """Resident memory of a process, the median of each tenth of the time [MB]."""
    time.sleep(_WARM_S)
    tenths = []
    for _ in range(10):
        until = time.monotonic() + seconds / 10
        sizes: list[float] = []
        while time.monotonic() < until or not sizes:
            pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
            sizes.append(pages * resource.getpagesize() / 1e6)
            time.sleep(min(0.5, seconds / 20))
        tenths.append(round(statistics.median(sizes), 1))
    return tenths


def _config(ports: Sequence[int], broker: int) -> str:
    head = f'[gateway]\ngroup = "bench"\nnode = "gw"\nstate_dir = "state"\n[broker]\nhost = "127.0.0.1"\nport = {broker}\n'
    devices = (
        f'[[device]]\nkey = "d{i}"\nmodel = "{PRV_MODEL}"\nhost = "127.0.0.1"\nport = {port}\nunit_id = 2\nperiod_s = 1\n'
        'timeout_s = 10\nfields = ["outlet_m", "flow_m3h"]\n'
        for i, port in enumerate(ports)
    )
    return head + "".join(devices)


def _closed_port() -> int:
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        return int(ear.getsockname()[1])
