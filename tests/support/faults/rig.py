"""The whole way up as processes on one machine, a hand that kills them, and the count afterwards.

    generators (spool + truth) ──▶ broker ──▶ ingestors ──▶ PostgreSQL          rig: kill, freeze, drain, judge

The rig takes the safety nets away unless told to keep them: the gateways delete what has a receipt at once (the product keeps it
for 72 h), and the readings table has no unique key. What is left is the promise itself.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from app.database import migrate_and_save
from app.embedded.postgres import ADMIN
from app.files import read_json, write_json
from domain.inventory import Inventory, build_inventory
from storage.roles import Role
from tests.support.faults.generator import METRICS, STEP, GeneratorConfig
from tests.support.faults.parts import BROKERS, Broker, DatabasePart, Part, Program, Several, python
from tests.support.faults.verdict import Name, Spooled, Verdict, judge, truth_of

GROUP = "faults"
NODES = ("gw-1", "gw-2")
KINDS = ("edge", "broker", "ingestor", "database")
TEMPLATE = "faults_template"
"""A database with schema and inventory, copied for each rig."""
PATIENCE_S = 120.0
"""Without any progress for so long, something is stuck."""
_SETTLED_S = 3.5
"""A stored count that stands still for longer than the ingestor's pauses between retries is final. Only wrong builds need this."""
_numbers = itertools.count(1)

# Each statement that writes takes its time, as on a slow disk, so that a kill hits the middle of a transaction more often than not.
_SLOW_DISK = """
CREATE FUNCTION slow_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
CREATE TRIGGER slow_copy AFTER INSERT ON reading FOR EACH STATEMENT EXECUTE FUNCTION slow_disk();
CREATE CONSTRAINT TRIGGER slow_commit AFTER UPDATE ON ledger DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION slow_disk();
"""


class StuckError(AssertionError):
    """Nothing moves any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Which programs run: the product's own, or wrong ones. Each takes its configuration as last argument."""

    name: str = "product"
    edge: tuple[str, ...] = ("tests.support.faults.generator",)
    ingest: tuple[str, ...] = ("app",)


