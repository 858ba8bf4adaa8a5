"""The same messages by the swift way and by the careful way, made comparable."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from domain.delivery import BlockRows
from domain.ports import ChannelRow
from ingest.aliases import AliasBook
from ingest.channels import ChannelTable
from ingest.intake import Intake, Reception
from ingest.settings import IngestSettings, LimitSettings
from tests.support.ingest_store import channel
from tests.support.uplink import DEVICE, EDGE, NOW_MS, dbirth, nbirth, topic

ALIASES = {"flow_m3h": 1, "pressure_m": 2, "swapped_m": 300, "nowhere_m": 4}
INVENTORY: list[ChannelRow] = [
    channel(EDGE, DEVICE, "flow_m3h", 41),
    channel(EDGE, DEVICE, "pressure_m", 42, resolution=0.1, low=None, high=None),
    channel(EDGE, DEVICE, "swapped_m", 43, valid_to_ms=NOW_MS - 30_000),
    channel(EDGE, DEVICE, "swapped_m", 44, valid_from_ms=NOW_MS - 30_000),
    channel(EDGE, "other", "flow_m3h", 45),
]
SETTINGS = IngestSettings(limits=LimitSettings(payload_bytes=60_000, block_readings=1000))
Messages = list[tuple[str, bytes]]


def reception() -> Reception:
    return Reception(SETTINGS, book=AliasBook(), channels=ChannelTable(INVENTORY))


def careful(messages: Messages) -> list[Intake]:
    found = reception()
    return [found.handle(t, p, now_ms=NOW_MS, monotonic_s=1000.0) for t, p in messages]


def swift(messages: Messages, pieces: Sequence[int] = ()) -> list[Intake]:
    found, at, intakes = reception(), 0, []
    for size in (*pieces, len(messages)):
        intakes += found.handle_all(messages[at : at + size], now_ms=NOW_MS, monotonic_s=1000.0)
        at += size
    return intakes


def plain(intake: Intake) -> object:
    """Comparable: arrays as lists with their types."""

    def rows(block: BlockRows | None) -> object:
        if block is None:
            return None
        return [
            (f.name, v.dtype.str, v.tolist()) if isinstance(v := getattr(block, f.name), np.ndarray) else (f.name, v)
            for f in dataclasses.fields(block)
        ]

    return [rows(v) if f.name == "block" else v for f in dataclasses.fields(intake) for v in [getattr(intake, f.name)]]


BORN: Messages = [
    (topic("NBIRTH"), nbirth()),
    (topic("DBIRTH", DEVICE), dbirth(ALIASES)),
    (topic("DBIRTH", "other"), dbirth({"flow_m3h": 9})),
]
