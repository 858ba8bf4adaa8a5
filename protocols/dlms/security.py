"""Suites 0, 1 and 2: authenticated encryption with AES-GCM, and the GMAC answer to a challenge (Green Book 9.2.3.3, 9.2.7.2).

    glo-APDU = tag, length, SC, IC (4 bytes), ciphertext, T (12 bytes)
    IV = system title (8) ‖ IC     AAD = SC ‖ authentication key (‖ plaintext when it is not encrypted)

Suites 0 and 1 cipher with AES-GCM-128, suite 2 with AES-GCM-256; suites 1 and 2 add ECDSA and ECDH, which are not here: such a
meter is read with keys agreed otherwise. Encryption without authentication is neither sent nor taken.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import IntFlag

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from protocols.dlms.errors import SecurityFailed
from protocols.dlms.reader import Reader, encode_length

TAG_BYTES = 12
KEY_BYTES = {0: 16, 1: 16, 2: 32}
"""Length of the symmetric keys of each suite."""
TITLE_BYTES = 8
HEADER_BYTES = 5
"""Security control and invocation counter."""
GENERAL_GLO, GENERAL_DED = 0xDB, 0xDC
_GLOBAL = {0x01: 0x21, 0x08: 0x28, 0x0E: 0x2E, 0xC0: 0xC8, 0xC1: 0xC9, 0xC2: 0xCA, 0xC3: 0xCB, 0xC4: 0xCC, 0xC5: 0xCD, 0xC7: 0xCF}
_DEDICATED = {0xC0: 0xD0, 0xC1: 0xD1, 0xC2: 0xD2, 0xC3: 0xD3, 0xC4: 0xD4, 0xC5: 0xD5, 0xC7: 0xD7}
SERVICE_TAGS = frozenset(_GLOBAL.values()) | frozenset(_DEDICATED.values())
CIPHERED_SERVICES = frozenset(_GLOBAL)
DEDICATED_TAGS = frozenset(_DEDICATED.values()) | {GENERAL_DED}


class Protection(IntFlag):
    """Bits of the security control byte."""

    AUTHENTICATED = 0x10
    ENCRYPTED = 0x20
    BROADCAST = 0x40
    COMPRESSED = 0x80


BOTH = Protection.AUTHENTICATED | Protection.ENCRYPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The symmetric keys of one client at one meter. Never shown by ``repr``."""

    encryption: bytes = field(repr=False)
    """Global unicast encryption key (or a dedicated one), 16 bytes; 32 in suite 2."""
    authentication: bytes = field(repr=False)
    """Authentication key, as long."""
    suite: int = 0

    def __post_init__(self) -> None:
        wanted = KEY_BYTES.get(self.suite)
        if wanted is None:
            raise ValueError(f"security suite {self.suite}: 0, 1 and 2 are done here")
        if len(self.encryption) != wanted or len(self.authentication) != wanted:
            lengths = f"{len(self.encryption)} and {len(self.authentication)}"
            raise ValueError(f"suite {self.suite} has keys of {wanted} bytes, not {lengths}")


def protect(keys: Keys, title: bytes, counter: int, plaintext: bytes, protection: Protection = BOTH) -> bytes:
    """Security header, protected bytes and tag.

    Args:
        keys: Of the association.
        title: System title of who sends, eight bytes.
        counter: Invocation counter, never used before under this key and title.
        plaintext: An APDU.
        protection: ``AUTHENTICATED`` or ``BOTH``.

    Raises:
        ValueError: The protection is not authenticated, or the counter does not fit 32 bits.
    """
    if protection not in (Protection.AUTHENTICATED, BOTH):
        raise ValueError(f"protection {protection!r}: authenticated, or authenticated and encrypted")
    control = bytes((protection | keys.suite,))
    header = control + _counter(counter)
    if Protection.ENCRYPTED in protection:
        sealed = AESGCM(keys.encryption).encrypt(title + header[1:], plaintext, control + keys.authentication)
        return header + sealed[: len(plaintext) + TAG_BYTES]
    tag = AESGCM(keys.encryption).encrypt(title + header[1:], b"", control + keys.authentication + plaintext)
    return header + plaintext + tag[:TAG_BYTES]


