"""Zones and their signed inlets as the database knows them, for reports on a database without its site folder."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import StorageError
from domain.points import PointKey
from domain.zones import Inlet
from storage.database import Database
from storage.sql import queries

_Q = queries("boundaries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """One zone and where its water is measured."""

    zone: str
    names: dict[str, str]
    inlets: tuple[Inlet, ...]


async def read_boundaries(database: Database) -> tuple[str, tuple[Boundary, ...]]:
    """The site's time zone and every zone that has inlets, by key.

    Raises:
        StorageError: The database holds no site yet.
    """
    async with database.transaction("read the zones") as connection:
        site = await (await connection.execute(_Q["timezone"])).fetchone()
        rows = await (await connection.execute(_Q["boundaries"])).fetchall()
    if site is None:
        raise StorageError("the database holds no site yet: run a demo or a replay on it first")
    return str(site[0]), tuple(
        Boundary(
            zone=key,
            names=names,
            inlets=tuple(Inlet(point=PointKey(point), sign=sign) for point, sign in zip(points, signs, strict=True)),
        )
        for key, names, points, signs in rows
    )
