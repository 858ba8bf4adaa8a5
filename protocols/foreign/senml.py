"""SenML in JSON (RFC 8428): base fields resolved, units of its registry into ours.

[{"bn": "urn:dev:ow:1:", "bt": …, "bu": "l/s", "n": "flow", "v": 3.1}, …] ──▶ device urn:dev:ow:1, metric flow_m3h
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from domain.errors import DecodeError
from domain.quantities import Quantity, unit_of
from protocols.foreign import document
from protocols.foreign.fields import value_of
from protocols.foreign.model import Decoded, Fault, ForeignReading, Message, MetricRule, to_canonical

VERSION = 10
_RELATIVE_BELOW_S = 2**28
"""Times below this are relative to now (RFC 8428, 4.5.3)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*", re.ASCII)
_NUMBERS = ("bt", "bv", "bs", "t", "v", "s", "ut")
_TEXTS = ("bn", "bu", "n", "u", "vs", "vd")
_BASES = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
_KIND = "a list of records, each an object with a value"

_UNITS: dict[str, tuple[Quantity, Fraction, Fraction]] = {
    symbol: (quantity, unit_of(ours, quantity).factor * times, unit_of(ours, quantity).offset)
    for symbol, ours, quantity, times in (
        ("m3/s", "m3/s", Quantity.FLOW, Fraction(1)),
        ("l/s", "L/s", Quantity.FLOW, Fraction(1)),
        ("m3/h", "m3/h", Quantity.FLOW, Fraction(1)),
        ("m3", "m3", Quantity.VOLUME, Fraction(1)),
        ("l", "L", Quantity.VOLUME, Fraction(1)),
        ("Pa", "kPa", Quantity.PRESSURE, Fraction(1, 1000)),
        ("hPa", "kPa", Quantity.PRESSURE, Fraction(1, 10)),
        ("kPa", "kPa", Quantity.PRESSURE, Fraction(1)),
        ("m", "m", Quantity.LEVEL, Fraction(1)),
        ("cm", "cm", Quantity.LEVEL, Fraction(1)),
        ("mm", "cm", Quantity.LEVEL, Fraction(1, 10)),
        ("W", "W", Quantity.POWER, Fraction(1)),
        ("kW", "kW", Quantity.POWER, Fraction(1)),
        ("J", "Wh", Quantity.ENERGY, Fraction(1, 3600)),
        ("Wh", "Wh", Quantity.ENERGY, Fraction(1)),
        ("kWh", "kWh", Quantity.ENERGY, Fraction(1)),
        ("Cel", "degC", Quantity.TEMPERATURE, Fraction(1)),
        ("K", "K", Quantity.TEMPERATURE, Fraction(1)),
        ("%", "%", Quantity.POSITION, Fraction(1)),
    )
}
_SUMS = {"m3/s": "m3", "l/s": "l", "W": "J"}
"""A sum is the integral over seconds: its unit, where that is one we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One record without base fields."""

    name: str
    unit: str
    time_s: Fraction
    value: float | bool | str | None
    """None where the record has a sum alone."""
    sum: float | None


def decode(message: Message) -> Decoded:
    """The readings of a pack. Without rules each metric is named by what follows the separator, plus the suffix of its unit.

    A sum becomes the metric ``<name>_sum``. A record in an unknown unit or with a text is a fault, unless rules name the others.

    Raises:
        DecodeError: ``decode_error``: the pack breaks RFC 8428 and none of it can be believed.
    """
    readings: list[ForeignReading] = []
    faults: list[Fault] = []
    for record in resolve(document.parse(message.payload)):
        time_ms = _time_ms(record, message.received_ms)
        device, metric = _split(record.name, message)
        for value, unit, name in _values(record, metric):
            try:
                found = _metric(value, unit, name, message.source.metrics)
            except DecodeError as error:
                faults.append(Fault(reason=error.reason, detail=f"record {record.name!r}: {error.detail}"))
                continue
            if found is not None:
                readings.append(ForeignReading(device=device, metric=found[0], time_ms=time_ms, value=found[1]))
    if not readings and not faults:
        raise DecodeError("no_readings", "no record of the pack is one of the source's metrics")
    return Decoded(readings=tuple(readings), faults=tuple(faults))


