"""Peers we did not write: libmodbus (C), modbus-serial (Node) and mbpoll. Each is skipped, saying why, where it is not there.

``LIBMODBUS_PREFIX`` names a folder with ``include`` and ``lib`` where libmodbus is not among the system's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from domain.errors import DeviceRefused
from protocols.modbus.bank import RegisterBank
from protocols.modbus.client import ModbusClient
from protocols.modbus.fieldbus import FieldClient
from protocols.modbus.profile import Function, ReadRequest, WriteRequest, load_model
from protocols.modbus.rtu_client import RtuClient
from protocols.modbus.rtu_line import RtuLine
from protocols.modbus.rtu_wires import SerialWire
from protocols.modbus.server import RegisterServer

FOLDER = Path(__file__).parents[2] / "support" / "modbus_peers"
PREFIX = os.environ.get("LIBMODBUS_PREFIX")


def environment() -> dict[str, str]:
    if PREFIX is None:
        return dict(os.environ)
    folders = ":".join(str(folder) for folder in (Path(PREFIX) / "lib", Path(PREFIX) / "lib" / "x86_64-linux-gnu"))
    return os.environ | {"LD_LIBRARY_PATH": folders}


@pytest.fixture(scope="module")
def libmodbus(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The C server, built now."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    program = tmp_path_factory.mktemp("libmodbus") / "server"
    where: list[str] = []
    if PREFIX is not None:
        where = [f"-I{PREFIX}/include", f"-L{PREFIX}/lib", f"-L{PREFIX}/lib/x86_64-linux-gnu"]
    command = [compiler, str(FOLDER / "server.c"), "-o", str(program), *where, "-lmodbus"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode != 0 and ("modbus.h" in built.stderr or "-lmodbus" in built.stderr):
        pytest.skip("libmodbus is not installed: apt install libmodbus-dev, or set LIBMODBUS_PREFIX")
    assert built.returncode == 0, built.stderr
    return str(program)


@pytest.fixture(scope="module")
def modbus_serial() -> list[str]:
    """The command of the Node server."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (FOLDER / "node_modules" / "modbus-serial").exists():
        pytest.skip(f"modbus-serial is not installed: npm install in {FOLDER.name}")
    return [node, str(FOLDER / "server.mjs")]


@contextlib.contextmanager
def served(command: list[str]) -> Iterator[int]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        try:
            word, _, port = process.stdout.readline().partition(" ")
            assert word == "ready", f"the peer ended with {process.wait()}"
            yield int(port)
        finally:
            process.kill()


def right(address: int, count: int) -> list[int]:
    return [(address + i) * 40503 & 0xFFFF for i in range(count)]


async def converse(client: FieldClient) -> None:
    """Reads of both tables and of coils, one and many registers written and read back, a hole, the largest answer there is."""
    assert await client.read(ReadRequest(function=Function.HOLDING, address=10, count=10)) == right(10, 10)
    assert await client.read(ReadRequest(function=Function.INPUT, address=20, count=2)) == right(20, 2)
    assert await client.read(ReadRequest(function=Function.COIL, address=0, count=10)) == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert await client.read(ReadRequest(function=Function.HOLDING, address=0, count=125)) == right(0, 125)
    await client.write(WriteRequest(function=Function.HOLDING, address=200, registers=(1234,), field="x", value=1))
    await client.write(WriteRequest(function=Function.HOLDING, address=201, registers=(0x4366, 0x8000), field="x", value=1))
    assert await client.read(ReadRequest(function=Function.HOLDING, address=200, count=3)) == [1234, 0x4366, 0x8000]
    with pytest.raises(DeviceRefused) as caught:
        await client.read(ReadRequest(function=Function.HOLDING, address=399, count=2))
    assert caught.value.code == 2
    assert await client.read(ReadRequest(function=Function.HOLDING, address=10, count=1)) == right(10, 1)


async def test_libmodbus_over_tcp(libmodbus: str) -> None:
    with served([libmodbus, "tcp"]) as port:
        client = ModbusClient("127.0.0.1", port, unit_id=5, timeout_s=10)
        await converse(client)
        await client.close()


async def test_modbus_serial_over_tcp(modbus_serial: list[str]) -> None:
    with served(modbus_serial) as port:
        client = ModbusClient("127.0.0.1", port, unit_id=5, timeout_s=20)
        await converse(client)
        await client.close()


def _carry(reading: int, writing: int) -> None:
    os.write(writing, os.read(reading, 4096))


@contextlib.asynccontextmanager
async def joined_terminals() -> AsyncIterator[tuple[str, str]]:
    """Two pseudo terminals, what goes into one comes out of the other: a null modem."""
    (master_a, slave_a), (master_b, slave_b) = os.openpty(), os.openpty()
    loop = asyncio.get_running_loop()
    for reading, writing in ((master_a, master_b), (master_b, master_a)):
        os.set_blocking(reading, False)
        loop.add_reader(reading, _carry, reading, writing)
    try:
        yield os.ttyname(slave_a), os.ttyname(slave_b)
    finally:
        for master in (master_a, master_b):
            loop.remove_reader(master)
        for descriptor in (master_a, slave_a, master_b, slave_b):
            os.close(descriptor)


async def test_libmodbus_over_a_serial_line(libmodbus: str) -> None:
    async with joined_terminals() as (ours, theirs):
        process = await asyncio.create_subprocess_exec(libmodbus, "rtu", theirs, stdout=subprocess.PIPE, env=environment())
        assert process.stdout is not None
        try:
            assert (await process.stdout.readline()).startswith(b"ready")
            client = RtuClient(RtuLine(SerialWire(ours, baud=115200, parity="N")), unit_id=5, timeout_s=10)
            await converse(client)
            await client.close()
        finally:
            process.kill()
            await process.wait()


async def test_mbpoll_reads_our_server() -> None:
    mbpoll = shutil.which("mbpoll", path=f"{PREFIX}/bin:{os.environ['PATH']}" if PREFIX else None)
    if mbpoll is None:
        pytest.skip("mbpoll is not installed")
    bank = RegisterBank(load_model("endress_hauser_promag_53"))
    bank.set("flow_m3h", 230.5)
    async with RegisterServer({3: bank}) as server:
        arguments = ["-m", "tcp", "-a", "3", "-r", "2009", "-t", "4:hex", "-c", "2", "-1", "-p", str(server.port), "127.0.0.1"]
        process = await asyncio.create_subprocess_exec(
            mbpoll, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        )
        out, error = await process.communicate()
    assert process.returncode == 0, error
    assert "0x8000" in out.decode()
    assert "0x4366" in out.decode()
