"""A PRV behind a real Modbus server, and the parts of a gateway that drive it, by a clock set by hand."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.setpoints import Command, Outcome, Source
from edge.actuators import ActuatorDriver
from edge.bus import BusActor
from edge.database import DatabaseThread, open_database
from edge.device import link_device
from edge.executor import CommandCounters, Executor
from edge.failsafe import Failsafe
from edge.journal import Journal
from edge.settings import ActuatorSettings, DeviceSettings
from protocols.modbus.profile import load_model
from protocols.modbus.server import RegisterBank, RegisterServer
from protocols.sparkplug.commands import SignedCommand, canonical_document, sign
from protocols.tasks import end_tasks

EDGE = "demo/gw"
START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
ACTUATOR = ActuatorSettings(
    key="prv_medina",
    device="prv1",
    field="setpoint_m",
    min_m=20.0,
    max_m=60.0,
    safe_m=45.0,
    ramp_up_m=5.0,
    ramp_down_m=3.0,
    min_interval_s=300.0,
    lease_s=1800.0,
)
KEY = Ed25519PrivateKey.generate()


@dataclass(slots=True)
class HandClock:
    """Shows what it was set to."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def timestamp(self) -> float:
        return self.moment.timestamp()

    def wall_delay(self, until: datetime) -> float:
        return 0.01 if until > self.moment else 0.0

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def command(number: int, value_m: float, now: datetime, **changes: Any) -> Command:
    """A well-formed order; its counter is its number."""
    made = Command(
        command_id=f"c{number}",
        actuator=ACTUATOR.key,
        gateway=EDGE,
        device=ACTUATOR.device,
        field=ACTUATOR.field,
        value_m=value_m,
        previous_m=None,
        source=Source.OPERATOR,
        author="amina",
        issued_at=now,
        expires_at=now + timedelta(seconds=600),
        counter=number,
        owner_token=1,
        lease_s=1800.0,
        key_id="desk-1",
    )
    return replace(made, **changes)


def signed(order: Command, key: Ed25519PrivateKey = KEY) -> SignedCommand:
    """The order as the desk sends it."""
    document = canonical_document(order)
    return SignedCommand(document=document, signature=sign(document, key), key_id=order.key_id)


@dataclass(slots=True)
class PrvSite:
    """The device, what was written to it, and the parts that drive it."""

    folder: Path
    server: RegisterServer
    bank: RegisterBank
    clock: HandClock
    writes: list[float] = field(default_factory=list)
    actuator: ActuatorSettings = ACTUATOR
    connection: sqlite3.Connection | None = None
    database: DatabaseThread | None = None
    journal: Journal | None = None
    executor: Executor | None = None
    driver: ActuatorDriver | None = None
    bus: BusActor | None = None
    counters: CommandCounters = field(default_factory=CommandCounters)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def boot(self, *, with_keys: bool = True, failsafe: bool = False) -> None:
        """Starts the gateway's command part over the folder's database."""
        self.connection = open_database(self.folder)
        self.database = DatabaseThread()
        self.journal = Journal(self.connection, node="gw")
        settings = DeviceSettings(
            key="prv1",
            model="generic_prv_controller",
            host="127.0.0.1",
            port=self.server.port,
            unit_id=1,
            period_s=60,
            timeout_s=0.3,
            actuators=(self.actuator,),
        )
        self.bus = BusActor("127.0.0.1", self.server.port)
        self.driver = ActuatorDriver(settings=self.actuator, link=link_device(settings, self.bus))
        self.counters = CommandCounters()
        self.executor = Executor(
            edge=EDGE,
            keys={"desk-1": KEY.public_key()} if with_keys else {},
            drivers={self.actuator.key: self.driver},
            journal=self.journal,
            database=self.database,
            clock=self.clock,
            on_result=lambda: None,
            counters=self.counters,
        )
        runs = [self.bus.run(), self.executor.run()]
        if failsafe:
            guard = Failsafe(
                drivers=[self.driver], journal=self.journal, database=self.database, clock=self.clock, counters=self.counters
            )
            runs.append(guard.run())
        self.tasks = [asyncio.create_task(r) for r in runs]

    async def crash(self) -> None:
        """Everything stops where it stands."""
        await end_tasks(self.tasks)
        if self.database is not None:
            self.database.close()
        if self.connection is not None:
            self.connection.close()

    async def order(self, order: SignedCommand, device: str = "prv1") -> None:
        """A DCMD arrives."""
        assert self.executor is not None
        self.executor.offer(device, order)

    async def outcome(self, command_id: str) -> Outcome:
        """What becomes of a command; waits for it."""
        assert self.executor is not None
        async with asyncio.timeout(60):
            while True:
                for _, outcome in await self.executor.results():
                    if outcome.command_id == command_id:
                        return outcome
                await asyncio.sleep(0.01)

    async def settles(self, setpoint_m: float) -> None:
        """Waits until the valve is set to a value."""
        async with asyncio.timeout(60):
            while self.bank.get("setpoint_m") != setpoint_m:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def prv_site(folder: Path, setpoint_m: float = 40.0) -> AsyncIterator[PrvSite]:
    """A PRV at ``setpoint_m``; nothing of the gateway runs yet."""
    bank = RegisterBank(load_model("generic_prv_controller"))
    bank.set("setpoint_m", setpoint_m)
    async with RegisterServer({1: bank}) as server:
        site = PrvSite(folder, server, bank, HandClock())

        def note(_field: str, value: float) -> bool:
            site.writes.append(value)
            return True

        bank.on_write = note
        try:
            yield site
        finally:
            await site.crash()
