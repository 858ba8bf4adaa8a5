from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.dlms.hdlc import Address, Frame, encode_frame
from protocols.dlms.hdlc_link import HdlcLink, LinkParameters, negotiated
from tests.support.dlms_station import EchoStation

US, METER = Address(upper=16), Address(upper=1, lower=17, size=4)


def _link(**parameters: int) -> HdlcLink:
    return HdlcLink(client=US, server=METER, proposed=LinkParameters(**parameters))


def _open(link: HdlcLink, station: EchoStation) -> None:
    arrival = link.receive(station.feed(link.open()))
    assert link.opened
    assert arrival.apdus == ()


def _ask(link: HdlcLink, station: EchoStation, apdu: bytes) -> bytes:
    found: list[bytes] = []
    out = link.send(apdu)
    for _ in range(500):
        arrival = link.receive(station.feed(out))
        found += arrival.apdus
        out = arrival.reply
        if not out:
            break
    assert len(found) == 1
    return found[0]


@given(
    st.binary(min_size=1, max_size=900).map(lambda raw: bytes(0x7E if b % 3 == 0 else b for b in raw)),
    st.integers(1, 7),
    st.integers(20, 300),
)
def test_any_apdu_goes_there_and_back_in_segments_and_windows(apdu: bytes, window: int, size: int) -> None:
    granted = LinkParameters(max_send=300, max_receive=300, window_send=1, window_receive=window).encode()
    station = EchoStation(lambda raw: raw[::-1], parameters=granted, size=40)
    link = _link(max_send=size, window_send=7)
    _open(link, station)
    assert link.parameters.window_send == window
    for _ in range(3):
        assert _ask(link, station, apdu) == apdu[::-1]


@pytest.mark.parametrize("lost", [{1}, {2}, {3}, {1, 2, 5}])
def test_frames_lost_on_the_way_are_sent_again(lost: set[int]) -> None:
    granted = LinkParameters(max_send=300, max_receive=300, window_send=1, window_receive=4).encode()
    station = EchoStation(lambda raw: raw, parameters=granted, lose=frozenset(lost))
    link = _link(max_send=32, window_send=4)
    _open(link, station)
    apdu = bytes(range(200))
    # A lost frame that carried the poll leaves the line silent: then the client's timer speaks, not the link.
    out = link.send(apdu)
    found: list[bytes] = []
    for _ in range(100):
        arrival = link.receive(station.feed(out))
        found += arrival.apdus
        out = arrival.reply
        if not out:
            break
    assert found in ([apdu], [])


def test_ten_thousand_exchanges_full_of_flags() -> None:
    station = EchoStation(lambda raw: raw)
    link = _link()
    _open(link, station)
    rng = random.Random(4)
    for _ in range(10_000):
        apdu = bytes(rng.choices((0x7E, 0x7D, 0x11, rng.randrange(256)), k=rng.randint(1, 40)))
        assert _ask(link, station, apdu) == apdu


def test_damage_on_the_line_is_silence_or_an_error_and_never_another_apdu() -> None:
    rng = random.Random(5)
    refused = 0
    for _ in range(3_000):
        station, link = EchoStation(lambda raw: raw), _link()
        _open(link, station)
        apdu = bytes(rng.choices((0x7E, 0x7D, 0x11), k=60))
        out = link.send(apdu)
        for _ in range(20):
            raw = bytearray(station.feed(out))
            if raw and rng.random() < 0.5:
                position = rng.randrange(len(raw))
                raw[position : position + 1] = raw[position : position + 1] * rng.choice((0, 2))
            try:
                arrival = link.receive(bytes(raw))
            except DecodeError:
                refused += 1
                break
            assert all(found == apdu for found in arrival.apdus)
            out = arrival.reply
            if not out:
                break


