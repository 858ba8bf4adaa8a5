from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.dlms.data import MAX_DEPTH, Data, Kind, decode, encode, items_of, plain
from tests.support.dlms_strategies import DATA

VECTORS = [
    ("00", Data(Kind.NULL)),
    ("06 00003039", Data(Kind.DOUBLE_LONG_UNSIGNED, 12345)),
    ("02 02 0F FD 16 0D", Data(Kind.STRUCTURE, (Data(Kind.INTEGER, -3), Data(Kind.ENUM, 13)))),
    ("04 0A FF C0", Data(Kind.BIT_STRING, "1111111111")),
    ("09 81 80 " + "7E" * 128, Data(Kind.OCTET_STRING, b"\x7e" * 128)),
    ("14 FFFFFFFFFFFFFFFF", Data(Kind.LONG64, -1)),
    ("17 43668000", Data(Kind.FLOAT32, 230.5)),
    ("0A 03 4B5748", Data(Kind.VISIBLE_STRING, "KWH")),
]


@pytest.mark.parametrize(("raw", "value"), VECTORS)
def test_vectors(raw: str, value: Data) -> None:
    assert decode(bytes.fromhex(raw)) == value
    assert encode(value) == bytes.fromhex(raw)


@given(DATA)
def test_every_value_comes_back(value: Data) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=200))
def test_random_bytes_are_a_value_or_a_decode_error(raw: bytes) -> None:
    try:
        value = decode(raw)
    except DecodeError:
        return
    assert decode(encode(value)) == value or "nan" in repr(value)


def test_a_compact_array_says_its_type_once() -> None:
    # structure of {long-unsigned, integer}, 2 rows of 3 bytes
    value = decode(bytes.fromhex("13 02 02 12 0F 06 0001 FF 0002 05"))
    assert plain(value) == ((1, -1), (2, 5))
    assert encode(value) == bytes.fromhex("13 02 02 12 0F 06 0001 FF 0002 05")
    assert len(items_of(value, "rows")) == 2


@pytest.mark.parametrize(
    "raw",
    [
        "13 00 05 0000000000",  # items that take no bytes
        "13 01 FFFF 01 FFFF 01 FFFF 00 01 00",  # 2^48 nulls promised in one byte
        "13 01 FFFF 02 00 01 00",  # 65535 empty structures
        "13 13 00 01 00",  # a compact array of compact arrays
        "01 84 FFFFFFFF 00",
        "09 84 FFFFFFFF 00",
        "09 80",
        "09 85 0000000001 00",
        "63",
        "",
        "00 00",
    ],
)
def test_promises_that_cannot_be_kept_are_refused(raw: str) -> None:
    with pytest.raises(DecodeError):
        decode(bytes.fromhex(raw))


def test_nesting_is_bounded_both_ways() -> None:
    with pytest.raises(DecodeError, match="nested deeper"):
        decode(b"\x01\x01" * 5000 + b"\x00")
    value = Data(Kind.NULL)
    for _ in range(MAX_DEPTH):
        value = Data(Kind.ARRAY, (value,))
    assert decode(encode(value)) == value
    with pytest.raises(ValueError, match="nested"):
        encode(Data(Kind.ARRAY, (value,)))


@pytest.mark.parametrize(
    "value",
    [
        Data(Kind.UNSIGNED, 256),
        Data(Kind.UNSIGNED, -1),
        Data(Kind.UNSIGNED, 1.5),
        Data(Kind.INTEGER, None),
        Data(Kind.DATE_TIME, b"123"),
        Data(Kind.BIT_STRING, "012"),
        Data(Kind.OCTET_STRING, 5),
        Data(Kind.OCTET_STRING, "text"),
        Data(Kind.VISIBLE_STRING, "ⵜ"),
        Data(Kind.FLOAT32, "x"),
        Data(Kind.FLOAT32, 1e300),
    ],
)
def test_what_has_no_encoding_is_refused(value: Data) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode(value)


def test_damaged_messages_never_raise_anything_else() -> None:
    rng = random.Random(7)
    good = encode(
        decode(
            bytes.fromhex("01 03" + "02 04 090C07EA0B15060D1E00FFFFC400 0600003039 13 02 02 12 0F 06 0001FF000205 0A03414243" * 3)
        )
    )
    for _ in range(20_000):
        raw = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            position = rng.randrange(len(raw))
            raw[position : position + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 2))
        try:
            decode(bytes(raw))
        except DecodeError:
            continue


def test_items_without_bytes_are_refused_before_they_are_counted() -> None:
    with pytest.raises(DecodeError, match="take no bytes"):
        decode(bytes.fromhex("13 00 05 0000000000"))
