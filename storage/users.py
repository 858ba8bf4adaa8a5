"""Users and their password hashes (port ``UserStore``)."""

from __future__ import annotations

from domain.ports import User
from storage.database import Database
from storage.sql import queries

_Q = queries("users")


class PostgresUsers:
    """``UserStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def user(self, name: str) -> tuple[User, str] | None:
        """The user and the password hash, or None."""
        if "\0" in name:  # comes straight from a form; PostgreSQL has no text with NUL
            return None
        async with self._database.transaction("read a user") as connection:
            row = await (await connection.execute(_Q["user"], {"name": name})).fetchone()
        if row is None:
            return None
        return User(name=row[0], role=row[1], zones=frozenset(row[2]), language=row[3]), str(row[4])

    async def save_user(self, user: User, password_hash: str) -> None:
        """Inserts or updates by name."""
        async with self._database.transaction("save a user") as connection:
            await connection.execute(
                _Q["save_user"],
                {
                    "name": user.name,
                    "role": user.role,
                    "zones": sorted(user.zones),
                    "language": user.language,
                    "password_hash": password_hash,
                },
            )
