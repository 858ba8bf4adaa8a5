"""Keys of meters at rest: wrapped under one key-encryption key (AES key wrap with padding, RFC 5649 over RFC 3394).

    # keys/meter-001.toml: of no use without the key-encryption key, which lives in the environment or in a file of its own
    encryption = "9f0c…"           global unicast encryption key (GUEK)
    authentication = "41aa…"       authentication key (GAK)
    password = "e2d1…"             LLS secret
    signing, meter_public          keys of HLS-ECDSA, in DER

Nothing here prints a key, and no error message holds one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding, aes_key_wrap_with_padding

from domain.errors import ConfigurationError

KEK_SIZES = (16, 24, 32)
_NAMES = ("encryption", "authentication", "password", "signing", "meter_public")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSecrets:
    """What one client knows of one meter. Never shown by ``repr``."""

    encryption: bytes | None = field(default=None, repr=False)
    authentication: bytes | None = field(default=None, repr=False)
    password: bytes | None = field(default=None, repr=False)
    signing: bytes | None = field(default=None, repr=False)
    """Our private key for ECDSA, PKCS #8 in DER."""
    meter_public: bytes | None = field(default=None, repr=False)
    """The meter's public key, SubjectPublicKeyInfo in DER."""


def new_kek() -> bytes:
    """A fresh key-encryption key of 256 bits."""
    return secrets.token_bytes(32)


def parse_kek(text: str, where: str) -> bytes:
    """The key-encryption key from its hexadecimal form.

    Raises:
        ConfigurationError: It is none; the message does not show it.
    """
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) not in KEK_SIZES:
        raise ConfigurationError(
            file=where,
            key="key-encryption key",
            value=f"{len(text.strip())} characters",
            expected="32, 48 or 64 hexadecimal digits",
        )
    return key


def wrap(kek: bytes, meter: MeterSecrets) -> dict[str, str]:
    """The table of a key file."""
    found = {name: getattr(meter, name) for name in _NAMES}
    return {name: aes_key_wrap_with_padding(kek, value).hex() for name, value in found.items() if value}


def unwrap(kek: bytes, table: Mapping[str, object], where: str) -> MeterSecrets:
    """The secrets of a key file.

    Raises:
        ConfigurationError: An unknown name, no hexadecimal text, another key-encryption key, or a changed file.
    """
    found: dict[str, bytes] = {}
    for name, text in table.items():
        if name not in _NAMES:
            raise ConfigurationError(file=where, key=name, value="…", expected="one of " + ", ".join(_NAMES))
        try:
            found[name] = aes_key_unwrap_with_padding(kek, bytes.fromhex(text if isinstance(text, str) else "-"))
        except (ValueError, InvalidUnwrap):
            raise ConfigurationError(
                file=where, key=name, value="…", expected="hexadecimal digits, wrapped under the key-encryption key in use"
            ) from None
    return MeterSecrets(**found)


def counter_name(encryption: bytes, title: bytes) -> str:
    """Under which name an invocation counter is kept: one for one key and one system title, and telling neither."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"khettara dlms counter" + title + encryption)
    return digest.finalize().hex()[:32]
