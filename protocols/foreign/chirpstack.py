"""ChirpStack v4 uplinks: the JSON event ``up`` of its MQTT integration, decoded by the codec of the device profile.

deviceInfo.devEui ──▶ device      time ──▶ time      object.* ──▶ metrics
"""

from __future__ import annotations

from domain.errors import DecodeError
from protocols.foreign import document
from protocols.foreign.fields import device_of, quality_of, read_rules, time_of
from protocols.foreign.model import Decoded, ForeignReading, Message


def decode(message: Message) -> Decoded:
    """The readings of an uplink. Without rules every number of ``object`` is a metric by its dotted name, taken as it is.

    Raises:
        DecodeError: ``decode_error``: no uplink event, or its DevEUI is not the topic's; ``no_readings``: no codec decoded it.
    """
    source = message.source
    event = document.parse(message.payload)
    eui = document.at(event, "/deviceInfo/devEui")
    if not isinstance(eui, str) or not eui:
        raise DecodeError("decode_error", "no ChirpStack v4 event: nothing at /deviceInfo/devEui")
    if "device" in message.parts and message.parts["device"].lower() != eui.lower():
        raise DecodeError("decode_error", f"topic of device {message.parts['device']!r}, event of {eui!r}")
    values = event.get("object")
    if values is None or values == {}:
        if not event.get("data") or not event.get("fPort"):
            return Decoded(readings=())  # an uplink for the network alone
        raise DecodeError("no_readings", f"uplink on port {event['fPort']} without object: the device profile has no codec for it")
    device = device_of(event, source, {"device": eui.lower()}, default=None)
    time_ms = time_of(event, source, default="/time", received_ms=message.received_ms)
    quality = quality_of(event, source)
    if source.metrics:
        return read_rules(values, source, device=device, time_ms=time_ms, quality=quality)
    found = [(name, document.number(raw)) for name, raw in document.leaves(values) if not isinstance(raw, str)]
    return Decoded(
        readings=tuple(
            ForeignReading(device=device, metric=name, time_ms=time_ms, value=value, quality=quality) for name, value in found
        )
    )
