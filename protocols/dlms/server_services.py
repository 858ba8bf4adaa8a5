"""GET, SET and ACTION at a simulated meter, one and list, whole and in blocks either way. Plain APDUs in and out, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from domain.errors import DecodeError
from protocols.dlms import action, get
from protocols.dlms import data as axdr
from protocols.dlms import set as setting
from protocols.dlms.action import ActionRequest, ActionResult, Method
from protocols.dlms.data import Data, Kind
from protocols.dlms.get import Attribute, Block, Result
from protocols.dlms.notifications import encode_exception
from protocols.dlms.reader import Reader
from protocols.dlms.server_meter import Meter
from protocols.dlms.server_objects import UNDEFINED

NOT_ALLOWED, UNKNOWN = 1, 2
NOT_POSSIBLE, NOT_SUPPORTED, OTHER, DECIPHERING, COUNTER = 1, 2, 3, 5, 6
"""State and service errors of an exception-response."""
_BLOCK_UNAVAILABLE, _NO_LONG_SET, _BLOCK_NUMBER = 14, 18, 19
_MAX_VALUE = 1 << 20
"""Most bytes taken for one value in blocks."""


@dataclass(slots=True)
class _Incoming:
    """A value that comes in blocks."""

    attributes: tuple[Attribute, ...] = ()
    methods: tuple[Method, ...] = ()
    with_list: bool = False
    due: int = 1
    raw: bytearray = field(default_factory=bytearray)

    def take(self, block: Block) -> bool:
        """Whether the block was the one that was due."""
        if block.number != self.due or len(self.raw) + len(block.raw) > _MAX_VALUE:
            return False
        self.raw += block.raw
        self.due += 1
        return True


class Services:
    """The services of one association."""

    def __init__(self, meter: Meter, room: Callable[[], int]) -> None:
        """``room`` says how many bytes a plain answer may have."""
        self._meter = meter
        self._room = room
        self._outgoing: list[bytes] = []
        self._incoming: _Incoming | None = None

    def serve(self, apdu: bytes) -> bytes:
        """The answer to a request; raises ``DecodeError`` for what is none."""
        tag = apdu[0] if apdu else 0
        if tag == get.REQUEST:
            return self._get(apdu)
        if tag == setting.REQUEST:
            return self._set(apdu)
        if tag == action.REQUEST:
            return self._action(apdu)
        return encode_exception(UNKNOWN, NOT_SUPPORTED)

    # --- GET -----------------------------------------------------------------------------------------------------------------

    def _get(self, apdu: bytes) -> bytes:
        request = get.decode_get_request(apdu)
        if request.next_block is not None:
            return self._next_block(request.invoke, request.next_block)
        results = [self._read(attribute) for attribute in request.attributes]
        if request.with_list:
            whole = get.encode_get_response_list(request.invoke, results)
            raw = whole[3:]
        else:
            whole = get.encode_get_response(request.invoke, results[0])
            raw = whole[4:]
        if len(whole) <= self._room():
            return whole
        self._outgoing = self._pieces(raw)
        return self._next_block(request.invoke, 0)

    def _next_block(self, invoke: int, number: int) -> bytes:
        if number >= len(self._outgoing):
            return get.encode_get_response(invoke, Result(None, _BLOCK_UNAVAILABLE))
        last = number == len(self._outgoing) - 1
        return get.encode_get_response_block(invoke, Block(number=number + 1, last=last, raw=self._outgoing[number]))

    def _pieces(self, raw: bytes) -> list[bytes]:
        size = max(self._room() - 12, 16)
        return [raw[i : i + size] for i in range(0, len(raw), size)]

    def _read(self, attribute: Attribute) -> Result:
        found = self._meter.objects.get((attribute.class_id, attribute.obis))
        return Result(None, UNDEFINED) if found is None else found.get(attribute.attribute, attribute.selection)

    # --- SET -----------------------------------------------------------------------------------------------------------------

    def _set(self, apdu: bytes) -> bytes:
        request = setting.decode_set_request(apdu)
        if request.block is None:
            results = [self._write(a, value) for a, value in zip(request.attributes, request.values, strict=False)]
            if request.choice == setting.LIST:
                return setting.encode_set_response_list(request.invoke, results)
            return setting.encode_set_response(request.invoke, results[0])
        if request.choice != setting.NEXT_BLOCK:
            with_list = request.choice == setting.LIST_FIRST_BLOCK
            self._incoming = _Incoming(attributes=request.attributes, with_list=with_list)
        incoming = self._incoming
        if incoming is None or not incoming.attributes:
            return setting.encode_set_response_block(request.invoke, request.block.number, _NO_LONG_SET)
        if not incoming.take(request.block):
            self._incoming = None
            return setting.encode_set_response_block(request.invoke, request.block.number, _BLOCK_NUMBER)
        if not request.block.last:
            return setting.encode_set_response_block(request.invoke, request.block.number)
        self._incoming = None
        return self._set_whole(request.invoke, incoming, request.block.number)

    def _set_whole(self, invoke: int, incoming: _Incoming, number: int) -> bytes:
        reader = Reader(bytes(incoming.raw))
        values = setting.read_values(reader) if incoming.with_list else (axdr.read(reader),)
        reader.finish("the value in blocks")
        if len(values) != len(incoming.attributes):
            raise DecodeError("dlms_decode_error", f"{len(values)} values for {len(incoming.attributes)} attributes")
        results = [self._write(a, value) for a, value in zip(incoming.attributes, values, strict=True)]
        if incoming.with_list:
            return setting.encode_set_response_list(invoke, results, number)
        return setting.encode_set_response_block(invoke, number, results[0])

    def _write(self, attribute: Attribute, value: Data) -> int:
        found = self._meter.objects.get((attribute.class_id, attribute.obis))
        return UNDEFINED if found is None else found.set(attribute.attribute, value)

    # --- ACTION --------------------------------------------------------------------------------------------------------------

    def _action(self, apdu: bytes) -> bytes:
        request = action.decode_action_request(apdu)
        if request.next_answer is not None:
            return self._next_answer(request.invoke, request.next_answer)
        if request.choice == action.LIST:
            calls = zip(request.methods, request.parameters, strict=False)
            results = [self._call(m, None if p is None or p.kind is Kind.NULL else p) for m, p in calls]
            return action.encode_action_response_list(request.invoke, results)
        if request.block is None:
            return self._answer(request.invoke, self._call(request.methods[0], request.parameters[0]))
        return self._parameter_block(request, request.block)

    def _parameter_block(self, request: ActionRequest, block: Block) -> bytes:
        if request.choice == action.FIRST_BLOCK:
            self._incoming = _Incoming(methods=request.methods)
        incoming = self._incoming
        if incoming is None or not incoming.methods or request.choice == action.LIST_FIRST_BLOCK:
            return encode_exception(UNKNOWN, NOT_SUPPORTED)
        if not incoming.take(block):
            self._incoming = None
            return action.encode_action_response(request.invoke, ActionResult(_BLOCK_NUMBER))
        if not block.last:
            return action.encode_action_block_taken(request.invoke, block.number)
        self._incoming = None
        return self._answer(request.invoke, self._call(incoming.methods[0], axdr.decode(bytes(incoming.raw))))

    def _answer(self, invoke: int, result: ActionResult) -> bytes:
        whole = action.encode_action_response(invoke, result)
        if len(whole) <= self._room() or result.code or result.returned is None or result.returned.data is None:
            return whole
        self._outgoing = self._pieces(b"\x00" + axdr.encode(result.returned.data))
        return self._next_answer(invoke, 0)

    def _next_answer(self, invoke: int, number: int) -> bytes:
        if number >= len(self._outgoing):
            return action.encode_action_response(invoke, ActionResult(_BLOCK_UNAVAILABLE))
        last = number == len(self._outgoing) - 1
        return action.encode_action_response_block(invoke, Block(number=number + 1, last=last, raw=self._outgoing[number]))

    def _call(self, method: Method, parameter: Data | None) -> ActionResult:
        found = self._meter.objects.get((method.class_id, method.obis))
        return ActionResult(UNDEFINED) if found is None else found.call(method.method, parameter)
