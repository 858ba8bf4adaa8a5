"""Schema, inventory and users: what is put into the database before any service runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from app.settings import RetentionSettings, Settings
from app.site import load_site
from commands.authorisation import ACTUATOR_PREFIX
from domain.errors import ConfigurationError
from domain.inventory import Inventory
from domain.ports import User
from storage.database import Database
from storage.inventory import load_inventory
from storage.migrate import migrate
from storage.retention import Retention, read_retention, set_retention
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
    done = await migrate_and_save(settings.database.admin, load_site(settings.site.folder))
    changed = await save_retention(settings.database.admin, settings.retention)
    return done if changed is None else [*done, changed]


async def save_retention(admin_dsn: str, wanted: RetentionSettings) -> str | None:
    """Puts the settings' retention into the database; says what it is now, or None if it was so before."""
    days = {name: value or None for name, value in wanted.model_dump().items()}
    async with Database(admin_dsn, size=1) as database, database.transaction("set the retention") as connection:
        now, _ = await read_retention(connection)
        if now == (retention := Retention(**days)):
            return None
        await set_retention(connection, retention)
    return "retention: " + ", ".join(f"{name.removesuffix('_days')} {f'{n} days' if n else 'for ever'}" for name, n in days.items())


async def save_user(settings: Settings, *, name: str, role: str, zones: Sequence[str], language: str, password: str) -> None:
    """Adds a user or changes one.

    Raises:
        ConfigurationError: Unknown role, language or zone, or a password that is too short.
    """
    inventory = load_site(settings.site.folder)
    known = [*inventory.zones, *(f"{ACTUATOR_PREFIX}{key}" for key in inventory.actuators)]
    check_user(role=role, language=language, zones=zones, password=password, known_zones=known)
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
