"""Whatever a device sends ends as readings, faults or one clear error."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DecodeError
from domain.quantities import UNITS
from domain.tables import Table
from protocols.foreign.document import at, number, parse, time_ms
from protocols.foreign.model import ABSENT_TIME, Message, to_canonical
from protocols.foreign.settings import parse_source
from protocols.foreign.table import DECODERS

METRICS = [{"name": "flow_m3h", "path": "/f", "unit": "L/s"}, {"name": "t_degc", "path": "/o/t", "unit": "K", "words": {"on": 1}}]
SOURCES: list[dict[str, Any]] = [
    {"name": "a", "format": "json", "topic": "a", "device": "/id", "time": "/t", "metric": METRICS},
    {
        "name": "a",
        "format": "json",
        "topic": "a",
        "device": "/id",
        "time": "/t",
        "time_format": "unix",
        "records": "",
        "metric": METRICS,
    },
    {"name": "a", "format": "senml", "topic": "a"},
    {"name": "a", "format": "chirpstack", "topic": "a"},
    {"name": "a", "format": "wmbusmeters", "topic": "a"},
]
OWN = [
    "id",
    "t",
    "f",
    "o",
    "deviceInfo",
    "devEui",
    "object",
    "time",
    "data",
    "fPort",
    "meter",
    "timestamp",
    "status",
    "total_m3",
    "x_bar",
]
SENML = ["n", "v", "vs", "vb", "vd", "u", "s", "ut", "bn", "bt", "bu", "bv", "bs", "bver"]
KEYS = st.sampled_from([*OWN, *SENML])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**320), 10**320)
    | st.floats()
    | st.sampled_from(["", "on", "1.5", "2026-03-01T00:00:00Z", "0101", "l/s", "m-1:", "a" * 300, "\x00", "\ud800"])
    | st.text(max_size=5)
)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8), max_leaves=20
)


def check(payload: bytes) -> None:
    for table in SOURCES:
        source = parse_source(Table.root("x", table))
        message = Message(source=source, parts={}, payload=payload, received_ms=1_772_323_200_000)
        try:
            decoded = DECODERS[source.format](message)
        except DecodeError:
            continue
        for reading in decoded.readings:
            assert reading.time_ms == ABSENT_TIME or -(2**63) <= reading.time_ms < 2**63
            assert reading.device
            assert reading.value is None or isinstance(reading.value, float)


@settings(max_examples=400)
@given(DOCUMENTS | st.lists(st.dictionaries(KEYS, SCALARS, max_size=8), max_size=4))
def test_any_json(document: Any) -> None:
    check(json.dumps(document).encode())


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes(payload: bytes) -> None:
    check(payload)


def test_deep_nesting_and_long_numbers() -> None:
    for payload in (b"[" * 200_000, b'{"id":' * 50_000, b"9" * 10_000, b'{"id":1,"f":' + b"9" * 4_000 + b"}"):
        check(payload)


def test_pointers() -> None:
    document = {"a": [{"b/c": 1, "~": 2}], "": 3}
    assert [at(document, p) for p in ("/a/0/b~1c", "/a/0/~0", "/", "")] == [1, 2, 3, document]
    assert all(isinstance(at(document, p), object) and at(document, p) is at({}, "/x") for p in ("/a/1", "/a/x", "/a/0/b", "/a/-1"))


def test_numbers() -> None:
    values: tuple[object, ...] = (1, True, "2.5", " -1e3 ", "1,5", "nan", None, [], "0x1")
    assert [number(v) for v in values] == [
        1,
        1,
        2.5,
        -1000,
        None,
        None,
        None,
        None,
        None,
    ]
    assert math.isinf(number(10**400) or 0)


def test_times_are_exact() -> None:
    assert time_ms(1772323200.1, "unix", None) == 1_772_323_200_100
    assert time_ms("1772323200123", "unix_ms", None) == 1_772_323_200_123
    assert time_ms("2026-03-01T01:00:00.0019+01:00", "iso8601", None) == 1_772_323_200_001


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse(b"\xef\xbb\xbf{}") == {}


@given(st.floats(-1e9, 1e9), st.sampled_from(sorted(UNITS, key=str)))
def test_units_agree_with_the_house(value: float, key: Any) -> None:
    unit = UNITS[key]
    assert math.isclose(to_canonical(value, unit.factor, unit.offset), unit.to_canonical(value), rel_tol=1e-12, abs_tol=1e-9)


def test_numbers_beyond_every_double_are_infinite() -> None:
    assert to_canonical(1e308, Fraction(18, 5)) == math.inf
    assert to_canonical(-1e308, Fraction(18, 5)) == -math.inf
    source = parse_source(Table.root("x", {"name": "a", "format": "senml", "topic": "a"}))
    for record in ({"n": "m:x", "v": 10**308, "bv": 10**308}, {"n": "m:x", "s": 10**308, "bs": 10**308}):
        payload = json.dumps([record]).encode()
        decoded = DECODERS["senml"](Message(source=source, parts={}, payload=payload, received_ms=0))
        assert [r.value for r in decoded.readings] == [math.inf]
    late = json.dumps([{"n": "m:x", "v": 1, "t": 10**308, "bt": 10**308}]).encode()
    with pytest.raises(DecodeError, match="outside every calendar"):
        DECODERS["senml"](Message(source=source, parts={}, payload=late, received_ms=0))
