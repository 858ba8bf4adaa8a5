"""The association as exchanges, driven by hand: whatever comes back, the session goes on or says why not."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.dlms import action, get, security
from protocols.dlms import set as setting
from protocols.dlms.acse import AssociationResponse, Context, Mechanism
from protocols.dlms.action import Method
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.channel import Exchange
from protocols.dlms.counters import Lease
from protocols.dlms.data import Data, Kind, encode, octets
from protocols.dlms.errors import AccessRefused, AssociationRefused, CounterRejected, DlmsRefused, SecurityFailed, Trouble
from protocols.dlms.get import Attribute, Block, Result
from protocols.dlms.initiate import PROPOSED, Conformance, InitiateResponse
from protocols.dlms.notifications import encode_data_notification, encode_event_notification, encode_exception
from protocols.dlms.obis import Obis
from protocols.dlms.security import Keys
from protocols.dlms.session import Session

KEYS = Keys(encryption=bytes(range(16)), authentication=bytes(range(0xD0, 0xE0)))
METER = b"MTR00001"
CLOCK = Attribute(class_id=8, obis=Obis("0.0.1.0.0.255"), attribute=2)
GRANT = InitiateResponse(conformance=PROPOSED, max_pdu=200)


def _finish(exchange: Exchange[object], answer: bytes) -> object:
    """The result when this answer is the last one."""
    with pytest.raises(StopIteration) as done:
        exchange.send(answer)
    return done.value.value


def _plain(grant: InitiateResponse = GRANT) -> Session:
    session = Session(Association(), random=random.Random(0).randbytes)
    exchange = session.associate()
    next(exchange)
    _finish(exchange, AssociationResponse(result=0, user_information=grant.encode()).encode())
    assert session.associated
    return session


def _ciphered(**how: bool) -> Session:
    ciphering = Ciphering(keys=KEYS, title=b"KHT00001", counter_name="x", **how)
    session = Session(Association(ciphering=ciphering), random=random.Random(0).randbytes, lease=Lease(10, 100))
    exchange = session.associate()
    request = next(exchange)
    assert b"KHT00001" in request
    _finish(exchange, _accept(1))
    return session


def _accept(counter: int) -> bytes:
    grant = GRANT.encode()
    information = security.wrap(grant, security.protect(KEYS, METER, counter, grant))
    context = Context.LOGICAL_NAMES_CIPHERED
    return AssociationResponse(context=context, result=0, title=METER, user_information=information).encode()


def _sealed(counter: int, apdu: bytes, title: bytes = METER) -> bytes:
    return security.wrap(apdu, security.protect(KEYS, title, counter, apdu))


def test_blocks_are_put_together_in_order_only() -> None:
    session = _plain()
    value = octets(bytes(range(100)))
    raw = encode(value)
    exchange = session.get(CLOCK)
    invoke = next(exchange)[2]
    request = exchange.send(get.encode_get_response_block(invoke, Block(number=1, last=False, raw=raw[:50])))
    assert request == get.encode_get_next(invoke, 1)
    assert _finish(exchange, get.encode_get_response_block(invoke, Block(number=2, last=True, raw=raw[50:]))) == value
    for wrong in (Block(number=2, last=True, raw=raw), Block(number=1, last=False), Block(number=1, last=True, raw=raw + b"\x00")):
        exchange = session.get(CLOCK)
        invoke = next(exchange)[2]
        with pytest.raises(DecodeError):
            exchange.send(get.encode_get_response_block(invoke, wrong))


def test_an_endless_value_is_refused() -> None:
    session = Session(Association(max_value=1000), random=random.randbytes)
    exchange = session.get(CLOCK)
    invoke = next(exchange)[2]
    for number in range(1, 11):
        exchange.send(get.encode_get_response_block(invoke, Block(number=number, last=False, raw=bytes(100))))
    with pytest.raises(DecodeError, match="more than 1000"):
        exchange.send(get.encode_get_response_block(invoke, Block(number=11, last=False, raw=bytes(100))))


def test_the_answer_to_another_request_is_refused() -> None:
    session = _plain()
    exchange = session.get(CLOCK)
    invoke = next(exchange)[2]
    with pytest.raises(DecodeError, match="was asked"):
        exchange.send(get.encode_get_response(invoke ^ 1, Result(octets(b"late"))))


def test_refusals_and_encoding_errors_leave_the_association_alone() -> None:
    session = _plain()
    exchange = session.get(CLOCK)
    invoke = next(exchange)[2]
    with pytest.raises(AccessRefused, match="read-write denied"):
        exchange.send(get.encode_get_response(invoke, Result(None, 3)))
    with pytest.raises(ValueError, match="is no"):
        next(session.set(CLOCK, Data(Kind.UNSIGNED, 999)))
    exchange = session.get(CLOCK)
    next(exchange)
    with pytest.raises(DlmsRefused, match="not supported"):
        exchange.send(encode_exception(2, 2))
    assert session.associated
    exchange = session.get(CLOCK)
    invoke = next(exchange)[2]
    assert _finish(exchange, get.encode_get_response(invoke, Result(octets(b"x")))) == octets(b"x")


def test_long_values_go_in_blocks_that_fit_the_meter_or_not_at_all() -> None:
    value = octets(bytes(1000))
    session = _plain()
    exchange = session.set(CLOCK, value)
    request, collected = next(exchange), b""
    while True:
        assert len(request) <= 200
        found = setting.decode_set_request(request)
        assert found.block is not None
        collected += found.block.raw
        if found.block.last:
            break
        request = exchange.send(setting.encode_set_response_block(found.invoke, found.block.number))
    _finish(exchange, setting.encode_set_response_block(found.invoke, found.block.number, 0))
    assert collected == encode(value)
    with pytest.raises(ValueError, match="takes no blocks"):
        next(_plain(InitiateResponse(conformance=PROPOSED & ~Conformance.BLOCKS_WITH_SET, max_pdu=200)).set(CLOCK, value))


def test_a_ciphered_answer_must_be_ciphered_fresh_and_the_meters() -> None:
    good = get.encode_get_response(0xC1, Result(octets(b"x")))
    for answer in (good, _sealed(1, good), _sealed(2, good, b"OTHER001"), _sealed(2, good)[:-1] + b"\x00"):
        session = _ciphered()
        exchange = session.get(CLOCK)
        next(exchange)
        with pytest.raises(SecurityFailed):
            exchange.send(answer)
    session = _ciphered()
    exchange = session.get(CLOCK)
    next(exchange)
    assert _finish(exchange, _sealed(2, good)) == octets(b"x")


def test_each_request_takes_a_new_counter_even_when_nothing_comes_back() -> None:
    session = _ciphered(general=True)
    seen = set()
    for _ in range(5):
        exchange = session.get(CLOCK)
        named, secured = security.unwrap(next(exchange))
        assert named == b"KHT00001"
        counter, plaintext = security.unprotect(KEYS, b"KHT00001", secured)
        assert plaintext[0] == get.REQUEST
        seen.add(counter)
        exchange.close()
    assert seen == {11, 12, 13, 14, 15}


def test_a_rejected_counter_says_what_the_meter_saw() -> None:
    exchange = _ciphered().get(CLOCK)
    next(exchange)
    with pytest.raises(CounterRejected) as rejected:
        exchange.send(encode_exception(1, 6, 77))
    assert rejected.value.last == 77


@pytest.mark.parametrize(
    ("association", "answer", "trouble"),
    [
        (Association(), AssociationResponse(result=1, diagnostic=1).encode(), Trouble.OTHER),
        (
            Association(mechanism=Mechanism.LLS, password=b"x"),
            AssociationResponse(result=1, diagnostic=1).encode(),
            Trouble.CREDENTIALS,
        ),
        (Association(mechanism=Mechanism.LLS, password=b"x"), AssociationResponse(result=2, diagnostic=1).encode(), Trouble.BUSY),
        (Association(mechanism=Mechanism.LLS, password=b"x"), encode_exception(1, 3), Trouble.CREDENTIALS),
        (Association(), encode_exception(1, 3), Trouble.OTHER),
        (Association(), AssociationResponse(result=0, user_information=b"\x0e\x01\x06\x02").encode(), Trouble.OTHER),
    ],
)
def test_refused_associations(association: Association, answer: bytes, trouble: Trouble) -> None:
    session = Session(association, random=random.randbytes)
    exchange = session.associate()
    next(exchange)
    with pytest.raises(DlmsRefused) as refused:
        exchange.send(answer)
    assert refused.value.trouble is trouble
    assert not session.associated


def test_a_meter_that_reflects_or_skips_the_proof_is_not_believed() -> None:
    ciphering = Ciphering(keys=KEYS, title=b"KHT00001", counter_name="x", whole=False)
    wanted = Association(mechanism=Mechanism.HLS_GMAC, ciphering=ciphering)
    challenge = random.Random(0).randbytes(16)
    common: dict[str, Any] = {"result": 0, "diagnostic": 14, "user_information": GRANT.encode(), "mechanism": Mechanism.HLS_GMAC}
    forgeries: tuple[dict[str, Any], ...] = (
        {},
        {"title": METER},
        {"title": METER, "authentication": challenge},
        {"title": b"KHT00001", "authentication": b"12345678"},
    )
    for more in forgeries:
        exchange = Session(wanted, random=random.Random(0).randbytes, lease=Lease(0, 9)).associate()
        next(exchange)
        with pytest.raises(SecurityFailed):
            exchange.send(AssociationResponse(**common, **more).encode())


def test_notifications() -> None:
    session, push = _plain(), encode_data_notification(1, octets(b"x"))
    assert session.notification(push) is not None
    assert session.notification(get.encode_get_response(1, Result(octets(b"x")))) is None
    ciphered = _ciphered()
    with pytest.raises(SecurityFailed, match="unprotected"):
        ciphered.notification(push)
    event = encode_event_notification(CLOCK, octets(b"x"))
    assert ciphered.notification(_sealed(5, event)) is not None


@given(st.binary(max_size=60), st.booleans())
def test_whatever_comes_back_is_a_known_error(raw: bytes, ciphered: bool) -> None:
    session = _ciphered() if ciphered else _plain()
    for exchange in (session.get(CLOCK), session.set(CLOCK, octets(b"x")), session.get_many([CLOCK]), session.associate()):
        next(exchange)
        with pytest.raises((DecodeError, DlmsRefused, SecurityFailed)):
            exchange.send(raw)


def test_associations_that_make_no_sense() -> None:
    for wrong in (
        {"mechanism": Mechanism.HLS_SHA256},
        {"mechanism": Mechanism.LLS},
        {"password": b"x"},
        {"mechanism": Mechanism.HLS_GMAC},
    ):
        with pytest.raises(ValueError, match=r"LLS|keys|done here"):
            Association(**wrong)
    assert "secret" not in repr(Association(mechanism=Mechanism.LLS, password=b"secret"))
    with pytest.raises(ValueError, match="8 bytes"):
        Ciphering(keys=KEYS, title=b"short", counter_name="x")
    with pytest.raises(AssociationRefused):
        raise AssociationRefused(1, Trouble.OTHER, "x")


def test_an_answer_in_blocks_is_read_in_each_of_the_three_forms() -> None:
    value = octets(bytes(range(200)))
    method = Method(class_id=1, obis=Obis("0-0:96.1.0"), method=5)
    for head in (b"", b"\x00", b"\x00\x01\x00"):
        raw = head + encode(value)
        exchange = _plain().action(method)
        invoke = next(exchange)[2]
        request = exchange.send(action.encode_action_response_block(invoke, Block(number=1, last=False, raw=raw[:100])))
        assert request == action.encode_action_next(invoke, 1)
        assert _finish(exchange, action.encode_action_response_block(invoke, Block(number=2, last=True, raw=raw[100:]))) == value
    exchange = _plain().action(method)
    invoke = next(exchange)[2]
    with pytest.raises(DecodeError, match="no return parameter"):
        exchange.send(action.encode_action_response_block(invoke, Block(number=1, last=True, raw=b"\xfe\xfe")))
