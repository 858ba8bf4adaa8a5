"""What users of other gateways complain of, each with its thread, and a test that we do not have it.

Those that live beside the part they are about:
    thingsboard-gateway #2124, telegraf #17414      test_reload: the spool outlives a change of the configuration
    thingsboard-gateway #1841, #932, #799, #164     test_isolation: commands first; the dead do not delay the living
    telegraf #11782                                 test_isolation: three dead of ten on one line
    thingsboard-gateway #1821, #1589, #2052         test_read_plan: a tenth of the requests
    thingsboard-gateway #2157, telegraf #802        test_uplink: the broker may die and forget
    telegraf #16500                                 test_gateway: killed and started again, nothing twice
    grid-x/modbus #78                               test_modbus_client_server, test_modbus_rtu: a late answer answers nothing
    FUXA #2542, modbus_local_gateway #277           test_executor: only what was read back is a success
    thingsboard-gateway #1743, #1720, #351          test_executor: the same command again is answered and not executed;
                                                    test_gateway: a result is repeated until acknowledged, and stored once
    neuron #2115                                    test_executor: an unknown actuator or field is refused with its reason
    home-assistant #40936, #51103                   here, #55076: no value changes places after a reconnect
    home-assistant #127275                          here, iobroker #573: memory over many polls
    telegraf #802                                   test_spool: what has to go for want of room is counted, with a gap record
    node-red-contrib-mqtt-sparkplug-plus #65        test_session: births of devices follow the birth of the node
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import Receipt, Stream
from domain.errors import DecodeError, DeviceError
from edge.bus import BusActor
from edge.database import open_database
from edge.device import DeviceLink, link_device
from edge.inbound import Inbound
from edge.outbound import block_payload
from edge.poller import PollCounters, Poller
from edge.readings import Block, BlockHead, Lane, SpoolReading, columns, pack
from edge.session import Session
from edge.settings import DeviceSettings
from edge.spool import Spool
from edge.window import Window
from protocols.modbus.client import ModbusClient
from protocols.modbus.profile import Function, ReadRequest, load_model
from protocols.modbus.rtu_client import RtuClient
from protocols.modbus.rtu_line import RtuLine
from protocols.modbus.rtu_wires import TcpWire
from protocols.modbus.server import RegisterBank, RegisterServer
from protocols.sparkplug.payload import decode
from protocols.sparkplug.topics import state_topic
from protocols.tasks import end_tasks
from tests.support.rtu_peer import RtuPeer


class Kept:
    """Collects what a poller hands on."""

    def __init__(self) -> None:
        self.readings: list[SpoolReading] = []

    async def put(self, readings: list[SpoolReading]) -> None:
        self.readings += readings


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    def timestamp(self) -> float:
        return self.now().timestamp()

    def wall_delay(self, until: datetime) -> float:
        return 0.0


class Meter:
    """A flowmeter, its poller, and what came of it."""

    def __init__(self, link: DeviceLink, bank: RegisterBank) -> None:
        self.bank = bank
        self.kept = Kept()
        self.counters = PollCounters()
        self.poller = Poller(
            link=link,
            clock=Clock(),
            collector=self.kept,  # type: ignore[arg-type]  # it takes what a poller hands on, and keeps it
            counters=self.counters,
            on_reached=lambda _d, _r: None,
        )


@pytest.fixture
async def meter() -> AsyncIterator[Meter]:
    bank = RegisterBank(load_model("generic_flowmeter"))
    bank.set("flow_m3h", 829.8)
    async with RegisterServer({1: bank}) as server:
        bus = BusActor("127.0.0.1", server.port)
        task = asyncio.create_task(bus.run())
        settings = DeviceSettings(key="m", model="generic_flowmeter", unit_id=1, period_s=1, timeout_s=5)
        yield Meter(link_device(settings, bus), bank)
        await end_tasks([task])


@pytest.mark.parametrize("code", [1, 3, 4, 5, 6, 8, 10, 11])
async def test_home_assistant_54345_a_busy_device_is_not_a_zero(meter: Meter, code: int) -> None:
    await meter.poller.poll()
    before = list(meter.kept.readings)
    assert {r.metric: r.value for r in before}["flow_m3h"] == pytest.approx(829.8)
    meter.bank.exception = code
    for _ in range(3):
        await meter.poller.poll()
    assert meter.kept.readings == before  # nothing, and above all no zero
    meter.bank.exception = None
    await meter.poller.poll()
    assert len(meter.kept.readings) == 2 * len(before)


async def test_home_assistant_55076_values_are_not_swapped_after_a_reconnect() -> None:
    """Every connection is lost after a few questions; each value stays with its own register."""
    bank = RegisterBank(load_model("khettara_prv_plc"))
    for name, value in (("inlet_m", 63.32), ("outlet_m", 35.12), ("setpoint_m", 40.0)):
        bank.set(name, value)
    server = RegisterServer({1: bank})
    await server.start()
    client = ModbusClient("127.0.0.1", server.port, unit_id=1, timeout_s=5)
    inlet, outlet, setpoint = (ReadRequest(function=Function.HOLDING, address=a, count=1) for a in (0, 1, 16))
    right = {0: [6332], 1: [3512], 16: [4000]}
    good = 0
    for i in range(60):
        if i % 7 == 3:
            await server.stop()
            await server.start()
        for request in (inlet, outlet, setpoint):
            try:
                assert await client.read(request) == right[request.address]
                good += 1
            except DeviceError:
                continue
    assert good > 100
    await client.close()
    await server.stop()


async def test_neuron_2148_a_foreign_frame_does_not_drop_the_bus() -> None:
    async with RtuPeer() as peer:
        line = RtuLine(TcpWire("127.0.0.1", peer.port, baud=115200), quiet_s=0.05)
        client = RtuClient(line, unit_id=5, timeout_s=0.3)
        request = ReadRequest(function=Function.HOLDING, address=10, count=2)
        good = 0
        for i in range(20):
            peer.foreign = float(i % 4 == 0)
            try:
                assert await client.read(request) == [(a * 40503) & 0xFFFF for a in (10, 11)]
                good += 1
            except DeviceError:
                continue
        assert good >= 12
        await line.close()


def test_thingsboard_2119_a_block_sent_again_keeps_the_time_of_its_observation() -> None:
    from domain.delivery import SequenceRange, Stream

    reading = SpoolReading(device="m", metric="flow_m3h", time_ms=1_000, value=1.5)
    head = BlockHead(range=SequenceRange(first=7, last=7), device="m", lane=Lane.LIVE, historical=False)
    block, stream = Block(head=head, rows=pack([1], [reading])), Stream(edge="g/n", epoch=3)
    for now_ms in (2_000, 9_000_000):
        payload = decode(block_payload(block, stream, seq=0, now_ms=now_ms, fresh_ms=now_ms - 900_000))
        assert payload.metrics[-1].timestamp_ms == 1_000
    assert payload.metrics[-1].is_historical


def test_thingsboard_2094_1445_a_spool_of_days_drains_to_the_end_in_the_memory_of_one_window(tmp_path: Path) -> None:
    """What is held in memory follows the window, not the backlog: ten times the backlog, the same peak."""

    def drained(folder: Path, readings: int) -> int:
        connection = open_database(folder)
        spool, window = Spool(connection), Window(size=64, resend_s=1.5)
        rows = columns(spool.channel("m", "flow_m3h").alias, np.arange(readings) * 60_000, np.ones(readings))
        spool.append_rows([("m", rows)], now_ms=0, historical=True)
        del rows
        gc.collect()
        tracemalloc.start()
        done = 0
        while spool.depth:
            heads = spool.unacked(Lane.BACKLOG, limit=window.room(Lane.BACKLOG), fresh_ms=0)
            for block in spool.load(heads, now_ms=0):
                window.sent(block.head, now=0.0)
                done = block.head.range.last
            receipt = Receipt(stream=Stream(edge="g/n", epoch=spool.epoch), committed=done)
            window.acked(spool.apply(receipt, now_ms=0).acked, now=0.0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert spool.stats().acked == readings
        assert len(window) == 0
        connection.close()
        return peak

    few, many = drained(tmp_path / "few", 20_000), drained(tmp_path / "many", 200_000)
    assert many < 2 * few


@given(
    topic=st.sampled_from(["NCMD/n", "DCMD/n/valve", "NDATA/n", "STATE"]),
    data=st.one_of(st.binary(max_size=300), st.just(b"{}"), st.just(b"")),
)
def test_neuron_2521_nothing_the_broker_sends_ends_the_gateway(topic: str, data: bytes) -> None:
    """No crash loop: a message is taken, or refused as undecodable, which the uplink counts."""
    inbound = Inbound(edge="g/n", host_id="khettara", session=Session(group="g", node="n", epoch=1))
    kind, _, rest = topic.partition("/")
    name = state_topic("khettara") if kind == "STATE" else f"spBv1.0/g/{kind}/{rest}"
    with contextlib.suppress(DecodeError):  # refused as undecodable: one of the two right answers
        inbound.take(name, data)


@pytest.mark.parametrize("fault", ["exception", "none"])
async def test_iobroker_573_node_red_536_memory_does_not_grow_with_polls_or_faults(meter: Meter, fault: str) -> None:
    if fault == "exception":
        meter.bank.exception = 11

    async def polls(count: int) -> int:
        for _ in range(count):
            await meter.poller.poll()
            meter.kept.readings.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        await polls(100)
        before = await polls(50)
        after = await polls(300)
    finally:
        tracemalloc.stop()
    assert after - before < 100_000, f"{after - before} bytes more after 300 polls"
