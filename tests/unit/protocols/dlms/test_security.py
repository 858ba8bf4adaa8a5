from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.dlms.errors import SecurityFailed
from protocols.dlms.security import (
    Keys,
    Protection,
    check_gmac_answer,
    gmac_answer,
    protect,
    unprotect,
    unwrap,
    wrap,
    wrap_general,
)

# The Green Book's worked example (9.2, "Example: ciphering of xDLMS APDUs").
KEYS = Keys(encryption=bytes(range(16)), authentication=bytes(range(0xD0, 0xE0)))
SERVER = bytes.fromhex("4D4D4D0000BC614E")
COUNTER = 0x01234567
GET = bytes.fromhex("C0010000080000010000FF0200")
CIPHERED_GET = bytes.fromhex("C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B")
AUTHENTICATED_GET = bytes.fromhex("C81E1001234567C0010000080000010000FF0200" + "06725D910F9221D263877516")
OTHER = bytes.fromhex("4D4D4D0000000001")


def test_published_authenticated_encryption() -> None:
    assert wrap(GET, protect(KEYS, SERVER, COUNTER, GET)) == CIPHERED_GET
    named, secured = unwrap(CIPHERED_GET)
    assert named is None
    assert unprotect(KEYS, SERVER, secured) == (COUNTER, GET)


def test_published_authentication_only() -> None:
    assert wrap(GET, protect(KEYS, SERVER, COUNTER, GET, Protection.AUTHENTICATED)) == AUTHENTICATED_GET
    secured = unwrap(AUTHENTICATED_GET)[1]
    assert unprotect(KEYS, SERVER, secured, least=Protection.AUTHENTICATED) == (COUNTER, GET)
    with pytest.raises(SecurityFailed, match="at least"):
        unprotect(KEYS, SERVER, secured)


def test_published_answers_to_challenges() -> None:
    to_server, to_client = b"K56iVagY", b"P6wRJ21F"
    answer = bytes.fromhex("10000000011A52FE7DD3E72748973C1E28")
    assert gmac_answer(KEYS, OTHER, 1, to_client) == answer
    assert check_gmac_answer(KEYS, OTHER, answer, to_client) == 1
    back = bytes.fromhex("1001234567FE1466AFB3DBCD4F9389E2B7")
    assert check_gmac_answer(KEYS, SERVER, back, to_server) == COUNTER
    for wrong in (back[:-1], back[:-1] + b"\x00", b"", b"\x30" + back[1:]):
        with pytest.raises(SecurityFailed):
            check_gmac_answer(KEYS, SERVER, wrong, to_server)


@given(st.binary(max_size=300), st.integers(0, 2**32 - 1), st.sampled_from([0, 1]))
def test_what_is_protected_comes_back(apdu: bytes, counter: int, suite: int) -> None:
    keys = Keys(encryption=KEYS.encryption, authentication=KEYS.authentication, suite=suite)
    assert unprotect(keys, SERVER, protect(keys, SERVER, counter, apdu)) == (counter, apdu)
    assert unwrap(wrap_general(SERVER, b"secured")) == (SERVER, b"secured")


@given(st.integers(0, len(CIPHERED_GET) - 3), st.integers(1, 255))
def test_no_bit_may_be_changed(position: int, change: int) -> None:
    raw = bytearray(unwrap(CIPHERED_GET)[1])
    raw[position] ^= change
    with pytest.raises(SecurityFailed):
        unprotect(KEYS, SERVER, bytes(raw))


@given(st.binary(max_size=60))
def test_random_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(SecurityFailed):
        unprotect(KEYS, SERVER, raw)
    with pytest.raises((DecodeError, SecurityFailed)):
        unprotect(KEYS, SERVER, unwrap(raw)[1])


def test_another_title_or_key_is_refused() -> None:
    secured = unwrap(CIPHERED_GET)[1]
    with pytest.raises(SecurityFailed):
        unprotect(KEYS, OTHER, secured)
    with pytest.raises(SecurityFailed):
        unprotect(Keys(encryption=bytes(16), authentication=KEYS.authentication), SERVER, secured)
    with pytest.raises(SecurityFailed):
        unprotect(Keys(encryption=KEYS.encryption, authentication=bytes(16)), SERVER, secured)


def test_keys_are_never_shown_and_must_fit() -> None:
    assert KEYS.encryption.hex() not in repr(KEYS).lower()
    assert "\\x01" not in repr(KEYS)
    wrongs: tuple[dict[str, Any], ...] = ({"encryption": b"short"}, {"suite": 2}, {"authentication": bytes(32)})
    for wrong in wrongs:
        with pytest.raises(ValueError, match="suite"):
            Keys(**{"encryption": bytes(16), "authentication": bytes(16), **wrong})
    with pytest.raises(ValueError, match="32 bits"):
        protect(KEYS, SERVER, 2**32, GET)
    with pytest.raises(ValueError, match="authenticated"):
        protect(KEYS, SERVER, 1, GET, Protection.ENCRYPTED)
    with pytest.raises(ValueError, match="no ciphered form"):
        wrap(b"\x60", b"")
