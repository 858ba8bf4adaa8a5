"""A spooled block as the DDATA that carries it."""

from __future__ import annotations

import numpy as np

from domain.delivery import Stream
from domain.readings import Quality
from edge.readings import Block
from protocols.sparkplug.blocks import BlockHeader, BlockReading, encode_block

_QUALITIES = {int(q): q for q in Quality}


def block_payload(block: Block, stream: Stream, *, seq: int, now_ms: int, fresh_ms: int) -> bytes:
    """The payload of a block; readings observed before ``fresh_ms`` are marked historical, all of them in an imported block."""
    rows = block.rows
    old = np.full(len(rows), block.head.historical) | (rows["time_ms"] < fresh_ms)
    readings = [
        BlockReading(
            alias=alias,
            time_ms=time_ms,
            value=None if value != value else value,  # noqa: PLR0124  (NaN is "no value")
            quality=_QUALITIES.get(quality, Quality.SUSPECT),
            historical=historical,
        )
        for (alias, time_ms, value, quality), historical in zip(rows.tolist(), old.tolist(), strict=True)
    ]
    header = BlockHeader(stream=stream, range=block.head.range)
    return encode_block(header, readings, seq=seq, timestamp_ms=now_ms)
