"""The real executor, journal and fail-safe over a simulated valve, led step by step through what the model does.

Gates hold the executor where the model has states: before it looks at the valve, before it writes, before it reads back. A crash
ends it at a gate, as a power cut would: what is in the database stays, everything else is gone.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.errors import DeviceTimeout
from domain.setpoints import Command, Source, outcome_word
from edge.actuators import ActuatorDriver
from edge.database import DatabaseThread, open_database
from edge.executor import CommandCounters, Executor
from edge.failsafe import Failsafe
from edge.journal import Journal
from edge.settings import ActuatorSettings
from protocols.modbus.profile import load_model
from protocols.sparkplug.commands import decode_result
from protocols.sparkplug.payload import decode
from protocols.tasks import end_tasks
from tests.support import command_model as m
from tests.support.prv_site import EDGE, KEY, START, HandClock, signed

UNIT_S = 100.0
"""One tick of the model's time."""
VALUES = {"law": 41.0, "operator": 42.0, "beyond": 99.0}
SAFE_M = 45.0
SETTINGS = ActuatorSettings(
    key="prv_medina", device="prv1", field="setpoint_m", min_m=20.0, max_m=60.0, safe_m=SAFE_M, ramp_up_m=99.0, ramp_down_m=99.0,
    min_interval_s=0.0, lease_s=m.LEASE * UNIT_S,
)  # fmt: skip


@dataclass
class SimulatedLink:
    """``DeviceLink`` of one PRV, with gates; keeps its own log of what was written to it."""

    setpoint_m: float = SAFE_M
    writes: list[float] = field(default_factory=list)
    mood: str = "write"
    """What the next write does: ``write``, ``write unanswered``, ``write not taken``."""
    gated: bool = True
    at: str = ""
    deaf: bool = False
    model: Any = field(default_factory=lambda: load_model("generic_prv_controller"))
    phase: str = "idle"
    """Of the command being executed: ``idle``, ``looked``, ``written``, ``read``."""
    _leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def _gate(self, name: str) -> None:
        if self.gated:
            self.at = name
            self._leave.clear()
            await self._leave.wait()
            self.at = ""

    def go(self) -> None:
        self._leave.set()

    async def read_field(self, _name: str) -> float | None:
        if self.phase == "idle":
            self.deaf = False
            await self._gate("start")
            self.phase = "looked"
        elif self.phase == "written":
            await self._gate("done")
            self.phase = "read"
        if self.deaf:
            raise DeviceTimeout("no answer")
        return self.setpoint_m

    async def write(self, request: Any, *, allowed: Callable[[], bool]) -> bool:
        await self._gate("write")
        self.phase = "written"
        if not allowed():
            return False
        if self.gated and self.mood == "write not taken":
            return True
        self.setpoint_m = request.value
        self.writes.append(request.value)
        if self.gated and self.mood == "write unanswered":
            self.deaf = True
            raise DeviceTimeout("no answer")
        return True


class NotingJournal(Journal):
    """Tells the link when a command has ended: the next one begins with a look."""

    link: SimulatedLink

    def finish(self, *args: Any, **kwargs: Any) -> None:
        self.link.phase = "idle"
        super().finish(*args, **kwargs)


