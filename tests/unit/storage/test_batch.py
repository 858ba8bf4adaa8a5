"""Every number of every block ends in exactly one place, decided without a database."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import BlockRows, DeadLetter, Stream
from storage.batch import gather, settle
from storage.dead_letters import RefusedRow
from storage.sequence_set import EMPTY, SequenceSet
from tests.support.stored_town import MINUTE_MS, OTHER, START_MS, STREAM, block

times = st.sampled_from([START_MS, START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS, 0, 2**61])
readings = st.lists(st.tuples(times, st.sampled_from([1, 2, None])), max_size=6)
committed = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 14)), max_size=3).map(SequenceSet.of)


@st.composite
def any_block(draw: st.DrawFn) -> BlockRows:
    stream = draw(st.sampled_from([STREAM, OTHER]))
    rows, first, dead = draw(readings), draw(st.integers(1, 10)), draw(st.integers(0, 3))
    after = first + len(rows)
    letter = DeadLetter(edge=stream.edge, reason="r", detail="", epoch=stream.epoch, first=after, last=after + dead - 1)
    numbers = range(first, after)
    return block(numbers, stream=stream, times_ms=[t for t, _ in rows], counts=[c for _, c in rows], dead=(letter,) if dead else ())


@given(st.lists(any_block(), max_size=6), committed, committed)
def test_numbers_are_conserved(blocks: list[BlockRows], one: SequenceSet, two: SequenceSet) -> None:
    ledger = {STREAM: one, OTHER: two}
    batch = gather(blocks)
    settled = settle(batch, ledger)
    written = np.bincount(settled.rows.stream, minlength=len(batch.senders))
    sent = sum(b.point_id.size + sum((d.last or 0) - (d.first or 0) + 1 for d in b.dead) for b in blocks)
    assert sent == settled.skipped + int(written.sum() + settled.repeated.sum() + settled.dead.sum())
    for number, sender in enumerate(batch.senders):
        assert isinstance(sender, Stream)
        new = settled.committing[number]
        assert len(new) == written[number] + settled.repeated[number] + settled.dead[number]
        assert len(new - ledger[sender]) == len(new)
    assert settled.rows.possible_times().all()
    assert (settled.rows.twins() == np.arange(len(settled.rows))).all()


def test_a_block_sent_twice_in_a_batch_counts_once() -> None:
    settled = settle(gather([block([1, 2]), block([2, 3])]), {STREAM: EMPTY})
    assert (settled.rows.sequence.tolist(), settled.skipped) == ([1, 2, 3], 1)


def test_of_twins_the_first_is_kept_the_equal_repeated_the_other_refused() -> None:
    settled = settle(gather([block([1, 2, 3], times_ms=[START_MS] * 3, counts=[7, 7, 8])]), {STREAM: EMPTY})
    assert (settled.rows.sequence.tolist(), settled.repeated.tolist(), settled.dead.tolist()) == ([1], [1], [1])
    [refused] = settled.letters
    assert isinstance(refused, RefusedRow)
    assert (refused.letter.reason, refused.letter.first, refused.counts, refused.kept) == ("conflict", 3, 8, 7)


def test_a_letter_without_numbers_goes_with_its_block() -> None:
    letter = DeadLetter(edge=STREAM.edge, reason="r", detail="")
    new = settle(gather([block([1, 2], dead=(letter,))]), {STREAM: EMPTY})
    again = settle(gather([block([1, 2], dead=(letter,))]), {STREAM: SequenceSet.of([(1, 3)])})
    assert (new.letters, again.letters) == ([letter], [])


def test_a_giant_range_costs_nothing() -> None:
    letter = DeadLetter(edge=STREAM.edge, reason="r", detail="", epoch=STREAM.epoch, first=1, last=2**61)
    settled = settle(gather([block([], dead=(letter,))]), {STREAM: SequenceSet.of([(5, 6)])})
    assert settled.dead.tolist() == [2**61 - 1]


def test_an_empty_batch_is_no_trouble() -> None:
    settled = settle(gather([]), {})
    assert (len(settled.rows), settled.skipped, settled.letters) == (0, 0, [])
