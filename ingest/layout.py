"""Blocks in the one layout that our own gateways write, read as columns over many messages at once. Pure.

    bytes ──recognise──▶ Block: numbers, records, their template ──read──▶ aliases, times, values of all blocks alike

Whatever differs in one byte of the layout (a quality, an absent value, another order) is not recognised and goes the careful way,
by the protobuf runtime: ``ingest.wire``. Both agree on everything that is recognised here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from protocols.sparkplug.payload import MAX_INT64, DataType

_VARINT = rb"[\x80-\xff]{0,8}[\x00-\x7f]"
"""Nine bytes at most: 63 bits."""
_NUMBER = rb"(?:\x18" + _VARINT + rb")?(?:\x20" + _VARINT + rb")?\x58(" + _VARINT + rb")"
"""Of a Spool metric behind its name: timestamp (3), datatype (4), long_value (11)."""
_HEADER = re.compile(
    rb"(?:\x08" + _VARINT + rb")?"
    rb"\x12(.)(\x0a\x0bSpool/Epoch" + _NUMBER + rb")"
    rb"\x12(.)(\x0a\x0bSpool/First" + _NUMBER + rb")"
    rb"\x12(.)(\x0a\x0aSpool/Last" + _NUMBER + rb")",
    re.DOTALL,
)
_RECORD = re.compile(
    rb"\x12(.)(\x10(" + _VARINT + rb")\x18(" + _VARINT + rb")\x20" + bytes([DataType.DOUBLE]) + rb"(\x28\x01)?\x69.{8})", re.DOTALL
)
"""A metric: alias (2), timestamp (3), datatype (4), is_historical (5), double_value (13)."""
_TAIL = re.compile(rb"(?:\x18" + _VARINT + rb")?")
"""The payload's seq (3)."""

Template = tuple[int, int, bool]
"""Bytes of the alias, bytes of the timestamp, historical or not: with them the whole record."""


@dataclass(frozen=True, slots=True)
class Block:
    """A recognised block; its records may yet differ from the template of the first one."""

    epoch: int
    first: int
    size: int
    """How many readings."""
    template: Template
    records: bytes
    """Of equal length each."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """Records of several blocks one after the other; arrays of shape (N,)."""

    fits: NDArray[np.bool_]
    """Whether the record has the template's layout; the other columns mean nothing where it has not."""
    alias: NDArray[np.int64]
    time_ms: NDArray[np.int64]
    value: NDArray[np.float64]


def recognise(payload: bytes, *, max_readings: int) -> Block | None:
    """The block in a payload of the layout, else None."""
    header = _HEADER.match(payload)
    if header is None:
        return None
    epoch_length, epoch_body, epoch_text, first_length, first_body, first_text, last_length, last_body, last_text = header.groups()
    if epoch_length[0] != len(epoch_body) or first_length[0] != len(first_body) or last_length[0] != len(last_body):
        return None
    epoch, first, last = _epoch(epoch_text), _varint(first_text), _varint(last_text)
    if not 1 <= first <= last < MAX_INT64 or not 1 <= epoch < MAX_INT64 or last - first >= max_readings:
        return None
    record = _RECORD.match(payload, header.end())
    if record is None:
        return None
    length, body, alias, timestamp, historical = record.groups()
    size = last - first + 1
    end = header.end() + size * (len(body) + 2)
    if length[0] != len(body) or end > len(payload) or _TAIL.fullmatch(payload, end) is None:
        return None
    return Block(epoch, first, size, (len(alias), len(timestamp), historical is not None), payload[header.end() : end])


def read(blocks: Sequence[Block]) -> Records:
    """The records of blocks of one template.

    Raises:
        ValueError: The blocks' templates differ.
    """
    template = blocks[0].template
    if any(block.template != template for block in blocks):
        raise ValueError("blocks of one template can be read together")
    alias_bytes, time_bytes, _ = template
    size = sum(block.size for block in blocks)
    rows = np.frombuffer(b"".join([block.records for block in blocks]), dtype=np.uint8).reshape(size, -1)
    bytes_, first = np.ascontiguousarray(rows.T), blocks[0].records
    wrong = np.zeros(size, dtype=np.uint8)
    for place, mask in enumerate(_masks(template)):
        if mask:
            wrong |= (bytes_[place] ^ np.uint8(first[place])) & np.uint8(mask)
    value = np.ascontiguousarray(rows[:, -8:]).view("<f8")[:, 0].astype(np.float64, copy=False)
    return Records(
        fits=wrong == 0,
        alias=_integers(bytes_[3 : 3 + alias_bytes]),
        time_ms=_integers(bytes_[4 + alias_bytes : 4 + alias_bytes + time_bytes]),
        value=value,
    )


def _masks(template: Template) -> list[int]:
    """Bits of each byte that all records share: tags whole, of numbers the bit that says whether another byte follows."""
    alias_bytes, time_bytes, historical = template
    fixed, number = [0xFF], [0x80]
    return [
        *(fixed * 3), *(number * alias_bytes), *fixed, *(number * time_bytes), *(fixed * 2),
        *(fixed * 2 if historical else []), *fixed, *([0] * 8),
    ]  # fmt: skip


def _integers(bytes_: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Varints of equal length, one a column; the lowest seven bits come first."""
    found = np.zeros(bytes_.shape[1], dtype=np.int64)
    for i, part in enumerate(bytes_):
        found |= (part & np.uint8(0x7F)).astype(np.int64) << np.int64(7 * i)
    return found


def _varint(text: bytes) -> int:
    value = 0
    for i, byte in enumerate(text):
        value |= (byte & 0x7F) << 7 * i
    return value


_epoch = lru_cache(maxsize=16_384)(_varint)
"""A gateway's epoch is long and the same in each of its blocks."""