@dataclass
class ExecutorRig:
    """One gateway's command part that does what the model does, and says what it then remembers."""

    folder: Path
    kinds: tuple[str, ...]
    clock: HandClock = field(default_factory=HandClock)
    link: SimulatedLink = field(default_factory=SimulatedLink)
    orders: dict[int, Command] = field(default_factory=dict)
    early: set[int] = field(default_factory=set)
    """Orders that came after their expiry while another was being executed."""

    async def boot(self) -> None:
        self.connection: sqlite3.Connection = open_database(self.folder)
        self.connection.execute("PRAGMA synchronous = OFF")  # the power that is cut here is ours
        self.database = DatabaseThread()
        self.journal = NotingJournal(self.connection, node="gw")
        self.journal.link = self.link
        self.driver = ActuatorDriver(settings=SETTINGS, link=self.link)  # type: ignore[arg-type]  # it stands for the device
        self.counters = CommandCounters()
        self.executor = Executor(
            edge=EDGE, keys={"desk-1": KEY.public_key()}, drivers={SETTINGS.key: self.driver}, journal=self.journal,
            database=self.database, clock=self.clock, on_result=lambda: None, counters=self.counters,
        )  # fmt: skip
        self.failsafe = Failsafe(
            drivers=[self.driver], journal=self.journal, database=self.database, clock=self.clock, counters=self.counters
        )
        self.task = asyncio.create_task(self.executor.run())

    async def crash(self) -> None:
        await end_tasks([self.task])
        self.database.close()
        self.connection.close()

    async def follow(self, step: m.Step, after: m.State) -> None:
        """Does one step of the model; returns when the executor stands where the model does."""
        i = step.order
        match step.name:
            case "tick":
                self.clock.advance(UNIT_S)
            case "issue":
                self.orders[i] = self._order(i, after)
            case "deliver":
                self.executor.offer("prv1", signed(self.orders[i]))
                await self.until(lambda: self.state_of(i) != "-")
                await self._quiet()
            case "start" | "look":
                await self._step_to_gate(step.name, i, after)
            case "write" | "write unanswered" | "write not taken":
                self.link.mood = step.name
                self.link.go()
                await self.until(lambda: self.link.at == "done")
            case "withdrawn" | "done":
                self.link.go()
                await self.until(lambda: self.state_of(i) not in ("received", "started"))
                await self._quiet()
            case "fall back":
                self.link.gated, self.link.deaf = False, False
                assert await self.failsafe.fall_back(self.driver)
                self.link.gated, self.link.phase = True, "idle"
            case "crash":
                await self.crash()
            case "restart":
                await self._restart()
            case _:
                pass  # the desk's own affairs

    async def _step_to_gate(self, name: str, i: int, after: m.State) -> None:
        if name == "start":
            self.link.go()
            await self.until(lambda: self.link.at == "write")
            await self._quiet()
            return
        if after.running == i:
            await self.until(lambda: self.link.at == "start")
            return
        await self.until(lambda: self.link.at == "start" or self.state_of(i) not in ("received", "started"))
        if self.link.at == "start":  # it waited behind another, and is looked at too late
            self.link.go()
        await self.until(lambda: self.state_of(i) not in ("received", "started"))
        await self._quiet()

    async def _restart(self) -> None:
        self.link.gated, self.link.deaf, self.link.at, self.link.phase = False, False, "", "idle"
        await self.boot()
        await self.until(lambda: not self.journal.unfinished())
        await self._quiet()
        self.link.gated, self.link.phase = True, "idle"

    async def _quiet(self) -> None:
        await self.database.run(lambda: None)  # a transaction under way shows itself half on the same connection
        for _ in range(5):
            await asyncio.sleep(0)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.0005)

    def _order(self, i: int, after: m.State) -> Command:
        order = after.orders[i]
        return Command(
            command_id=f"c{i}", actuator=SETTINGS.key, gateway=EDGE, device="prv1", field="setpoint_m",
            value_m=VALUES[self.kinds[i]], previous_m=None, source=Source.LAW, author="model", issued_at=START,
            expires_at=START + timedelta(seconds=order.expires * UNIT_S), counter=order.counter, owner_token=order.token,
            lease_s=m.LEASE * UNIT_S, key_id="desk-1",
        )  # fmt: skip

    # ── what it remembers, in the model's words ─────────────────────────────────────────────────────────────────────────────

    def state_of(self, i: int) -> str:
        row = self.connection.execute("SELECT state, outcome FROM journal WHERE command_id = ?", (f"c{i}",)).fetchone()
        if row is None:
            return "-"
        if row[1] is None:
            return str(row[0])
        found = decode_result(decode(row[1]))
        assert found is not None
        return outcome_word(found)

    def compare(self, state: m.State) -> None:
        """The valve, its log, and, while the gateway is up, what is durable."""
        valve = SAFE_M if state.valve == m.SAFE else VALUES[self.kinds[state.valve]]
        assert self.link.setpoint_m == valve
        for i, kind in enumerate(self.kinds):
            assert self.link.writes.count(VALUES[kind]) == state.wrote[i]
        if not state.up:
            return
        for i, expected in enumerate(state.journal):
            found = self.state_of(i)
            # The model looks at what waits when its turn comes, or refuses it after a power cut before that; the code has looked at
            # the clock already when it came. Not executed either way.
            waits = expected == "received" and i in state.queue and state.now >= state.orders[i].expires
            if found == "expired" and waits:
                self.early.add(i)
            early = found == "expired" and (waits or (expected == "refused" and i in self.early))
            assert found == expected or early, (i, found, expected)
        memory = self.journal.actuator(SETTINGS.key)
        assert memory.owner_token == state.token
        lease = None if state.lease is None else START + timedelta(seconds=state.lease * UNIT_S)
        assert memory.lease_until == lease
        counter = self.connection.execute("SELECT value FROM meta WHERE key = 'counter'").fetchone()
        assert (0 if counter is None else counter[0]) == state.counter
