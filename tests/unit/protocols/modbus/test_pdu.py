"""Golden frames: the examples printed in the Modbus application protocol V1.1b3, chapter 6, byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.model import Function
from protocols.modbus.pdu import ILLEGAL_ADDRESS, Refuse, answer


class Memory:
    """A device with 65536 of everything, or with only the addresses it is given."""

    def __init__(self, cells: dict[tuple[Function, int], int] | None = None, *, only_these: bool = False) -> None:
        self.cells = dict(cells or {})
        self.only_these = only_these
        self.writes = 0

    def read(self, function: Function, address: int, count: int) -> list[int]:
        if self.only_these and any((function, a) not in self.cells for a in range(address, address + count)):
            raise Refuse(ILLEGAL_ADDRESS)
        return [self.cells.get((function, a), 0) for a in range(address, address + count)]

    def write(self, function: Function, address: int, registers: list[int]) -> None:
        self.writes += 1
        for i, register in enumerate(registers):
            self.cells[function, address + i] = register


def bits(function: Function, address: int, text: str) -> dict[tuple[Function, int], int]:
    """Bits as the specification prints them: each byte with its highest bit, that is its last address, first."""
    values = [int(bit) for byte in text.split() for bit in reversed(byte)]
    return {(function, address + i): value for i, value in enumerate(values)}


@pytest.mark.parametrize(
    ("cells", "request_hex", "answer_hex"),
    [
        # 6.1 read coils 20-38: CD 6B 05
        (bits(Function.COIL, 0x13, "11001101 01101011 00000101"), "01 0013 0013", "01 03 CD 6B 05"),
        # 6.2 read discrete inputs 197-218: AC DB 35
        (bits(Function.DISCRETE, 0xC4, "10101100 11011011 00110101"), "02 00C4 0016", "02 03 AC DB 35"),
        # 6.3 read holding registers 108-110: 555, 0, 100
        ({(Function.HOLDING, 0x6B): 555, (Function.HOLDING, 0x6D): 100}, "03 006B 0003", "03 06 022B 0000 0064"),
        # 6.4 read input register 9: 10
        ({(Function.INPUT, 8): 10}, "04 0008 0001", "04 02 000A"),
        # 6.5 write coil 173 on
        ({}, "05 00AC FF00", "05 00AC FF00"),
        # 6.6 write register 2: 3
        ({}, "06 0001 0003", "06 0001 0003"),
        # 6.11 write ten coils from 20: CD 01
        ({}, "0F 0013 000A 02 CD 01", "0F 0013 000A"),
        # 6.12 write two registers from 2: 10, 258
        ({}, "10 0001 0002 04 000A 0102", "10 0001 0002"),
    ],
)
def test_examples_of_the_specification(cells: dict[tuple[Function, int], int], request_hex: str, answer_hex: str) -> None:
    assert answer(Memory(cells), bytes.fromhex(request_hex)) == bytes.fromhex(answer_hex)


def test_what_the_writes_of_the_specification_leave_behind() -> None:
    memory = Memory()
    for request in ("05 00AC FF00", "06 0001 0003", "0F 0013 000A 02 CD 01", "10 0001 0002 04 000A 0102"):
        answer(memory, bytes.fromhex(request))
    assert memory.cells[Function.COIL, 0xAC] == 1
    assert [memory.cells[Function.HOLDING, a] for a in (1, 2)] == [0x000A, 0x0102]
    assert [memory.cells[Function.COIL, 0x13 + i] for i in range(10)] == [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("07", "87 01"),  # read exception status: not offered
        ("2B 0E 01 00", "AB 01"),
        ("03 0000 0000", "83 03"),  # count 0
        ("03 0000 007E", "83 03"),  # 126 registers
        ("01 0000 07D1", "81 03"),  # 2001 coils
        ("03 FFFF 0002", "83 02"),  # beyond the last address
        ("03 0000", "83 03"),  # cut short
        ("03 0000 0001 00", "83 03"),  # too long
        ("05 0000 0001", "85 03"),  # neither on nor off
        ("06 0000", "86 03"),
        ("10 0000 0002 04 0001", "90 03"),  # byte count says 4, two are there
        ("10 0000 0002 02 0001", "90 03"),
        ("10 0000 0000 00", "90 03"),
        ("10 0000 007C F8" + "0000" * 124, "90 03"),  # 124 registers
        ("10 FFFF 0002 04 0001 0002", "90 02"),
        ("0F 0000 0009 01 FF", "8F 03"),
    ],
)
def test_wrong_requests_get_the_exception_of_the_specification(request_hex: str, answer_hex: str) -> None:
    memory = Memory()
    assert answer(memory, bytes.fromhex(request_hex)) == bytes.fromhex(answer_hex)
    assert memory.writes == 0


def test_addresses_the_device_does_not_have() -> None:
    memory = Memory({(Function.HOLDING, 5): 1}, only_these=True)
    assert answer(memory, bytes.fromhex("03 0005 0001")) == bytes.fromhex("03 02 0001")
    assert answer(memory, bytes.fromhex("03 0005 0002")) == bytes.fromhex("83 02")


@given(st.binary(min_size=1, max_size=253))
def test_every_request_has_an_answer(request: bytes) -> None:
    reply = answer(Memory(), request)
    assert reply[0] & 0x7F == request[0] & 0x7F
    assert 2 <= len(reply) <= 253
