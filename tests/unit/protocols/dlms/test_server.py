"""The simulated meter without a network: whatever comes in, an APDU goes out."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from protocols.dlms import action, get
from protocols.dlms import set as setting
from protocols.dlms.acse import AssociationRequest, Mechanism, decode_response
from protocols.dlms.channel import Exchange
from protocols.dlms.data import Data, Kind, encode, octets
from protocols.dlms.get import Attribute
from protocols.dlms.initiate import InitiateRequest
from protocols.dlms.notifications import EXCEPTION_RESPONSE
from protocols.dlms.selection import by_entry, by_range
from protocols.dlms.server import MeterSession
from tests.support.dlms_meter import LOAD, PASSWORD, SERIAL, make_meter

SERIAL_2 = Attribute(class_id=1, obis=SERIAL, attribute=2)


def _session(client: int = 32, max_pdu: int = 0xFFFF) -> MeterSession:
    session = MeterSession(make_meter(), client, random=random.Random(0).randbytes)
    request = AssociationRequest(
        mechanism=Mechanism.LLS, authentication=PASSWORD, user_information=InitiateRequest(max_pdu=max_pdu).encode()
    )
    assert decode_response(session.receive(request.encode())).result == 0
    return session


def test_nothing_is_served_before_an_association_or_to_strangers() -> None:
    session = MeterSession(make_meter(), 32, random=random.randbytes)
    assert session.receive(get.encode_get(1, SERIAL_2))[0] == EXCEPTION_RESPONSE
    for client, request in ((99, AssociationRequest(user_information=b"")), (32, AssociationRequest(user_information=b""))):
        answer = MeterSession(make_meter(), client, random=random.randbytes).receive(request.encode())
        assert decode_response(answer).result == 1


def test_before_the_proof_only_the_proof_is_taken() -> None:
    meter = make_meter()
    session = MeterSession(meter, 1, random=random.Random(0).randbytes)
    from protocols.dlms.association import Association, Ciphering
    from protocols.dlms.counters import Lease
    from protocols.dlms.session import Session
    from tests.support.dlms_meter import KEYS

    wanted = Association(mechanism=Mechanism.HLS_GMAC, ciphering=Ciphering(keys=KEYS, title=b"KHT00001", counter_name="x"))
    client = Session(wanted, random=random.Random(1).randbytes, lease=Lease(0, 50))
    exchange: Exchange[None] = client.associate()
    exchange.send(session.receive(next(exchange)))  # the proof is built and kept back
    early = client.get(SERIAL_2)
    assert session.receive(next(early))[2] != get.RESPONSE
    assert session._challenges is not None


def test_small_apdus_get_blocks_that_fit() -> None:
    session = _session(max_pdu=100)
    load = Attribute(class_id=7, obis=LOAD, attribute=2)
    answer, number = session.receive(get.encode_get(1, load)), 0
    while True:
        assert len(answer) <= 100
        block = get.decode_get_response(answer).block
        assert block is not None
        number += 1
        assert block.number == number
        if block.last:
            break
        answer = session.receive(get.encode_get_next(1, number))
    beyond = get.decode_get_response(session.receive(get.encode_get_next(1, number + 5)))
    assert beyond.results[0].error == 14


def test_wrong_selections_types_and_services_are_refused_politely() -> None:
    session = _session()
    for selection in (by_entry(500), by_range(octets(b"x"), octets(b"y"))):
        found = get.decode_get_response(
            session.receive(get.encode_get(1, Attribute(class_id=7, obis=LOAD, attribute=2, selection=selection)))
        )
        assert found.results[0].data is not None
        assert found.results[0].data.value == ()
    bad = Attribute(class_id=1, obis=SERIAL, attribute=2, selection=by_entry(1))
    assert get.decode_get_response(session.receive(get.encode_get(1, bad))).results[0].error == 12
    number = encode(Data(Kind.UNSIGNED, 1))
    assert setting.decode_set_response(session.receive(setting.encode_set(1, SERIAL_2, number))).results == (12,)
    unknown = action.Method(class_id=1, obis=SERIAL, method=1)
    assert action.decode_action_response(session.receive(action.encode_action(1, unknown, None))).results[0].code == 4


@given(st.binary(max_size=60), st.sampled_from([b"", b"\xc0\x01\xc1", b"\xc1\x01\xc1", b"\xc3\x01\xc1", b"\x60\x10", b"\xdb\x08"]))
def test_whatever_comes_in_an_answer_goes_out(raw: bytes, head: bytes) -> None:
    for session in (_session(), MeterSession(make_meter(), 1, random=random.randbytes)):
        assert session.receive(head + raw)
