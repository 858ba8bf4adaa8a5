"""Calling methods as an exchange; parameters and answers may come in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.errors import DecodeError
from protocols.dlms import action, get
from protocols.dlms import data as axdr
from protocols.dlms.action import ActionResponse, ActionResult, Method
from protocols.dlms.channel import Channel, Exchange, same_invoke
from protocols.dlms.data import Data, Kind
from protocols.dlms.errors import access_refused
from protocols.dlms.exchange_get import value_of
from protocols.dlms.get import Block, Result
from protocols.dlms.initiate import Conformance
from protocols.dlms.reader import Reader, wrong


def call_one(channel: Channel, method: Method, parameter: Data | None) -> Exchange[Data | None]:
    """Calls a method; its return parameter, if any.

    Raises:
        AccessRefused: The meter does not do it.
    """
    result = yield from call(channel, method, parameter)
    if result.code:
        raise access_refused(result.code, str(method))
    return None if result.returned is None else value_of(result.returned, str(method))


def call_many(channel: Channel, calls: Sequence[tuple[Method, Data | None]]) -> Exchange[tuple[ActionResult, ...]]:
    """Calls several methods by one request.

    Raises:
        ValueError: None is named.
    """
    if not calls:
        raise ValueError("an ACTION with list names at least one method")
    invoke, what = channel.next_invoke(), f"{len(calls)} methods"
    parameters = [parameter or Data(Kind.NULL) for _, parameter in calls]
    answer = yield from _ask(channel, action.encode_action_list(invoke, [method for method, _ in calls], parameters), invoke, what)
    if answer.choice != action.LIST_DONE or len(answer.results) != len(calls):
        raise wrong(f"{what}: an answer of choice {answer.choice} with {len(answer.results)} results")
    return answer.results


def call(channel: Channel, method: Method, parameter: Data | None) -> Exchange[ActionResult]:
    """Calls a method; code and return parameter as the meter gave them."""
    what, invoke = str(method), channel.next_invoke()
    raw = None if parameter is None else axdr.encode(parameter)
    request = action.encode_action(invoke, method, raw)
    if raw is None or len(request) <= channel.room:
        answer = yield from _ask(channel, request, invoke, what)
    else:
        answer = yield from _send_blocks(channel, method, raw, invoke, what)
    if answer.block is not None:
        result = yield from _read_blocks(channel, answer, invoke, what)
        return result
    if answer.choice != action.DONE:
        raise wrong(f"{what}: an answer of choice {answer.choice}")
    return answer.results[0]


def _send_blocks(channel: Channel, method: Method, raw: bytes, invoke: int, what: str) -> Exchange[ActionResponse]:
    head = len(action.encode_action_first(invoke, method, Block(number=1, last=False)))
    first, *others = channel.blocks(raw, head, Conformance.BLOCKS_WITH_ACTION, what)
    answer = yield from _ask(channel, action.encode_action_first(invoke, method, first), invoke, what)
    sent = first
    for block in others:
        if answer.block_taken is None:  # the meter breaks off
            return answer
        if answer.block_taken != sent.number:
            raise wrong(f"{what}: block {answer.block_taken} confirmed, {sent.number} was sent")
        answer = yield from _ask(channel, action.encode_action_block(invoke, block), invoke, what)
        sent = block
    return answer


def _read_blocks(channel: Channel, answer: ActionResponse, invoke: int, what: str) -> Exchange[ActionResult]:
    collected, number = bytearray(), 0
    while True:
        block, number = answer.block, number + 1
        if block is None:
            error = next((result.code for result in answer.results), 0)
            raise access_refused(error, what) if error else wrong(f"{what}: a whole answer in the middle of blocks")
        channel.collect(collected, block, number, what)
        if block.last:
            break
        answer = yield from _ask(channel, action.encode_action_next(invoke, number), invoke, what)
    return _returned(bytes(collected), what)


def _returned(raw: bytes, what: str) -> ActionResult:
    """The answer out of blocks: meters send the data alone, with its result choice before it, or the whole action response."""
    forms: tuple[Callable[[Reader], ActionResult], ...] = (
        lambda reader: ActionResult(0, Result(axdr.read(reader))),
        lambda reader: ActionResult(0, get.read_result(reader)),
        action.read_action_result,
    )
    for form in forms:
        reader = Reader(raw)
        try:
            found = form(reader)
            reader.finish(what)
        except DecodeError:
            continue
        return found
    raise wrong(f"{what}: {len(raw)} bytes in blocks that are no return parameter")


def _ask(channel: Channel, request: bytes, invoke: int, what: str) -> Exchange[ActionResponse]:
    answer = action.decode_action_response((yield from channel.ask(request, what)))
    same_invoke(answer.invoke, invoke, what)
    return answer
