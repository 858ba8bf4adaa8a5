"""A simulated water and energy meter of ours, as the tests know it: 96 quarters of an hour, eight columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from protocols.dlms.acse import Mechanism
from protocols.dlms.data import Data, Kind, octets, structure
from protocols.dlms.datetimes import encode_date_time
from protocols.dlms.obis import Obis
from protocols.dlms.security import Keys
from protocols.dlms.selection import CLOCK_TIME, CaptureObject
from protocols.dlms.server_meter import Access, Meter
from protocols.dlms.server_objects import clock, disconnect_control, plain_data, profile, register

KEYS = Keys(encryption=bytes(range(16)), authentication=bytes(range(0xD0, 0xE0)))
KEYS_1 = Keys(encryption=bytes(range(16)), authentication=bytes(range(0xD0, 0xE0)), suite=1)
START = datetime(2026, 11, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
IMPORT, WATER, LOAD, SERIAL = Obis("1-0:1.8.0"), Obis("8-0:1.0.0"), Obis("1-0:99.1.0"), Obis("0-0:96.1.0")
VALVE = Obis("0-0:96.3.10")
PASSWORD = b"12345678"


def make_meter(*, max_pdu: int = 1024, counter: int = 0) -> Meter:
    """Clients: 16 public, 32 LLS, 1 HLS-GMAC ciphered, 2 keys only, 4 suite 1."""

    def u32(value: int) -> Data:
        return Data(Kind.DOUBLE_LONG_UNSIGNED, value)

    def row(number: int) -> Data:
        stamp = octets(encode_date_time(START + timedelta(minutes=15 * number)))
        return structure(stamp, *(u32(1000 * number + c) for c in range(1, 8)))

    columns = [CLOCK_TIME] + [CaptureObject(class_id=3, obis=Obis(f"1-0:{c}.8.0"), attribute=2) for c in range(1, 8)]
    return Meter(
        title=b"KHTMTR01",
        objects=[
            plain_data(SERIAL, octets(b"12345"), writable=True),
            plain_data(Obis("0-0:42.0.0"), octets(b"KHTMTR01")),
            register(IMPORT, u32(12345678), scaler=0, unit=30),
            register(WATER, u32(1234567), scaler=-3, unit=13),
            clock(lambda: NOW),
            profile(LOAD, columns, [row(number) for number in range(96)], period_s=900, capacity=96),
            disconnect_control(VALVE),
        ],
        clients={
            16: Access(),
            32: Access(mechanism=Mechanism.LLS, password=PASSWORD),
            1: Access(mechanism=Mechanism.HLS_GMAC, keys=KEYS, ciphered=True),
            2: Access(keys=KEYS, ciphered=True),
            4: Access(mechanism=Mechanism.HLS_GMAC, keys=KEYS_1, ciphered=True),
        },
        max_pdu=max_pdu,
        counter=counter,
    )
