"""What the ingestor has done, as Prometheus counters in a registry that the caller owns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from domain.delivery import NULL_COUNT, BlockRows, DeadLetter, WriteResult
from domain.readings import Quality
from ingest.intake import Intake

LATE_MS = 3_600_000
"""A reading that old at receipt is history: it came out of order, or after an outage."""


class IngestMetrics:
    """Counters since the start of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"khettara_ingest_{name}", text, labels, registry=registry)

        self._messages = counter("messages", "Messages taken from the broker")
        self._ignored = counter("ignored", "Messages that left nothing to be written", "why")
        self._dropped = counter("dropped", "Messages given up unacknowledged; gateways send them again", "why")
        self._stored = counter("readings_stored", "Readings newly stored")
        self._skipped = counter("readings_skipped", "Readings the ledger had already: resends")
        self._dead = counter("readings_dead", "Readings that ended as dead letters, each counted once")
        self._lost = counter("readings_lost", "Readings that gateways had to drop and told of, each counted once")
        self._letters = counter("dead_letters", "Readings or messages refused, by reason; a resend counts again", "reason")
        self._skew = counter("clock_skew", "Readings stored by their age at receipt because their clock was far ahead, or absent")
        self._skew_s = Gauge(
            "khettara_ingest_clock_skew_seconds", "How far ahead a gateway's clock last was; 0 since it is right", ["edge"],
            registry=registry,
        )  # fmt: skip
        self._ahead: set[str] = set()
        self._rejected = counter("reading_rejected", "Readings stored without the value they came with", "reason")
        self._late = counter("late_readings", "Readings observed an hour or more before they came; a resend counts again")
        self._negative = counter("negative_flow", "Values below zero that the point does not allow, stored as suspect")
        self._rebirths = counter("rebirths_asked", "Rebirth requests")
        self._refused = counter("subscriptions_refused", "Sources of other devices that the broker does not let us read", "source")
        self._denied = counter("denied", "What the broker refused us: certificate, connect, subscribe, publish", "deed")
        self._batches = counter("batches", "Transactions that wrote readings")
        self._retries = counter("storage_retries", "Tries that met an absent database")
        self._waiting = Gauge("khettara_ingest_backlog_rows", "Decoded readings that wait for a transaction", registry=registry)
        self._seconds = Histogram(
            "khettara_ingest_write_seconds",
            "Wall time of one transaction",
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )

    def taken(self, intakes: Sequence[Intake], *, now_ms: int) -> None:
        """Counts messages and what they amounted to; ``now_ms`` is when they were received."""
        self._messages.inc(len(intakes))
        blocks = [intake.block for intake in intakes if intake.block is not None]
        for intake in intakes:
            if intake.ignored:
                self._ignored.labels(why=intake.ignored).inc()
            if intake.not_finite:
                self._rejected.labels(reason="nan").inc(intake.not_finite)
            if intake.skewed:
                self._skew.inc(intake.skewed)
            if intake.worst_skew_ms or self._ahead:
                self._note_clock(intake)
        if blocks:
            times, counts = np.concatenate([b.time_ms for b in blocks]), np.concatenate([b.counts for b in blocks])
            self._late.inc(int(np.count_nonzero(times <= now_ms - LATE_MS)))
            below = (counts < 0) & (counts != NULL_COUNT)
            if below.any():
                suspect = np.concatenate([b.quality for b in blocks]) == Quality.SUSPECT
                self._negative.inc(int(np.count_nonzero(below & suspect)))

    def _note_clock(self, intake: Intake) -> None:
        if intake.block is None:
            return
        edge = intake.block.stream.edge if intake.block.stream is not None else intake.block.edge
        if intake.worst_skew_ms:
            self._ahead.add(edge)
            self._skew_s.labels(edge=edge).set(intake.worst_skew_ms / 1000)
        elif edge in self._ahead:
            self._ahead.discard(edge)
            self._skew_s.labels(edge=edge).set(0)

    def dropped(self, why: str, messages: int = 1) -> None:
        """Counts messages given up unacknowledged."""
        self._dropped.labels(why=why).inc(messages)

    def subscription_refused(self, source: str) -> None:
        """Counts a source that the broker does not let us read."""
        self._refused.labels(source=source).inc()

    def rebirth_asked(self) -> None:
        """Counts a rebirth request."""
        self._rebirths.inc()

    def denied(self, deed: str) -> None:
        """Counts a refusal of the broker."""
        self._denied.labels(deed=deed).inc()

    def retried(self) -> None:
        """Counts a try that met an absent database."""
        self._retries.inc()

    def written(self, blocks: Sequence[BlockRows], result: WriteResult, seconds: float) -> None:
        """Counts one committed transaction."""
        self._batches.inc()
        self._seconds.observe(seconds)
        self._stored.inc(result.stored)
        self._skipped.inc(result.skipped)
        self._dead.inc(result.dead_letters)
        self._lost.inc(result.dropped)
        if result.conflicts:
            self._letters.labels(reason="conflict").inc(result.conflicts)
        if result.rejected:
            self._letters.labels(reason="sql_rejected").inc(result.rejected)
        self.letters([dead for block in blocks for dead in block.dead])

    def letters(self, letters: Sequence[DeadLetter]) -> None:
        """Counts dead letters by reason, each for as many readings as its range is long."""
        for dead in letters:
            covered = 1 if dead.first is None or dead.last is None else dead.last - dead.first + 1
            self._letters.labels(reason=dead.reason).inc(covered)

    def backlog(self, rows: int) -> None:
        """Notes how many decoded readings wait."""
        self._waiting.set(rows)

    def snapshot(self) -> dict[str, float | dict[str, float]]:
        """The counters as plain numbers, for reports."""
        return {
            "messages": _value(self._messages),
            "ignored": _by_label(self._ignored, "why"),
            "dropped": _by_label(self._dropped, "why"),
            "stored": _value(self._stored),
            "skipped": _value(self._skipped),
            "dead": _value(self._dead),
            "lost": _value(self._lost),
            "dead_letters": _by_label(self._letters, "reason"),
            "clock_skew": _value(self._skew),
            "clock_skew_seconds": _by_label(self._skew_s, "edge"),
            "reading_rejected": _by_label(self._rejected, "reason"),
            "late_readings": _value(self._late),
            "negative_flow": _value(self._negative),
            "rebirths_asked": _value(self._rebirths),
            "denied": _by_label(self._denied, "deed"),
            "batches": _value(self._batches),
            "storage_retries": _value(self._retries),
            "backlog_rows": _value(self._waiting),
        }


def _value(metric: Counter | Gauge) -> float:
    return next(s.value for m in metric.collect() for s in m.samples if not s.name.endswith("_created"))


def _by_label(metric: Counter | Gauge, label: str) -> dict[str, float]:
    return {s.labels[label]: s.value for m in metric.collect() for s in m.samples if not s.name.endswith("_created")}
