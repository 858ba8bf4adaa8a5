"""PostgreSQL and the broker of a data folder, started together: what the demonstration, a replay and a report stand on."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.demo.layout import Layout
from app.embedded.broker import EmbeddedBroker
from app.embedded.postgres import ADMIN, EmbeddedPostgres
from app.files import write_private
from app.processes import Child
from app.settings import BrokerSettings, ClockSettings, DatabaseSettings
from app.toml import to_toml
from domain.inventory import Inventory
from storage.roles import Role


@dataclass(slots=True, kw_only=True)
class LocalServices:
    """The embedded services of one data folder, and the children started beside them."""

    layout: Layout
    postgres: EmbeddedPostgres = field(init=False)
    broker: EmbeddedBroker = field(init=False)
    children: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout.root.mkdir(parents=True, exist_ok=True)
        self.postgres = EmbeddedPostgres(self.layout.postgres)
        self.broker = EmbeddedBroker(self.layout.broker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start_database(self, inventory: Inventory | None) -> None:
        """Starts PostgreSQL and brings schema and inventory up to date."""
        from app.database import migrate_and_save

        self.postgres.start()
        asyncio.run(migrate_and_save(self.postgres.dsn(ADMIN), inventory))

    def dsn(self, role: Role) -> str:
        """Connection string of a role."""
        return self.postgres.dsn(role.value)

    def database_settings(self) -> DatabaseSettings:
        """The same for a service's settings file."""
        return DatabaseSettings(
            dsn=self.dsn(Role.READ),
            ingest_dsn=self.dsn(Role.INGEST),
            analytics_dsn=self.dsn(Role.ANALYTICS),
            command_dsn=self.dsn(Role.COMMAND),
            read_dsn=self.dsn(Role.READ),
        )

    def broker_settings(self) -> BrokerSettings:
        """How to reach the broker."""
        return BrokerSettings(
            host=self.broker.host,
            port=self.broker.port,
            username=self.broker.username,
            password_file=self.broker.password_file,
        )

    def write_settings(self, name: str, site: Path, clock: ClockSettings, **sections: dict[str, Any]) -> Path:
        """A settings file for a service of the centre; it holds passwords, so only its owner may read it."""
        path = self.layout.root / f"{name}.toml"
        document: dict[str, Any] = {
            "site": {"folder": str(site)},
            "database": self.database_settings().model_dump(exclude_none=True),
            "broker": {
                k: str(v) if isinstance(v, Path) else v for k, v in self.broker_settings().model_dump(exclude_none=True).items()
            },
            "clock": clock.model_dump(),
            **sections,
        }
        write_private(path, to_toml(document))
        return path

    def spawn(self, name: str, *arguments: str) -> Child:
        """Starts ``khettara …`` as a child with a log of its own."""
        child = Child(name, [sys.executable, "-m", "app", *arguments], log=self.layout.logs / f"{name}.log")
        child.start()
        self.children[name] = child
        return child

    def stop_children(self, *names: str, timeout_s: float = 20.0) -> None:
        """Stops these children together, then waits for each."""
        chosen = [self.children.pop(name) for name in names if name in self.children]
        for child in chosen:
            child.interrupt()
        for child in chosen:
            child.stop(timeout_s)

    def stop(self) -> None:
        """Stops everything: children first, then broker and database. Safe to call twice."""
        self.stop_children(*list(self.children))
        self.broker.stop()
        self.postgres.stop()
