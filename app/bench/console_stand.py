"""A region's console to measure: the console as the centre wires it, on a PostgreSQL of its own, with readings that keep coming.

region ──▶ PostgreSQL ◀── a day of readings, then each point once a minute
               ▲
            console (a thread of its own) ──▶ http://127.0.0.1:…
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg

from app.database import hash_of, migrate_and_save
from app.embedded.postgres import ADMIN, EmbeddedPostgres
from commands.desk import Desk
from commands.settings import DeskSettings
from commands.view import CurrentActuators
from console.app import create_app
from console.ports import ConsoleServices, MapGeometry
from console.server import serve
from domain.alerts import Alert, AlertState, Priority
from domain.clock import WallClock
from domain.errors import KhettaraError
from domain.inventory import Inventory, build_inventory
from domain.ports import User
from domain.setpoints import Command, PredictedEffect
from simulator.region import Region, make_region
from storage.alerts import PostgresAlerts
from storage.commands import PostgresCommands
from storage.database import Database
from storage.reading_rows import Rows, copy_bytes
from storage.roles import Role
from storage.rollups import marks_of, refresh
from storage.series import PostgresSeries
from storage.two_people import PostgresTwoPeople
from storage.users import PostgresUsers
from storage.zones import PostgresZones

USER, PASSWORD = "bench", "a bench's own password"
STEP_S = 300
"""Between two readings of a point in the day before the start [s]."""
DAY_S = 86_400
_COPY = "COPY reading (time, value, point_id, quality) FROM STDIN (FORMAT BINARY)"
_MARK = "SELECT mark_readings(%s::timestamptz[], %s::timestamptz[], %s::text[])"
_START_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A running console."""

    url: str
    inventory: Inventory
    pipes: int
    rows: int
    """Readings in the database at the start."""


class _Nobody:
    """``EffectPredictor`` and ``CommandSender`` where nothing is to move."""

    async def predict(self, actuator: str, value_m: float) -> PredictedEffect:
        raise KhettaraError(f"nothing is predicted for {actuator} at {value_m} m on the bench")

    async def send(self, command: Command) -> None:
        raise KhettaraError(f"nothing is sent to {command.actuator} on the bench")


