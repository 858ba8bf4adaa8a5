"""What the ingestor says to a gateway: receipts for committed readings, and the wish for a new birth. Both are NCMD."""

from __future__ import annotations

from domain.delivery import Receipt, SequenceRange, Stream
from domain.errors import DecodeError
from protocols.sparkplug.names import REBIRTH, SPOOL_COMMITTED, SPOOL_EPOCH, SPOOL_RANGES
from protocols.sparkplug.payload import MAX_INT64, DataType, Metric, Payload, by_name, encode, whole_number

MAX_RANGES = 64
"""Ranges above the committed prefix in one receipt; the lowest are sent, the others follow when these have closed."""
_MAX_TEXT = MAX_RANGES * 41


def encode_receipt(receipt: Receipt, *, timestamp_ms: int | None = None) -> bytes:
    """NCMD payload with the committed prefix and at most ``MAX_RANGES`` ranges above it."""
    ranges = ",".join(f"{r.first}-{r.last}" for r in receipt.above[:MAX_RANGES])
    return encode(
        Payload(
            timestamp_ms=timestamp_ms,
            metrics=(
                _metric(SPOOL_EPOCH, DataType.UINT64, receipt.stream.epoch, timestamp_ms),
                _metric(SPOOL_COMMITTED, DataType.UINT64, receipt.committed, timestamp_ms),
                _metric(SPOOL_RANGES, DataType.STRING, ranges, timestamp_ms),
            ),
        )
    )


def decode_receipt(payload: Payload, edge: str) -> Receipt | None:
    """The receipt in an NCMD, or None where it carries none.

    Raises:
        DecodeError: ``bad_receipt``: incomplete, or ranges that are not ascending above the prefix.
    """
    try:
        found = by_name(payload.metrics, SPOOL_EPOCH, SPOOL_COMMITTED, SPOOL_RANGES)
        if SPOOL_COMMITTED not in found:
            return None
        epoch = whole_number(found.get(SPOOL_EPOCH), SPOOL_EPOCH)
        committed = whole_number(found[SPOOL_COMMITTED], SPOOL_COMMITTED)
    except DecodeError as error:
        raise DecodeError("bad_receipt", error.detail) from None
    text = found[SPOOL_RANGES].value if SPOOL_RANGES in found else ""
    return Receipt(
        stream=Stream(edge=edge, epoch=epoch),
        committed=committed,
        above=_ranges("" if text is None else text, committed),
    )


def encode_rebirth(*, timestamp_ms: int | None = None) -> bytes:
    """NCMD payload that asks a node for its births."""
    return encode(Payload(timestamp_ms=timestamp_ms, metrics=(_metric(REBIRTH, DataType.BOOLEAN, value=True, at_ms=timestamp_ms),)))


def is_rebirth(payload: Payload) -> bool:
    """Whether an NCMD asks for the births."""
    return any(m.name == REBIRTH and m.value is True for m in payload.metrics)


def _metric(name: str, datatype: DataType, value: int | str | bool, at_ms: int | None) -> Metric:
    return Metric(name=name, timestamp_ms=at_ms, datatype=datatype, value=value)


def _ranges(text: object, committed: int) -> tuple[SequenceRange, ...]:
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        raise DecodeError("bad_receipt", f"{SPOOL_RANGES} must be text of at most {_MAX_TEXT} characters")
    ranges: list[SequenceRange] = []
    free_from = committed + 2  # committed + 1 is missing, or it would belong to the prefix
    for part in text.split(",") if text else []:
        first_text, dash, last_text = part.partition("-")
        if not (dash and _is_number(first_text) and _is_number(last_text)):
            raise DecodeError("bad_receipt", f"{SPOOL_RANGES} holds {part!r}; expected 'first-last'")
        first, last = int(first_text), int(last_text)
        if not free_from <= first <= last <= MAX_INT64:
            raise DecodeError("bad_receipt", f"{SPOOL_RANGES} holds {part!r}; expected {free_from} <= first <= last")
        ranges.append(SequenceRange(first=first, last=last))
        free_from = last + 1
    return tuple(ranges)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
