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
from storage.reading_rows import parse_columns, parse_series
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
        if step_s is None:
            return found | await self._readings(points, start, end)
        return found | await self._means(points, start, end, step_s)

    async def _readings(self, points: Sequence[PointKey], start: datetime, end: datetime) -> dict[PointKey, Series]:
        async with self._database.transaction("read series") as connection:
            rows = await (await connection.execute(_Q["point_scales"], {"keys": list(points)})).fetchall()
            known = {int(point_id): (PointKey(key), numerator, denominator) for point_id, key, numerator, denominator in rows}
            if not known:
                return {}
            found = {}
            values = {"ids": list(known), "start": start, "end": end}
            # Point by point as they arrive: the whole answer beside its arrays would be three times as much.
            async with connection.cursor() as cursor, cursor.copy(_Q["copy_series"], values) as copy:
                async for part in copy:
                    for point_id, times, counts, quality in parse_columns(bytes(part)):
                        key, numerator, denominator = known[point_id]
                        found[key] = Series(point=key, times=times, values=counts * numerator / denominator, quality=quality)
        return found

    async def _means(self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int) -> dict[PointKey, Series]:
        async with self._database.transaction("read series") as connection:
            rows = await (await connection.execute(_Q["point_ids"], {"keys": list(points)})).fetchall()
            ids = {int(point_id): PointKey(key) for point_id, key in rows}
            if not ids:
                return {}
            values = {"ids": list(ids), "start": start, "end": end, "step_s": step_s}
            data = await _copy_out(connection, _Q["copy_means"], values)
        point_id, times, numbers, quality = parse_series(data)
        found = {}
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
