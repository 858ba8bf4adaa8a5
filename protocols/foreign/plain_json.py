"""Plain JSON by mapping: device, time and each metric at a pointer; one record, or an array of them."""

from __future__ import annotations

from domain.errors import DecodeError
from protocols.foreign import document
from protocols.foreign.fields import device_of, quality_of, read_rules, time_of
from protocols.foreign.model import Decoded, Fault, ForeignReading, Message


def decode(message: Message) -> Decoded:
    """The readings of a message; a record that cannot be read is a fault and costs the others nothing.

    Raises:
        DecodeError: The message as a whole is none, or its only record cannot be read.
    """
    source = message.source
    whole = document.parse(message.payload)
    if source.records is None:
        return _record(whole, message)
    records = document.at(whole, source.records)
    if not isinstance(records, list) or not records:
        raise DecodeError("no_readings", f"no array of records at {source.records!r}")
    readings: list[ForeignReading] = []
    faults: list[Fault] = []
    for i, record in enumerate(records):
        try:
            found = _record(record, message)
        except DecodeError as error:
            faults.append(Fault(reason=error.reason, detail=f"record {i}: {error.detail}"))
            continue
        readings += found.readings
        faults += found.faults
    return Decoded(readings=tuple(readings), faults=tuple(faults))


def _record(record: object, message: Message) -> Decoded:
    source = message.source
    return read_rules(
        record,
        source,
        device=device_of(record, source, message.parts, default=None),
        time_ms=time_of(record, source, default=None, received_ms=message.received_ms),
        quality=quality_of(record, source),
    )