def unprotect(keys: Keys, title: bytes, raw: bytes, *, least: Protection = BOTH) -> tuple[int, bytes]:
    """The sender's counter and the plaintext.

    Args:
        keys: Of the association.
        title: System title of who sent it.
        raw: From the security header on.
        least: Protection that must be there.

    Raises:
        SecurityFailed: Less protection than demanded, another suite or key set, or a tag that is not right.
    """
    if len(raw) < HEADER_BYTES + TAG_BYTES:
        raise SecurityFailed(f"a protected APDU of {len(raw)} bytes: header and tag alone take {HEADER_BYTES + TAG_BYTES}")
    control, nonce = raw[:1], title + raw[1:HEADER_BYTES]
    protection = Protection(control[0] & 0xF0)
    if control[0] & 0x0F != keys.suite or protection & ~BOTH or protection & least != least:
        raise SecurityFailed(f"security control 0x{control[0]:02X}: suite {keys.suite} with at least {least!r} was expected")
    body, tag = raw[HEADER_BYTES:-TAG_BYTES], raw[-TAG_BYTES:]
    encrypted = Protection.ENCRYPTED in protection
    aad = control + keys.authentication + (b"" if encrypted else body)
    decryptor = Cipher(AES(keys.encryption), GCM(nonce, tag, min_tag_length=TAG_BYTES)).decryptor()
    decryptor.authenticate_additional_data(aad)
    try:
        plaintext = decryptor.update(body if encrypted else b"") + decryptor.finalize()
    except InvalidTag:
        raise SecurityFailed("the authentication tag is not right: another key, another sender, or damaged") from None
    return int.from_bytes(raw[1:HEADER_BYTES], "big"), plaintext if encrypted else body


def gmac_answer(keys: Keys, title: bytes, counter: int, challenge: bytes) -> bytes:
    """f(challenge) of mechanism 5: SC ‖ IC ‖ T."""
    control = bytes((Protection.AUTHENTICATED | keys.suite,))
    header = control + _counter(counter)
    return header + AESGCM(keys.encryption).encrypt(title + header[1:], b"", control + keys.authentication + challenge)[:TAG_BYTES]


def check_gmac_answer(keys: Keys, title: bytes, answer: bytes, challenge: bytes) -> int:
    """The counter used in a right answer to our challenge.

    Raises:
        SecurityFailed: The answer is not that of who holds the keys.
    """
    if len(answer) == HEADER_BYTES + TAG_BYTES:
        counter = int.from_bytes(answer[1:HEADER_BYTES], "big")
        if hmac.compare_digest(answer, gmac_answer(keys, title, counter, challenge)):
            return counter
    raise SecurityFailed("the meter's answer to our challenge is not right: it does not hold the keys")


def wrap(apdu: bytes, secured: bytes, *, dedicated: bool = False) -> bytes:
    """The service-specific envelope of an APDU's secured bytes.

    Raises:
        ValueError: The service has none.
    """
    tag = (_DEDICATED if dedicated else _GLOBAL).get(apdu[0])
    if tag is None:
        raise ValueError(f"APDU 0x{apdu[0]:02X} has no ciphered form")
    return bytes((tag,)) + encode_length(len(secured)) + secured


def wrap_general(title: bytes, secured: bytes, *, dedicated: bool = False) -> bytes:
    """general-glo-ciphering or general-ded-ciphering."""
    head = bytes((GENERAL_DED if dedicated else GENERAL_GLO,))
    return head + encode_length(len(title)) + title + encode_length(len(secured)) + secured


def unwrap(apdu: bytes) -> tuple[bytes | None, bytes]:
    """The sender's title where the envelope names it, and the secured bytes.

    Raises:
        DecodeError: The lengths do not fit.
        SecurityFailed: It is no protected APDU.
    """
    reader = Reader(apdu)
    tag = reader.u8()
    title: bytes | None = None
    if tag in (GENERAL_GLO, GENERAL_DED):
        title = reader.octets()
    elif tag not in SERVICE_TAGS:
        raise SecurityFailed(f"APDU 0x{tag:02X} is not protected where protection was agreed")
    secured = reader.octets()
    reader.finish("the protected APDU")
    return title, secured


def _counter(counter: int) -> bytes:
    if not 0 <= counter <= 0xFFFFFFFF:
        raise ValueError(f"invocation counter {counter} does not fit 32 bits")
    return counter.to_bytes(4, "big")