def resolve(pack: Any) -> Iterator[Resolved]:
    """Resolved records (RFC 8428, 4.6), in their order. A record of base fields alone only sets them.

    Raises:
        DecodeError: ``decode_error``.
    """
    if not isinstance(pack, list) or not pack or not all(isinstance(record, dict) for record in pack):
        raise _wrong(f"a SenML pack is {_KIND}")
    base: dict[str, Any] = {"bn": "", "bt": 0, "bu": ""}
    version = pack[0].get("bver", VERSION)
    for record in pack:
        _check(record)
        if record.get("bver", version) != version or not isinstance(version, int) or not 0 < version <= VERSION:
            raise _wrong(f"version {record.get('bver', version)!r}; versions up to {VERSION} are known, one a pack")
        base |= {key: record[key] for key in _BASES & record.keys()}
        if record.keys() <= _BASES:
            continue
        yield _resolved(record, base)


def _check(record: dict[str, Any]) -> None:
    for key in record:
        if key.endswith("_"):
            raise _wrong(f"field {key!r} must be understood, and is not")
    for key in _NUMBERS:
        if key in record and (isinstance(record[key], bool) or not isinstance(record[key], int | float)):
            raise _wrong(f"{key} = {record[key]!r} is no number")
        if key in record and not math.isfinite(document.number(record[key]) or 0.0):
            raise _wrong(f"{key} = {record[key]!r} is no finite number")
    for key in _TEXTS:
        if key in record and not isinstance(record[key], str):
            raise _wrong(f"{key} = {record[key]!r} is no text")
    if "vb" in record and not isinstance(record["vb"], bool):
        raise _wrong(f"vb = {record['vb']!r} is neither true nor false")


def _resolved(record: dict[str, Any], base: dict[str, Any]) -> Resolved:
    name = base["bn"] + record.get("n", "")
    if not _NAME.fullmatch(name):
        raise _wrong(f"{name!r} is no name")
    kinds = [key for key in ("v", "vs", "vb", "vd") if key in record]
    has_sum = "s" in record or "bs" in base
    if len(kinds) > 1:
        raise _wrong(f"record {name!r} has several values: {', '.join(kinds)}")
    value: float | bool | str | None = None
    if kinds and kinds[0] != "v":
        value = record[kinds[0]]
    elif kinds or "bv" in base:
        value = document.number(record.get("v", 0) + base.get("bv", 0))
    elif not has_sum:
        raise _wrong(f"record {name!r} has no value")
    return Resolved(
        name=name,
        unit=record.get("u", base["bu"]),
        time_s=_exact(record.get("t", 0)) + _exact(base["bt"]),
        value=value,
        sum=document.number(record.get("s", 0) + base.get("bs", 0)) if has_sum else None,
    )


def _exact(number: float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _time_ms(record: Resolved, received_ms: int) -> int:
    milliseconds = record.time_s * 1000
    if record.time_s < _RELATIVE_BELOW_S:
        milliseconds += received_ms
    found = milliseconds.numerator // milliseconds.denominator
    if not 0 <= found < 2**53:
        shown = str(found // 1000)[:30]
        raise _wrong(f"time {shown} s of record {record.name!r} lies outside every calendar")
    return found


def _split(name: str, message: Message) -> tuple[str, str]:
    """Device and metric out of a name; the topic's device goes before."""
    device, _, metric = name.rpartition(message.source.separator)
    device = message.parts.get("device", device)
    if not device or not metric:
        raise DecodeError("unknown_device", f"name {name!r} has no device before {message.source.separator!r}, and the topic none")
    return device, metric


def _values(record: Resolved, metric: str) -> Iterator[tuple[float | bool | str, str, str]]:
    if record.value is not None:
        yield record.value, record.unit, metric
    if record.sum is not None:
        yield record.sum, _SUMS.get(record.unit, f"{record.unit} s" if record.unit else ""), f"{metric}_sum"


def _metric(value: float | bool | str, unit: str, name: str, rules: tuple[MetricRule, ...]) -> tuple[str, float | None] | None:
    """Our metric and its value; None where rules name other records only. A rule's unit goes before the record's."""
    for rule in rules:
        if rule.path == name:
            return rule.name, value_of(value, rule)
    if rules:
        return None
    if isinstance(value, str):
        raise DecodeError("type_mismatch", f"{value[:60]!r} is no number")
    if not unit or isinstance(value, bool):
        return name, float(value)
    if unit not in _UNITS:
        raise DecodeError("unknown_unit", f"unit {unit!r}; known: {', '.join(_UNITS)}")
    quantity, factor, offset = _UNITS[unit]
    suffix = quantity.suffix
    return name if name.endswith(suffix) else name + suffix, to_canonical(float(value), factor, offset)


def _wrong(detail: str) -> DecodeError:
    return DecodeError("decode_error", detail)
