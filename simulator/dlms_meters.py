"""Simulated DLMS meters: hundreds in one process behind one port, as behind a data concentrator.

Each meter is a logical device of its own: register, clock, hourly profile of 40 days, battery and alarm flags, valve; prepaid ones
with account, credit, charge and token gateway. Its clients: 16 public, 32 reads by password, 1 manages by HLS-GMAC (suites 0 to 2).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from protocols.dlms.acse import Mechanism
from protocols.dlms.data import Data, Kind, octets, structure
from protocols.dlms.datetimes import encode_date_time
from protocols.dlms.listener import MeterListener
from protocols.dlms.obis import Obis
from protocols.dlms.security import KEY_BYTES, Keys
from protocols.dlms.selection import CLOCK_TIME, CaptureObject
from protocols.dlms.server_meter import Access, Meter
from protocols.dlms.server_objects import MeterObject, clock, disconnect_control, plain_data, register
from protocols.dlms.server_prepayment import Purse, prepayment_objects
from protocols.dlms.server_profile import computed_profile
from simulator.customers import HOUR_S, Customers

PUBLIC, READER, MANAGER = 16, 32, 1
"""Client addresses."""
PROFILE_DAYS = 40
VOLUME, FLOW, PROFILE, VALVE = Obis("8-0:1.0.0*255"), Obis("8-0:2.0.0*255"), Obis("8-0:99.1.0*255"), Obis("0-0:96.3.10*255")
_SERIAL, _NAME, _COUNTER = Obis("0-0:96.1.0*255"), Obis("0-0:42.0.0*255"), Obis("0-0:43.1.0*255")
_BATTERY, _ALARM = Obis("0-0:96.6.1*255"), Obis("0-0:97.98.0*255")
_CENTS_PER_M3 = 700
_BATTERY_DAYS = 12 * 365.25


class MeterKind(StrEnum):
    """Which meter it is; the names of their models."""

    WATER = "dlms_water_meter"
    PREPAID = "dlms_prepaid_water_meter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a meter's maker delivers with it. Never shown by ``repr``."""

    password: bytes = field(repr=False)
    encryption: bytes = field(repr=False)
    authentication: bytes = field(repr=False)
    token_key: bytes = field(repr=False)
    suite: int = 0

    @classmethod
    def fresh(cls, *, suite: int = 0) -> Credentials:
        """New ones."""
        return cls(
            password=secrets.token_hex(8).encode(),
            encryption=secrets.token_bytes(KEY_BYTES[suite]),
            authentication=secrets.token_bytes(KEY_BYTES[suite]),
            token_key=secrets.token_bytes(16),
            suite=suite,
        )

    def to_json(self) -> dict[str, Any]:
        """As the maker's shipment file has them."""
        names = ("password", "encryption", "authentication", "token_key")
        return {**{name: getattr(self, name).hex() for name in names}, "suite": self.suite}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Credentials:
        """Out of a shipment file; raises ``KeyError`` or ``ValueError`` where it is none."""
        names = ("password", "encryption", "authentication", "token_key")
        return cls(**{name: bytes.fromhex(found[name]) for name in names}, suite=int(found["suite"]))


