"""200 commands with kill -9 of the gateway at each step of execution: none executed twice, late or out of limits by the valve's own
log, each with one final outcome. Desk, dispatch, mosquitto, gateway process and Modbus device are real.

    pytest tests/integration/edge/test_killed_at_work.py -m slow -s
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.edge_config import Address, EdgeConfig, edge_toml
from app.settings import BrokerSettings as AppBroker
from app.settings import ClockSettings
from commands.desk import Desk
from commands.dispatch import CommandDispatch
from commands.keys import ensure_key_pair
from commands.settings import BrokerSettings, DeskSettings
from domain.clock import WallClock
from domain.inventory import Inventory
from domain.ports_commands import ModeRow
from domain.setpoints import ActuatorState, Command, Mode, Refused
from protocols.modbus.profile import load_model
from protocols.modbus.server import RegisterBank, RegisterServer
from protocols.tasks import end_tasks
from tests.support.command_store import MemoryCommandStore
from tests.support.desk import SUPERVISOR, Valves, small_site
from tests.support.mortal_gateway import STEPS
from tests.support.mosquitto import mosquitto
from tests.support.two_people_store import MemoryTwoPeople

PRV = "prv_medina"
FIRST_M = 40.0
TTL_S = 60.0
ROOT = Path(__file__).resolve().parents[3]


def site() -> Inventory:
    """The small site without waiting times: the valve is to be busy."""
    found = small_site()
    busy = {k: replace(a, min_interval_s=0.001, max_moves_per_day=10**6) for k, a in found.actuators.items()}
    return replace(found, actuators=busy)


@dataclass
class Valve:
    """The PRV's own log, and what the desk sees of it."""

    bank: RegisterBank
    log: list[tuple[float, float]] = field(default_factory=list)
    """(moment, value) of each write from outside."""

    def note(self, _field: str, value: float) -> bool:
        self.log.append((time.time(), value))
        return True

    async def states(self, actuators: Sequence[str]) -> dict[str, ActuatorState]:
        return {key: await self.state(key) for key in actuators}

    async def state(self, actuator: str) -> ActuatorState:
        value = self.bank.get("setpoint_m")
        return ActuatorState(
            actuator=actuator, mode=Mode.AUTO, mode_until=None, owner="law", owner_token=1, setpoint_m=value, outlet_m=value,
            inlet_m=70.0, flow_m3h=30.0, observed_at=datetime.now(UTC),
        )  # fmt: skip


@dataclass
class Mortal:
    """The gateway's process, killed and started again."""

    process: asyncio.subprocess.Process
    step_file: Path
    pid: int = 0
    deaths: int = 0

    async def start(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"start\n")
        await self.process.stdin.drain()
        self.pid = int(await self._line())

    async def death(self) -> None:
        """Waits for it, and starts the next life."""
        ended = await self._line()
        assert ended == f"ended {-signal.SIGKILL}", ended
        self.deaths += 1
        await self.start()

    async def _line(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode().strip()


@dataclass
class Road:
    desk: Desk
    store: MemoryCommandStore
    valve: Valve
    gateway: Mortal
    ordered: list[Command] = field(default_factory=list)

    async def order(self) -> Command:
        """The next order, a value that no other order has nor could be taken for: so the valve's log names the order."""
        value = round(FIRST_M + 0.05 * (len(self.ordered) + 1), 2)
        async with asyncio.timeout(90):
            while True:
                answer = await self.desk.order("law", PRV, value, "busy")
                if isinstance(answer, Command):
                    self.ordered.append(answer)
                    return answer
                assert isinstance(answer, Refused)
                assert {r.code for r in answer.reasons} <= {"unresolved_command", "too_soon", "command_pending"}, answer
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def open_road(folder: Path) -> AsyncIterator[Road]:
    inventory, clock = site(), WallClock(wall=time.time)
    private, public_path, key_id = ensure_key_pair(folder / "keys")
    bank = RegisterBank(load_model("generic_prv_controller"))
    bank.set("setpoint_m", FIRST_M)
    valve = Valve(bank)
    bank.on_write = valve.note
    other = RegisterBank(load_model("generic_prv_controller"))
    other.set("setpoint_m", FIRST_M)
    store = MemoryCommandStore()
    with mosquitto(folder) as broker:
        async with RegisterServer({1: bank, 2: other}) as server:
            addresses = {
                "prv-medina": Address(host="127.0.0.1", port=server.port, unit_id=1),
                "prv-plateau": Address(host="127.0.0.1", port=server.port, unit_id=2),
            }
            config = EdgeConfig(
                node="gw-1", state_dir=folder / "state", broker=AppBroker(port=broker.port), clock=ClockSettings(),
                keys={key_id: public_path}, addresses=addresses,
            )  # fmt: skip
            toml, step_file = folder / "edge.toml", folder / "step.txt"
            toml.write_text(edge_toml(config, inventory))
            step_file.write_text("")
            dispatch = CommandDispatch(
                broker=BrokerSettings(host="127.0.0.1", port=broker.port, republish_s=0.3, reconnect_s=0.05),
                private_key=private, inventory=inventory, clock=clock,
            )  # fmt: skip
            desk = Desk(
                inventory=inventory, store=store, two_people=MemoryTwoPeople(store), view=valve, predictor=Valves(clock),
                sender=dispatch, clock=clock, monotonic=time.monotonic, wall=clock.now,
                settings=DeskSettings(key_id=key_id, command_ttl_s=TTL_S),
            )  # fmt: skip
            dispatch.listen(desk.on_outcome)
            with (folder / "gateway.log").open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "tests.support.mortal_gateway", str(toml), str(step_file), cwd=ROOT,
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                )  # fmt: skip
            gateway = Mortal(process, step_file)
            task = asyncio.create_task(dispatch.run())
            try:
                await gateway.start()
                assert isinstance(await desk.set_mode(SUPERVISOR, PRV, Mode.AUTO, None, "busy"), ModeRow)
                yield Road(desk, store, valve, gateway)
            finally:
                await end_tasks([task])
                with contextlib.suppress(ProcessLookupError):  # the test has killed it already
                    os.kill(gateway.pid, signal.SIGKILL)
                process.kill()
                await process.communicate()


