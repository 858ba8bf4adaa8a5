"""Meters' keys from the maker's shipment file into the wrapped files that a gateway reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.files import write_private
from domain.errors import ConfigurationError
from protocols.dlms.keyring import MeterSecrets, new_kek, parse_kek, wrap

KEK_FILE = "kek"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterAccess:
    """How a gateway is let in at one meter; goes into ``[device.dlms]``."""

    client: int
    access: str
    keys_file: Path
    system_title: str
    suite: int = 0
    backfill_days: float = 40.0


def ensure_kek(path: Path) -> bytes:
    """The key-encryption key in a file, made at the first call; only its owner may read it.

    Raises:
        ConfigurationError: The file holds something else.
    """
    if not path.exists():
        write_private(path, new_kek().hex())
    return parse_kek(path.read_text(encoding="ascii"), str(path))


def write_key_file(path: Path, kek: bytes, found: MeterSecrets) -> None:
    """A meter's wrapped keys; replaced only where they changed, since a new file ends a quarantine."""
    text = "".join(f'{name} = "{value}"\n' for name, value in wrap(kek, found).items())
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_private(path, text)


def secrets_of(entry: Mapping[str, Any], where: str) -> MeterSecrets:
    """One meter of a shipment file: hexadecimal ``encryption``, ``authentication``, ``password``.

    Raises:
        ConfigurationError: It is none; the message shows no key.
    """
    try:
        names = ("encryption", "authentication", "password", "signing", "meter_public")
        found = {name: bytes.fromhex(entry[name]) for name in names if name in entry}
    except (ValueError, TypeError):
        raise ConfigurationError(
            file=where, key="keys", value="…", expected="hexadecimal encryption, authentication and password"
        ) from None
    return MeterSecrets(**found)


def take_shipment(
    shipment: Mapping[str, Any], devices: Mapping[str, int], folder: Path, *, system_title: str, backfill_days: float
) -> dict[str, MeterAccess]:
    """Wraps the keys of these meters into ``folder/keys``; every third one is read by password, the others by HLS-GMAC.

    Args:
        shipment: The maker's file, by device.
        devices: Device to its number.
        folder: State folder of the gateway; its key-encryption key is made there if it has none.
        system_title: The gateway's own, eight characters.
        backfill_days: How far back gaps are filled.
    """
    kek = ensure_kek(folder / KEK_FILE)
    accesses = {}
    for device, number in devices.items():
        path = folder / "keys" / f"{device}.toml"
        write_key_file(path, kek, secrets_of(shipment[device], device))
        by_password = number % 3 == 0
        accesses[device] = MeterAccess(
            client=32 if by_password else 1,
            access="lls" if by_password else "gmac",
            keys_file=path,
            system_title=system_title,
            suite=int(shipment[device].get("suite", 0)),
            backfill_days=backfill_days,
        )
    return accesses
