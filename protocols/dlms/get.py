"""The GET service: attributes, one or a list, in one APDU or in blocks (Green Book 9.3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.dlms import data as axdr
from protocols.dlms.data import Data
from protocols.dlms.obis import Obis
from protocols.dlms.reader import Reader, encode_length, wrong
from protocols.dlms.selection import Selection

REQUEST, RESPONSE = 0xC0, 0xC4
NORMAL, BLOCK, LIST = 1, 2, 3
"""Choices of request and response; ``BLOCK`` is "next" in the request, "with datablock" in the response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of one object, or a part of it."""

    class_id: int
    obis: Obis
    attribute: int
    selection: Selection | None = None

    def __str__(self) -> str:
        return f"class {self.class_id} {self.obis} attribute {self.attribute}"


@dataclass(frozen=True, slots=True)
class Result:
    """Data, or the data-access-result why not."""

    data: Data | None
    error: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a longer answer or request."""

    number: int
    last: bool
    raw: bytes = b""
    error: int = 0
    """data-access-result in place of the bytes (GET responses only)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRequest:
    """A decoded GET-request; exactly one of the two is set."""

    invoke: int
    attributes: tuple[Attribute, ...] = ()
    with_list: bool = False
    next_block: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetResponse:
    """A decoded GET-response."""

    invoke: int
    choice: int
    results: tuple[Result, ...] = ()
    block: Block | None = None


def encode_attribute(attribute: Attribute) -> bytes:
    """Descriptor and selective access.

    Raises:
        ValueError: Class or attribute is out of range, or the selection has no encoding.
    """
    try:
        head = attribute.class_id.to_bytes(2, "big") + attribute.obis + attribute.attribute.to_bytes(1, "big", signed=True)
    except OverflowError:
        raise ValueError(f"{attribute} has no descriptor: class within 0..65535, attribute within -128..127") from None
    if attribute.selection is None:
        return head + b"\x00"
    return head + bytes((1, attribute.selection.selector)) + axdr.encode(attribute.selection.parameters)


def read_attribute(reader: Reader) -> Attribute:
    """Descriptor and selective access."""
    class_id, obis, number = reader.unsigned(2), Obis(reader.take(6)), reader.signed(1)
    selection = Selection(reader.u8(), axdr.read(reader)) if reader.flag() else None
    return Attribute(class_id=class_id, obis=obis, attribute=number, selection=selection)


def encode_get(invoke: int, attribute: Attribute) -> bytes:
    """GET-request-normal."""
    return bytes((REQUEST, NORMAL, invoke)) + encode_attribute(attribute)


def encode_get_list(invoke: int, attributes: Sequence[Attribute]) -> bytes:
    """GET-request-with-list."""
    return bytes((REQUEST, LIST, invoke)) + encode_length(len(attributes)) + b"".join(map(encode_attribute, attributes))


def encode_get_next(invoke: int, block: int) -> bytes:
    """GET-request-next: the number of the last block received."""
    return bytes((REQUEST, BLOCK, invoke)) + block.to_bytes(4, "big")


def decode_get_request(apdu: bytes) -> GetRequest:
    """A GET-request.

    Raises:
        DecodeError: It is none.
    """
    choice, invoke, reader = begin(apdu, REQUEST)
    if choice == BLOCK:
        found = GetRequest(invoke=invoke, next_block=reader.unsigned(4))
    elif choice == NORMAL:
        found = GetRequest(invoke=invoke, attributes=(read_attribute(reader),))
    elif choice == LIST:
        count = counted(reader)
        found = GetRequest(invoke=invoke, attributes=tuple([read_attribute(reader) for _ in range(count)]), with_list=True)
    else:
        raise wrong(f"GET-request choice {choice}")
    reader.finish("GET-request")
    return found


def encode_result(result: Result) -> bytes:
    """Data or data-access-result."""
    return bytes((1, result.error)) if result.data is None else b"\x00" + axdr.encode(result.data)


def read_result(reader: Reader) -> Result:
    """Data or data-access-result."""
    choice = reader.u8()
    if choice == 0:
        return Result(axdr.read(reader))
    if choice != 1:
        raise wrong(f"result choice {choice} at offset {reader.position - 1}")
    return Result(None, reader.u8())


def read_results(reader: Reader) -> tuple[Result, ...]:
    """The results of a list, with their count before them."""
    return tuple([read_result(reader) for _ in range(counted(reader))])


def encode_get_response(invoke: int, result: Result) -> bytes:
    """GET-response-normal."""
    return bytes((RESPONSE, NORMAL, invoke)) + encode_result(result)


def encode_get_response_list(invoke: int, results: Sequence[Result]) -> bytes:
    """GET-response-with-list."""
    return bytes((RESPONSE, LIST, invoke)) + encode_length(len(results)) + b"".join(map(encode_result, results))


def encode_get_response_block(invoke: int, block: Block) -> bytes:
    """GET-response-with-datablock."""
    head = bytes((RESPONSE, BLOCK, invoke, block.last)) + block.number.to_bytes(4, "big")
    return head + (bytes((1, block.error)) if block.error else b"\x00" + encode_length(len(block.raw)) + block.raw)


def decode_get_response(apdu: bytes) -> GetResponse:
    """A GET-response.

    Raises:
        DecodeError: It is none.
    """
    choice, invoke, reader = begin(apdu, RESPONSE)
    if choice == NORMAL:
        found = GetResponse(invoke=invoke, choice=choice, results=(read_result(reader),))
    elif choice == BLOCK:
        last, number = reader.flag(), reader.unsigned(4)
        kind = reader.u8()
        if kind > 1:
            raise wrong(f"block with result choice {kind}")
        block = (
            Block(number=number, last=last, error=reader.u8() or 250)
            if kind
            else Block(number=number, last=last, raw=reader.octets())
        )
        found = GetResponse(invoke=invoke, choice=choice, block=block)
    elif choice == LIST:
        found = GetResponse(invoke=invoke, choice=choice, results=read_results(reader))
    else:
        raise wrong(f"GET-response choice {choice}")
    reader.finish("GET-response")
    return found


def begin(apdu: bytes, tag: int) -> tuple[int, int, Reader]:
    """Choice, invoke-id-and-priority, and the rest of an APDU that must have this tag."""
    reader = Reader(apdu)
    found = reader.u8()
    if found != tag:
        raise wrong(f"APDU 0x{found:02X} where 0x{tag:02X} was expected")
    choice, invoke = reader.u8(), reader.u8()
    return choice, invoke, reader


def counted(reader: Reader) -> int:
    """A number of elements that the bytes left can hold."""
    count = reader.length()
    if count > reader.remaining:
        raise wrong(f"{count} elements promised at offset {reader.position}, {reader.remaining} bytes are left")
    return count
