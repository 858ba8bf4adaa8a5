"""Values too long for one APDU, in blocks either way, between our two sides without a network."""

from __future__ import annotations

import random
from typing import TypeVar

import pytest

from protocols.dlms import action
from protocols.dlms import set as setting
from protocols.dlms.acse import Mechanism
from protocols.dlms.action import ActionResult, Method
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.channel import Exchange
from protocols.dlms.counters import Lease
from protocols.dlms.data import Data, Kind, encode, octets
from protocols.dlms.errors import AccessRefused
from protocols.dlms.get import Attribute, Block, Result
from protocols.dlms.server import MeterSession
from protocols.dlms.session import Session
from tests.support.dlms_meter import KEYS, PASSWORD, SERIAL, make_meter

T = TypeVar("T")
SERIAL_2 = Attribute(class_id=1, obis=SERIAL, attribute=2)
ECHO = Method(class_id=1, obis=SERIAL, method=5)
KINDS = {
    32: lambda: Association(mechanism=Mechanism.LLS, password=PASSWORD, max_pdu=120),
    1: lambda: Association(
        mechanism=Mechanism.HLS_GMAC, ciphering=Ciphering(keys=KEYS, title=b"KHT00001", counter_name="c"), max_pdu=120
    ),
}


def drive(exchange: Exchange[T], meter: MeterSession) -> T:
    try:
        request = next(exchange)
        while True:
            request = exchange.send(meter.receive(request))
    except StopIteration as done:
        result: T = done.value
        return result


def pair(client: int) -> tuple[Session, MeterSession]:
    meter = make_meter(max_pdu=120)
    found = meter.objects[1, SERIAL]
    found.methods[5] = lambda parameter: ActionResult(0, None if parameter is None else Result(parameter))
    session = Session(KINDS[client](), random=random.Random(1).randbytes, lease=Lease(0, 500))
    served = MeterSession(meter, client, random=random.Random(2).randbytes)
    drive(session.associate(), served)
    return session, served


@pytest.mark.parametrize("client", KINDS)
@pytest.mark.parametrize("size", [1, 60, 70, 80, 500, 5000])
def test_set_in_blocks_is_what_is_read_back_in_blocks(client: int, size: int) -> None:
    session, meter = pair(client)
    value = octets(bytes(i % 251 for i in range(size)))
    drive(session.set(SERIAL_2, value), meter)
    assert drive(session.get(SERIAL_2), meter) == value
    results = drive(session.set_many([SERIAL_2, SERIAL_2], [value, Data(Kind.BOOLEAN, True)]), meter)
    assert results == (0, 12)


@pytest.mark.parametrize("client", KINDS)
@pytest.mark.parametrize("size", [1, 60, 70, 80, 500, 5000])
def test_an_action_with_blocks_both_ways(client: int, size: int) -> None:
    session, meter = pair(client)
    value = octets(bytes(i % 251 for i in range(size)))
    assert drive(session.action(ECHO, value), meter) == value
    missing = Method(class_id=1, obis=SERIAL, method=9)
    results = drive(session.action_many([(ECHO, octets(b"x")), (missing, None)]), meter)
    assert [r.code for r in results] == [0, 4]
    with pytest.raises(AccessRefused, match="undefined"):
        drive(session.action(missing, value), meter)


def test_blocks_out_of_turn_are_refused_and_the_association_goes_on() -> None:
    session, meter = pair(32)
    stray = setting.encode_set_next(1, Block(number=2, last=True, raw=b"x"))
    assert setting.decode_set_response(meter.receive(stray)).results == (18,)
    meter.receive(setting.encode_set_first(1, [SERIAL_2], Block(number=1, last=False, raw=b"x")))
    assert setting.decode_set_response(meter.receive(setting.encode_set_next(1, Block(number=3, last=True)))).results == (19,)
    meter.receive(action.encode_action_first(1, ECHO, Block(number=1, last=False, raw=encode(octets(b"ab"))[:2])))
    wrong = action.decode_action_response(meter.receive(action.encode_action_block(1, Block(number=7, last=True))))
    assert wrong.results[0].code == 19
    assert drive(session.get(SERIAL_2), meter) == octets(b"12345")
