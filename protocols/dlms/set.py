"""The SET service: writing attributes, in one APDU or in blocks (Green Book 9.3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.dlms import data as axdr
from protocols.dlms.data import Data
from protocols.dlms.get import Attribute, Block, begin, counted, encode_attribute, read_attribute
from protocols.dlms.reader import Reader, encode_length, wrong

REQUEST, RESPONSE = 0xC1, 0xC5
NORMAL, FIRST_BLOCK, NEXT_BLOCK, LIST, LIST_FIRST_BLOCK = 1, 2, 3, 4, 5
"""Choices of the request."""
DONE, BLOCK_TAKEN, LAST_BLOCK, LAST_BLOCK_LIST, LIST_DONE = 1, 2, 3, 4, 5
"""Choices of the response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRequest:
    """A decoded SET-request; ``values`` when the values are here, ``block`` when they come in blocks."""

    invoke: int
    choice: int
    attributes: tuple[Attribute, ...] = ()
    values: tuple[Data, ...] = ()
    block: Block | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResponse:
    """A decoded SET-response; ``results`` are data-access-results, 0 for success."""

    invoke: int
    choice: int
    results: tuple[int, ...] = ()
    block: int | None = None


def encode_set(invoke: int, attribute: Attribute, value: bytes) -> bytes:
    """SET-request-normal; ``value`` is encoded data."""
    return bytes((REQUEST, NORMAL, invoke)) + encode_attribute(attribute) + value


def encode_set_list(invoke: int, attributes: Sequence[Attribute], values: bytes) -> bytes:
    """SET-request-with-list; ``values`` from ``encode_values``."""
    return bytes((REQUEST, LIST, invoke)) + encode_length(len(attributes)) + b"".join(map(encode_attribute, attributes)) + values


def encode_values(values: Sequence[Data]) -> bytes:
    """The value list of a request with list."""
    return encode_length(len(values)) + b"".join(map(axdr.encode, values))


def encode_set_first(invoke: int, attributes: Sequence[Attribute], block: Block, *, with_list: bool = False) -> bytes:
    """SET-request-with-first-datablock, or -with-list-and-first-datablock."""
    choice = LIST_FIRST_BLOCK if with_list else FIRST_BLOCK
    head = bytes((REQUEST, choice, invoke)) + (encode_length(len(attributes)) if with_list else b"")
    return head + b"".join(map(encode_attribute, attributes)) + encode_block(block)


def encode_set_next(invoke: int, block: Block) -> bytes:
    """SET-request-with-datablock."""
    return bytes((REQUEST, NEXT_BLOCK, invoke)) + encode_block(block)


def encode_block(block: Block) -> bytes:
    """DataBlock-SA: last, number, bytes."""
    return bytes((block.last,)) + block.number.to_bytes(4, "big") + encode_length(len(block.raw)) + block.raw


def read_block(reader: Reader) -> Block:
    """DataBlock-SA."""
    return Block(last=reader.flag(), number=reader.unsigned(4), raw=reader.octets())


def read_values(reader: Reader) -> tuple[Data, ...]:
    """The value list of a request with list."""
    return tuple([axdr.read(reader) for _ in range(counted(reader))])


def decode_set_request(apdu: bytes) -> SetRequest:
    """A SET-request.

    Raises:
        DecodeError: It is none.
    """
    choice, invoke, reader = begin(apdu, REQUEST)
    attributes: tuple[Attribute, ...] = ()
    values: tuple[Data, ...] = ()
    block: Block | None = None
    if not NORMAL <= choice <= LIST_FIRST_BLOCK:
        raise wrong(f"SET-request choice {choice}")
    if choice in (LIST, LIST_FIRST_BLOCK):
        attributes = tuple([read_attribute(reader) for _ in range(counted(reader))])
    elif choice in (NORMAL, FIRST_BLOCK):
        attributes = (read_attribute(reader),)
    if choice == NORMAL:
        values = (axdr.read(reader),)
    elif choice == LIST:
        values = read_values(reader)
    else:
        block = read_block(reader)
    reader.finish("SET-request")
    return SetRequest(invoke=invoke, choice=choice, attributes=attributes, values=values, block=block)


def encode_set_response(invoke: int, result: int) -> bytes:
    """SET-response-normal."""
    return bytes((RESPONSE, DONE, invoke, result))


def encode_set_response_block(invoke: int, block: int, result: int | None = None) -> bytes:
    """SET-response-datablock, or with a result -last-datablock."""
    if result is None:
        return bytes((RESPONSE, BLOCK_TAKEN, invoke)) + block.to_bytes(4, "big")
    return bytes((RESPONSE, LAST_BLOCK, invoke, result)) + block.to_bytes(4, "big")


def encode_set_response_list(invoke: int, results: Sequence[int], block: int | None = None) -> bytes:
    """SET-response-with-list, or with a block number -last-datablock-with-list."""
    choice = LIST_DONE if block is None else LAST_BLOCK_LIST
    tail = b"" if block is None else block.to_bytes(4, "big")
    return bytes((RESPONSE, choice, invoke)) + encode_length(len(results)) + bytes(results) + tail


def decode_set_response(apdu: bytes) -> SetResponse:
    """A SET-response.

    Raises:
        DecodeError: It is none.
    """
    choice, invoke, reader = begin(apdu, RESPONSE)
    results: tuple[int, ...] = ()
    if choice in (DONE, LAST_BLOCK):
        results = (reader.u8(),)
    elif choice in (LAST_BLOCK_LIST, LIST_DONE):
        results = tuple(reader.octets())
    elif choice != BLOCK_TAKEN:
        raise wrong(f"SET-response choice {choice}")
    block = reader.unsigned(4) if choice in (BLOCK_TAKEN, LAST_BLOCK, LAST_BLOCK_LIST) else None
    reader.finish("SET-response")
    return SetResponse(invoke=invoke, choice=choice, results=results, block=block)
