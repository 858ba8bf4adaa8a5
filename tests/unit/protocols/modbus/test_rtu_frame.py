"""Frames by the letter of the specification, and answers found among other people's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.model import Function
from protocols.modbus.requests import ReadRequest, WriteRequest
from protocols.modbus.rtu_frame import Verdict, crc16, find, frame, read_bytes, read_pdu, write_pdu

ANSWER = frame(5, bytes((3, 4, 0x11, 0x22, 0x33, 0x44)))


@pytest.mark.parametrize(
    ("body", "wire"),
    [("0204010080", None), ("020700", None), ("010402FFFF", "010402FFFFB880"), ("01030000000A", "01030000000AC5CD")],
)
def test_published_checksums(body: str, wire: str | None) -> None:
    data = bytes.fromhex(body)
    assert wire is None or frame(data[0], data[1:]) == bytes.fromhex(wire)
    assert crc16(frame(data[0], data[1:])) == 0  # a message with its own CRC has none left


def test_questions() -> None:
    assert read_pdu(ReadRequest(function=Function.INPUT, address=0x000A, count=1)) == bytes.fromhex("04000A0001")
    assert read_bytes(ReadRequest(function=Function.COIL, address=0, count=9)) == 2
    write: dict[str, Any] = {"field": "x", "value": 1.0, "address": 2}
    assert write_pdu(WriteRequest(function=Function.COIL, registers=(1,), **write)) == bytes.fromhex("050002FF00")
    assert write_pdu(WriteRequest(function=Function.HOLDING, registers=(7,), **write)) == bytes.fromhex("0600020007")
    assert write_pdu(WriteRequest(function=Function.HOLDING, registers=(7, 8), **write)) == bytes.fromhex("100002000204 00070008")


def look(data: bytes, size: int = 4) -> Verdict:
    return find(data, unit_id=5, code=3, size=size).verdict


def test_only_the_answer_to_this_question_is_one() -> None:
    assert find(ANSWER, unit_id=5, code=3, size=4).data == bytes.fromhex("11223344")
    assert look(ANSWER, size=2) is Verdict.WRONG_LENGTH
    assert look(frame(5, bytes((0x83, 2)))) is Verdict.EXCEPTION
    assert look(frame(6, ANSWER[1:-2])) is Verdict.MORE
    assert look(frame(5, bytes((4, 4, 1, 2, 3, 4)))) is Verdict.MORE
    assert look(ANSWER + ANSWER) is Verdict.AMBIGUOUS
    assert look(ANSWER[:-1] + b"\0") is Verdict.MORE


def test_others_frames_and_noise_are_stepped_over() -> None:
    other = frame(9, bytes((3, 2, 0, 1)))
    found = find(b"\0\0" + other + b"\x7f" + ANSWER + b"\xff", unit_id=5, code=3, size=4)
    assert (found.verdict, found.strangers) == (Verdict.ANSWER, (9,))
    echo = frame(5, bytes.fromhex("030BF30002"))  # an adapter that hears its own voice
    assert look(echo + ANSWER) is Verdict.ANSWER


@given(st.binary(max_size=40), st.integers(0, 300))
def test_a_damaged_answer_is_none(noise: bytes, flip: int) -> None:
    bit = flip % (8 * len(ANSWER))
    damaged = bytearray(ANSWER)
    damaged[bit // 8] ^= 1 << bit % 8
    found = find(bytes(damaged), unit_id=5, code=3, size=4)
    assert found.verdict is not Verdict.ANSWER
    find(noise, unit_id=5, code=3, size=4)  # never fails


@given(st.binary(min_size=4, max_size=4), st.integers(1, 9))
def test_an_answer_in_pieces_is_found_when_it_is_whole(data: bytes, cut: int) -> None:
    whole = frame(5, bytes((3, 4)) + data)
    if cut < len(whole):
        assert look(whole[:cut]) is Verdict.MORE
    assert find(whole, unit_id=5, code=3, size=4).data == data
