"""Reading attributes as an exchange: one or a list, whole or in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from protocols.dlms import data as axdr
from protocols.dlms import get
from protocols.dlms.channel import Channel, Exchange, same_invoke
from protocols.dlms.data import Data
from protocols.dlms.errors import access_refused
from protocols.dlms.get import Attribute, GetResponse, Result
from protocols.dlms.reader import Reader, wrong


def read_one(channel: Channel, attribute: Attribute) -> Exchange[Data]:
    """One attribute's value.

    Raises:
        AccessRefused: The meter does not give it.
    """
    results = yield from _read(channel, lambda invoke: get.encode_get(invoke, attribute), str(attribute), many=0)
    return value_of(results[0], str(attribute))


def read_many(channel: Channel, attributes: Sequence[Attribute]) -> Exchange[tuple[Result, ...]]:
    """Several attributes by one request; each result is data or the reason why not.

    Raises:
        ValueError: None is named.
    """
    if not attributes:
        raise ValueError("a GET with list names at least one attribute")
    what = f"{len(attributes)} attributes"
    results = yield from _read(channel, lambda invoke: get.encode_get_list(invoke, attributes), what, many=len(attributes))
    return results


def value_of(result: Result, what: str) -> Data:
    """The data of a result.

    Raises:
        AccessRefused: It has none.
    """
    if result.data is None:
        raise access_refused(result.error, what)
    return result.data


def _read(channel: Channel, request: Callable[[int], bytes], what: str, *, many: int) -> Exchange[tuple[Result, ...]]:
    invoke = channel.next_invoke()
    answer = yield from _ask(channel, request(invoke), invoke, what)
    if answer.block is not None:
        results = yield from _read_blocks(channel, answer, invoke, what, many=many)
    elif (answer.choice == get.LIST) != bool(many):
        raise wrong(f"{what}: an answer of choice {answer.choice}")
    else:
        results = answer.results
    if len(results) != max(many, 1):
        raise wrong(f"{what}: {len(results)} results")
    return results


def _read_blocks(channel: Channel, answer: GetResponse, invoke: int, what: str, *, many: int) -> Exchange[tuple[Result, ...]]:
    collected, number = bytearray(), 0
    while True:
        block, number = answer.block, number + 1
        if block is None:
            error = next((result.error for result in answer.results if result.data is None), 0)
            raise access_refused(error, what) if error else wrong(f"{what}: a whole answer in the middle of blocks")
        if block.error:
            raise access_refused(block.error, what)
        channel.collect(collected, block, number, what)
        if block.last:
            break
        answer = yield from _ask(channel, get.encode_get_next(invoke, number), invoke, what)
    reader = Reader(bytes(collected))
    results = get.read_results(reader) if many else (Result(axdr.read(reader)),)
    reader.finish(what)
    return results


def _ask(channel: Channel, request: bytes, invoke: int, what: str) -> Exchange[GetResponse]:
    answer = get.decode_get_response((yield from channel.ask(request, what)))
    same_invoke(answer.invoke, invoke, what)
    return answer
