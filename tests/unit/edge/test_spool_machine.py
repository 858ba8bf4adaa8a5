"""A model of the spool and of a database that may lose, repeat, reorder and be restored: nothing unacknowledged is ever lost."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.delivery import Receipt, SequenceRange, Stream
from edge.database import open_database
from edge.readings import BlockHead, Lane, SpoolReading
from edge.spool import Spool


def receipt_of(numbers: set[int], stream: Stream) -> Receipt:
    """Prefix and ranges of a set of committed numbers."""
    ranges: list[SequenceRange] = []
    for n in sorted(numbers):
        if ranges and ranges[-1].last == n - 1:
            ranges[-1] = SequenceRange(first=ranges[-1].first, last=n)
        else:
            ranges.append(SequenceRange(first=n, last=n))
    prefix = ranges.pop(0).last if ranges and ranges[0].first == 1 else 0
    return Receipt(stream=stream, committed=prefix, above=tuple(ranges[:64]))


class SpoolMachine(RuleBasedStateMachine):
    """``database`` is what a perfect ledger holds; ``backup`` an older copy of it."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._connection = open_database(Path(self._folder.name))
        self._spool = self._open()
        self.let_go: set[int] = set()
        """Deleted after their receipt: held by the database alone."""
        self.given: dict[int, float] = {}
        self.database: set[int] = set()
        self.backup: set[int] = set()
        self.late: list[Receipt] = []
        self.clock = 1_000_000

    def _open(self) -> Spool:
        return Spool(self._connection, block_readings=3, rewind_after=3)

    def teardown(self) -> None:
        self._connection.close()
        self._folder.cleanup()

    @rule(devices=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=8), historical=st.booleans())
    def append(self, devices: list[str], historical: bool) -> None:
        self.clock += 1
        readings = [SpoolReading(device=d, metric="x", time_ms=self.clock, value=float(i)) for i, d in enumerate(devices)]
        ranges = self._spool.append(readings, now_ms=self.clock, historical=historical)
        numbers = [n for r in ranges for n in range(r.first, r.last + 1)]
        assert len(numbers) == len(readings)
        assert numbers == list(range(len(self.given) + 1, len(self.given) + 1 + len(readings)))  # gapless, never used before
        order = sorted(range(len(devices)), key=lambda i: devices.index(devices[i]))
        self.given.update(zip(numbers, [float(i) for i in order], strict=True))

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Some blocks arrive, in any order; the receipt comes back, is lost, or comes later."""
        heads = self._heads(data.draw(st.sampled_from(Lane)))
        chosen = data.draw(st.lists(st.sampled_from(heads), unique=True)) if heads else []
        for block in self._spool.load(chosen, now_ms=self.clock):
            numbers = range(block.head.range.first, block.head.range.last + 1)
            assert [self.given[n] for n in numbers] == block.rows["value"].tolist()
            self.database.update(numbers)
        receipt = receipt_of(self.database, Stream(edge="g/n", epoch=self._spool.epoch))
        fate = data.draw(st.sampled_from(["arrives", "lost", "late"]))
        if fate == "arrives":
            self._spool.apply(receipt, now_ms=self.clock)
        elif fate == "late":
            self.late.append(receipt)

    @rule()
    def tell_gaps(self) -> None:
        """Gap records arrive; the receipt comes back."""
        for gap in self._spool.gaps(limit=100):
            assert sum(point.readings for point in gap.points) == len(gap.range)
            self.database.update(range(gap.range.first, gap.range.last + 1))
        self._spool.apply(receipt_of(self.database, Stream(edge="g/n", epoch=self._spool.epoch)), now_ms=self.clock)

    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """A block cannot be read any more."""
        heads = [*self._heads(Lane.LIVE), *self._heads(Lane.BACKLOG)]
        if heads:
            head = data.draw(st.sampled_from(heads))
            self._connection.execute("UPDATE payload SET readings = zeroblob(3) WHERE first = ?", (head.first,))
            assert self._spool.load([head], now_ms=self.clock) == ()

    @rule()
    def purge(self) -> None:
        """Everything with a receipt is let go."""
        acked = self._connection.execute("SELECT first, last FROM block WHERE acked_at IS NOT NULL").fetchall()
        self.let_go.update(n for first, last in acked for n in range(first, last + 1))
        assert self._spool.purge(now_ms=self.clock + 1, keep_acked_ms=0) == 0

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def late_receipt(self, data: st.DataObject) -> None:
        receipt = self.late.pop(data.draw(st.integers(0, len(self.late) - 1)))
        if receipt_covers(receipt, self.database):
            self._spool.apply(receipt, now_ms=self.clock)

    @rule()
    def restart(self) -> None:
        self._connection.close()
        self._connection = open_database(Path(self._folder.name))
        self._spool = self._open()

    @rule()
    def back_up(self) -> None:
        self.backup = set(self.database)

    @rule()
    def restore(self) -> None:
        """The database goes back to its copy; receipts of its earlier life are gone, fresh ones repeat."""
        self.database = set(self.backup)
        self.late = []
        for _ in range(3):
            self._spool.apply(receipt_of(self.database, Stream(edge="g/n", epoch=self._spool.epoch)), now_ms=self.clock)
        held = {n for lane in Lane for h in self._heads(lane) for n in range(h.range.first, h.range.last + 1)}
        forgotten = self.given.keys() - held - self.database
        untold = {n for gap in self._spool.gaps(limit=1000) for n in range(gap.range.first, gap.range.last + 1)}
        assert forgotten <= untold, "what nobody has any more is a gap record that will be told again"
        self.let_go -= forgotten

    def _heads(self, lane: Lane) -> list[BlockHead]:
        return list(self._spool.unacked(lane, limit=1000, fresh_ms=0))

    @invariant()
    def every_number_is_in_the_database_or_unacked(self) -> None:
        held = {n for lane in Lane for h in self._heads(lane) for n in range(h.range.first, h.range.last + 1)}
        untold = {n for gap in self._spool.gaps(limit=1000) for n in range(gap.range.first, gap.range.last + 1)}
        assert self.given.keys() <= held | self.database | untold
        stats = self._spool.stats()
        lost = int(self._connection.execute("SELECT coalesce(sum(last - first + 1), 0) FROM gap").fetchone()[0])
        assert (stats.spooled, stats.depth_readings, stats.dropped) == (len(self.given), len(held), lost)
        assert stats.acked == len(self.given) - len(held) - lost
        assert stats.gaps_untold == len(self._spool.gaps(limit=1000))
        live, backlog = ({h.first for h in self._heads(lane)} for lane in Lane)
        assert stats.depth_blocks == len(backlog)
        assert live <= backlog, "the backlog is everything"


def receipt_covers(receipt: Receipt, database: set[int]) -> bool:
    """Whether all that the receipt names is still in the database (no restore lies between)."""
    named = set(range(1, receipt.committed + 1)).union(*(range(r.first, r.last + 1) for r in receipt.above))
    return named <= database


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(max_examples=40, stateful_step_count=30)
