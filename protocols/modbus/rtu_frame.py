"""Modbus RTU frames, pure: how they are built, and how an answer is found in what came over the wire.

    unit │ function │ data … │ CRC lo │ CRC hi          (Modbus over serial line V1.02, section 2.5)

An RTU answer does not say to which question it belongs. What can be checked is checked: unit, function, length and CRC; and two
answers to one question are none.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

from protocols.modbus.model import Function
from protocols.modbus.requests import ReadRequest, WriteRequest

READ_CODES = {Function.COIL: 1, Function.DISCRETE: 2, Function.HOLDING: 3, Function.INPUT: 4}
_LEAST = 5
"""Bytes of the shortest frame: an exception."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS: polynomial 0x8005 reflected, start 0xFFFF (V1.02, section 2.5.1.2). ``01 04 02 FF FF`` gives 0x80B8."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def frame(unit_id: int, pdu: bytes) -> bytes:
    """The frame of a protocol data unit; the CRC goes low byte first."""
    body = bytes((unit_id,)) + pdu
    return body + struct.pack("<H", crc16(body))


def read_pdu(request: ReadRequest) -> bytes:
    """The question on the wire, without unit and CRC."""
    return struct.pack(">BHH", READ_CODES[request.function], request.address, request.count)


def read_bytes(request: ReadRequest) -> int:
    """Data bytes that the answer to this question has."""
    return -(-request.count // 8) if request.function.bits else 2 * request.count


def write_pdu(request: WriteRequest) -> bytes:
    """The write on the wire: function 5 for a coil, 6 for one register, 16 for several."""
    if request.function is Function.COIL:
        return struct.pack(">BHH", 5, request.address, 0xFF00 if request.registers[0] else 0)
    if len(request.registers) == 1:
        return struct.pack(">BHH", 6, request.address, request.registers[0])
    count = len(request.registers)
    return struct.pack(f">BHHB{count}H", 16, request.address, count, 2 * count, *request.registers)


class Verdict(Enum):
    """What the bytes so far amount to."""

    MORE = "more"
    """No answer yet."""
    ANSWER = "answer"
    EXCEPTION = "exception"
    WRONG_LENGTH = "wrong length"
    """From the right unit, to another question."""
    OTHER = "other"
    """A confirmation of something else."""
    AMBIGUOUS = "ambiguous"
    """Two answers to one question: one of them is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found in the bytes so far."""

    verdict: Verdict
    data: bytes = b""
    """After the function code, without CRC; of a read without the byte count too."""
    strangers: tuple[int, ...] = ()
    """Units whose frames came along."""


def find(buffer: bytes, *, unit_id: int, code: int, size: int) -> Found:
    """Looks for the answer of ``unit_id`` to function ``code`` with ``size`` data bytes.

    Whole frames of others are stepped over, bytes that belong to no frame are slid over (a line that turns round makes such bytes).
    """
    found = Found(verdict=Verdict.MORE)
    strangers: list[int] = []
    at = 0
    while len(buffer) - at >= _LEAST:
        length = _length(buffer, at)
        whole = length is not None and at + length <= len(buffer) and _good(buffer, at, length)
        if length is None or not whole:
            at += 1
            continue
        unit, function = buffer[at], buffer[at + 1]
        if unit != unit_id or function & 0x7F != code:
            strangers.append(unit)
        elif found.verdict is not Verdict.MORE:
            found = Found(verdict=Verdict.AMBIGUOUS)
        elif function & 0x80:
            found = Found(verdict=Verdict.EXCEPTION, data=buffer[at + 2 : at + 3])
        else:
            start = at + (3 if code <= 4 else 2)
            data = buffer[start : at + length - 2]
            found = Found(verdict=Verdict.ANSWER if len(data) == size else Verdict.WRONG_LENGTH, data=data)
        at += length
    return Found(verdict=found.verdict, data=found.data, strangers=tuple(strangers))


def _length(buffer: bytes, at: int) -> int | None:
    """Length of the answer frame that would begin here; None if none can."""
    function = buffer[at + 1]
    if function & 0x80:
        return _LEAST
    if 1 <= function <= 4:
        return 5 + buffer[at + 2]
    return 8 if function in (5, 6, 15, 16) else None


def _good(buffer: bytes, at: int, length: int) -> bool:
    end = at + length - 2
    return length >= _LEAST and crc16(buffer[at:end]) == buffer[end] | buffer[end + 1] << 8
