"""A gateway without devices, as a process of its own: makes readings, spools them, delivers them, and keeps the truth.

``python -m tests.support.faults.generator CONFIG.json``

The truth is a table of the spool's own file, filled by a trigger on the spool's own table: what is numbered and what is remembered
are one transaction, at whatever moment the process is killed. Each point's value counts up by one step a reading and is never given
twice, so a stored value says which reading it was, whatever became of its time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.files import read_json, write_json
from app.logs import configure_logs
from domain.clock import WallClock
from domain.delivery import Receipt
from edge.database import DatabaseThread, open_database
from edge.readings import READING, Rows
from edge.receipts import Applied
from edge.settings import BrokerSettings
from edge.spool import Spool
from edge.uplink import Uplink
from edge.waiting import wait_for
from edge.window import Window

METRICS = ("flow_m3h", "pressure_m")
STEP = 0.01
"""Resolution of every point, and the difference of two consecutive values."""
SERIAL = "serial"
"""Marker of the spool: how many readings each point has had."""
_TRUTH = """
CREATE TABLE IF NOT EXISTS truth (first INTEGER PRIMARY KEY, readings BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS keep_truth AFTER INSERT ON payload BEGIN
    INSERT INTO truth (first, readings) VALUES (NEW.first, NEW.readings);
END;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig:
    """What one generator is told."""

    group: str
    node: str
    folder: str
    devices: tuple[str, ...]
    broker_port: int
    broker_username: str | None = None
    broker_password_file: str | None = None
    moments: int = 5
    """Readings of each point a tick; a device's tick is one block."""
    tick_s: float = 0.05
    keep_acked: bool = False
    """False gives up the safety net of 72 h: what has a receipt is deleted at once."""

    @property
    def state_dir(self) -> Path:
        """Folder of the spool."""
        return Path(self.folder) / self.node

    @property
    def orders(self) -> Path:
        """Told by the rig: ``generate`` and ``clock_offset_s``."""
        return self.state_dir / "orders.json"

    @property
    def status(self) -> Path:
        """Told to the rig."""
        return self.state_dir / "status.json"


class ForgetfulSpool(Spool):
    """Believes every receipt: what it names is deleted at once and can never be sent again."""

    def apply(self, receipt: Receipt, *, now_ms: int) -> Applied:
        """Marks and deletes. A clock that steps back keeps some blocks until it is right again."""
        applied = super().apply(receipt, now_ms=now_ms)
        self.purge(now_ms=now_ms + 1, keep_acked_ms=0)
        return applied


class Generator:
    """The parts of one generator."""

    def __init__(self, config: GeneratorConfig) -> None:
        self._config = config
        self._orders = read_json(config.orders)
        self._clock = WallClock(wall=lambda: time.time() + float(self._orders.get("clock_offset_s", 0.0)))
        self._connection = open_database(config.state_dir)
        self._connection.executescript(_TRUTH)
        self._database = DatabaseThread()
        self._spool = (Spool if config.keep_acked else ForgetfulSpool)(self._connection)
        password = config.broker_password_file
        self._uplink = Uplink(
            group=config.group,
            node=config.node,
            host_id="khettara",
            broker=BrokerSettings(
                host="127.0.0.1",
                port=config.broker_port,
                username=config.broker_username,
                password_file=None if password is None else Path(password),
            ),
            clock=self._clock,
            spool=self._spool,
            database=self._database,
            window=Window(size=64, resend_s=1.5),
            live_horizon_s=900.0,
        )
        self._serial = self._spool.progress(SERIAL)

    async def run(self, stop: asyncio.Event) -> None:
        """Makes and delivers readings until ``stop``."""
        uplink = asyncio.create_task(self._uplink.run(stop))
        while not stop.is_set():
            self._orders = read_json(self._config.orders)
            if self._orders.get("generate", True):
                await self._database.run(self._tick)
                self._uplink.notify()
            await self._report()
            await wait_for(stop, self._config.tick_s)
        await uplink
        await self._report()
        self._database.close()
        self._connection.close()

    def _tick(self) -> None:
        """One block a device, and how far the serial numbers have come, in one transaction."""
        moments, now_ms = self._config.moments, self._now_ms()
        serials = self._serial + 1 + np.arange(moments)
        batches = []
        for device in self._config.devices:
            channels = [self._spool.channel(device, metric).alias for metric in METRICS]
            rows: Rows = np.zeros(moments * len(channels), dtype=READING)
            rows["channel"] = np.tile(channels, moments)
            rows["time_ms"] = np.repeat(times_of(serials, now_ms), len(channels))
            rows["value"] = np.repeat(serials * STEP, len(channels))
            batches.append((device, rows))
        self._spool.append_rows(batches, now_ms=now_ms, marker=(SERIAL, self._serial + moments))
        self._serial += moments

    async def _report(self) -> None:
        stats = await self._database.run(self._spool.stats)
        published = self._uplink.published
        document = {
            "pid": os.getpid(),
            "generating": bool(self._orders.get("generate", True)),
            "spooled": stats.spooled,
            "acked": stats.acked,
            "depth": stats.depth_readings,
            "dropped": stats.dropped,
            "blocks_sent": published.blocks_sent,
            "blocks_resent": published.blocks_resent,
            "connects": self._uplink.counters.connects,
        }
        write_json(self._config.status, document)

    def _now_ms(self) -> int:
        return int(self._clock.timestamp() * 1000)


def times_of(serials: np.ndarray, now_ms: int) -> np.ndarray:
    """Observation times of this second whose milliseconds are the serial's: no point has one time twice."""
    return now_ms // 1000 * 1000 + serials % 1000


def load(path: Path) -> GeneratorConfig:
    """The configuration out of its file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return GeneratorConfig(**{**data, "devices": tuple(data["devices"])})


async def serve(config: GeneratorConfig) -> None:
    """Runs until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Generator(config).run(stop)


def main(argument: str) -> None:
    """Runs the generator of a configuration file."""
    config = load(Path(argument))
    configure_logs(f"edge {config.node}")
    asyncio.run(serve(config))


if __name__ == "__main__":
    main(sys.argv[1])