@contextlib.contextmanager
def running_console(*, zones: int, pipes: int, seed: int) -> Iterator[Stand]:
    """The console of a generated region, started; everything is gone afterwards."""
    region = make_region(zones=zones, pipes=pipes, valves=zones * 3 // 5, seed=seed)
    inventory = build_inventory(region.documents)
    folder = Path(tempfile.mkdtemp(prefix="khettara-bench-"))
    folder.chmod(0o711)  # where root's PostgreSQL runs as another user, it must get through
    server = EmbeddedPostgres(folder / "postgres")
    stop = threading.Event()
    try:
        server.start()
        admin = server.dsn(ADMIN)
        asyncio.run(migrate_and_save(admin, inventory))
        rows = _fill(admin, seed)
        asyncio.run(_people_and_alerts(server.dsn(Role.COMMAND.value), admin, inventory))
        writer = threading.Thread(target=_write_on, args=(admin, stop, seed), name="bench-readings")
        console = _Console(server, inventory, region)
        writer.start()
        try:
            yield Stand(url=console.url, inventory=inventory, pipes=len(region.links), rows=rows)
        finally:
            stop.set()
            console.stop()
            writer.join()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class _Console:
    """The console in a thread with a loop of its own, so that the browser's driver may block the caller's."""

    def __init__(self, server: EmbeddedPostgres, inventory: Inventory, region: Region) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready: Future[str] = Future()
        run = self._run(server.dsn(Role.ANALYTICS.value), server.dsn(Role.COMMAND.value), inventory, region)
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(run,), name="bench-console")
        self._thread.start()
        self.url = self._ready.result(_START_WITHIN_S)

    def stop(self) -> None:
        """Returns when the console is down."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop.close()

    async def _run(self, analytics_dsn: str, command_dsn: str, inventory: Inventory, region: Region) -> None:
        try:
            async with Database(analytics_dsn, size=4) as analytics, Database(command_dsn, size=6) as command:
                services = _services(analytics, command, inventory, region)
                async with serve(create_app(services)) as url:
                    self._ready.set_result(url)
                    await self._stopping.wait()
        except BaseException as error:  # raised to who waits for the address, not lost in a thread
            if not self._ready.done():
                self._ready.set_exception(error)
            raise


def _services(analytics: Database, command: Database, inventory: Inventory, region: Region) -> ConsoleServices:
    store, zones, clock, nobody = PostgresCommands(command), PostgresZones(command), WallClock(wall=time.time), _Nobody()
    view = CurrentActuators(inventory=inventory, source=PostgresSeries(command), store=store)
    desk = Desk(
        inventory=inventory, store=store, two_people=PostgresTwoPeople(command), view=view, predictor=nobody, sender=nobody,
        clock=clock, monotonic=time.monotonic, wall=clock.now, settings=DeskSettings(),
    )  # fmt: skip

    async def acknowledge(user: User, key: str) -> object:
        raise KeyError(f"{user.name} acknowledges nothing on the bench, {key} neither")

    return ConsoleServices(
        inventory=inventory, zones=zones, fleet=zones, series=PostgresSeries(analytics), alerts=PostgresAlerts(command),
        acknowledge=acknowledge, commands=store, desk=desk, view=view, users=PostgresUsers(command), clock=clock,
        session_secret=b"b" * 32, geometry=MapGeometry(nodes=region.nodes, links=tuple(region.links)),
    )  # fmt: skip


async def _people_and_alerts(command_dsn: str, admin_dsn: str, inventory: Inventory) -> None:
    """Somebody to log in, and an alert in one zone of forty."""
    now = datetime.now(UTC)
    async with Database(admin_dsn, size=1) as database:
        await refresh(database, now, budget_s=600)
    async with Database(command_dsn, size=1) as database:
        await PostgresUsers(database).save_user(
            User(name=USER, role="operator", zones=frozenset(), language="en"), hash_of(PASSWORD)
        )
        alerts = PostgresAlerts(database)
        for number, zone in enumerate(inventory.metered_zones()):
            if number % 40 == 7:
                priority = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)[number // 40 % 3]
                alert = Alert(
                    key=f"leak:{zone.key}", code="leak.burst", zone=zone.key, priority=priority, state=AlertState.UNACKNOWLEDGED,
                    raised_at=now - timedelta(minutes=number), updated_at=now,
                )  # fmt: skip
                await alerts.save_alert(alert, actor="bench", action="raise")


def _fill(dsn: str, seed: int) -> int:
    """A day of readings of every point; how many."""
    end_s = int(time.time()) // STEP_S * STEP_S
    rng = np.random.default_rng(seed)
    with psycopg.connect(dsn, autocommit=True) as connection:
        ids = _point_ids(connection)
        start, end = datetime.fromtimestamp(end_s - DAY_S, UTC), datetime.fromtimestamp(end_s + DAY_S, UTC)
        connection.execute("SELECT ensure_reading_partitions(%s, %s)", (start, end))
        seconds = np.arange(end_s - DAY_S, end_s, STEP_S)
        for part in np.array_split(seconds, 12):
            _copy(connection, np.tile(ids, part.size), np.repeat(part, ids.size) * 1000, rng)
        connection.execute("ANALYZE")
    return int(ids.size * seconds.size)


def _write_on(dsn: str, stop: threading.Event, seed: int) -> None:
    """Each point once a minute, spread over its seconds as gateways spread them."""
    rng = np.random.default_rng(seed)
    with psycopg.connect(dsn, autocommit=True) as connection:
        ids = _point_ids(connection)
        while not stop.wait(1.0):
            now_s = int(time.time())
            mine = ids[ids % 60 == now_s % 60]
            _copy(connection, mine, np.full(mine.size, now_s * 1000), rng)


def _point_ids(connection: psycopg.Connection[tuple[object, ...]]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array([number for (number,) in connection.execute("SELECT point_id FROM point ORDER BY 1")], dtype=np.int32)


def _copy(
    connection: psycopg.Connection[tuple[object, ...]],
    ids: np.ndarray[tuple[int], np.dtype[np.int32]],
    time_ms: np.ndarray[tuple[int], np.dtype[np.int64]],
    rng: np.random.Generator,
) -> None:
    hour = (time_ms / 3_600_000 + 1) % 24
    size = ids.size
    rows = Rows(
        stream=np.zeros(size, dtype=np.int32),
        sequence=np.zeros(size, dtype=np.int64),
        point_id=ids,
        time_ms=time_ms,
        counts=(3200 + ids % 700 - 600 * np.cos(hour / 24 * 2 * np.pi) + rng.integers(-40, 40, size)).astype(np.int64),
        quality=np.zeros(size, dtype=np.int16),
    )
    marks = marks_of(rows)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_MARK, (list(marks.starts), list(marks.ends), list(marks.points)))
        with cursor.copy(_COPY) as copy:
            copy.write(copy_bytes(rows))
