"""Metrics out of one JSON record by the rules of a source: what plain JSON and ChirpStack have in common."""

from __future__ import annotations

from typing import Any

from domain.errors import DecodeError
from domain.readings import Quality
from protocols.foreign import document
from protocols.foreign.document import MISSING
from protocols.foreign.model import ABSENT_TIME, Decoded, Fault, ForeignReading, MetricRule, Source


def read_rules(values: Any, source: Source, *, device: str, time_ms: int, quality: Quality) -> Decoded:
    """Readings of a record; a metric that it does not have is no reading, a value that is no number is a fault.

    Raises:
        DecodeError: ``no_readings``: it has none of the metrics, so the mapping is likely wrong.
    """
    readings: list[ForeignReading] = []
    faults: list[Fault] = []
    for rule in source.metrics:
        raw = document.at(values, rule.path)
        if raw is MISSING:
            continue
        try:
            value = value_of(raw, rule)
        except DecodeError as error:
            faults.append(Fault(reason=error.reason, detail=error.detail))
            continue
        readings.append(ForeignReading(device=device, metric=rule.name, time_ms=time_ms, value=value, quality=quality))
    if not readings and not faults:
        raise DecodeError("no_readings", "nothing at " + ", ".join(rule.path for rule in source.metrics))
    return Decoded(readings=tuple(readings), faults=tuple(faults))


def value_of(raw: Any, rule: MetricRule) -> float | None:
    """A raw value in the canonical unit; None for a JSON null.

    Raises:
        DecodeError: ``type_mismatch``: neither a number nor one of the rule's words.
    """
    if raw is None:
        return None
    if isinstance(raw, str) and raw in rule.words:
        return rule.words[raw]
    found = document.number(raw)
    if found is None:
        shown = repr(raw)[:60]
        words = f" and none of the words {', '.join(rule.words)}" if rule.words else ""
        raise DecodeError("type_mismatch", f"metric {rule.name!r} at {rule.path}: {shown} is no number{words}")
    return rule.canonical(found)


def time_of(record: Any, source: Source, *, default: str | None, received_ms: int) -> int:
    """The time of a record: where the source says, else at ``default``, else the time of receipt.

    Raises:
        DecodeError: ``bad_time``.
    """
    pointer = source.time if source.time is not None else default
    if pointer is None:
        return received_ms
    raw = document.at(record, pointer)
    if raw is MISSING or raw is None:
        return ABSENT_TIME
    return document.time_ms(raw, source.time_format, source.timezone)


def quality_of(record: Any, source: Source, *, default: str | None = None, good: tuple[str, ...] = ()) -> Quality:
    """Good unless the record's status is there and not among the good words."""
    pointer = source.status if source.status is not None else default
    if pointer is None:
        return Quality.GOOD
    raw = document.at(record, pointer)
    return Quality.GOOD if raw is MISSING or raw is None or str(raw) in (source.good or good) else Quality.SUSPECT


def device_of(record: Any, source: Source, parts: dict[str, str] | Any, *, default: str | None) -> str:
    """The device's name: at the source's pointer, else in the topic, else where the format has it.

    Raises:
        DecodeError: ``unknown_device``: no name, or a text that can be none.
    """
    pointer = source.device if source.device is not None else (None if "device" in parts else default)
    raw = parts.get("device") if pointer is None else document.at(record, pointer)
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    if not isinstance(raw, str) or not raw.strip() or len(raw) > 200 or not raw.isprintable():
        raise DecodeError("unknown_device", f"no device name at {pointer or 'the topic'}")
    return raw
