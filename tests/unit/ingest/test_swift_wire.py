"""The swift way and the careful way agree on payloads that no gateway of ours writes, yet protobuf allows.

Payloads are put together field by field: other orders, fields twice, fields nobody knows, numbers in more bytes than they need.
"""

from __future__ import annotations

import struct

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ingest.layout import recognise
from tests.support.both_ways import BORN, careful, plain, swift
from tests.support.uplink import DATA, EPOCH, NOW_MS

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
NAME, ALIAS, TIME, DATATYPE, HISTORICAL, TRANSIENT, NULL, PROPERTIES, INT, LONG, FLOAT, DOUBLE = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    9,
    10,
    11,
    12,
    13,
)
STAMP, METRIC, SEQ = 1, 2, 3
IS_DOUBLE = 10
Field = bytes


def varint(number: int, padding: int = 0) -> bytes:
    """A number in its fewest bytes, then so many more that add nothing."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    for _ in range(padding):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def whole(number: int, value: int, padding: int = 0) -> Field:
    return varint(number << 3 | VARINT) + varint(value, padding)


def text(number: int, value: bytes, padding: int = 0) -> Field:
    return varint(number << 3 | BYTES) + varint(len(value), padding) + value


def double(value: float) -> Field:
    return varint(DOUBLE << 3 | FIXED64) + struct.pack("<d", value)


def quality(code: int) -> Field:
    value = whole(1, 3) + whole(3, code)
    return text(PROPERTIES, text(1, b"Quality") + text(2, value))


EXTRA: list[Field] = [
    whole(100, 7), text(101, b"unknown"), varint(102 << 3 | FIXED32) + b"abcd",
    varint(103 << 3 | FIXED64) + b"abcdefgh",
    whole(NULL, 1), whole(NULL, 0), whole(TRANSIENT, 1), whole(HISTORICAL, 1), whole(HISTORICAL, 0),
    quality(192), quality(0), quality(500),
    whole(DATATYPE, 9), whole(DATATYPE, IS_DOUBLE), whole(ALIAS, 2), whole(TIME, NOW_MS - 5000), double(7.25), double(float("nan")),
    whole(INT, 3), whole(LONG, 2**63), varint(FLOAT << 3 | FIXED32) + struct.pack("<f", 1.5),
    text(NAME, b"flow_m3h"), text(NAME, b""),
]  # fmt: skip
"""Fields that a metric may have beside, or once more."""
DISGUISES: list[tuple[int, tuple[bytes, bytes]]] = [
    (0, (b"\x10", b"\x30")),  # the alias becomes is_transient
    (1, (b"\x18", b"\x58")),  # the time a long value
    (2, (b"\x0a", b"\x09")),  # the datatype FLOAT
    (2, (b"\x20", b"\x38")),  # the datatype is_null
    (3, (b"\x28", b"\x38")),  # of a historical reading: is_null
    (-1, (b"\x69", b"\x61")),  # the value a field with a number that FLOAT has, of another type
    (-1, (b"\x69", b"\x79")),  # the value something that is no field of a metric
]
"""A metric's field, and what is replaced in it by what."""


@st.composite
def metrics(draw: st.DrawFn, form: tuple[int, int, bool], tweak: bool) -> bytes:
    """A reading with these paddings of alias and time, historical or not; with ``tweak`` in a form that ours never have."""
    fields = [
        whole(ALIAS, draw(st.sampled_from([1, 1, 1, 2, 4])), form[0]),
        whole(TIME, NOW_MS - draw(st.integers(0, 600_000)), form[1]),
        whole(DATATYPE, IS_DOUBLE),
        *([whole(HISTORICAL, 1)] if form[2] else []),
        double(draw(st.integers(0, 50_000)) / 100),
    ]
    tweaks = ["disguise", "disguise", "swap", "order", "drop", "extra", "again", "padding", "length"]
    match draw(st.sampled_from(tweaks)) if tweak else "":
        case "disguise":  # as long as the others, so that only a look at every byte tells
            place, instead = draw(st.sampled_from(DISGUISES))
            fields[place] = fields[place].replace(*instead, 1)
        case "swap":
            fields[-2:] = fields[:-3:-1]
        case "order":
            fields = draw(st.permutations(fields))
        case "drop":
            del fields[draw(st.integers(0, len(fields) - 1))]
        case "extra":
            fields.insert(draw(st.integers(0, 4)), draw(st.sampled_from(EXTRA)))
        case "again":
            fields.append(draw(st.sampled_from(fields)))
        case "padding":
            fields[0] = whole(ALIAS, 1, draw(st.integers(0, 8)))
        case "length":
            return text(METRIC, b"".join(fields), 1)
        case _:
            pass
    return text(METRIC, b"".join(fields))


