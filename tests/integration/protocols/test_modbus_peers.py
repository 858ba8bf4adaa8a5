"""Independent peers: pymodbus' client against our server, our client against pymodbus' server, and raw frames on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType as SimDataType
from pymodbus.simulator import SimData, SimDevice

from domain.errors import DeviceRefused
from protocols.modbus.client import ModbusClient
from protocols.modbus.profile import Function, ReadRequest, WriteRequest, load_model, parse_model
from protocols.modbus.server import RegisterBank, RegisterServer

ROW = {"quantity": "state", "resolution": "1"}
HALF_OPEN = {"min": 0, "max": 65535}
EVERYTHING = parse_model(
    {
        "name": "everything",
        "field": [
            {"name": "coil_a", "function": "coil", "address": 0, "writable": {"min": 0, "max": 1}, **ROW},
            {"name": "coil_b", "function": "coil", "address": 1, "writable": {"min": 0, "max": 1}, **ROW},
            {"name": "discrete_a", "function": "discrete", "address": 3, **ROW},
            {"name": "input_a", "function": "input", "address": 10, "type": "uint16", **ROW},
            {"name": "holding_a", "function": "holding", "address": 20, "type": "uint16", "writable": HALF_OPEN, **ROW},
            {"name": "holding_b", "function": "holding", "address": 21, "type": "uint16", "writable": HALF_OPEN, **ROW},
        ],
    },
    "everything.toml",
)


@pytest.fixture
async def server() -> AsyncIterator[RegisterServer]:
    bank = RegisterBank(EVERYTHING)
    bank.set("discrete_a", 1)
    bank.set("input_a", 4711)
    async with RegisterServer({7: bank}) as server:
        yield server


async def test_pymodbus_client_speaks_every_function_with_our_server(server: RegisterServer) -> None:
    client = AsyncModbusTcpClient("127.0.0.1", port=server.port, timeout=5, retries=0, reconnect_delay=0)
    assert await client.connect()
    assert (await client.write_coil(0, value=True, device_id=7)).address == 0
    assert (await client.read_coils(0, count=2, device_id=7)).bits[:2] == [True, False]
    assert (await client.write_coils(0, [False, True], device_id=7)).count == 2
    assert (await client.read_coils(0, count=2, device_id=7)).bits[:2] == [False, True]
    assert (await client.read_discrete_inputs(3, count=1, device_id=7)).bits[0] is True
    assert (await client.read_input_registers(10, count=1, device_id=7)).registers == [4711]
    assert (await client.write_register(20, 1234, device_id=7)).registers == [1234]
    assert (await client.write_registers(20, [5, 6], device_id=7)).count == 2
    assert (await client.read_holding_registers(20, count=2, device_id=7)).registers == [5, 6]
    assert (await client.read_holding_registers(22, count=1, device_id=7)).exception_code == 2
    assert (await client.mask_write_register(address=20, device_id=7)).exception_code == 1
    assert (await client.read_holding_registers(20, count=1, device_id=8)).exception_code == 11
    client.close()
    await asyncio.sleep(0)


async def test_our_client_speaks_with_the_server_of_pymodbus() -> None:
    device = SimDevice(3, [SimData(100, count=4, values=7, datatype=SimDataType.REGISTERS)])
    server = ModbusTcpServer([device], address=("127.0.0.1", 0))
    assert await server.listen()
    listening: Any = server.transport  # asyncio's server, which the library calls a transport
    port = listening.sockets[0].getsockname()[1]
    client = ModbusClient("127.0.0.1", port, unit_id=3, timeout_s=5.0)
    try:
        read = ReadRequest(function=Function.HOLDING, address=100, count=4)
        assert await client.read(read) == [7, 7, 7, 7]
        await client.write(WriteRequest(function=Function.HOLDING, address=101, registers=(1,), field="x", value=1))
        await client.write(WriteRequest(function=Function.HOLDING, address=102, registers=(2, 3), field="x", value=2))
        assert await client.read(read) == [7, 1, 2, 3]
        with pytest.raises(DeviceRefused) as caught:
            await client.read(ReadRequest(function=Function.HOLDING, address=900, count=1))
        assert caught.value.code == 2
    finally:
        await client.close()
        await server.shutdown()


async def exchange(port: int, *pieces: str) -> bytes:
    """Sends the pieces one by one and reads until the server closes or has nothing more to say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(bytes.fromhex(piece))
        await writer.drain()
        await asyncio.sleep(0)
    writer.write_eof()
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["0001 0000 0006 07 04 000A 0001"], "0001 0000 0005 07 04 02 1267"),
        (["00", "01 0000 0006 07 04 00", "0A 0001"], "0001 0000 0005 07 04 02 1267"),  # cut anywhere
        (
            ["0001 0000 0006 07 04 000A 0001 0002 0000 0006 07 02 0003 0001"],  # two in one segment
            "0001 0000 0005 07 04 02 1267 0002 0000 0004 07 02 01 01",
        ),
        (["0009 0000 0006 08 04 000A 0001"], "0009 0000 0003 08 84 0B"),  # no such unit
        (["FFFF 0000 0002 07 63"], "FFFF 0000 0003 07 E3 01"),
        (["0001 0001 0006 07 04 000A 0001"], ""),  # not protocol 0
        (["0001 0000 0001 07"], ""),  # no room for a function code
        (["0001 0000 0100 07 04"], ""),  # longer than any frame
        (["474554202F20485454502F312E310D0A0D0A"], ""),  # somebody's browser
        (["0001 0000 0006 07 04"], ""),  # never finished
    ],
)
async def test_raw_frames(server: RegisterServer, pieces: list[str], expected: str) -> None:
    try:
        found = await exchange(server.port, *pieces)
    except ConnectionResetError:
        found = b""
    assert found == bytes.fromhex(expected)
    if not found:  # and the next one is served
        assert await exchange(server.port, "0001 0000 0006 07 04 000A 0001") != b""


async def test_stopping_the_server_ends_its_connections() -> None:
    server = RegisterServer({1: RegisterBank(load_model("generic_tank_level"))})
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(bytes.fromhex("0001 0000 0006 01 03 0028 0001"))
    assert await reader.readexactly(11) == bytes.fromhex("0001 0000 0005 01 03 02 0000")
    await server.stop()
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    with pytest.raises(OSError, match=r"."):
        await asyncio.open_connection("127.0.0.1", server.port)
