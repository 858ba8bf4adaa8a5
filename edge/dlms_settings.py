"""What ``edge.toml`` says of a DLMS meter beyond what it says of any device: ``[device.dlms]``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.tables import Table
from protocols.dlms.security import KEY_BYTES
from protocols.serial_port import BAUDS

DEFAULT_PORT = 4059
"""The port that IANA has assigned to DLMS/COSEM."""


class Access(StrEnum):
    """How the gateway proves itself to the meter."""

    NONE = "none"
    LLS = "lls"
    GMAC = "gmac"
    ECDSA = "ecdsa"


class Framing(StrEnum):
    """How APDUs travel."""

    WRAPPER = "wrapper"
    """Over TCP."""
    UDP = "udp"
    """The wrapper over UDP."""
    HDLC = "hdlc"
    """Over TCP, as serial servers carry it, or over a serial port of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DlmsSettings:
    """One meter."""

    client: int = 16
    """Client address: 16 is the public client."""
    server: int = 1
    """Wrapper port, or upper HDLC address of the logical device."""
    physical: int | None = None
    """Lower HDLC address, where the line has several meters."""
    framing: Framing = Framing.WRAPPER
    serial: str | None = None
    """Path of the serial port the meter hangs on; None for TCP or UDP."""
    baud: int = 9600
    """Of the serial port: 8 data bits, no parity, one stop bit."""
    access: Access = Access.NONE
    ciphered: bool = False
    """Whether an association by password is ciphered too; by GMAC and ECDSA it always is."""
    suite: int = 0
    dedicated: bool = False
    """Whether a fresh key is agreed for each association."""
    general: bool = False
    """Whether general-glo-ciphering is used."""
    system_title: bytes = b""
    """Our own, eight bytes; needed with keys."""
    keys_file: Path | None = None
    """Wrapped keys and password of this meter; see ``protocols.dlms.keyring``."""
    profile: bool = True
    """Whether fields that the load profile has are taken from it, gaps filled; else they are polled as registers."""
    backfill_days: float = 40.0
    """How far back gaps are filled [process days]."""
    timezone: str | None = None
    """Time zone of a meter that states no deviation; UTC for one that does."""
    deviation_sign: int = 1
    """-1 for meters that store local time − UTC."""
    clock_set: bool = False
    """Whether the gateway sets the meter's clock."""
    clock_tolerance_s: float = 30.0
    """A clock within this is right [s]."""
    clock_limit_s: float = 600.0
    """A clock farther off is never set by itself: readings carry quality "clock" and a person is told [s]."""
    quarantine_s: float = 86_400.0
    """How long a meter that refuses our credentials is left alone [process s]."""


def parse_dlms(table: Table, folder: Path) -> DlmsSettings:
    """One ``[device.dlms]``; relative paths start at ``folder``."""
    table.only(
        "client", "server", "physical", "framing", "serial", "baud",
        "access", "ciphered", "suite", "dedicated", "general", "system_title",
        "keys_file", "profile", "backfill_days", "timezone", "deviation_sign", "clock_set", "clock_tolerance_s", "clock_limit_s",
        "quarantine_s",
    )  # fmt: skip
    default = DlmsSettings()
    access, suite = table.word("access", Access, Access.NONE), table.integer("suite", 0)
    keys_file, title = table.text("keys_file", None), _title(table)
    if access is not Access.NONE and keys_file is None:
        raise table.wrong("keys_file", None, f"the file with the wrapped keys, since access is {access.value!r}")
    proves = access in (Access.GMAC, Access.ECDSA)
    ciphered = _flag(table, "ciphered", default=proves)
    if (proves or ciphered) and not title:
        raise table.wrong("system_title", None, 'our own system title of eight bytes, such as "KHT00001"')
    if suite not in KEY_BYTES:
        raise table.wrong("suite", suite, "0, 1 or 2")
    framing, serial = table.word("framing", Framing, default.framing), table.text("serial", None)
    if serial is not None and framing is not Framing.HDLC:
        raise table.wrong("framing", framing.value, "hdlc, which is what a serial port carries")
    tolerance_s = table.number("clock_tolerance_s", default.clock_tolerance_s, low=1.0)
    return DlmsSettings(
        client=_address(table, "client", default.client),
        server=_address(table, "server", default.server),
        physical=None if "physical" not in table.data else _address(table, "physical", 0),
        framing=framing,
        serial=serial,
        baud=_baud(table, default.baud),
        access=access,
        ciphered=ciphered,
        suite=suite,
        dedicated=_flag(table, "dedicated", default=default.dedicated),
        general=_flag(table, "general", default=default.general),
        system_title=title,
        keys_file=None if keys_file is None else folder / keys_file,
        profile=_flag(table, "profile", default=default.profile),
        backfill_days=table.number("backfill_days", default.backfill_days, low=0.0, high=3660.0),
        timezone=_zone(table),
        deviation_sign=_sign(table),
        clock_set=_flag(table, "clock_set", default=default.clock_set),
        clock_tolerance_s=tolerance_s,
        clock_limit_s=table.number("clock_limit_s", default.clock_limit_s, low=tolerance_s),
        quarantine_s=table.number("quarantine_s", default.quarantine_s, low=60.0),
    )


def _address(table: Table, key: str, default: int) -> int:
    found: int = table.integer(key, default)
    if found > 0x3FFF:
        raise table.wrong(key, found, "an address from 0 to 16383")
    return found


def _baud(table: Table, default: int) -> int:
    found: int = table.integer("baud", default)
    if found not in BAUDS:
        raise table.wrong("baud", found, "one of " + ", ".join(map(str, BAUDS)))
    return found


def _flag(table: Table, key: str, *, default: bool) -> bool:
    found = table.data.get(key, default)
    if not isinstance(found, bool):
        raise table.wrong(key, found, "true or false")
    return found


def _title(table: Table) -> bytes:
    text: str | None = table.text("system_title", None)
    if text is None:
        return b""
    title = text.encode("latin-1", "replace") if len(text) == 8 else _hex(text)
    if len(title) != 8:
        raise table.wrong("system_title", text, "eight characters, or sixteen hexadecimal digits")
    return title


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _zone(table: Table) -> str | None:
    name: str | None = table.text("timezone", None)
    try:
        return None if name is None else ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise table.wrong("timezone", name, "a name of the IANA time zone database, such as Africa/Casablanca") from None


def _sign(table: Table) -> int:
    found = table.data.get("deviation_sign", 1)
    if found not in (1, -1) or isinstance(found, bool):
        raise table.wrong("deviation_sign", found, "1, or -1 for meters that store local time minus UTC")
    return int(found)
