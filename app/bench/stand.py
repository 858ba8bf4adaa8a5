"""Where a benchmark runs: PostgreSQL (durable), a broker and ingestors in a temporary folder, gone afterwards."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from app.bench.traffic import Fleet, point_keys
from app.demo.layout import Layout
from app.embedded.broker import EmbeddedBroker
from app.embedded.ports import free_port
from app.embedded.postgres import ADMIN, EmbeddedPostgres
from app.files import write_private
from app.local import LocalServices
from app.logs import configure_logs
from app.processes import Child
from app.settings import ClockSettings
from domain.errors import ConfigurationError, KhettaraError
from domain.inventory import build_inventory

BROKERS = ("embedded", "mosquitto")
_SBIN = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"


class Mosquitto(EmbeddedBroker):
    """Mosquitto in the place of the embedded broker: open, on the loopback address alone, queues as long as they need to be."""

    def start(self, timeout_s: float = 20.0) -> None:
        """Starts it and returns when it accepts connections.

        Raises:
            ConfigurationError: There is no mosquitto on this machine.
            BrokerNotUp: It did not listen in time.
        """
        binary = shutil.which("mosquitto", path=_SBIN)
        if binary is None:
            raise ConfigurationError(
                file="command line",
                key="--broker",
                value="mosquitto",
                expected="a mosquitto on this machine (apt install mosquitto)",
            )
        config = self._folder / "mosquitto.conf"
        write_private(self.password_file, "none")
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "set_tcp_nodelay true\nmax_queued_messages 0\n"
        )
        self._launch([binary, "-c", str(config)], self._folder / "broker.log", timeout_s)


@dataclass(slots=True, kw_only=True)
class Stand:
    """Running services and how to reach them."""

    services: LocalServices
    fleet: Fleet
    settings: Path
    """The ingestor's settings file."""
    point_ids: list[int]
    """Database numbers of the fleet's points, by their number within the fleet."""

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of an administrator."""
        return psycopg.connect(self.services.postgres.dsn(ADMIN))

    def start_ingest(self, workers: int = 1, name: str = "ingest") -> Child:
        """Starts the ingestor as an operator would."""
        return self.services.spawn(name, "ingest", "run", "--config", str(self.settings), "--workers", str(workers))

    def stop_ingest(self, name: str = "ingest") -> list[dict[str, Any]]:
        """Stops it; the counters of each worker."""
        log = self.services.children[name].log
        self.services.stop_children(name)
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == "stopped" and "batches" in line]

    def wait_connected(self, workers: int = 1, name: str = "ingest", timeout_s: float = 60.0) -> None:
        """Returns when so many workers are subscribed.

        Raises:
            KhettaraError: They are not in time; with the end of their log.
        """
        child = self.services.children[name]
        deadline = time.monotonic() + timeout_s
        while child.log.read_text().count('"event": "connected"') < workers:
            if child.returncode is not None or time.monotonic() > deadline:
                raise KhettaraError(f"the ingestor did not start; its log ends:\n{child.tail()}")
            time.sleep(0.05)


@contextlib.contextmanager
def running_stand(fleet: Fleet, *, broker: str = "embedded", ingest: Mapping[str, Any] | None = None) -> Iterator[Stand]:
    """Everything but the ingestors, started; the folder is removed at the end.

    Raises:
        ConfigurationError: Unknown broker.
    """
    if broker not in BROKERS:
        raise ConfigurationError(file="command line", key="--broker", value=broker, expected="one of " + ", ".join(BROKERS))
    folder = Path(tempfile.mkdtemp(prefix="khettara-bench-"))
    folder.chmod(0o711)  # where root's PostgreSQL runs as another user, it must get through
    try:
        with LocalServices(layout=Layout(root=folder / "data")) as services:
            # One port for all of its lives: a database that dies comes back where it was.
            services.postgres = EmbeddedPostgres(services.layout.postgres, port=free_port())
            if broker == "mosquitto":
                services.broker = Mosquitto(services.layout.broker)
            configure_logs("bench", services.layout.logs / "bench.log")
            services.start_database(build_inventory(fleet.documents()))
            services.broker.start()
            settings = services.write_settings("ingest", folder, ClockSettings(), ingest=dict(ingest or {}))
            with psycopg.connect(services.postgres.dsn(ADMIN)) as connection:
                numbers: dict[str, int] = dict(connection.execute("SELECT key, point_id FROM point").fetchall())
            yield Stand(services=services, fleet=fleet, settings=settings, point_ids=[numbers[key] for key in point_keys(fleet)])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