async def one_command(road: Road, step: str) -> str:
    """Orders, lets the gateway die at the step, and waits for the outcome; returns its word."""
    too = road.gateway.step_file.with_suffix(".too")
    deaths = 1
    if step == "recover:before":
        too.touch()
        step, deaths = "start:after", 2
    else:
        too.unlink(missing_ok=True)
    road.gateway.step_file.write_text(step)
    command = await road.order()
    for _ in range(deaths):
        await road.gateway.death()
    outcome = await road.desk.wait(command.command_id, 90)
    assert outcome is not None, f"no outcome after a death at {step}"
    return type(outcome).__name__.lower()


def judge(road: Road) -> Counter[str]:
    """The valve's own log against the orders and their outcomes."""
    written = Counter(value for _, value in road.valve.log)
    rows = {r.command.command_id: r for r in road.store._commands.values()}
    endings = Counter(r.subject for r in road.store.rows if r.action in ("verified", "refused", "expired", "failed", "unknown"))
    assert endings == Counter(c.command_id for c in road.ordered), "each command has exactly one outcome"
    values = {c.value_m: c for c in road.ordered}
    assert set(written) <= set(values), "nothing was written that nobody ordered"
    for at, value in road.valve.log:
        command = values[value]
        actuator = site().actuators[PRV]
        assert written[value] == 1, f"{value} m was written {written[value]} times"
        assert actuator.min_m <= value <= actuator.max_m
        assert at < command.expires_at.timestamp(), "written after its expiry"
    for command in road.ordered:
        state = rows[command.command_id].state
        assert (state == "verified") == bool(written[command.value_m]), (state, command.value_m)
    return Counter(r.state for r in rows.values())


async def test_killed_at_each_step_no_command_acts_twice(tmp_path: Path) -> None:
    async with open_road(tmp_path) as road:
        words = {step: await one_command(road, step) for step in STEPS}
        judge(road)
    assert words["admit:before"] == "verified", "sent again, and never heard of before"
    assert words["admit:after"] == words["look:after"] == words["start:before"] == "refused", "not started is never started"
    assert words["start:after"] == words["write:before"] == words["recover:before"] == "failed", "started is read back, not written"
    assert {words[s] for s in ("write:after", "readback:after", "finish:before", "finish:after", "tell:before")} == {"verified"}
    assert road.gateway.deaths == len(STEPS) + 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_200_commands_and_as_many_deaths(tmp_path: Path) -> None:
    seed = int(os.environ.get("KHETTARA_TEST_SEED", "0"))
    lot = random.Random(seed)
    async with open_road(tmp_path) as road:
        for number in range(200):
            if number % 4 == 3:  # at any moment at all, from outside
                command = await road.order()
                await asyncio.sleep(lot.uniform(0.0, 0.08))
                os.kill(road.gateway.pid, signal.SIGKILL)
                await road.gateway.death()
                assert await road.desk.wait(command.command_id, 90) is not None
            else:
                await one_command(road, STEPS[number % len(STEPS)] if number % 4 else lot.choice(STEPS))
        print(dict(judge(road)), "after", road.gateway.deaths, "deaths")
