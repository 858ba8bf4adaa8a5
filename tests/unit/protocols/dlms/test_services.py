from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.dlms import action, data, get, notifications, selection
from protocols.dlms import set as setting
from protocols.dlms.action import ActionResult, Method
from protocols.dlms.data import Data, Kind, encode, octets
from protocols.dlms.errors import CounterRejected, Trouble, access_refused
from protocols.dlms.get import Attribute, Block, Result
from protocols.dlms.obis import Obis
from tests.support.dlms_strategies import ATTRIBUTES, BYTE, DATA, OBIS

CLOCK = Attribute(class_id=8, obis=Obis("0.0.1.0.0.255"), attribute=2)
RESULTS = st.builds(Result, DATA) | st.builds(lambda code: Result(None, code), st.integers(1, 255))
BLOCKS = st.builds(Block, number=st.integers(0, 2**32 - 1), last=st.booleans(), raw=st.binary(max_size=300))
METHODS = st.builds(Method, class_id=st.integers(0, 0xFFFF), obis=OBIS, method=st.integers(-128, 127))
ACTION_RESULTS = st.builds(ActionResult, BYTE, st.none() | RESULTS)


def test_published_get_of_the_clock() -> None:
    assert get.encode_get(0xC1, CLOCK) == bytes.fromhex("C001C1 0008 0000010000FF 02 00")
    answer = get.decode_get_response(bytes.fromhex("C401C1 00 0600003039"))
    assert answer.results == (Result(Data(Kind.DOUBLE_LONG_UNSIGNED, 12345)),)
    assert get.decode_get_response(bytes.fromhex("C401C1 01 03")).results == (Result(None, 3),)


@given(BYTE, ATTRIBUTES)
def test_get_normal(invoke: int, attribute: Attribute) -> None:
    found = get.decode_get_request(get.encode_get(invoke, attribute))
    assert (found.invoke, found.attributes, found.with_list) == (invoke, (attribute,), False)


@given(st.lists(ATTRIBUTES, max_size=5), st.lists(RESULTS, max_size=5))
def test_get_list(attributes: list[Attribute], results: list[Result]) -> None:
    assert get.decode_get_request(get.encode_get_list(1, attributes)).attributes == tuple(attributes)
    assert get.decode_get_response(get.encode_get_response_list(1, results)).results == tuple(results)


@given(BLOCKS, st.integers(0, 255))
def test_blocks(block: Block, result: int) -> None:
    assert get.decode_get_response(get.encode_get_response_block(1, block)).block == block
    assert setting.decode_set_request(setting.encode_set_next(1, block)).block == block
    first = setting.decode_set_request(setting.encode_set_first(1, [CLOCK, CLOCK], block, with_list=True))
    assert (first.block, first.attributes) == (block, (CLOCK, CLOCK))
    assert setting.decode_set_request(setting.encode_set_first(1, [CLOCK], block)).block == block
    assert action.decode_action_request(action.encode_action_block(1, block)).block == block
    assert action.decode_action_response(action.encode_action_response_block(1, block)).block == block
    assert get.decode_get_request(get.encode_get_next(1, block.number)).next_block == block.number
    assert action.decode_action_request(action.encode_action_next(1, block.number)).next_answer == block.number
    assert action.decode_action_response(action.encode_action_block_taken(1, block.number)).block_taken == block.number
    assert setting.decode_set_response(setting.encode_set_response_block(1, block.number)).block == block.number
    last = setting.decode_set_response(setting.encode_set_response_block(1, block.number, result))
    assert (last.block, last.results) == (block.number, (result,))


@given(ATTRIBUTES, st.lists(DATA, max_size=4), st.lists(BYTE, max_size=4))
def test_set(attribute: Attribute, values: list[Data], results: list[int]) -> None:
    one = setting.decode_set_request(setting.encode_set(1, attribute, encode(Data(Kind.ENUM, 3))))
    assert (one.attributes, one.values) == ((attribute,), (Data(Kind.ENUM, 3),))
    many = setting.decode_set_request(setting.encode_set_list(1, [attribute] * len(values), setting.encode_values(values)))
    assert many.values == tuple(values)
    assert setting.decode_set_response(setting.encode_set_response_list(1, results)).results == tuple(results)
    assert setting.decode_set_response(setting.encode_set_response_list(1, results, 7)).block == 7
    assert setting.decode_set_response(setting.encode_set_response(1, 3)).results == (3,)


