"""The ACTION service: calling methods, in one APDU or in blocks either way (Green Book 9.3.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.dlms import data as axdr
from protocols.dlms.data import Data
from protocols.dlms.get import Block, Result, begin, counted, encode_result, read_result
from protocols.dlms.obis import Obis
from protocols.dlms.reader import Reader, encode_length, wrong
from protocols.dlms.set import encode_block, read_block

REQUEST, RESPONSE = 0xC3, 0xC7
NORMAL, NEXT_ANSWER, LIST, FIRST_BLOCK, LIST_FIRST_BLOCK, NEXT_BLOCK = 1, 2, 3, 4, 5, 6
"""Choices of the request."""
DONE, ANSWER_BLOCK, LIST_DONE, BLOCK_TAKEN = 1, 2, 3, 4
"""Choices of the response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of one object."""

    class_id: int
    obis: Obis
    method: int

    def __str__(self) -> str:
        return f"class {self.class_id} {self.obis} method {self.method}"


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What a method answered."""

    code: int
    """action-result, 0 for success."""
    returned: Result | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """A decoded ACTION-request."""

    invoke: int
    choice: int
    methods: tuple[Method, ...] = ()
    parameters: tuple[Data | None, ...] = ()
    block: Block | None = None
    next_answer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResponse:
    """A decoded ACTION-response."""

    invoke: int
    choice: int
    results: tuple[ActionResult, ...] = ()
    block: Block | None = None
    block_taken: int | None = None


def encode_method(method: Method) -> bytes:
    """The descriptor.

    Raises:
        ValueError: Class or method is out of range.
    """
    try:
        return method.class_id.to_bytes(2, "big") + method.obis + method.method.to_bytes(1, "big", signed=True)
    except OverflowError:
        raise ValueError(f"{method} has no descriptor: class within 0..65535, method within -128..127") from None


def read_method(reader: Reader) -> Method:
    """The descriptor."""
    return Method(class_id=reader.unsigned(2), obis=Obis(reader.take(6)), method=reader.signed(1))


def encode_action(invoke: int, method: Method, parameters: bytes | None) -> bytes:
    """ACTION-request-normal; ``parameters`` is encoded data."""
    tail = b"\x00" if parameters is None else b"\x01" + parameters
    return bytes((REQUEST, NORMAL, invoke)) + encode_method(method) + tail


def encode_action_list(invoke: int, methods: Sequence[Method], parameters: Sequence[Data]) -> bytes:
    """ACTION-request-with-list; null data for a method without parameters."""
    names = encode_length(len(methods)) + b"".join(map(encode_method, methods))
    return bytes((REQUEST, LIST, invoke)) + names + encode_length(len(parameters)) + b"".join(map(axdr.encode, parameters))


def encode_action_first(invoke: int, method: Method, block: Block) -> bytes:
    """ACTION-request-with-first-pblock: the blocks carry the encoded parameters."""
    return bytes((REQUEST, FIRST_BLOCK, invoke)) + encode_method(method) + encode_block(block)


def encode_action_block(invoke: int, block: Block) -> bytes:
    """ACTION-request-with-pblock."""
    return bytes((REQUEST, NEXT_BLOCK, invoke)) + encode_block(block)


def encode_action_next(invoke: int, block: int) -> bytes:
    """ACTION-request-next-pblock: the number of the last block of the answer received."""
    return bytes((REQUEST, NEXT_ANSWER, invoke)) + block.to_bytes(4, "big")


def decode_action_request(apdu: bytes) -> ActionRequest:
    """An ACTION-request.

    Raises:
        DecodeError: It is none.
    """
    choice, invoke, reader = begin(apdu, REQUEST)
    methods: tuple[Method, ...] = ()
    parameters: tuple[Data | None, ...] = ()
    block: Block | None = None
    next_answer: int | None = None
    if choice in (LIST, LIST_FIRST_BLOCK):
        methods = tuple([read_method(reader) for _ in range(counted(reader))])
    elif choice in (NORMAL, FIRST_BLOCK):
        methods = (read_method(reader),)
    if choice == NORMAL:
        parameters = (axdr.read(reader) if reader.flag() else None,)
    elif choice == LIST:
        parameters = tuple([axdr.read(reader) for _ in range(counted(reader))])
    elif choice == NEXT_ANSWER:
        next_answer = reader.unsigned(4)
    elif choice in (FIRST_BLOCK, LIST_FIRST_BLOCK, NEXT_BLOCK):
        block = read_block(reader)
    else:
        raise wrong(f"ACTION-request choice {choice}")
    reader.finish("ACTION-request")
    return ActionRequest(invoke=invoke, choice=choice, methods=methods, parameters=parameters, block=block, next_answer=next_answer)


def encode_action_result(result: ActionResult) -> bytes:
    """action-result and return parameters."""
    return bytes((result.code,)) + (b"\x00" if result.returned is None else b"\x01" + encode_result(result.returned))


def read_action_result(reader: Reader) -> ActionResult:
    """action-result and return parameters."""
    return ActionResult(reader.u8(), read_result(reader) if reader.flag() else None)


def encode_action_response(invoke: int, result: ActionResult) -> bytes:
    """ACTION-response-normal."""
    return bytes((RESPONSE, DONE, invoke)) + encode_action_result(result)


def encode_action_response_list(invoke: int, results: Sequence[ActionResult]) -> bytes:
    """ACTION-response-with-list."""
    return bytes((RESPONSE, LIST_DONE, invoke)) + encode_length(len(results)) + b"".join(map(encode_action_result, results))


def encode_action_response_block(invoke: int, block: Block) -> bytes:
    """ACTION-response-with-pblock."""
    return bytes((RESPONSE, ANSWER_BLOCK, invoke)) + encode_block(block)


def encode_action_block_taken(invoke: int, block: int) -> bytes:
    """ACTION-response-next-pblock: the server wants the block after this one."""
    return bytes((RESPONSE, BLOCK_TAKEN, invoke)) + block.to_bytes(4, "big")


def decode_action_response(apdu: bytes) -> ActionResponse:
    """An ACTION-response.

    Raises:
        DecodeError: It is none.
    """
    choice, invoke, reader = begin(apdu, RESPONSE)
    results: tuple[ActionResult, ...] = ()
    block: Block | None = None
    taken: int | None = None
    if choice == DONE:
        results = (read_action_result(reader),)
    elif choice == ANSWER_BLOCK:
        block = read_block(reader)
    elif choice == LIST_DONE:
        results = tuple([read_action_result(reader) for _ in range(counted(reader))])
    elif choice == BLOCK_TAKEN:
        taken = reader.unsigned(4)
    else:
        raise wrong(f"ACTION-response choice {choice}")
    reader.finish("ACTION-response")
    return ActionResponse(invoke=invoke, choice=choice, results=results, block=block, block_taken=taken)
