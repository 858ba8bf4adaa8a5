"""wmbusmeters: the JSON it publishes for each wireless M-Bus telegram. Fields carry their unit as a suffix.

id ──▶ device      timestamp ──▶ time      total_m3, flow_lh, pressure_bar … ──▶ total_m3, flow_m3h, pressure_m …
"""

from __future__ import annotations

from fractions import Fraction

from domain.errors import DecodeError
from domain.quantities import Quantity, unit_of
from protocols.foreign import document
from protocols.foreign.fields import device_of, quality_of, read_rules, time_of
from protocols.foreign.model import Decoded, ForeignReading, Message, to_canonical

_GOOD = ("OK", "")
_UNITS = {
    "m3": ("m3", Quantity.VOLUME), "l": ("L", Quantity.VOLUME),
    "m3h": ("m3/h", Quantity.FLOW), "lh": ("L/h", Quantity.FLOW),
    "c": ("degC", Quantity.TEMPERATURE), "k": ("K", Quantity.TEMPERATURE),
    "bar": ("bar", Quantity.PRESSURE),
    "kwh": ("kWh", Quantity.ENERGY), "kw": ("kW", Quantity.POWER),
}  # fmt: skip
"""Our symbol for a suffix of theirs."""


def decode(message: Message) -> Decoded:
    """The readings of a telegram. Without rules every number whose suffix is a unit we know is a metric.

    Raises:
        DecodeError: ``decode_error``: no telegram.
    """
    source = message.source
    telegram = document.parse(message.payload)
    if not isinstance(telegram, dict) or "id" not in telegram or "meter" not in telegram:
        raise DecodeError("decode_error", "no wmbusmeters telegram: it has no 'id' and 'meter'")
    device = device_of(telegram, source, message.parts, default="/id")
    time_ms = time_of(telegram, source, default="/timestamp", received_ms=message.received_ms)
    quality = quality_of(telegram, source, default="/status", good=_GOOD)
    if source.metrics:
        return read_rules(telegram, source, device=device, time_ms=time_ms, quality=quality)
    readings = []
    for name, raw in telegram.items():
        metric = canonical_field(name)
        if metric is None or isinstance(raw, bool | str) or (raw is not None and document.number(raw) is None):
            continue
        new_name, factor, offset = metric
        value = document.number(raw)
        readings.append(
            ForeignReading(
                device=device,
                metric=new_name,
                time_ms=time_ms,
                value=None if value is None else to_canonical(value, factor, offset),
                quality=quality,
            )
        )
    if not readings:
        raise DecodeError("no_readings", f"telegram of meter {telegram['meter']!r} without a number in a unit we know")
    return Decoded(readings=tuple(readings))


def canonical_field(name: str) -> tuple[str, Fraction, Fraction] | None:
    """A field as our metric with factor and offset of its unit; None where the suffix is no unit we know."""
    stem, _, suffix = name.rpartition("_")
    if not stem or suffix not in _UNITS:
        return None
    symbol, quantity = _UNITS[suffix]
    unit = unit_of(symbol, quantity)
    return stem + quantity.suffix, unit.factor, unit.offset
