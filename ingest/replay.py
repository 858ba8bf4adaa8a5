"""A message out of the dead letters, looked at again: what it amounts to with the inventory and the program of now. Pure.

(topic, bytes, time of receipt) ──▶ Reception ──▶ the block that replaces its letters | why they stay as they are
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.delivery import BlockRows, DeadLetter, SequenceRange, Stream
from ingest.intake import Intake, Reception
from ingest.reasons import Reason

_NEVER = {Reason.ALIAS_CONFLICT: "two births disagree on what its alias means: nobody can say which is right"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message and the letters it left."""

    topic: str
    payload: bytes
    received_ms: int
    """Device clocks are judged by this, not by the moment of the replay."""
    stream: Stream | None
    ranges: tuple[SequenceRange, ...]
    """Numbers of its open letters; empty where there is no stream."""
    reasons: tuple[str, ...]
    details: tuple[str, ...]
    """Of its open letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillDead:
    """Why the letters stay as they are."""

    reason: str
    detail: str


def look_again(reception: Reception, message: Message) -> BlockRows | StillDead:
    """What replaces the letters of a message, or why nothing can.

    Args:
        reception: Made with the channels and bindings of now, and not patient.
        message: Whole; a payload that was cut cannot be looked at again.
    """
    for reason in message.reasons:
        if reason in _NEVER:
            return StillDead(reason=reason, detail=_NEVER[Reason(reason)])
    intake = reception.handle(message.topic, message.payload, now_ms=message.received_ms, monotonic_s=0.0)
    block = intake.block
    if block is None:
        return _without_block(intake)
    if block.gap is not None:
        return StillDead(reason=Reason.BAD_GAP, detail="a gap record; gateways tell it again by themselves")
    if message.stream is None:
        return _unnumbered(block, message)
    if block.stream != message.stream or block.range is None:
        return StillDead(
            reason=Reason.BAD_BLOCK, detail=f"the message is no block of {message.stream.edge} epoch {message.stream.epoch}"
        )
    return _numbered(block, block.range, message)


def _without_block(intake: Intake) -> StillDead:
    if intake.letters:
        return StillDead(reason=intake.letters[0].reason, detail=intake.letters[0].detail)
    return StillDead(reason=intake.ignored or "no_readings", detail="no readings in it; births and deaths come again by themselves")


def _unnumbered(block: BlockRows, message: Message) -> BlockRows | StillDead:
    """Without numbers nothing says which readings were refused: it is worth a try when what is refused has changed."""
    refused = sorted((dead.reason, dead.detail) for dead in block.dead)
    before = sorted(zip(message.reasons, message.details, strict=True))
    if block.dead and (refused == before or not block.point_id.size):
        return StillDead(reason=block.dead[0].reason, detail=block.dead[0].detail)
    return block


def _numbered(block: BlockRows, held: SequenceRange, message: Message) -> BlockRows | StillDead:
    ranges = message.ranges
    if not ranges or any(part.first < held.first or part.last > held.last for part in ranges):
        return StillDead(reason=Reason.BAD_BLOCK, detail=f"the message holds numbers {held.first}..{held.last}, its letters others")
    wanted = np.zeros(block.sequence.size, dtype=np.bool_)
    for part in ranges:
        wanted |= (block.sequence >= part.first) & (block.sequence <= part.last)
    dead = _clipped(block.dead, ranges, message.payload)
    if not wanted.any():
        first = dead[0] if dead else None
        return StillDead(reason=first.reason if first else "no_readings", detail=first.detail if first else "no readings in it")
    return replace(
        block,
        sequence=block.sequence[wanted],
        point_id=block.point_id[wanted],
        time_ms=block.time_ms[wanted],
        counts=block.counts[wanted],
        quality=block.quality[wanted],
        dead=dead,
    )


def _clipped(letters: Sequence[DeadLetter], ranges: Sequence[SequenceRange], payload: bytes) -> tuple[DeadLetter, ...]:
    """The parts of these letters that lie within the ranges; the first holds the bytes."""
    found: list[DeadLetter] = []
    for dead in letters:
        if dead.first is None or dead.last is None:
            continue
        for part in ranges:
            first, last = max(dead.first, part.first), min(dead.last, part.last)
            if first <= last:
                found.append(replace(dead, first=first, last=last, payload=b"" if found else payload))
    return tuple(found)
