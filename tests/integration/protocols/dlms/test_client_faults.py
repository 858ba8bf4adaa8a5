"""What our client does when a meter is silent, slow, gone, late or talkative."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from domain.errors import DecodeError, DeviceTimeout
from protocols.dlms.acse import AssociationResponse
from protocols.dlms.association import Association
from protocols.dlms.client import DlmsClient
from protocols.dlms.data import Data, octets
from protocols.dlms.errors import ConnectionLost
from protocols.dlms.get import Attribute, Result, encode_get_response
from protocols.dlms.hdlc import Address
from protocols.dlms.hdlc_link import HdlcLink
from protocols.dlms.initiate import PROPOSED, InitiateResponse
from protocols.dlms.notifications import DataNotification, encode_data_notification
from protocols.dlms.obis import Obis
from protocols.dlms.wrapper import Wrapper, encode_frame

CLOCK = Attribute(class_id=8, obis=Obis("0.0.1.0.0.255"), attribute=2)
GRANT = AssociationResponse(result=0, user_information=InitiateResponse(conformance=PROPOSED, max_pdu=500).encode()).encode()
Answer = Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]
PATIENT_S = 60
"""So long that a test that waits for it fails by the test's own limit."""


@asynccontextmanager
async def _meter(answer: Answer) -> AsyncIterator[int]:
    """A meter that grants every association and then does what it is told with the n-th request."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = 0
        try:
            while True:
                header = await reader.readexactly(8)
                apdu = await reader.readexactly(int.from_bytes(header[6:], "big"))
                if apdu[0] == 0x60:
                    writer.write(encode_frame(1, 16, GRANT))
                else:
                    count += 1
                    await answer(count, apdu, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _client(port: int, timeout_s: float) -> DlmsClient:
    framing = partial(Wrapper, local=16, remote=1)
    return DlmsClient("127.0.0.1", port, framing=framing, association=Association(), timeout_s=timeout_s)


def _value(apdu: bytes, data: Data) -> bytes:
    return encode_frame(1, 16, encode_get_response(apdu[2], Result(data)))


async def test_silence_is_a_timeout_and_its_late_answer_is_nobodys() -> None:
    async def answer(count: int, apdu: bytes, writer: asyncio.StreamWriter) -> None:
        if count == 1 and not late.is_set():
            late.set()
            await asyncio.sleep(0.4)
            writer.write(_value(apdu, octets(b"late")))
        else:
            writer.write(_value(apdu, octets(b"in time")))

    late = asyncio.Event()
    async with _meter(answer) as port:
        client = _client(port, 0.2)
        with pytest.raises(DeviceTimeout, match=r"within 0\.2 s"):
            await client.get(CLOCK)
        for _ in range(3):
            assert await client.get(CLOCK) == octets(b"in time")
        await client.close()


async def test_a_closed_connection_is_an_error_at_once() -> None:
    async def answer(_: int, apdu: bytes, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with _meter(answer) as port:
        client = _client(port, PATIENT_S)
        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(client.get(CLOCK), 20)
        assert not client.connected


async def test_half_an_answer_is_a_timeout() -> None:
    async def answer(_: int, apdu: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(_value(apdu, octets(b"x" * 50))[:-1])

    async with _meter(answer) as port:
        with pytest.raises(DeviceTimeout):
            await _client(port, 0.2).get(CLOCK)


async def test_what_is_no_dlms_is_an_error_at_once() -> None:
    async def answer(_: int, apdu: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with _meter(answer) as port:
        with pytest.raises(DecodeError, match="version"):
            await asyncio.wait_for(_client(port, PATIENT_S).get(CLOCK), 20)


async def test_answers_that_nobody_asked_for_end_the_connection() -> None:
    async def answer(_: int, apdu: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(_value(apdu, octets(b"x")) * 3)

    async with _meter(answer) as port:
        client = _client(port, PATIENT_S)
        assert await client.get(CLOCK) == octets(b"x")
        with pytest.raises(DecodeError, match="nobody asked"):
            await client.get(CLOCK)
        assert not client.connected


async def test_pushes_before_an_answer_are_kept_and_bounded() -> None:
    async def answer(_: int, apdu: bytes, writer: asyncio.StreamWriter) -> None:
        for number in range(100):
            writer.write(encode_frame(1, 16, encode_data_notification(number, octets(b"push"))))
        writer.write(_value(apdu, octets(b"x")))

    async with _meter(answer) as port:
        client = _client(port, PATIENT_S)
        assert await client.get(CLOCK) == octets(b"x")
        kept = [client.notifications.get_nowait() for _ in range(client.notifications.qsize())]
        assert [push.invoke for push in kept if isinstance(push, DataNotification)] == list(range(36, 100))
        await client.close()


async def test_a_cancelled_call_leaves_nothing_behind() -> None:
    async def answer(count: int, apdu: bytes, writer: asyncio.StreamWriter) -> None:
        if count > 1 or asked.is_set():
            writer.write(_value(apdu, octets(b"fresh")))
        asked.set()

    asked = asyncio.Event()
    async with _meter(answer) as port:
        client = _client(port, PATIENT_S)
        task = asyncio.ensure_future(client.get(CLOCK))
        await asyncio.wait_for(asked.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not client.connected
        assert await client.get(CLOCK) == octets(b"fresh")
        await client.close()


async def test_nobody_there_and_nobody_on_the_line() -> None:
    async def answer(_: int, apdu: bytes, writer: asyncio.StreamWriter) -> None:
        return

    async with _meter(answer) as port:
        framing = partial(HdlcLink, client=Address(upper=16), server=Address(upper=1))
        client = DlmsClient("127.0.0.1", port, framing=framing, association=Association(), timeout_s=0.2)
        with pytest.raises(DeviceTimeout, match="the link did not come"):
            await client.connect()
    with pytest.raises(DeviceTimeout, match="nobody answers"):
        await _client(port, PATIENT_S).connect()
