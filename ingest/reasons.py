"""Why something became a dead letter: stable codes, used in the table and as a metric label."""

from __future__ import annotations

from enum import StrEnum

from domain.delivery import DeadLetter

DETAIL_KEPT = 500
"""Characters of a letter's detail."""


class Reason(StrEnum):
    """The codes this package gives; decoders and the database add their own (``decode_error``, ``conflict``)."""

    ALIAS_CONFLICT = "alias_conflict"
    """A birth gives an alias another meaning within one epoch; neither is believed."""
    BAD_BIRTH = "bad_birth"
    """A birth certificate that is not one."""
    BAD_BLOCK = "bad_block"
    """Spool/First, Spool/Last and the number of readings do not agree."""
    BAD_GAP = "bad_gap"
    """A gap record that is not one."""
    BAD_TOPIC = "bad_topic"
    """Not a Sparkplug topic."""
    DECODE_ERROR = "decode_error"
    """Not a Sparkplug payload."""
    INTERNAL_ERROR = "internal_error"
    """A fault of ours; the message is kept so that it can be replayed after the repair."""
    LATE_READING = "late_reading"
    """Observed before 2000, or longer ago than readings are kept."""
    OUT_OF_RANGE = "out_of_range"
    """More than 2**53 steps of the point's resolution: no exact number."""
    OVERSIZE = "oversize"
    """More bytes or more readings than one message may have."""
    SQL_REJECTED = "sql_rejected"
    """The database refuses this block and would refuse it again."""
    TYPE_MISMATCH = "type_mismatch"
    """Not a number, or another datatype than the birth certificate said."""
    UNKNOWN_ALIAS = "unknown_alias"
    """Still without a meaning after the gateway was asked for its births."""
    UNKNOWN_DEVICE = "unknown_device"
    """The inventory has no such device at this gateway."""
    UNKNOWN_METRIC = "unknown_metric"
    """The device feeds no point with this metric at this time."""


def letter(
    reason: str,
    detail: str,
    *,
    edge: str,
    topic: str = "",
    payload: bytes = b"",
    epoch: int | None = None,
    first: int | None = None,
    last: int | None = None,
) -> DeadLetter:
    """A dead letter whose text any database takes: cut to length, without NUL. The payload is whole: the store knows its size."""
    return DeadLetter(
        edge=clean(edge),
        reason=reason,
        detail=clean(detail)[:DETAIL_KEPT],
        topic=clean(topic),
        payload=payload,
        epoch=epoch,
        first=first,
        last=last,
    )


def clean(text: str) -> str:
    """Text that PostgreSQL takes: no NUL, no lone surrogate."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
