"""Readings out of the database as arrays (port ``SeriesSource``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from psycopg import AsyncConnection

from domain.points import PointKey
from domain.readings import Quality, Reading
from domain.series import Series, empty
from storage.database import Database
from storage.reading_rows import parse_series
from storage.sql import queries

_Q = queries("series")


class PostgresSeries:
    """``SeriesSource``: years of readings come as binary COPY straight into arrays."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        """Readings with start <= time < end of each point (an empty series where there are none).

        With ``step_s``, means of the good values over buckets aligned to 1970, stamped at their start, quality 0.
        """
        found = {point: empty(point) for point in points}
        async with self._database.transaction("read series") as connection:
            rows = await (await connection.execute(_Q["point_ids"], {"keys": list(points)})).fetchall()
            ids = {int(point_id): PointKey(key) for point_id, key in rows}
            if not ids:
                return found
            values = {"ids": list(ids), "start": start, "end": end}
            if step_s is not None:
                values["step_s"] = step_s
            data = await _copy_out(connection, _Q["copy_series" if step_s is None else "copy_means"], values)
        point_id, times, numbers, quality = parse_series(data)
        edges = np.flatnonzero(np.diff(point_id)) + 1
        for part in np.split(np.arange(point_id.size), edges):
            if part.size:
                key = ids[int(point_id[part[0]])]
                found[key] = Series(point=key, times=times[part], values=numbers[part], quality=quality[part])
        return found

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        """The newest reading of each point that has one."""
        async with self._database.transaction("read the newest readings") as connection:
            rows = await (await connection.execute(_Q["latest"], {"keys": list(points)})).fetchall()
        return {
            PointKey(key): Reading(point=PointKey(key), observed_at=time, value=value, quality=Quality(quality))
            for key, time, value, quality in rows
        }


async def _copy_out(connection: AsyncConnection, statement: bytes, values: dict[str, object]) -> bytes:
    async with connection.cursor() as cursor, cursor.copy(statement, values) as copy:
        return b"".join([bytes(part) async for part in copy])
