"""Who may log in to a demonstration: accounts made once a data folder, with a password of its own."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from app.database import hash_of
from app.files import write_private
from app.local import LocalServices
from domain.ports import User
from storage.database import Database
from storage.roles import Role
from storage.users import PostgresUsers

USERS = (
    User(name="operateur", role="operator", zones=frozenset(), language="fr"),
    User(name="superviseur", role="supervisor", zones=frozenset(), language="fr"),
    User(name="visiteur", role="viewer", zones=frozenset(), language="fr"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What to type."""

    user: str
    password: str


def demo_logins(services: LocalServices) -> Login:
    """The supervisor's login; makes every account of the demonstration at the first call."""
    path = services.layout.root / "centre" / "password"
    if not path.exists():
        password = "-".join(secrets.token_hex(2) for _ in range(3))
        asyncio.run(_save(services.dsn(Role.COMMAND), hash_of(password)))
        write_private(path, password)
    return Login(user="superviseur", password=path.read_text())


async def _save(dsn: str, password_hash: str) -> None:
    async with Database(dsn, size=1) as database:
        for user in USERS:
            await PostgresUsers(database).save_user(user, password_hash)
