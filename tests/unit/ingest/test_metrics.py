"""Counters say what was done, in the registry they were given."""

from __future__ import annotations

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest

from domain.delivery import NULL_COUNT, BlockRows, DeadLetter, SequenceRange, WriteResult
from domain.readings import Quality
from ingest.intake import Intake
from ingest.metrics import LATE_MS, IngestMetrics
from tests.support.uplink import EDGE, NOW_MS, STREAM


def test_snapshot_and_exposition_agree() -> None:
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry)
    metrics.taken([Intake(ignored="command")], now_ms=NOW_MS)
    metrics.taken([Intake(skewed=3, not_finite=2)], now_ms=NOW_MS)
    metrics.letters(
        [DeadLetter(edge="e", reason="bad_block", detail="", first=3, last=7), DeadLetter(edge="e", reason="x", detail="")]
    )
    metrics.written([], WriteResult(stored=5, skipped=2, conflicts=1, dead_letters=4, receipts=()), 0.01)
    metrics.dropped("queue_full")
    snapshot = metrics.snapshot()
    assert snapshot["messages"] == 2
    assert snapshot["ignored"] == {"command": 1}
    assert snapshot["clock_skew"] == 3
    assert snapshot["reading_rejected"] == {"nan": 2}
    assert (snapshot["stored"], snapshot["skipped"], snapshot["dead"], snapshot["batches"]) == (5, 2, 4, 1)
    assert snapshot["dead_letters"] == {"bad_block": 5, "x": 1, "conflict": 1}
    assert snapshot["dropped"] == {"queue_full": 1}
    assert b"khettara_ingest_readings_stored_total 5.0" in generate_latest(registry)
    IngestMetrics(CollectorRegistry())  # two ingestors in one process do not share counters


def rows(times: list[int], counts: list[int], quality: Quality = Quality.GOOD) -> BlockRows:
    size = len(times)
    return BlockRows(
        stream=STREAM,
        range=SequenceRange(first=1, last=size),
        sequence=np.arange(1, size + 1),
        point_id=np.ones(size, np.int32),
        time_ms=np.array(times, np.int64),
        counts=np.array(counts, np.int64),
        quality=np.full(size, quality, np.int16),
    )


def test_late_and_negative_readings_are_counted() -> None:
    metrics = IngestMetrics(CollectorRegistry())
    late = rows([NOW_MS - LATE_MS, NOW_MS - LATE_MS + 1, NOW_MS - 10 * LATE_MS], [1, -1, NULL_COUNT])
    metrics.taken([Intake(block=late), Intake(block=rows([NOW_MS], [-5], Quality.SUSPECT)), Intake()], now_ms=NOW_MS)
    snapshot = metrics.snapshot()
    assert snapshot["late_readings"] == 2
    assert snapshot["negative_flow"] == 1, "below zero where the point allows it is no fault"


def test_the_clock_of_a_gateway_is_told_until_it_is_right() -> None:
    metrics = IngestMetrics(CollectorRegistry())
    metrics.taken([Intake(block=rows([NOW_MS], [1]), skewed=1, worst_skew_ms=600_000)], now_ms=NOW_MS)
    assert metrics.snapshot()["clock_skew_seconds"] == {EDGE: 600}
    metrics.taken([Intake(ignored="command"), Intake(block=rows([NOW_MS], [1]))], now_ms=NOW_MS)
    assert metrics.snapshot()["clock_skew_seconds"] == {EDGE: 0}
