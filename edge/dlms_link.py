"""A DLMS meter as the gateway uses it: its model, its credentials, its place in the queue of its address."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.errors import ConfigurationError, DecodeError, DeviceError
from edge.bus import BusActor, Priority
from edge.device_settings import DeviceSettings
from edge.dlms_settings import Access, DlmsSettings, Framing
from protocols.dlms.acse import Mechanism
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.client import DlmsClient
from protocols.dlms.counters import BLOCK, LAST, CounterStore
from protocols.dlms.framing import Framing as FramingProtocol
from protocols.dlms.hdlc import Address
from protocols.dlms.hdlc_link import HdlcLink, LinkParameters
from protocols.dlms.keyring import MeterSecrets, counter_name, parse_kek, unwrap
from protocols.dlms.model import MeterField, MeterModel
from protocols.dlms.models import load_meter_model
from protocols.dlms.profile import read_invocation_counter
from protocols.dlms.security import Keys
from protocols.dlms.signature import SigningKeys
from protocols.dlms.wrapper import DatagramWrapper, Wrapper
from protocols.serial_port import SerialPort

T = TypeVar("T")
PUBLIC_CLIENT = 16
KEK_VARIABLE = "KHETTARA_KEK"
"""Environment variable with the key-encryption key, where no file is named."""
_FARTHEST_START = LAST // 2
"""Highest counter that a meter's unauthenticated word may make us begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterKeys:
    """Where keys come from and where their counters are kept."""

    counters: CounterStore
    kek_file: Path | None = None

    def kek(self) -> bytes:
        """The key-encryption key.

        Raises:
            ConfigurationError: There is none; the message does not show what was found.
        """
        if self.kek_file is None:
            text = os.environ.get(KEK_VARIABLE, "")
            return parse_kek(text, f"environment variable {KEK_VARIABLE}")
        try:
            return parse_kek(self.kek_file.read_text(encoding="ascii"), str(self.kek_file))
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(
                file="edge.toml", key="keys.kek_file", value=str(self.kek_file), expected="a readable file of hexadecimal digits"
            ) from None

    def secrets(self, file: Path) -> MeterSecrets:
        """The unwrapped secrets of one meter.

        Raises:
            ConfigurationError: The file is missing, no TOML, or wrapped under another key.
        """
        try:
            return unwrap(self.kek(), tomllib.loads(file.read_text(encoding="utf-8")), str(file))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            raise ConfigurationError(
                file="edge.toml", key="device.dlms.keys_file", value=str(file), expected="a readable TOML file of wrapped keys"
            ) from None


