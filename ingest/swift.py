"""The swift way from payloads to rows: many blocks at once, for the readings that need no judgement of their own. Pure.

    recognised blocks of a stream ──aliases──▶ meanings: point, resolution, limits ──judge──▶ rows, all or nothing for each block

A block with a reading that is refused, skewed, without meaning or of another device is left to the careful way
(``ingest.decode``), which knows the reasons. What the swift way gives is what the careful way would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.delivery import AliasBinding, BlockRows, SequenceRange, Stream
from ingest.channels import ChannelTable, Fault
from ingest.layout import Block, Template, read
from ingest.quality import ClockLimits, judge_times, judge_values
from protocols.sparkplug.payload import DataType

_GOOD = 192
_DEVICE, _POINT, _RESOLUTION, _LOW, _HIGH, _FROM, _TO, _COLUMNS = range(8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Meanings:
    """What the aliases of a stream stand for, as an array over a dense range of them."""

    lowest: int
    devices: dict[str, int]
    """Number of each device that has a plain alias."""
    table: NDArray[np.float64]
    """Shape (columns, aliases): device (-1: not plain), point, resolution, low, high, valid from and to [ms]."""


@dataclass(frozen=True, slots=True)
class Swift:
    """A recognised block with the meanings of its stream."""

    stream: Stream
    device: int
    block: Block
    meanings: Meanings


def meanings_of(
    stream: Stream, bindings: dict[int, AliasBinding], withdrawn: frozenset[int], channels: ChannelTable
) -> Meanings | None:
    """The meanings of a stream's aliases; None where they do not lie close enough together for an array."""
    if not bindings:
        return None
    lowest = min(bindings)
    width = max(bindings) - lowest + 1
    if width > 4 * len(bindings) + 1024:
        return None
    table = np.zeros((_COLUMNS, width))
    table[_DEVICE] = -1
    devices: dict[str, int] = {}
    for alias, binding in bindings.items():
        if alias in withdrawn or binding.datatype not in (DataType.DOUBLE, DataType.UNKNOWN):
            continue
        found = channels.find(stream.edge, binding.device, binding.metric)
        if isinstance(found, Fault):
            continue
        row = found[-1]  # the newest; readings from before it go the careful way
        column = table[:, alias - lowest]
        column[_DEVICE] = devices.setdefault(binding.device, len(devices))
        column[_POINT], column[_RESOLUTION] = row.point_id, row.resolution
        column[_LOW] = np.nan if row.low is None else row.low
        column[_HIGH] = np.nan if row.high is None else row.high
        column[_FROM] = -np.inf if row.valid_from_ms is None else row.valid_from_ms
        column[_TO] = np.inf if row.valid_to_ms is None else row.valid_to_ms
    return Meanings(lowest=lowest, devices=devices, table=table)


def decode_swiftly(blocks: Sequence[Swift], *, now_ms: int, limits: ClockLimits) -> list[BlockRows | None]:
    """The rows of each block; None for one that has to go the careful way."""
    rows: list[BlockRows | None] = [None] * len(blocks)
    alike: dict[Template, list[int]] = {}
    for place, swift in enumerate(blocks):
        alike.setdefault(swift.block.template, []).append(place)
    for places in alike.values():
        for place, found in zip(places, _alike([blocks[place] for place in places], now_ms, limits), strict=True):
            rows[place] = found
    return rows


def _alike(blocks: Sequence[Swift], now_ms: int, limits: ClockLimits) -> list[BlockRows | None]:
    records = read([swift.block for swift in blocks])
    sizes = np.array([swift.block.size for swift in blocks])
    ends = np.cumsum(sizes)
    starts = ends - sizes
    meaning, known = _look_up(blocks, records.alias, sizes)
    times = judge_times(records.time_ms, now_ms, limits)
    values = judge_values(
        records.value,
        np.zeros(records.value.shape, dtype=np.bool_),
        np.full(records.value.shape, _GOOD, dtype=np.int32),
        meaning[_RESOLUTION],
        meaning[_LOW],
        meaning[_HIGH],
    )
    plain = records.fits & known & ~times.skewed & ~times.late & ~values.out_of_range
    plain &= (records.time_ms >= meaning[_FROM]) & (records.time_ms < meaning[_TO])
    whole = np.logical_and.reduceat(plain, starts)
    point_id = meaning[_POINT].astype(np.int32)
    firsts = np.array([swift.block.first for swift in blocks], dtype=np.int64)
    sequence = np.repeat(firsts - starts, sizes) + np.arange(ends[-1], dtype=np.int64)
    return [
        BlockRows(
            stream=swift.stream,
            edge=swift.stream.edge,
            range=SequenceRange(first=swift.block.first, last=swift.block.first + swift.block.size - 1),
            sequence=sequence[start:end],
            point_id=point_id[start:end],
            time_ms=records.time_ms[start:end],
            counts=values.counts[start:end],
            quality=values.quality[start:end],
        )
        if good
        else None
        for swift, good, start, end in zip(blocks, whole.tolist(), starts.tolist(), ends.tolist(), strict=True)
    ]


def _look_up(
    blocks: Sequence[Swift], alias: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Meanings of aliases, shape (columns, N), and whether each has one for its block's device."""
    offsets: dict[int, int] = {}
    tables: list[Meanings] = []
    width = 0
    for swift in blocks:
        if id(swift.meanings) not in offsets:
            offsets[id(swift.meanings)] = width
            tables.append(swift.meanings)
            width += swift.meanings.table.shape[1]
    whole = np.concatenate([found.table for found in tables], axis=1)
    lowest = np.repeat(np.array([swift.meanings.lowest for swift in blocks], dtype=np.int64), sizes)
    wide = np.repeat(np.array([swift.meanings.table.shape[1] for swift in blocks], dtype=np.int64), sizes)
    offset = np.repeat(np.array([offsets[id(swift.meanings)] for swift in blocks], dtype=np.int64), sizes)
    device = np.repeat(np.array([swift.device for swift in blocks], dtype=np.float64), sizes)
    place = alias - lowest
    inside = (place >= 0) & (place < wide)
    meaning = whole[:, np.where(inside, offset + place, 0)]
    known = inside & (meaning[_DEVICE] == device)
    meaning[_RESOLUTION, ~known] = 1.0
    return meaning, known
