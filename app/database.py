"""Schema, inventory and users: what is put into the database before any service runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from app.settings import Settings
from app.site import load_site
from domain.errors import ConfigurationError
from domain.inventory import Inventory
from domain.ports import User
from storage.database import Database
from storage.inventory import load_inventory
from storage.migrate import migrate
from storage.users import PostgresUsers

ROLES = ("viewer", "operator", "supervisor", "admin")
LANGUAGES = ("fr", "ar", "en")


async def migrate_and_save(admin_dsn: str, inventory: Inventory | None) -> list[str]:
    """Brings the schema to the newest version and the inventory into it; one line for each thing done."""
    done = [f"applied {name}" for name in await migrate(admin_dsn)] or ["the schema is up to date"]
    if inventory is not None:
        async with Database(admin_dsn, size=1) as database:
            await load_inventory(database, inventory, at=datetime.now(UTC))
        done.append(f"inventory of {inventory.site.key}: {len(inventory.points)} points, {len(inventory.devices)} devices")
    return done


async def migrate_and_load(settings: Settings) -> list[str]:
    """The same from a settings file; its ``dsn`` must belong to an administrator."""
    return await migrate_and_save(settings.database.admin, load_site(settings.site.folder))


async def save_user(settings: Settings, *, name: str, role: str, zones: Sequence[str], language: str, password: str) -> None:
    """Adds a user or changes one.

    Raises:
        ConfigurationError: Unknown role, language or zone, or a password that is too short.
    """
    inventory = load_site(settings.site.folder)
    check_user(role=role, language=language, zones=zones, password=password, known_zones=list(inventory.zones))
    async with Database(settings.database.of("command"), size=1) as database:
        user = User(name=name, role=role, zones=frozenset(zones), language=language)
        await PostgresUsers(database).save_user(user, hash_of(password))


def check_user(*, role: str, language: str, zones: Sequence[str], password: str, known_zones: Sequence[str]) -> None:
    """Refuses a user who could never work."""
    if role not in ROLES:
        raise ConfigurationError(file="users", key="role", value=role, expected="one of " + ", ".join(ROLES))
    if language not in LANGUAGES:
        raise ConfigurationError(file="users", key="language", value=language, expected="one of " + ", ".join(LANGUAGES))
    for zone in zones:
        if zone not in known_zones:
            raise ConfigurationError(file="users", key="zone", value=zone, expected="one of " + ", ".join(known_zones))
    if len(password) < 10:
        raise ConfigurationError(file="users", key="password", value="…", expected="at least 10 characters")


def hash_of(password: str) -> str:
    """The argon2id hash of a password."""
    from console.passwords import hash_password

    return hash_password(password)
