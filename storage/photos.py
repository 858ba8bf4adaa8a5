"""Photographs of work orders, in the database itself (port ``PhotoStore``): one backup, one place to delete from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.photos import Photo
from storage.database import Database
from storage.sql import queries

_Q = queries("photos")


class PostgresPhotos:
    """``PhotoStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_photo(self, photo: Photo, content: bytes) -> bool:
        """Keeps a photograph; False, and nothing changes, if its key is there already."""
        values = {
            "key": photo.key,
            "order": photo.order,
            "taken_at": photo.taken_at,
            "by": photo.by,
            "media_type": photo.media_type,
            "width": photo.width,
            "height": photo.height,
            "content": content,
        }
        async with self._database.transaction("keep a photograph") as connection:
            return (await connection.execute(_Q["add"], values)).rowcount == 1

    async def photos(self, order: str) -> Sequence[Photo]:
        """Photographs of an order, oldest first."""
        async with self._database.transaction("read the photographs") as connection:
            rows = await (await connection.execute(_Q["photos"], {"order": order})).fetchall()
        return tuple(_photo(row) for row in rows)

    async def photo(self, order: str, key: str) -> tuple[Photo, bytes] | None:
        """One photograph of an order with its bytes."""
        async with self._database.transaction("read a photograph") as connection:
            row = await (await connection.execute(_Q["photo"], {"order": order, "key": key})).fetchone()
        return None if row is None else (_photo(row[:-1]), bytes(row[-1]))


def _photo(row: Sequence[Any]) -> Photo:
    key, order, taken_at, by, media_type, width, height, size = row
    return Photo(key=key, order=order, taken_at=taken_at, by=by, media_type=media_type, width=width, height=height, size_bytes=size)
