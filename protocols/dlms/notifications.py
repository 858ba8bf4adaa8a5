"""What a meter says unasked or instead of an answer: data and event notifications, exception-response (Green Book 9.3)."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.dlms import data as axdr
from protocols.dlms.data import Data
from protocols.dlms.datetimes import CosemDateTime, parse_date_time
from protocols.dlms.errors import CounterRejected, ServiceRefused, Trouble
from protocols.dlms.get import Attribute
from protocols.dlms.obis import Obis
from protocols.dlms.reader import Reader, wrong

DATA_NOTIFICATION, EVENT_NOTIFICATION, EXCEPTION_RESPONSE = 0x0F, 0xC2, 0xD8


@dataclass(frozen=True, slots=True, kw_only=True)
class DataNotification:
    """A push."""

    invoke: int
    """Long invoke id and priority, 32 bits; the meter counts its pushes in the low 24."""
    time: CosemDateTime | None = None
    body: Data


@dataclass(frozen=True, slots=True, kw_only=True)
class EventNotification:
    """An attribute's value, sent because something happened."""

    time: CosemDateTime | None = None
    attribute: Attribute
    value: Data


def decode_notification(apdu: bytes) -> DataNotification | EventNotification:
    """A data-notification or event-notification.

    Raises:
        DecodeError: It is neither.
    """
    reader = Reader(apdu)
    tag = reader.u8()
    found: DataNotification | EventNotification
    if tag == DATA_NOTIFICATION:
        invoke = reader.unsigned(4)
        when = reader.octets()
        found = DataNotification(invoke=invoke, time=parse_date_time(when) if when else None, body=axdr.read(reader))
    elif tag == EVENT_NOTIFICATION:
        time = parse_date_time(reader.octets()) if reader.flag() else None
        attribute = Attribute(class_id=reader.unsigned(2), obis=Obis(reader.take(6)), attribute=reader.signed(1))
        found = EventNotification(time=time, attribute=attribute, value=axdr.read(reader))
    else:
        raise wrong(f"APDU 0x{tag:02X} is no notification")
    reader.finish("the notification")
    return found


def encode_data_notification(invoke: int, body: Data, *, time: bytes = b"") -> bytes:
    """A data-notification; ``time`` is empty or a date-time of twelve bytes."""
    return bytes((DATA_NOTIFICATION,)) + invoke.to_bytes(4, "big") + bytes((len(time),)) + time + axdr.encode(body)


def encode_event_notification(attribute: Attribute, value: Data, *, time: bytes = b"") -> bytes:
    """An event-notification; ``time`` is empty or a date-time of twelve bytes."""
    when = bytes((1, len(time))) + time if time else b"\x00"
    name = attribute.class_id.to_bytes(2, "big") + attribute.obis + attribute.attribute.to_bytes(1, "big", signed=True)
    return bytes((EVENT_NOTIFICATION,)) + when + name + axdr.encode(value)


_SERVICE_ERRORS: dict[int, tuple[str, Trouble]] = {
    1: ("operation not possible", Trouble.OTHER),
    2: ("service not supported", Trouble.UNSUPPORTED),
    3: ("other reason", Trouble.OTHER),
    4: ("PDU too long", Trouble.BAD_VALUE),
    5: ("deciphering error", Trouble.CREDENTIALS),
    6: ("invocation counter error", Trouble.COUNTER),
}
_COUNTER_ERROR = 6
_STATES = {1: "service not allowed", 2: "service unknown"}


def encode_exception(state: int, service: int, counter: int | None = None) -> bytes:
    """An exception-response; with the last counter seen where the service error is 6."""
    return bytes((EXCEPTION_RESPONSE, state, service)) + (b"" if counter is None else counter.to_bytes(4, "big"))


def exception_of(apdu: bytes, what: str) -> ServiceRefused:
    """The error that an exception-response says.

    Raises:
        DecodeError: It is none.
    """
    reader = Reader(apdu)
    if reader.u8() != EXCEPTION_RESPONSE:
        raise wrong("no exception-response")
    state, service = reader.u8(), reader.u8()
    code = state << 8 | service
    name, trouble = _SERVICE_ERRORS.get(service, ("unknown service error", Trouble.OTHER))
    detail = f"{what}: {_STATES.get(state, 'unknown state error')}, {name}"
    if service == _COUNTER_ERROR:
        last = reader.unsigned(4) if reader.remaining else None
        reader.finish("the exception-response")
        return CounterRejected(code, last, detail)
    reader.finish("the exception-response")
    return ServiceRefused(code, trouble, detail)