@dataclass(slots=True, kw_only=True)
class Rig:
    """A running system. Made by ``rig``."""

    folder: Path
    database: DatabasePart
    name: str
    broker: Broker
    edges: dict[str, tuple[GeneratorConfig, Program]]
    ingestors: list[Program]
    random: Random
    notes: list[str] = field(default_factory=list)
    """What was done, for the message of a failure."""
    started_at: float = 0.0

    # ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def programs(self) -> list[Program]:
        """Those that are ours: generators and ingestors."""
        return [*(program for _, program in self.edges.values()), *self.ingestors]

    def part(self, kind: str) -> Part:
        """All of a kind, as one part."""
        return {
            "edge": Several("edge", [program for _, program in self.edges.values()]),
            "broker": self.broker,
            "ingestor": Several("ingestor", self.ingestors),
            "database": self.database,
        }[kind]

    def one(self, kind: str) -> Part:
        """One of a kind, by lot."""
        found = self.part(kind)
        return self.random.choice(found.parts) if isinstance(found, Several) else found

    def kill(self, part: Part) -> None:
        """Kills a part."""
        self.note(f"kill {part.name}")
        part.kill()

    def start(self, part: Part) -> None:
        """Starts a part."""
        self.note(f"start {part.name}")
        part.start()

    def start_all(self) -> None:
        """Starts everything, the gateways last, when somebody listens to them: even a careless gateway loses nothing yet."""
        self.database.start()
        self.broker.start()
        for program in self.ingestors:
            program.start()
        for program in self.ingestors:
            self._wait(partial(_connected, program), f"{program.name} to connect")
        self.part("edge").start()

    def note(self, text: str) -> None:
        """Keeps a line of what was done."""
        self.notes.append(f"{time.monotonic() - self.started_at:.2f} s {text}")

    # ── the generators ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def order(self, **orders: object) -> None:
        """Tells the generators what to do."""
        for config, _ in self.edges.values():
            write_json(config.orders, {**read_json(config.orders), **orders})

    def status(self) -> dict[str, dict[str, Any]]:
        """What each generator said last; empty while it says nothing."""
        found = {}
        for node, (config, program) in self.edges.items():
            said = read_json(config.status)
            found[node] = said if said.get("pid") == program.pid else {}
        return found

    def moving(self) -> None:
        """Returns when readings of every gateway are arriving: whatever is killed now is killed at work."""
        self._wait_for_more("acked", 1, "readings of every gateway to arrive")

    def spool(self, readings: int) -> None:
        """Returns when every gateway has spooled so many readings more."""
        self._wait_for_more("spooled", readings, f"{readings} more readings of every gateway")

    def drain(self) -> None:
        """Everything runs, nothing new is made, and every gateway has every receipt."""
        for kind in KINDS:
            self.part(kind).start()
        self.order(generate=False)

        def drained() -> bool:
            return all(said and not said["generating"] and said["depth"] == 0 for said in self.status().values())

        self._wait(drained, "the spools to be empty")

    # ── the count ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def verdict(self) -> Verdict:
        """Drains, stops the gateways, and compares truth and database; afterwards the gateways make readings again."""
        self.drain()
        spooled = sum(said["spooled"] for said in self.status().values())
        self._settle(spooled)
        for _, program in self.edges.values():
            program.stop()
        with self.connect() as admin:
            found = judge(self.truth(), admin)
        self.note(str(found))
        self.order(generate=True)
        self.part("edge").start()
        return found

    def truth(self) -> dict[Name, Spooled]:
        """Everything ever spooled; the generators must not be running."""
        return {name: spooled for config, _ in self.edges.values() for name, spooled in truth_of(config).items()}

    def check(self) -> Verdict:
        """The verdict, which must be clean."""
        found = self.verdict()
        assert found.clean, f"{found}\n" + "\n".join(self.notes[-60:])
        return found

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the superuser."""
        return psycopg.connect(self.database.server.dsn(ADMIN, self.name), autocommit=True)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a query as the superuser sees them."""
        with self.connect() as admin:
            return admin.execute(statement.encode()).fetchall()

    def _settle(self, spooled: int) -> None:
        """A wrong build says that it is done before it is: leave what is on its way the time to arrive."""
        last, since = -1, time.monotonic()
        while (now := int(self.query("SELECT coalesce(sum(stored + repeated + dead), 0)::int8 FROM ledger")[0][0])) < spooled:
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() - since > _SETTLED_S:
                return
            time.sleep(0.1)

    def _wait_for_more(self, count: str, readings: int, what: str) -> None:
        """Returns when a count of every gateway has grown, from what its present process says first."""
        start: dict[str, dict[str, Any]] = {}

        def grown() -> bool:
            now = self.status()
            for node, said in now.items():
                if said and start.get(node, {}).get("pid") != said["pid"]:
                    start[node] = said
            return all(said and said[count] >= start[node][count] + readings for node, said in now.items())

        self._wait(grown, what)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        seen, since = None, time.monotonic()
        while not condition():
            now = self.status()
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > PATIENCE_S:
                self._stuck(what)
            for program in self.programs:
                if program.fell:
                    raise StuckError(f"{program.name} ended by itself:\n{program.tail()}\n" + "\n".join(self.notes[-40:]))
            time.sleep(0.02)

    def _stuck(self, what: str) -> None:
        tails = "\n".join(f"--- {p.name}\n{p.tail()}" for p in self.programs)
        notes = "\n".join(self.notes[-40:])
        raise StuckError(f"waited {PATIENCE_S:g} s for {what} without any progress: {self.status()}\n{notes}\n{tails}")