def test_negotiation_takes_the_smaller_and_defaults_where_nothing_is_said() -> None:
    ours = LinkParameters(max_send=1024, max_receive=512, window_send=3, window_receive=1)
    assert ours.encode() == bytes.fromhex("818014 05020400 06020200 070400000003 080400000001")
    assert negotiated(ours, b"") == LinkParameters()
    meter = LinkParameters(max_send=2000, max_receive=200, window_send=1, window_receive=7)
    assert negotiated(ours, meter.encode()) == LinkParameters(max_send=200, max_receive=512, window_send=3, window_receive=1)
    for raw in ("818003 0501", "0102", "818003 050100"):
        with pytest.raises(DecodeError):
            negotiated(ours, bytes.fromhex(raw))


def _from_meter(control: int, information: bytes = b"", *, segmented: bool = False) -> bytes:
    return encode_frame(
        Frame(destination=US.encode(), source=METER.encode(), control=control, information=information, segmented=segmented)
    )


def test_a_meter_that_breaks_the_procedure() -> None:
    link = _link()
    with pytest.raises(DecodeError, match="before the link"):
        link.receive(_from_meter(0x10, b"x"))
    link.open()
    assert link.receive(_from_meter(0x1F)).closed  # DM
    link.receive(_from_meter(0x73))
    link.send(b"question")
    with pytest.raises(DecodeError, match="acknowledges"):
        link.receive(_from_meter(0x71))  # N(R) = 3
    with pytest.raises(DecodeError, match="LLC"):
        link.receive(_from_meter(0x30, b"no LLC"))
    with pytest.raises(DecodeError, match="breaks the procedure"):
        link.receive(_from_meter(0x97))  # FRMR


def test_a_meter_that_never_answers_is_given_up() -> None:
    link = _link()
    link.open()
    link.receive(_from_meter(0x73))
    link.send(b"question")
    ready = _from_meter(0x31)
    with pytest.raises(DecodeError, match="no progress"):
        link.receive(ready * 20)


def test_an_endless_apdu_is_refused() -> None:
    link = HdlcLink(client=US, server=METER, max_apdu=1000)
    link.open()
    link.receive(_from_meter(0x73))
    link.send(b"question")
    frames = [_from_meter(0x30 | (i & 7) << 1, b"\xe6\xe7\x00" + bytes(100), segmented=True) for i in range(20)]
    with pytest.raises(DecodeError, match="longer than 1000"):
        link.receive(b"".join(frames))


def test_sending_before_the_link_is_open_changes_nothing() -> None:
    link = _link()
    with pytest.raises(ValueError, match="not open"):
        link.send(b"x")
    station = EchoStation(lambda raw: raw)
    _open(link, station)
    assert _ask(link, station, b"x") == b"x"


def test_a_segment_that_comes_twice_is_taken_once_and_one_that_is_lost_is_never_skipped() -> None:
    apdu = bytes(range(200))
    for twice in (False, True):
        station, link = EchoStation(lambda raw: raw), _link(max_send=300)
        _open(link, station)
        found: list[bytes] = []
        out = link.send(apdu)
        for turn in range(40):
            raw = station.feed(out)
            if turn % 3 == 2:
                raw = raw * 2 if twice else b""
            try:
                arrival = link.receive(raw)
            except DecodeError:
                break
            found += arrival.apdus
            out = arrival.reply or (b"" if found else link._ready())  # a lost frame is asked for again, as a serial client would
        assert all(each == apdu for each in found)
    # N(S) 1 where 0 is due: the hole is not papered over.
    link = _link()
    link.open()
    link.receive(_from_meter(0x73))
    link.send(b"question")
    arrival = link.receive(_from_meter(0x32, b"\xe6\xe7\x00second"))
    assert (arrival.apdus, arrival.reply != b"") == ((), True)
    twice_over = _from_meter(0x20, b"\xe6\xe7\x00one", segmented=True) * 2 + _from_meter(0x32, b"two")
    assert link.receive(twice_over).apdus == (b"onetwo",)
