from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.dlms.hdlc import Address, Frame, FrameReader, check_sequence, encode_frame, read_one
from protocols.dlms.wrapper import Wrapper
from protocols.dlms.wrapper import encode_frame as wrap


def test_published_check_sequence_and_frame() -> None:
    assert check_sequence(b"123456789") == bytes.fromhex("6E90")  # X.25 check value 0x906E
    # SNRM to server 1 from client 16, as every HDLC meter knows it.
    assert encode_frame(Frame(destination=b"\x03", source=b"\x21", control=0x93)) == bytes.fromhex(
        "7EA00703219 30F017E".replace(" ", "")
    )


@pytest.mark.parametrize(
    ("address", "raw"),
    [
        (Address(upper=16), "21"),
        (Address(upper=1), "03"),
        (Address(upper=1, lower=17, size=2), "0223"),
        (Address(upper=0x1234, lower=0x3FFF, size=4), "48 68 FE FF"),
    ],
)
def test_addresses(address: Address, raw: str) -> None:
    assert address.encode() == bytes.fromhex(raw)


@pytest.mark.parametrize("address", [Address(upper=128), Address(upper=1, lower=1), Address(upper=1, size=3), Address(upper=-1)])
def test_addresses_that_do_not_fit(address: Address) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        address.encode()


NASTY = st.lists(st.sampled_from([0x7E, 0x7D, 0xA0, 0x00, 0x13, 0xFF]), min_size=0, max_size=200).map(bytes)
FRAMES = st.builds(
    Frame,
    destination=st.sampled_from([b"\x03", b"\x02\x23", b"\x00\x02\x00\x23", b"\xfc\xfd"]),
    source=st.sampled_from([b"\x21", b"\xfd", b"\x7e\x7f"]),
    control=st.integers(0, 255),
    information=NASTY,
    segmented=st.booleans(),
)


@given(FRAMES, st.binary(max_size=8))
def test_a_frame_is_read_however_it_is_cut(frame: Frame, cuts: bytes) -> None:
    raw = encode_frame(frame)
    assert read_one(raw) == frame
    reader, found, position = FrameReader(), [], 0
    for size in (*cuts, len(raw)):
        found += list(reader.feed(raw[position : position + size]))
        position = min(len(raw), position + size)
    assert (found, reader.damaged) == ([frame], 0)


def test_ten_thousand_frames_full_of_flags_one_after_another() -> None:
    rng = random.Random(1)
    frames = [
        Frame(
            destination=rng.choice([b"\x03", b"\x02\x23", b"\x00\x02\x00\x23"]),
            source=b"\x21",
            control=rng.randrange(256),
            information=bytes(rng.choices((0x7E, 0x7D, 0xA0, rng.randrange(256)), k=rng.randint(1, 60))),
        )
        for _ in range(10_000)
    ]
    stream = b"".join(encode_frame(frame) for frame in frames)
    assert sum(encode_frame(frame)[-2] == 0x7E for frame in frames) > 10  # check sequences that end in a flag are among them
    reader = FrameReader()
    found: list[Frame] = []
    for position in range(0, len(stream), 1400):
        found += reader.feed(stream[position : position + 1400])
    assert found == frames
    assert reader.damaged == 0


def test_one_flag_between_two_frames_is_enough() -> None:
    one, two = (encode_frame(Frame(destination=b"\x03", source=b"\x21", control=0x10, information=t)) for t in (b"abc", b"\x7e"))
    assert len(list(FrameReader().feed(one + two[1:]))) == 2


def test_lost_and_doubled_bytes_never_make_another_frame() -> None:
    rng = random.Random(2)
    for turn in range(10_000):
        frames = [
            Frame(destination=b"\x03", source=b"\x21", control=16 * i, information=bytes(rng.choices((0x7E, 0x7D, i, 0xA0), k=20)))
            for i in range(1, 4)
        ]
        stream = bytearray(b"".join(map(encode_frame, frames)))
        position = rng.randrange(len(stream))
        if turn % 2:
            del stream[position]
        else:
            stream.insert(position, stream[position])
        # Noise after the damage brings whatever was waited for to its end.
        for frame in FrameReader().feed(bytes(stream) + bytes(2100)):
            assert frame in frames


@given(st.binary(max_size=3000))
def test_noise_is_skipped_and_never_kept_beyond_one_frame(raw: bytes) -> None:
    reader = FrameReader()
    list(reader.feed(raw))
    assert len(reader._buffer) <= 0x7FF + 2
    frame = Frame(destination=b"\x03", source=b"\x21", control=0x10, information=b"x" * 20)
    assert frame in list(reader.feed(bytes(2100) + encode_frame(frame)))


def test_wrapper_bytes() -> None:
    assert wrap(0x10, 1, b"\xc0") == bytes.fromhex("0001 0010 0001 0001 C0")
    with pytest.raises(ValueError, match="65535"):
        wrap(1, 1, bytes(70_000))


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 50))
def test_wrapper_however_it_is_cut(apdus: list[bytes], size: int) -> None:
    stream = b"".join(wrap(1, 16, apdu) for apdu in apdus)
    side = Wrapper(local=16, remote=1)
    found: list[bytes] = []
    for position in range(0, len(stream), size):
        found += side.receive(stream[position : position + size]).apdus
    assert found == apdus


def test_wrapper_refuses_what_is_none() -> None:
    with pytest.raises(DecodeError, match="version"):
        Wrapper(local=16, remote=1).receive(b"GET / HTTP")
    with pytest.raises(DecodeError, match="promises"):
        Wrapper(local=16, remote=1, max_apdu=10).receive(bytes.fromhex("0001 0001 0010 000B"))
    assert Wrapper(local=16, remote=1).receive(wrap(1, 17, b"not ours")).apdus == ()


def test_a_frame_must_end_in_a_flag() -> None:
    raw = encode_frame(Frame(destination=b"\x03", source=b"\x21", control=0x11))
    reader = FrameReader()
    assert list(reader.feed(raw[:-1] + b"\x00" + raw)) == [read_one(raw)]
    assert reader.damaged == 1
