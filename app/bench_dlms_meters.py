"""The two meters of ``khettara bench dlms``: a whole simulated one, and one that answers as fast as a process can."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from protocols.dlms.acse import AARQ, RLRE, RLRQ, AssociationResponse, Mechanism, encode_release
from protocols.dlms.data import Data, Kind, octets, structure
from protocols.dlms.datetimes import encode_date_time
from protocols.dlms.get import Result, encode_get_response
from protocols.dlms.initiate import PROPOSED, InitiateResponse
from protocols.dlms.obis import Obis
from protocols.dlms.selection import CLOCK_TIME, CaptureObject
from protocols.dlms.server_meter import Access, Meter
from protocols.dlms.server_objects import profile, register
from protocols.dlms.wrapper import encode_frame, take_frames

WATER, LOAD = Obis("8-0:1.0.0*255"), Obis("1-0:99.1.0*255")
PASSWORD, PUBLIC, READER = b"12345678", 16, 32
_START = datetime(2026, 11, 20, tzinfo=UTC)


def bench_meter() -> Meter:
    """96 quarters of an hour in eight columns: a clock and seven registers."""

    def row(number: int) -> Data:
        stamp = octets(encode_date_time(_START + timedelta(minutes=15 * number)))
        return structure(stamp, *(Data(Kind.DOUBLE_LONG_UNSIGNED, 1000 * number + c) for c in range(1, 8)))

    columns = [CLOCK_TIME] + [CaptureObject(class_id=3, obis=Obis(f"1-0:{c}.8.0"), attribute=2) for c in range(1, 8)]
    return Meter(
        title=b"KHTBENCH",
        objects=[
            register(WATER, Data(Kind.DOUBLE_LONG_UNSIGNED, 1_234_567), scaler=-3, unit=13),
            profile(LOAD, columns, [row(number) for number in range(96)], period_s=900, capacity=96),
        ],
        clients={PUBLIC: Access(), READER: Access(mechanism=Mechanism.LLS, password=PASSWORD)},
    )


class FastPeer(asyncio.Protocol):
    """Grants every association and gives every GET the same number: it decodes nothing but the frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._grant = AssociationResponse(
            result=0, user_information=InitiateResponse(conformance=PROPOSED, max_pdu=0xFFFF).encode()
        ).encode()
        self._value = encode_get_response(0, Result(Data(Kind.DOUBLE_LONG_UNSIGNED, 1_234_567)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (create_server gives no other)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A request, or several."""
        self._buffer += data
        for client, device, apdu in take_frames(self._buffer):
            if apdu[0] == AARQ:
                answer = self._grant
            elif apdu[0] == RLRQ:
                answer = encode_release(RLRE)
            else:
                answer = self._value[:2] + apdu[2:3] + self._value[3:]
            if self._transport is not None:
                self._transport.write(encode_frame(device, client, answer))
