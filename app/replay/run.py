"""One replay from file to COMMIT, on the embedded services of a data folder."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

from rich.console import Console

from app.demo.layout import Layout
from app.demo.stages import Report, Stages
from app.local import LocalServices
from app.logs import configure_logs
from app.replay.cells import ColumnData, read_cells
from app.replay.mapping import DEVICE, GROUP, ReplayMap, parse_map
from app.settings import BrokerSettings, ClockSettings
from app.site import read_toml
from domain.clock import WallClock
from domain.errors import KhettaraError
from edge.feeder import Feeder
from edge.settings import BrokerSettings as EdgeBroker
from edge.spool import SpoolStats


class ReplayStalled(KhettaraError):
    """The database took nothing for a long time; what was spooled stays, and the next start goes on."""


STALLED_S = 120.0


def run_replay(csv: Path, points: Path, data: Path, console: Console) -> int:
    """Replays a file into the database of a data folder; 0 when every cell is committed.

    Raises:
        ConfigurationError: The map or the file says something that cannot be.
        ReplayStalled: The ingestor ended or took nothing for two minutes.
    """
    replay = parse_map(read_toml(points), points.name)
    stages = Stages(console)
    with stages.stage(f"reading {csv.name}"):
        columns = read_cells(csv, replay)
    cells = sum(c.time_ms.size for c in columns)
    with LocalServices(layout=Layout(root=data)) as services:
        with stages.stage("database (PostgreSQL, embedded)"):
            services.start_database(replay.inventory)
        with stages.stage("message broker (MQTT 5, embedded)"):
            services.broker.start()
        settings = services.write_settings("ingest", points.resolve().parent, ClockSettings())
        services.spawn("ingest", "ingest", "run", "--config", str(settings))
        began = time.monotonic()
        with stages.stage(f"{cells:,} readings through spool, broker and ingest") as report:
            new = asyncio.run(_feed(services, replay, columns, file_digest(csv, points), report))
        took_s = time.monotonic() - began
    rate = f", {new / took_s:,.0f} a second" if new else ": this file was delivered before, nothing changed"
    console.print(f"[green]✓[/] {new:,} readings committed{rate}", highlight=False)
    return 0


async def _feed(services: LocalServices, replay: ReplayMap, columns: list[ColumnData], key: str, report: Report) -> int:
    """Spools the columns and waits for every receipt; returns how many readings were new to the spool."""
    configure_logs("replay", services.layout.logs / "replay.log")
    broker: BrokerSettings = services.broker_settings()
    feeder = Feeder(
        group=GROUP,
        node=replay.node,
        state_dir=services.layout.gateway(replay.node),
        broker=EdgeBroker(host=broker.host, port=broker.port, username=broker.username, password_file=broker.password_file),
        clock=WallClock(wall=time.time),
    )
    progress = _Progress(services, report)
    async with feeder:
        data = {c.column.metric: (c.time_ms, c.value) for c in columns}
        new = await feeder.append(DEVICE, data, key=key)
        await feeder.drain(progress)
    return new


class _Progress:
    """Reports the share delivered, and gives up when nothing moves."""

    def __init__(self, services: LocalServices, report: Report) -> None:
        self._services = services
        self._report = report
        self._waiting = -1
        self._moved_at = time.monotonic()

    def __call__(self, stats: SpoolStats) -> None:
        """Told how far the spool is, about twice a second."""
        ingest = self._services.children["ingest"]
        if ingest.returncode is not None:
            raise ReplayStalled(f"the ingestor ended with code {ingest.returncode}; its log ends:\n{ingest.tail()}")
        if stats.depth_readings != self._waiting:
            self._waiting, self._moved_at = stats.depth_readings, time.monotonic()
        elif time.monotonic() - self._moved_at > STALLED_S:
            raise ReplayStalled(f"no reading was committed for {STALLED_S:g} s; {self._waiting:,} wait. Log:\n{ingest.tail()}")
        self._report(1 - self._waiting / max(stats.spooled, 1))


def file_digest(*paths: Path) -> str:
    """SHA-256 over the files' contents: the same file under the same map is the same replay."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
