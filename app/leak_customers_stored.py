"""The reading of a look at customers' meters, measured: registers in a database of our own, read as the service reads them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from psycopg import AsyncConnection

from app.embedded.postgres import ADMIN, EmbeddedPostgres
from domain.inventory import Inventory
from domain.points import PointKey
from domain.ports import SeriesSource
from domain.readings import Reading
from domain.series import Series
from storage.database import Database
from storage.inventory import save_inventory
from storage.migrate import migrate
from storage.reading_rows import Rows, copy_bytes
from storage.roles import Role
from storage.series import PostgresSeries

_POINTS_A_COPY = 1000
_LITRE_M3 = 0.001


class ClockedSeries:
    """A source of readings that counts what reading takes (``SeriesSource``)."""

    def __init__(self, source: SeriesSource) -> None:
        self._source = source
        self.seconds, self.rows = 0.0, 0

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        """What the source gives."""
        began = time.perf_counter()
        found = await self._source.series(points, start, end, step_s)
        self.seconds += time.perf_counter() - began
        self.rows += sum(len(series) for series in found.values())
        return dict(found)

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        """What the source gives."""
        return dict(await self._source.latest(points))


@asynccontextmanager
async def stored(inventory: Inventory, source: SeriesSource, start: datetime, end: datetime) -> AsyncIterator[SeriesSource]:
    """The readings of an inventory from ``start`` to ``end`` in a database that lives as long as this.

    Yields:
        The source that the running service reads by.
    """
    with _server() as server:
        await migrate(server.dsn(ADMIN))
        async with await AsyncConnection.connect(server.dsn(ADMIN)) as connection:
            await _fill(connection, inventory, source, start, end)
        async with await AsyncConnection.connect(server.dsn(ADMIN), autocommit=True) as connection:
            # As the housekeeping of a running database leaves it.
            await connection.execute("VACUUM ANALYZE reading")
        async with Database(server.dsn(Role.ANALYTICS), size=1) as database:
            yield PostgresSeries(database)


@contextmanager
def _server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="khettara-customers-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder, "data"), durable=False) as server:
            yield server


async def _fill(connection: AsyncConnection, inventory: Inventory, source: SeriesSource, start: datetime, end: datetime) -> None:
    await save_inventory(connection, inventory, at=start)
    await connection.execute("SELECT ensure_reading_partitions(%s, %s)", (start, end + timedelta(days=1)))
    ids: dict[str, int] = dict(await (await connection.execute("SELECT key, point_id FROM point")).fetchall())
    names = list(inventory.points)
    for k in range(0, len(names), _POINTS_A_COPY):
        found = await source.series(names[k : k + _POINTS_A_COPY], start, end)
        async with connection.cursor().copy("COPY reading (time, value, point_id, quality) FROM STDIN (FORMAT BINARY)") as copy:
            await copy.write(copy_bytes(_rows(found, ids)))


def _rows(found: dict[PointKey, Series], ids: dict[str, int]) -> Rows:
    """By time, as meters report: what one meter has said lies scattered in the table."""
    size = [len(series) for series in found.values()]
    point = np.repeat(np.array([ids[key] for key in found], dtype=np.int32), size)
    times = np.concatenate([series.times.astype(np.int64) for series in found.values()])
    counts = np.rint(np.concatenate([series.values for series in found.values()]) / _LITRE_M3).astype(np.int64)
    order = np.argsort(times, kind="stable")
    none = np.zeros(point.size, dtype=np.int32)
    return Rows(
        stream=none, sequence=none.astype(np.int64), point_id=point[order], time_ms=times[order], counts=counts[order],
        quality=none.astype(np.int16),
    )  # fmt: skip