def number_of_spool(name: bytes, value: int, *beside: Field, padding: int = 0) -> Field:
    return text(METRIC, b"".join((text(NAME, name), *beside, whole(LONG, value, padding))))


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """A block of some readings: all of one form, unusual or not, or with some that differ."""
    form = draw(st.sampled_from([(0, 0, False), (0, 0, False), (0, 0, True), (1, 0, False), (4, 2, True), (8, 3, False)]))
    tweaked = draw(st.one_of(st.integers(1, 5).map(lambda n: [False] * n), st.lists(st.booleans(), min_size=1, max_size=5)))
    body = [draw(metrics(form, tweak)) for tweak in tweaked]
    first = draw(st.sampled_from([1, 100, 2**40, 2**62]))
    beside = [whole(TIME, NOW_MS), whole(DATATYPE, 8)][: draw(st.integers(0, 2))]
    pad = draw(st.sampled_from([0, 0, 0, 1, 4]))
    header = [
        number_of_spool(b"Spool/Epoch", EPOCH, *beside, padding=min(pad, 1)),
        number_of_spool(b"Spool/First", first, *beside, padding=pad),
        number_of_spool(b"Spool/Last", first + len(body) - 1 + draw(st.sampled_from([0] * 9 + [1])), *beside),
    ]
    front = draw(st.sampled_from([[whole(STAMP, NOW_MS)]] * 5 + [[], [whole(STAMP, 5), whole(STAMP, NOW_MS)], [whole(SEQ, 3)]]))
    back = draw(
        st.sampled_from(
            [[whole(SEQ, 3)]] * 5 + [[], [whole(SEQ, 255, 2)], [whole(100, 1)], [whole(STAMP, NOW_MS)], [text(5, b"body")]]
        )
    )
    match draw(st.integers(0, 14)):
        case 0:
            header = draw(st.permutations(header))
        case 1:
            header, body = body, header
        case _:
            pass
    return b"".join((*front, *header, *body, *back))


@settings(max_examples=300)
@given(st.lists(payloads(), min_size=1, max_size=5))
def test_both_ways_agree_on_everything_protobuf_allows(sent: list[bytes]) -> None:
    for payload in sent:
        event(f"recognised: {recognise(payload, max_readings=1000) is not None}")
    messages = [*BORN, *((DATA, payload) for payload in sent)]
    assert [plain(i) for i in swift(messages)] == [plain(i) for i in careful(messages)]


@pytest.mark.parametrize("padding", [0, 1, 4])
def test_numbers_in_more_bytes_than_they_need_are_recognised_for_what_they_are(padding: int) -> None:
    """So that the property above speaks of the swift way too."""
    metric = text(
        METRIC, whole(ALIAS, 1, padding) + whole(TIME, NOW_MS - 9, min(padding, 2)) + whole(DATATYPE, IS_DOUBLE) + double(2.5)
    )
    header = (
        number_of_spool(b"Spool/Epoch", EPOCH),
        number_of_spool(b"Spool/First", 5, padding=padding),
        number_of_spool(b"Spool/Last", 6),
    )
    payload = b"".join((*header, metric, metric))
    block = recognise(payload, max_readings=10)
    assert block is not None
    assert (block.epoch, block.first, block.size) == (EPOCH, 5, 2)
    messages = [*BORN, (DATA, payload)]
    assert [plain(i) for i in swift(messages)] == [plain(i) for i in careful(messages)]