class MeterLink:
    """One meter behind one address. Its connection is made when first asked and closed after each visit."""

    def __init__(self, settings: DeviceSettings, model: MeterModel, bus: BusActor, keys: MeterKeys) -> None:
        """``keys`` are read when the meter is first asked, so that one wrong file concerns one meter."""
        self.settings = settings
        self.model = model
        self.bus = bus
        self.dlms = settings.dlms or DlmsSettings()
        self.zone: tzinfo | None = None if self.dlms.timezone is None else ZoneInfo(self.dlms.timezone)
        self.blocked = ""
        """Why the meter must not be asked by anybody; empty where it may."""
        self._keys = keys
        self._client: DlmsClient | None = None

    @property
    def key(self) -> str:
        """Name of the device in topics."""
        return self.settings.key

    @property
    def fields(self) -> tuple[MeterField, ...]:
        """The fields that are read."""
        names = self.settings.fields
        return tuple(f for f in self.model.fields if not names or f.name in names)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(f.name for f in self.fields)

    @property
    def fingerprint(self) -> str:
        """Changes when credentials do: what was forbidden with the old ones may be tried with the new ones."""
        stamp = "-"
        if self.dlms.keys_file is not None and self.dlms.keys_file.is_file():
            found = self.dlms.keys_file.stat()
            stamp = f"{found.st_mtime_ns}.{found.st_size}"
        return f"{self.dlms.access.value}.{self.dlms.client}.{self.dlms.suite}.{stamp}"

    async def run(self, priority: Priority, job: Callable[[DlmsClient], Awaitable[T]]) -> T:
        """The result of ``job``, run with the meter's client when its turn comes.

        Raises:
            DeviceError: As the client's methods do, or the meter is blocked.
            ConfigurationError: The meter's keys cannot be had.
        """
        if self.blocked:
            raise DeviceError(f"{self.key} is in quarantine ({self.blocked}) and is not asked")
        return await self.bus.submit(priority, partial(self._work, job))

    async def _work(self, job: Callable[[DlmsClient], Awaitable[T]]) -> T:
        if self._client is None:
            self._client = await self._prepare()
        return await job(self._client)

    async def leave(self) -> None:
        """Releases the association and closes the connection; the next job opens it again."""
        if self._client is not None:
            await self.run(Priority.SLOW, lambda client: client.close())

    async def forget(self) -> None:
        """Drops the connection when the meter's turn comes: nothing under way is cut in two."""

        async def drop() -> None:
            self.abort()

        if self._client is not None:
            await self.bus.submit(Priority.SLOW, drop)

    def abort(self) -> None:
        """Drops the connection without a goodbye; keys are read anew for the next one."""
        if self._client is not None:
            self._client.abort()
            self._client = None

    async def _prepare(self) -> DlmsClient:
        association = self._association()
        ciphering = association.ciphering
        if ciphering is not None and self.model.invocation_counter is not None:
            await self._synchronise(ciphering.counter_name)
        return self._make(self.dlms.client, association)

    def _make(self, client: int, association: Association) -> DlmsClient:
        return DlmsClient(
            self.settings.host,
            self.settings.port,
            framing=partial(_framing, self.dlms, client),
            association=association,
            timeout_s=self.settings.timeout_s,
            counters=self._keys.counters,
            datagrams=self.dlms.framing is Framing.UDP,
            serial=None if self.dlms.serial is None else SerialPort(path=self.dlms.serial, baud=self.dlms.baud),
        )

    def _association(self) -> Association:
        how = self.dlms
        if how.access is Access.NONE or how.keys_file is None:
            return Association()
        found = self._keys.secrets(how.keys_file)
        if how.access is Access.LLS:
            if not found.password:
                raise _missing(how.keys_file, "password")
            ciphering = self._ciphering(found) if how.ciphered else None
            return Association(mechanism=Mechanism.LLS, password=found.password, ciphering=ciphering)
        if how.access is Access.ECDSA:
            signing = self._signing(found, how.keys_file)
            return Association(mechanism=Mechanism.HLS_ECDSA, ciphering=self._ciphering(found), signing=signing)
        return Association(mechanism=Mechanism.HLS_GMAC, ciphering=self._ciphering(found))

    def _signing(self, found: MeterSecrets, file: Path) -> SigningKeys:
        if found.signing is None or found.meter_public is None:
            raise _missing(file, "signing and meter_public")
        try:
            return SigningKeys.from_der(found.signing, found.meter_public)
        except ValueError as error:
            raise ConfigurationError(file=str(file), key="signing", value="…", expected=f"elliptic curve keys: {error}") from None

    def _ciphering(self, found: MeterSecrets) -> Ciphering:
        if found.encryption is None or found.authentication is None:
            raise _missing(self.dlms.keys_file or Path(), "encryption and authentication")
        try:
            keys = Keys(encryption=found.encryption, authentication=found.authentication, suite=self.dlms.suite)
            return Ciphering(
                keys=keys,
                title=self.dlms.system_title,
                counter_name=counter_name(found.encryption, self.dlms.system_title),
                dedicated=self.dlms.dedicated,
                general=self.dlms.general,
            )
        except ValueError as error:  # lengths only; the message holds no key
            raise ConfigurationError(
                file=str(self.dlms.keys_file), key="encryption", value="…", expected=f"keys of the suite: {error}"
            ) from None

    async def _synchronise(self, name: str) -> None:
        """Before a key's first use, the public client asks where its counter stands; without an answer, at zero."""
        assert self.model.invocation_counter is not None  # noqa: S101  (asked by the caller)
        if await self._keys.counters.reserve(name, 1):
            return
        public = self._make(PUBLIC_CLIENT, Association())
        try:
            last = await read_invocation_counter(public, self.model.invocation_counter)
        except (DeviceError, DecodeError):
            return
        finally:
            await public.close()
        if 0 <= last <= _FARTHEST_START:
            await self._keys.counters.reserve(name, BLOCK, at_least=last + 1)


def link_meter(settings: DeviceSettings, bus: BusActor, keys: MeterKeys) -> MeterLink:
    """The meter with its model loaded and its settings checked against it; its keys are not looked at yet.

    Raises:
        ConfigurationError: Model or field is unknown, or there is nothing to switch at this kind of meter.
    """
    model = load_meter_model(settings.model)
    for name in settings.fields:
        model.field(name)
    for actuator in settings.actuators:
        if model.disconnect is None or actuator.field != "supply_state":
            raise ConfigurationError(
                file="edge.toml",
                key=f"device.actuator[{actuator.key}].field",
                value=actuator.field,
                expected="supply_state, at a model with a disconnect control",
            )
        if (actuator.min_m, actuator.max_m) != (0.0, 1.0):
            raise ConfigurationError(
                file="edge.toml",
                key=f"device.actuator[{actuator.key}].min_m",
                value=(actuator.min_m, actuator.max_m),
                expected="min_m = 0 and max_m = 1: a supply is off or on",
            )
    return MeterLink(settings, model, bus, keys)


def _framing(how: DlmsSettings, client: int) -> FramingProtocol:
    if how.framing is Framing.WRAPPER:
        return Wrapper(local=client, remote=how.server)
    if how.framing is Framing.UDP:
        return DatagramWrapper(local=client, remote=how.server)
    size = 1 if how.physical is None and how.server < 128 else 4 if max(how.server, how.physical or 0) > 127 else 2
    server = Address(upper=how.server, lower=how.physical, size=size)
    return HdlcLink(client=Address(upper=client), server=server, proposed=LinkParameters(max_send=128, max_receive=1024))


def _missing(file: Path, names: str) -> ConfigurationError:
    return ConfigurationError(file=str(file), key=names, value=None, expected=f"{names} in the meter's key file")
