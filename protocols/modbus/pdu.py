"""The answering side's protocol data units, as pure functions: request bytes in, answer bytes out.

Function codes 1-6, 15 and 16 of the Modbus application protocol V1.1b3; everything else is answered "illegal function".
"""

from __future__ import annotations

import struct
from typing import Protocol

from protocols.modbus.model import Function

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
TARGET_NOT_RESPONDING = 11

_READS = {1: Function.COIL, 2: Function.DISCRETE, 3: Function.HOLDING, 4: Function.INPUT}
_MAX_WRITE = {15: 1968, 16: 123}


class Refuse(Exception):
    """The answer is this exception code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exception code {code}")


class Registers(Protocol):
    """What a device holds, as the protocol sees it."""

    def read(self, function: Function, address: int, count: int) -> list[int]:
        """Registers, or bits as 0 and 1. Raises ``Refuse``."""
        ...

    def write(self, function: Function, address: int, registers: list[int]) -> None:
        """Takes registers or bits, all or none. Raises ``Refuse``."""
        ...


def answer(device: Registers, request: bytes) -> bytes:
    """The answer to one request, which may be an exception."""
    try:
        return _answer(device, request)
    except Refuse as refusal:
        return exception(request, refusal.code)
    except struct.error:  # the request ends before its own fields do
        return exception(request, ILLEGAL_VALUE)


def exception(request: bytes, code: int) -> bytes:
    """The exception answer to a request."""
    return bytes((request[0] | 0x80, code))


def _answer(device: Registers, request: bytes) -> bytes:
    code = request[0]
    if code in _READS:
        return _read(device, code, *struct.unpack(">HH", request[1:]))
    if code == 5:
        address, value = struct.unpack(">HH", request[1:])
        if value not in (0x0000, 0xFF00):
            raise Refuse(ILLEGAL_VALUE)
        device.write(Function.COIL, address, [int(value == 0xFF00)])
        return request
    if code == 6:
        address, value = struct.unpack(">HH", request[1:])
        device.write(Function.HOLDING, address, [value])
        return request
    if code in _MAX_WRITE:
        return _write_many(device, code, request)
    raise Refuse(ILLEGAL_FUNCTION)


def _read(device: Registers, code: int, address: int, count: int) -> bytes:
    function = _READS[code]
    if not 1 <= count <= function.max_count:
        raise Refuse(ILLEGAL_VALUE)
    if address + count > 0x1_0000:
        raise Refuse(ILLEGAL_ADDRESS)
    values = device.read(function, address, count)
    data = _pack_bits(values) if function.bits else struct.pack(f">{count}H", *values)
    return bytes((code, len(data))) + data


def _write_many(device: Registers, code: int, request: bytes) -> bytes:
    address, count, size = struct.unpack_from(">HHB", request, 1)
    data = request[6:]
    wanted = 2 * count if code == 16 else -(-count // 8)
    if not 1 <= count <= _MAX_WRITE[code] or size != wanted or len(data) != wanted:
        raise Refuse(ILLEGAL_VALUE)
    if address + count > 0x1_0000:
        raise Refuse(ILLEGAL_ADDRESS)
    if code == 16:
        device.write(Function.HOLDING, address, list(struct.unpack(f">{count}H", data)))
    else:
        device.write(Function.COIL, address, [data[i // 8] >> i % 8 & 1 for i in range(count)])
    return request[:5]


def _pack_bits(bits: list[int]) -> bytes:
    """The first bit is the lowest of the first byte (V1.1b3, 6.1)."""
    data = bytearray(-(-len(bits) // 8))
    for i, bit in enumerate(bits):
        data[i // 8] |= bit << i % 8
    return bytes(data)