@given(METHODS, st.none() | DATA, st.lists(ACTION_RESULTS, max_size=4))
def test_action(method: Method, parameter: Data | None, results: list[ActionResult]) -> None:
    raw = None if parameter is None else encode(parameter)
    found = action.decode_action_request(action.encode_action(1, method, raw))
    assert (found.methods, found.parameters) == ((method,), (parameter,))
    listed = action.decode_action_request(action.encode_action_list(1, [method], [Data(Kind.NULL)]))
    assert listed.methods == (method,)
    assert action.decode_action_response(action.encode_action_response_list(1, results)).results == tuple(results)
    for result in results:
        assert action.decode_action_response(action.encode_action_response(1, result)).results == (result,)


@given(DATA, OBIS)
def test_notifications(value: Data, obis: Obis) -> None:
    when = bytes.fromhex("07EA0B15060D1E00FFFFC400")
    for time in (b"", when):
        push = notifications.decode_notification(notifications.encode_data_notification(5, value, time=time))
        assert isinstance(push, notifications.DataNotification)
        assert (push.invoke, push.body, push.time is None) == (5, value, not time)
        attribute = Attribute(class_id=3, obis=obis, attribute=2)
        event = notifications.decode_notification(notifications.encode_event_notification(attribute, value, time=time))
        assert isinstance(event, notifications.EventNotification)
        assert (event.attribute, event.value) == (attribute, value)


def test_exceptions_are_classified() -> None:
    plain = notifications.exception_of(notifications.encode_exception(2, 2), "GET")
    assert plain.trouble is Trouble.UNSUPPORTED
    assert notifications.exception_of(notifications.encode_exception(1, 5), "GET").trouble.quarantine
    behind = notifications.exception_of(notifications.encode_exception(1, 6, 0x01020304), "GET")
    assert isinstance(behind, CounterRejected)
    assert behind.last == 0x01020304
    assert access_refused(2, "GET").retryable
    assert access_refused(77, "GET").trouble is Trouble.OTHER


DECODERS: list[tuple[int, Callable[[bytes], object]]] = [
    (0xC0, get.decode_get_request),
    (0xC4, get.decode_get_response),
    (0xC1, setting.decode_set_request),
    (0xC5, setting.decode_set_response),
    (0xC3, action.decode_action_request),
    (0xC7, action.decode_action_response),
    (0x0F, notifications.decode_notification),
    (0xC2, notifications.decode_notification),
    (0xD8, lambda raw: notifications.exception_of(raw, "GET")),
]


def test_fuzzed_apdus_raise_decode_errors_only() -> None:
    rng = random.Random(3)
    samples = [
        get.encode_get(1, Attribute(class_id=7, obis=Obis("1.0.99.1.0.255"), attribute=2, selection=selection.by_entry(1, 5))),
        get.encode_get_response(1, Result(data.array([data.structure(octets(b"123456789012"), Data(Kind.LONG, 5))] * 3))),
        setting.encode_set_first(1, [CLOCK], Block(number=1, last=False, raw=b"abc"), with_list=True),
        action.encode_action(1, Method(class_id=70, obis=Obis("0.0.96.3.10.255"), method=1), encode(Data(Kind.INTEGER, 0))),
        notifications.encode_data_notification(1, data.structure(octets(b"x"))),
        notifications.encode_exception(1, 6, 5),
    ]
    for turn in range(30_000):
        raw = bytearray(rng.randbytes(rng.randint(0, 40)) if turn % 3 == 0 else samples[turn % len(samples)])
        for _ in range(rng.randint(0, 3)):
            position = rng.randrange(len(raw) + 1)
            raw[position : position + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        for tag, decode in DECODERS:
            for apdu in (bytes(raw), bytes((tag, *raw[1:]))):
                try:
                    decode(apdu)
                except DecodeError:
                    continue


def test_selections_as_the_blue_book_lays_them_out() -> None:
    entry = selection.by_entry(1, 10)
    assert (entry.selector, encode(entry.parameters)) == (2, bytes.fromhex("0204 0600000001 060000000A 120001 120000"))
    span = selection.by_time(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert encode(span.parameters).startswith(bytes.fromhex("0204 0204 120008 09060000010000FF 0F02 120000 090C07EA0101"))
    assert encode(span.parameters).endswith(bytes.fromhex("0100"))


def test_what_has_no_descriptor_is_refused() -> None:
    with pytest.raises(ValueError, match="no descriptor"):
        get.encode_get(1, Attribute(class_id=70_000, obis=CLOCK.obis, attribute=2))
    with pytest.raises(ValueError, match="no descriptor"):
        action.encode_action(1, Method(class_id=1, obis=CLOCK.obis, method=200), None)
