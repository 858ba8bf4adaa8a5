"""What was spooled against what is in the database: every reading is looked at, one by one.

A point's values are all different, so (point, value) names a reading. Its time must be the one that was spooled, unless the
ingestor marked it with quality ``clock``.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg

from domain.readings import Quality
from edge.readings import READING
from tests.support.faults.generator import STEP, GeneratorConfig

Name = tuple[str, int]
"""Point key, and the value in steps of its resolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """One reading of the truth."""

    edge: str
    epoch: int
    number: int
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Counts of readings."""

    spooled: int
    stored: int
    """Of the truth, in the database or a dead letter."""
    lost: int
    """Of the truth, in neither."""
    duplicate: int
    """Stored once more than once, or stopped from it by the table's key alone: the ledger did not know them."""
    phantom: int
    """In the database and never spooled, or with another time."""
    dead: Mapping[str, int] = field(default_factory=dict)
    """Of the truth, dead letters by reason."""
    examples: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Exactly once, each and every one."""
        return self.lost == self.duplicate == self.phantom == 0 and self.stored == self.spooled > 0

    def __str__(self) -> str:
        dead = f", dead letters {dict(self.dead)}" if self.dead else ""
        some = "; " + "; ".join(self.examples) if self.examples else ""
        return f"{self.spooled} spooled, {self.lost} lost, {self.duplicate} duplicate, {self.phantom} phantom{dead}{some}"


def truth_of(config: GeneratorConfig) -> dict[Name, Spooled]:
    """Every reading ever spooled by a generator, which must not be running: it holds its file alone."""
    connection = sqlite3.connect(config.state_dir / "spool.db", timeout=30)
    try:
        epoch = int(connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0])
        keys = {alias: f"{device}.{m}" for alias, device, m in connection.execute("SELECT id, device, metric FROM channel")}
        blocks = connection.execute("SELECT first, readings FROM truth ORDER BY first").fetchall()
    finally:
        connection.close()
    edge = f"{config.group}/{config.node}"
    found: dict[Name, Spooled] = {}
    for first, data in blocks:
        rows = np.frombuffer(data, dtype=READING)
        counts = np.rint(rows["value"] / STEP).astype(np.int64).tolist()
        for i, (alias, time_ms, _, _) in enumerate(rows.tolist()):
            name = (keys[alias], counts[i])
            if name in found:
                raise AssertionError(f"the generator made {name} twice")
            found[name] = Spooled(edge=edge, epoch=epoch, number=first + i, time_ms=time_ms)
    return found


def judge(truth: Mapping[Name, Spooled], admin: psycopg.Connection[Any]) -> Verdict:
    """Compares the truth of all generators with the database."""
    rows = admin.execute(
        "SELECT key, value, (extract(epoch FROM time) * 1000)::int8, quality FROM reading JOIN point USING (point_id)"
    ).fetchall()
    stored = Counter((key, counts) for key, counts, _, _ in rows)
    wrong_time = {
        (key, counts)
        for key, counts, time_ms, quality in rows
        if (key, counts) in truth and quality != Quality.CLOCK and truth[key, counts].time_ms != time_ms
    }
    phantoms = [name for name in stored if name not in truth] + sorted(wrong_time)
    letters = admin.execute("SELECT edge, epoch, first, last, reason FROM dead_letter WHERE first IS NOT NULL").fetchall()
    dead_numbers = {(edge, epoch, n): reason for edge, epoch, first, last, reason in letters for n in range(first, last + 1)}
    dead: Counter[str] = Counter()
    lost: list[tuple[Name, Spooled]] = []
    for name, spooled in truth.items():
        reason = dead_numbers.get((spooled.edge, spooled.epoch, spooled.number))
        if reason is not None:
            dead[reason] += 1
        elif name not in stored:
            lost.append((name, spooled))
    held_off = admin.execute("SELECT coalesce(sum(repeated), 0)::int8 FROM ledger").fetchone()
    twice = [name for name, times in stored.items() if times > 1]
    both = [name for name in stored if name in truth and _key(truth[name]) in dead_numbers]
    return Verdict(
        spooled=len(truth),
        stored=len(truth) - len(lost),
        lost=len(lost),
        duplicate=sum(stored[name] - 1 for name in twice) + len(both) + int(held_off[0] if held_off else 0),
        phantom=len(phantoms),
        dead=dict(dead),
        examples=tuple(_examples("lost", (f"{n[0]} {s.edge} #{s.number}" for n, s in lost)))
        + tuple(_examples("duplicate", (str(n) for n in twice)))
        + tuple(_examples("phantom", (str(n) for n in phantoms))),
    )


def _key(spooled: Spooled) -> tuple[str, int, int]:
    return spooled.edge, spooled.epoch, spooled.number


def _examples(what: str, texts: Iterable[str]) -> list[str]:
    return [f"{what}: {text}" for _, text in zip(range(3), texts, strict=False)]