class SimulatedMeter:
    """One customer's meter: what it shows follows from the customer and the clock."""

    def __init__(
        self,
        name: str,
        *,
        kind: MeterKind,
        number: int,
        customers: Customers,
        credentials: Credentials,
        now: Callable[[], datetime],
        on_supply: Callable[[bool], bool] = lambda _: True,
    ) -> None:
        """``number`` gives the system title; ``now`` is process time; ``on_supply`` says whether the valve follows."""
        self.name, self.kind = name, kind
        self._customers, self._now = customers, now
        self._clock_offset = timedelta()
        """How far the meter's clock is ahead."""
        self.purse = Purse(key=credentials.token_key, used=self._spent, bought=2_000)
        keys = Keys(encryption=credentials.encryption, authentication=credentials.authentication, suite=credentials.suite)
        self.meter = Meter(
            title=b"KHS" + number.to_bytes(5, "big"),
            objects=self._objects(number, on_supply),
            clients={
                PUBLIC: Access(),
                READER: Access(mechanism=Mechanism.LLS, password=credentials.password),
                MANAGER: Access(mechanism=Mechanism.HLS_GMAC, keys=keys, ciphered=True),
            },
            counter=secrets.randbits(30),  # a meter keeps its counter over a restart; this one begins where none has been
        )

    def time(self) -> datetime:
        """What the meter's clock shows."""
        return self._now() + self._clock_offset

    def set_clock_offset(self, offset: timedelta) -> None:
        """Puts the meter's clock wrong."""
        self._clock_offset = offset

    def _set_clock(self, moment: datetime) -> bool:
        self._clock_offset = moment - self._now()
        return True

    def _objects(self, number: int, on_supply: Callable[[bool], bool]) -> list[MeterObject]:
        found = [
            plain_data(_SERIAL, octets(f"{number:08d}".encode())),
            plain_data(_NAME, octets(b"KHS" + number.to_bytes(5, "big"))),
            plain_data(_COUNTER, lambda: Data(Kind.DOUBLE_LONG_UNSIGNED, self._last_counter())),
            register(VOLUME, lambda: _u32(self._litres(self._now())), scaler=-3, unit=13),
            register(FLOW, lambda: _u32(self._litres_per_hour()), scaler=-3, unit=15),
            register(_BATTERY, lambda: _u32(self._battery_pct()), scaler=0, unit=56),
            plain_data(_ALARM, lambda: _u32(self._alarms())),
            clock(self.time, self._set_clock),
            disconnect_control(VALVE, on_supply),
            computed_profile(
                PROFILE,
                [CLOCK_TIME, CaptureObject(class_id=3, obis=VOLUME, attribute=2)],
                self._row,
                newest=lambda: int(self._now().timestamp() // HOUR_S),
                period_s=HOUR_S,
                capacity=PROFILE_DAYS * 24,
            ),
        ]
        return found + (prepayment_objects(self.purse, self._now) if self.kind is MeterKind.PREPAID else [])

    def _row(self, hour: int) -> Data:
        stamp = datetime.fromtimestamp(hour * HOUR_S, UTC)
        return structure(octets(encode_date_time(stamp)), _u32(self._litres(stamp)))

    def _litres(self, moment: datetime) -> int:
        return self._customers.litres_at(self.name, moment)

    def _litres_per_hour(self) -> int:
        hour = int(self._now().timestamp() // HOUR_S)
        return self._customers.litres(self.name, hour + 1) - self._customers.litres(self.name, hour)

    def _spent(self) -> int:
        used = self._litres(self._now()) - self._customers.litres_at(self.name, self._customers.since)
        return used * _CENTS_PER_M3 // 1000

    def _battery_pct(self) -> int:
        days = (self._now() - self._customers.since).total_seconds() / 86_400
        return max(0, round(100 - 100 * days / _BATTERY_DAYS))

    def _alarms(self) -> int:
        return int(self._customers.drips(self.name)) | (self._battery_pct() < 10) << 2

    def _last_counter(self) -> int:
        return max((last for (client, _), last in self.meter.seen.items() if client == MANAGER), default=0)


class DlmsMeters:
    """Simulated meters by their wrapper port, behind one TCP port."""

    def __init__(self, meters: Mapping[int, SimulatedMeter], *, host: str = "127.0.0.1", port: int = 0) -> None:
        """``port`` 0 takes a free one."""
        self.meters = dict(meters)
        self._listener = MeterListener({number: found.meter for number, found in self.meters.items()}, host=host, port=port)

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._listener.port

    async def start(self) -> None:
        """Listens."""
        await self._listener.start()

    async def stop(self) -> None:
        """Closes the port and every connection."""
        await self._listener.stop()

    def silence(self, numbers: frozenset[int]) -> None:
        """These meters, and no others, give no answer."""
        self._listener.silent = numbers

    def cut(self, numbers: frozenset[int]) -> None:
        """These meters, and no others, have their line cut: connections to them break."""
        self._listener.cut = numbers


def _u32(value: int) -> Data:
    return Data(Kind.DOUBLE_LONG_UNSIGNED, value & 0xFFFF_FFFF)
