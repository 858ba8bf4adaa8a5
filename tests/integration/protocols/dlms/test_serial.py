"""HDLC over a serial port: a pseudo terminal, behind it a meter we did not write."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from domain.errors import DeviceError, DeviceTimeout
from protocols.dlms import profile
from protocols.dlms.association import Association
from protocols.dlms.client import DlmsClient
from protocols.dlms.hdlc import Address
from protocols.dlms.hdlc_link import HdlcLink, LinkParameters
from protocols.dlms.obis import Obis
from protocols.serial_port import SerialPort
from protocols.tasks import end_tasks
from tests.support.dlms_environment import peer_meter

LOAD = Obis("1-0:99.1.0")
START = datetime(2026, 11, 20, tzinfo=UTC)


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[str]:
    """The path of a serial port at whose other end the meter of a TCP port hangs."""
    master, slave = os.openpty()
    path = os.ttyname(slave)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()

    def from_port() -> None:
        """The line's driver, in a thread: a terminal's other end knows no other way on every kernel."""
        with suppress(OSError):
            while data := os.read(master, 4096):
                loop.call_soon_threadsafe(writer.write, data)

    async def to_port() -> None:
        while data := await reader.read(4096):
            await asyncio.to_thread(os.write, master, data)

    thread = threading.Thread(target=from_port, daemon=True)
    thread.start()
    task = asyncio.create_task(to_port())
    try:
        yield path
    finally:
        await end_tasks([task])
        writer.close()
        os.close(slave)
        thread.join(10)
        os.close(master)


def client_at(path: str, *, timeout_s: float = 20.0) -> DlmsClient:
    proposed = LinkParameters(max_send=128, max_receive=128, window_send=1)
    return DlmsClient(
        path,
        0,
        framing=partial(HdlcLink, client=Address(upper=16), server=Address(upper=1), proposed=proposed),
        association=Association(),
        timeout_s=timeout_s,
        serial=SerialPort(path=path, baud=19200),
    )


async def test_a_meter_on_a_serial_port_is_read() -> None:
    with peer_meter(hdlc=True, window=3) as port:
        async with line_to(port) as path, client_at(path) as client:
            energy = await profile.read_register(client, Obis("1-0:1.8.0"))
            assert energy.canonical == 12345.678
            rows = await profile.read_profile(client, await profile.read_layout(client, LOAD))
            assert [row.cells[7].value for row in rows] == [1000 * number + 7 for number in range(96)]
            assert rows[1].time is not None
            assert rows[1].time.utc() == START + timedelta(minutes=15)


async def test_a_port_that_is_not_there_and_a_silent_one_end_in_time(tmp_path) -> None:
    with pytest.raises(DeviceTimeout, match="nobody answers"):
        await client_at(str(tmp_path / "ttyS9")).connect()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DeviceTimeout, match="nobody answers"):
        await client_at(str(tmp_path / "file")).connect()
    master, slave = os.openpty()
    try:
        with pytest.raises(DeviceError):
            await client_at(os.ttyname(slave), timeout_s=0.2).connect()
    finally:
        os.close(slave)
        os.close(master)


def test_what_is_no_setting_of_a_port_is_said() -> None:
    with pytest.raises(ValueError, match="9601 baud"):
        SerialPort(path="/dev/ttyS0", baud=9601)
