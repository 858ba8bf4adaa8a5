"""Our client against our server, over TCP on this machine: faults, late answers, reconnects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.errors import DeviceError, DeviceRefused, DeviceTimeout
from protocols.modbus.client import ABSENT_CODES, ModbusClient
from protocols.modbus.profile import Function, ReadRequest, decode, encode_write, load_model, plan
from protocols.modbus.server import RegisterBank, RegisterServer

PRV = load_model("generic_prv_controller")
SETPOINT = ReadRequest(function=Function.HOLDING, address=100, count=1, fields=("setpoint_m",))


@pytest.fixture
def bank() -> RegisterBank:
    bank = RegisterBank(PRV)
    bank.set("inlet_m", 63.3)
    bank.set("outlet_m", 35.12)
    bank.set("flow_m3h", 84.25)
    bank.set("setpoint_m", 35.0)
    return bank


@pytest.fixture
async def server(bank: RegisterBank) -> AsyncIterator[RegisterServer]:
    async with RegisterServer({1: bank}) as server:
        yield server


@pytest.fixture
async def client(server: RegisterServer) -> AsyncIterator[ModbusClient]:
    async with ModbusClient("127.0.0.1", server.port, unit_id=1, timeout_s=5.0) as client:
        yield client


async def read_all(client: ModbusClient) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for request in plan(PRV):
        values |= decode(PRV, request, await client.read(request))
    return values


async def test_every_field_arrives(client: ModbusClient) -> None:
    values = await read_all(client)
    assert values["outlet_m"] == 35.12
    assert values["flow_m3h"] == 84.25
    assert values["setpoint_m"] == 35.0
    assert values["inlet_m"] == pytest.approx(63.3, abs=0.06)
    assert values["position_pct"] == 0.0


async def test_setpoint_is_read_back_exactly_on_its_whole_range(client: ModbusClient, bank: RegisterBank) -> None:
    for value_m in (0.0, 0.01, 29.99, 35.12, 42.37, 149.99, 150.0):
        request = encode_write(PRV, "setpoint_m", value_m)
        assert request.value == value_m
        await client.write(request)
        assert decode(PRV, SETPOINT, await client.read(SETPOINT)) == {"setpoint_m": value_m}
        assert bank.get("setpoint_m") == value_m


async def test_write_that_the_plant_refuses_changes_nothing(client: ModbusClient, bank: RegisterBank) -> None:
    asked: list[tuple[str, float]] = []

    def refuse(field: str, value: float) -> bool:
        asked.append((field, value))
        return False

    bank.on_write = refuse
    with pytest.raises(DeviceRefused) as caught:
        await client.write(encode_write(PRV, "setpoint_m", 40.0))
    assert caught.value.code == 3
    assert asked == [("setpoint_m", 40.0)]
    assert bank.get("setpoint_m") == 35.0
    assert client.connected


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 8, 10, 11])
async def test_exception_codes_come_through(client: ModbusClient, bank: RegisterBank, code: int) -> None:
    bank.exception = code
    with pytest.raises(DeviceRefused) as caught:
        await client.read(SETPOINT)
    assert caught.value.code == code
    bank.exception = None
    assert await client.read(SETPOINT) == [3500]


async def test_unknown_unit_is_absent(server: RegisterServer) -> None:
    async with ModbusClient("127.0.0.1", server.port, unit_id=9, timeout_s=5.0) as client:
        with pytest.raises(DeviceRefused) as caught:
            await client.read(SETPOINT)
    assert caught.value.code in ABSENT_CODES


async def test_silence_is_a_timeout_and_the_next_call_works(server: RegisterServer, bank: RegisterBank) -> None:
    async with ModbusClient("127.0.0.1", server.port, unit_id=1, timeout_s=0.1) as client:
        bank.silent = True
        with pytest.raises(DeviceTimeout) as caught:
            await client.read(SETPOINT)
        assert caught.value.retryable
        assert not client.connected
        bank.silent = False
        assert await client.read(SETPOINT) == [3500]


async def test_a_late_answer_never_answers_a_later_question(server: RegisterServer, bank: RegisterBank) -> None:
    async with ModbusClient("127.0.0.1", server.port, unit_id=1, timeout_s=0.1) as client:
        bank.delay_s = 0.3
        with pytest.raises(DeviceTimeout):
            await client.read(SETPOINT)
        bank.delay_s = 0.0
        bank.set("setpoint_m", 41.0)
        for _ in range(20):
            assert await client.read(SETPOINT) == [4100]


async def test_a_cancelled_call_closes_the_connection(client: ModbusClient, bank: RegisterBank) -> None:
    bank.silent = True
    call = asyncio.create_task(client.read(SETPOINT))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    bank.silent = False
    assert await client.read(SETPOINT) == [3500]


async def test_a_server_that_was_away_is_found_again(bank: RegisterBank) -> None:
    server = RegisterServer({1: bank})
    await server.start()
    port = server.port
    client = ModbusClient("127.0.0.1", port, unit_id=1, timeout_s=2.0)
    assert await client.read(SETPOINT) == [3500]
    await server.stop()
    with pytest.raises(DeviceTimeout):
        await client.read(SETPOINT)
    await server.start()
    assert server.port == port
    assert await client.read(SETPOINT) == [3500]
    await client.close()
    await server.stop()


async def test_answers_of_another_length_are_refused() -> None:
    gone = asyncio.Event()

    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readexactly(12)
        writer.write(request[:2] + bytes.fromhex("0000 0007 01 03 04 0001 0002"))
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(lie, "127.0.0.1", 0)
    async with server, ModbusClient("127.0.0.1", server.sockets[0].getsockname()[1], unit_id=1, timeout_s=5.0) as client:
        with pytest.raises(DeviceError, match="2 registers in the answer, asked for 1"):
            await client.read(SETPOINT)
        assert not client.connected
        await gone.wait()


async def test_calls_from_many_tasks_are_taken_one_by_one(client: ModbusClient) -> None:
    answers = await asyncio.gather(*(client.read(SETPOINT) for _ in range(50)))
    assert answers == [[3500]] * 50


async def test_thirty_devices_on_one_port_and_on_ports_of_their_own() -> None:
    banks = {unit: RegisterBank(PRV) for unit in range(1, 31)}
    for unit, bank in banks.items():
        bank.set("setpoint_m", float(unit))
    shared = RegisterServer(banks)
    own = [RegisterServer({1: bank}) for bank in banks.values()]
    for server in (shared, *own):
        await server.start()
    clients = [ModbusClient("127.0.0.1", shared.port, unit_id=unit, timeout_s=5.0) for unit in banks]
    clients += [ModbusClient("127.0.0.1", server.port, unit_id=1, timeout_s=5.0) for server in own]
    answers = await asyncio.gather(*(client.read(SETPOINT) for client in clients))
    assert answers == [[100 * unit] for unit in banks] * 2
    for client in clients:
        await client.close()
    for server in (shared, *own):
        await server.stop()
