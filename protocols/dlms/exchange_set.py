"""Writing attributes as an exchange: one or a list, whole or in blocks where the meter's APDU is too short."""

from __future__ import annotations

from collections.abc import Sequence

from protocols.dlms import data as axdr
from protocols.dlms import set as setting
from protocols.dlms.channel import Channel, Exchange, same_invoke
from protocols.dlms.data import Data
from protocols.dlms.errors import access_refused
from protocols.dlms.get import Attribute, Block
from protocols.dlms.initiate import Conformance
from protocols.dlms.reader import wrong
from protocols.dlms.set import SetResponse


def write_one(channel: Channel, attribute: Attribute, value: Data) -> Exchange[None]:
    """Writes one attribute.

    Raises:
        AccessRefused: The meter does not take it.
    """
    results = yield from _write(channel, (attribute,), axdr.encode(value), f"set {attribute}", with_list=False)
    if results[0]:
        raise access_refused(results[0], f"set {attribute}")


def write_many(channel: Channel, attributes: Sequence[Attribute], values: Sequence[Data]) -> Exchange[tuple[int, ...]]:
    """Writes several attributes by one request; a data-access-result each, 0 for success.

    Raises:
        ValueError: None is named, or there are not as many values.
    """
    if not attributes or len(attributes) != len(values):
        raise ValueError(f"{len(attributes)} attributes and {len(values)} values")
    what = f"set {len(attributes)} attributes"
    results = yield from _write(channel, attributes, setting.encode_values(values), what, with_list=True)
    return results


def _write(
    channel: Channel, attributes: Sequence[Attribute], raw: bytes, what: str, *, with_list: bool
) -> Exchange[tuple[int, ...]]:
    invoke = channel.next_invoke()
    whole = setting.encode_set_list(invoke, attributes, raw) if with_list else setting.encode_set(invoke, attributes[0], raw)
    if len(whole) <= channel.room:
        answer = yield from _ask(channel, whole, invoke, what)
    else:
        answer = yield from _write_blocks(channel, attributes, raw, invoke, what, with_list=with_list)
    if len(answer.results) != len(attributes):
        error = next(filter(None, answer.results), 0)
        raise access_refused(error, what) if error else wrong(f"{what}: {len(answer.results)} results, {len(attributes)} due")
    return answer.results


def _write_blocks(
    channel: Channel, attributes: Sequence[Attribute], raw: bytes, invoke: int, what: str, *, with_list: bool
) -> Exchange[SetResponse]:
    head = len(setting.encode_set_first(invoke, attributes, Block(number=1, last=False), with_list=with_list))
    first, *others = channel.blocks(raw, head, Conformance.BLOCKS_WITH_SET, what)
    answer = yield from _ask(channel, setting.encode_set_first(invoke, attributes, first, with_list=with_list), invoke, what)
    sent = first
    for block in others:
        if answer.results:  # the meter breaks off
            return answer
        if answer.block != sent.number:
            raise wrong(f"{what}: block {answer.block} confirmed, {sent.number} was sent")
        answer = yield from _ask(channel, setting.encode_set_next(invoke, block), invoke, what)
        sent = block
    return answer


def _ask(channel: Channel, request: bytes, invoke: int, what: str) -> Exchange[SetResponse]:
    answer = setting.decode_set_response((yield from channel.ask(request, what)))
    same_invoke(answer.invoke, invoke, what)
    return answer