@contextmanager
def database_server() -> Iterator[DatabasePart]:
    """A durable server with the template; its folder is open to others, so that root's server can give up root."""
    folder = Path(tempfile.mkdtemp(prefix="khettara-faults-"))
    folder.chmod(0o755)
    database = DatabasePart(folder / "data")
    try:
        database.start()
        with psycopg.connect(database.server.dsn(ADMIN, "postgres"), autocommit=True) as admin:
            # Otherwise each recovery syncs some thousand files one by one, which is most of its time. Read at the next start.
            if sys.platform == "linux":
                admin.execute("ALTER SYSTEM SET recovery_init_sync_method = 'syncfs'")
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        asyncio.run(migrate_and_save(database.server.dsn(ADMIN, TEMPLATE), inventory()))
        yield database
    finally:
        database.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def rig(
    folder: Path,
    database: DatabasePart,
    *,
    broker: str = "mosquitto",
    build: Build = Build(),
    ingestors: int = 2,
    nets: bool = False,
    slow_disk_s: float = 0.0,
    seed: int = 1,
) -> Iterator[Rig]:
    """A running system in a fresh database; everything of it but the database server ends with the block.

    Args:
        folder: Of the spools, the broker and the logs.
        database: A running server with the template of ``prepare``.
        broker: A name of ``BROKERS``.
        build: Whose programs.
        ingestors: How many share the work.
        nets: Keep the safety nets: acknowledged blocks for 72 h, the unique key.
        slow_disk_s: What each COPY and each COMMIT takes longer [wall s].
        seed: Of every choice by lot.
    """
    name = f"faults_{next(_numbers)}"
    _make_database(database, name, nets=nets, slow_disk_s=slow_disk_s)
    folder.mkdir(parents=True, exist_ok=True)
    listening = BROKERS[broker](folder / "broker")
    listening.start()
    edges = {}
    for node in NODES:
        config = GeneratorConfig(
            group=GROUP,
            node=node,
            folder=str(folder),
            devices=devices_of(node),
            broker_port=listening.port,
            broker_username=listening.username,
            broker_password_file=None if listening.password_file is None else str(listening.password_file),
            keep_acked=nets,
        )
        config.state_dir.mkdir(parents=True, exist_ok=True)
        write_json(config.state_dir / "generator.json", asdict(config))
        argv = python(*build.edge, str(config.state_dir / "generator.json"))
        edges[node] = (config, Program(f"edge {node}", argv, log=folder / f"{node}.log", env=database.bytecode))
    settings = folder / "ingest.toml"
    settings.write_text(_ingest_settings(folder, database.server.dsn(Role.INGEST, name), listening))
    argv = python(*build.ingest, "ingest", "run", "--config", str(settings))
    programs = [Program(f"ingestor {i}", argv, log=folder / f"ingest-{i}.log", env=database.bytecode) for i in range(ingestors)]
    made = Rig(
        folder=folder, database=database, name=name, broker=listening, edges=edges, ingestors=programs, random=Random(seed),
        started_at=time.monotonic(),
    )  # fmt: skip
    try:
        made.start_all()
        yield made
    finally:
        for program in made.programs:
            program.kill()
        listening.kill()
        _drop_database(database, name)


def devices_of(node: str) -> tuple[str, ...]:
    """The devices of a generator."""
    return f"{node}-a", f"{node}-b"


def inventory() -> Inventory:
    """One flow and one pressure for each device of each generator."""
    points, gateways, devices = [], [], []
    for node in NODES:
        gateways.append({"node": node, "group": GROUP, "name": node})
        for device in devices_of(node):
            channels = {metric: f"{device}.{metric}" for metric in METRICS}
            devices.append({"key": device, "gateway": node, "model": "generator", "channels": channels})
            points += [
                {"key": key, "quantity": metric.partition("_")[0], "role": "other", "resolution": str(STEP), "zone": "z"}
                for metric, key in channels.items()
            ]
    return build_inventory(
        {
            "site.toml": {"site": {"key": "faults", "names": {"en": "Faults"}, "timezone": "Africa/Casablanca"}},
            "zones.toml": {"zone": [{"key": "z", "kind": "commune", "names": {"en": "Z"}}]},
            "points.toml": {"point": points},
            "devices.toml": {"gateway": gateways, "device": devices},
        }
    )


def _connected(program: Program) -> bool:
    return '"event": "connected"' in program.log()


def _make_database(database: DatabasePart, name: str, *, nets: bool, slow_disk_s: float) -> None:
    database.start()
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    with psycopg.connect(database.server.dsn(ADMIN, "postgres"), autocommit=True) as admin:
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
    with psycopg.connect(database.server.dsn(ADMIN, name), autocommit=True) as admin:
        if not nets:
            admin.execute("ALTER TABLE reading DROP CONSTRAINT reading_pkey")
        if slow_disk_s:
            admin.execute(_SLOW_DISK.format(seconds=slow_disk_s).encode())


def _drop_database(database: DatabasePart, name: str) -> None:
    """What is left lying about would be synced file by file at each later recovery."""
    database.start()
    with psycopg.connect(database.server.dsn(ADMIN, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _ingest_settings(folder: Path, dsn: str, broker: Broker) -> str:
    site = f"folder = {json.dumps(str(folder))}"
    lines = ["[site]", site, "[database]", f"dsn = {json.dumps(dsn)}", "[broker]", f"port = {broker.port}"]
    if broker.username is not None:
        lines += [f"username = {json.dumps(broker.username)}", f"password_file = {json.dumps(str(broker.password_file))}"]
    return "\n".join(lines) + "\n"
