"""The command road over a real broker: desk, dispatch, mosquitto and a tiny edge that verifies, journals and repeats."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest

from commands.desk import Desk
from commands.dispatch import CommandDispatch
from commands.keys import ensure_key_pair
from commands.selection import Accepted, Selection
from commands.settings import BrokerSettings, DeskSettings
from domain.setpoints import Command, Outcome, Refused, Unknown, Verified
from protocols.sparkplug.commands import decode_command, decode_result_ack, encode_result, parse_document, verify
from protocols.sparkplug.keys import load_public_key
from protocols.sparkplug.payload import decode
from protocols.tasks import end_tasks
from tests.support.command_store import MemoryCommandStore
from tests.support.desk import OPERATOR, SetClock, TinyEdge, Valves, small_site
from tests.support.two_people_store import MemoryTwoPeople

PATIENCE_S = 30.0
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed on this machine")


@dataclass
class Broker:
    """A mosquitto that can be stopped and started again on the same port."""

    folder: Path
    port: int = 0
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        assert MOSQUITTO is not None
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self.process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await until(self._accepts)

    async def _accepts(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def stop(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended already
                self.process.kill()
            await self.process.wait()
            self.process = None


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.02)


@dataclass
class WireEdge:
    """A gateway on the wire: verifies signatures, answers from its journal, repeats each result until it is acknowledged."""

    port: int
    public_path: Path
    rules: TinyEdge
    forget_first: int = 0
    """So many commands are lost before the first is heard."""
    mute: bool = False
    heard: list[str] = field(default_factory=list)
    forged: int = 0
    unacknowledged: dict[str, tuple[str, Outcome]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", self.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
                    await client.subscribe("spBv1.0/demo/DCMD/gw-1/+")
                    self.ready.set()
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._repeat(client))
                        tasks.create_task(self._listen(client))
            except* aiomqtt.MqttError:
                self.ready.clear()
            await asyncio.sleep(0.05)

    async def _repeat(self, client: aiomqtt.Client) -> None:
        while True:
            for device, outcome in list(self.unacknowledged.values()):
                await client.publish(f"spBv1.0/demo/DDATA/gw-1/{device}", encode_result(outcome, 0, 0))
            await asyncio.sleep(0.1)

    async def _listen(self, client: aiomqtt.Client) -> None:
        key = load_public_key(self.public_path)
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            device, payload = str(message.topic).rsplit("/", 1)[-1], decode(message.payload)
            acknowledged = decode_result_ack(payload)
            if acknowledged is not None:
                self.unacknowledged.pop(acknowledged, None)
                self.acknowledged.append(acknowledged)
                continue
            signed = decode_command(payload)
            if signed is None or not verify(signed.document, signed.signature, key):
                self.forged += 1
                continue
            command = parse_document(signed.document)
            assert command.device == device
            self.heard.append(command.command_id)
            if len(self.heard) > self.forget_first and not self.mute:
                self.unacknowledged[command.command_id] = (device, self.rules.receive(command))


@dataclass
class Road:
    """Everything between an operator and a valve."""

    broker: Broker
    desk: Desk
    dispatch: CommandDispatch
    edge: WireEdge
    clock: SetClock
    store: MemoryCommandStore
    valves: Valves

    async def order(self, value_m: float = 39.0) -> Command:
        accepted = await self.desk.propose(OPERATOR, "prv_medina", value_m, "night")
        assert isinstance(accepted, Accepted), accepted
        selection = await self.desk.select(OPERATOR, accepted.proposal.proposal_id)
        assert isinstance(selection, Selection)
        command = await self.desk.execute(OPERATOR, selection.selection_id, value_m)
        assert isinstance(command, Command), command
        return command


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    broker = Broker(tmp_path)
    await broker.start()
    private, public_path, key_id = ensure_key_pair(tmp_path / "keys")
    clock, site = SetClock(), small_site()
    store, valves = MemoryCommandStore(), Valves(clock)
    limits = {k: (a.min_m, a.max_m) for k, a in site.actuators.items()}
    dispatch = CommandDispatch(
        broker=BrokerSettings(host="127.0.0.1", port=broker.port, republish_s=0.2, reconnect_s=0.05, reconnect_max_s=0.2),
        private_key=private,
        inventory=site,
        clock=clock,
    )
    desk = Desk(
        inventory=site,
        store=store,
        two_people=MemoryTwoPeople(store),
        view=valves,
        predictor=valves,
        sender=dispatch,
        clock=clock,
        monotonic=clock.monotonic,
        wall=clock.now,
        settings=DeskSettings(key_id=key_id),
    )
    dispatch.listen(desk.on_outcome)
    edge = WireEdge(broker.port, public_path, TinyEdge(clock=clock, valves=valves, limits=limits.__getitem__))
    tasks = [asyncio.create_task(dispatch.run()), asyncio.create_task(edge.run())]
    async with asyncio.timeout(PATIENCE_S):
        await dispatch.connected.wait()
        await edge.ready.wait()
    try:
        yield Road(broker, desk, dispatch, edge, clock, store, valves)
    finally:
        await end_tasks(tasks)
        await broker.stop()


async def test_an_order_is_signed_executed_verified_and_acknowledged(road: Road) -> None:
    command = await road.order()
    outcome = await road.desk.wait(command.command_id, PATIENCE_S)
    assert outcome == Verified(command_id=command.command_id, at=road.clock.at, readback_m=39.0)

    async def acknowledged() -> bool:
        return not road.edge.unacknowledged and command.command_id in road.edge.acknowledged

    await until(acknowledged)
    assert road.edge.forged == 0
    assert road.edge.rules.moves[0][1] == command  # the wire carries every field


async def test_a_lost_command_is_repeated_and_executed_once(road: Road) -> None:
    road.edge.forget_first = 3
    command = await road.order()
    assert isinstance(await road.desk.wait(command.command_id, PATIENCE_S), Verified)
    assert road.edge.heard.count(command.command_id) >= 4
    assert len(road.edge.rules.moves) == 1


async def test_a_broker_that_dies_costs_time_not_the_order(road: Road) -> None:
    await road.broker.stop()
    command = await road.order()
    await road.broker.start()
    assert isinstance(await road.desk.wait(command.command_id, PATIENCE_S), Verified)
    assert len(road.edge.rules.moves) == 1
    assert road.store.actions().count("verified") == 1


async def test_a_result_is_acknowledged_only_once_the_desk_has_kept_it(road: Road) -> None:
    keep, failures = road.desk.on_outcome, 0

    async def forgetful(outcome: Outcome, origin: str) -> None:
        nonlocal failures
        failures += 1
        if failures <= 2:
            assert road.edge.acknowledged == []
            raise ConnectionError("the database is away")
        await keep(outcome, origin)

    road.dispatch.listen(forgetful)
    command = await road.order()
    assert isinstance(await road.desk.wait(command.command_id, PATIENCE_S), Verified)
    assert failures >= 3


async def test_a_gateway_that_was_not_asked_cannot_answer_for_another(road: Road) -> None:
    road.edge.mute = True
    command = await road.order()
    await heard_by(road.edge)
    lie = encode_result(Verified(command_id=command.command_id, at=road.clock.at, readback_m=39.0), 0, 0)
    async with aiomqtt.Client("127.0.0.1", road.broker.port, protocol=aiomqtt.ProtocolVersion.V5) as liar:
        await liar.publish("spBv1.0/demo/DDATA/gw-9/prv-medina", lie)
        await liar.publish("spBv1.0/demo/DDATA/gw-1/prv-medina", lie[:-9])  # and nonsense is survived

        async def noted() -> bool:
            return "foreign_answer" in road.store.actions()

        await until(noted)
    road.edge.mute = False
    assert isinstance(await road.desk.wait(command.command_id, PATIENCE_S), Verified)
    assert len(road.edge.rules.moves) == 1


async def test_past_its_expiry_a_command_is_not_published_any_more_and_ends_unknown(road: Road) -> None:
    road.edge.mute = True
    command = await road.order()
    await heard_by(road.edge)
    road.clock.pass_s(720)
    await road.desk.tick()
    assert isinstance(await road.desk.wait(command.command_id, PATIENCE_S), Unknown)
    road.edge.mute = False
    later = await ordered_again(road)
    assert isinstance(await road.desk.wait(later.command_id, PATIENCE_S), Verified)
    assert [c.command_id for _, c in road.edge.rules.moves] == [later.command_id]


async def heard_by(edge: WireEdge) -> None:
    async def heard() -> bool:
        return bool(edge.heard)

    await until(heard)


async def ordered_again(road: Road) -> Command:
    road.clock.pass_s(300)
    assert not isinstance(await road.desk.propose(OPERATOR, "prv_medina", 39.0, "night"), Refused)
    return await road.order()
