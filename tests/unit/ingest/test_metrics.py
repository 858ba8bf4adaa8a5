"""Counters say what was done, in the registry they were given."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from domain.delivery import DeadLetter, WriteResult
from ingest.intake import Intake
from ingest.metrics import IngestMetrics


def test_snapshot_and_exposition_agree() -> None:
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry)
    metrics.taken([Intake(ignored="command")])
    metrics.taken([Intake(skewed=3)])
    metrics.letters(
        [DeadLetter(edge="e", reason="bad_block", detail="", first=3, last=7), DeadLetter(edge="e", reason="x", detail="")]
    )
    metrics.written([], WriteResult(stored=5, skipped=2, conflicts=1, dead_letters=4, receipts=()), 0.01)
    metrics.dropped("queue_full")
    snapshot = metrics.snapshot()
    assert snapshot["messages"] == 2
    assert snapshot["ignored"] == {"command": 1}
    assert snapshot["clock_skew"] == 3
    assert (snapshot["stored"], snapshot["skipped"], snapshot["dead"], snapshot["batches"]) == (5, 2, 4, 1)
    assert snapshot["dead_letters"] == {"bad_block": 5, "x": 1, "conflict": 1}
    assert snapshot["dropped"] == {"queue_full": 1}
    assert b"khettara_ingest_readings_stored_total 5.0" in generate_latest(registry)
    IngestMetrics(CollectorRegistry())  # two ingestors in one process do not share counters
