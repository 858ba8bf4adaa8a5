"""Spool and window against a ledger whose receipts name only so many ranges: whatever is missing, everything gets its receipt."""

from __future__ import annotations

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.delivery import Receipt, SequenceRange, Stream
from edge.database import open_database
from edge.readings import Lane, SpoolReading
from edge.receipts import MAX_RANGES
from edge.spool import Spool
from edge.window import Window

STEP_S = 0.5
T0 = 1_772_000_000_000


def receipt(edge_epoch: int, committed: set[int]) -> Receipt:
    """As the ingestor makes it: the prefix, and the lowest ranges above it."""
    ranges: list[list[int]] = []
    for number in sorted(committed):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    prefix = ranges.pop(0)[1] if ranges and ranges[0][0] == 1 else 0
    above = tuple(SequenceRange(first=a, last=b) for a, b in ranges[:MAX_RANGES])
    return Receipt(stream=Stream(edge="g/n", epoch=edge_epoch), committed=prefix, above=above)


@example(1, 400, 2, False, False)
@example(1, 400, 2, False, True)
@example(1, 400, 3, True, True)
@settings(max_examples=10)
@given(st.integers(0, 2**32), st.integers(1, 400), st.sampled_from([2, 3, 7]), st.booleans(), st.booleans())
def test_every_block_gets_its_receipt(tmp_path_factory, seed: int, blocks: int, every: int, older: bool, forgets: bool) -> None:
    lots = Random(seed)
    connection = open_database(tmp_path_factory.mktemp("spool"))
    spool, window = Spool(connection, block_readings=1), Window(size=8, resend_s=1.5, random=lots)
    age_ms = 2_000_000 if older else 1000
    for at in range(0, blocks, 50):
        many = [SpoolReading(device="m", metric="x", time_ms=T0, value=1.0)] * min(50, blocks - at)
        spool.append(many, now_ms=T0 - age_ms + at)
    committed = set(range(1, blocks + 1, every))  # by some earlier life of the gateway, which never heard of it
    now_s, steps = 0.0, 0
    while spool.depth:
        now_s, steps = now_s + STEP_S, steps + 1
        assert steps < 40 * blocks + 400, f"nothing moves: {spool.depth} of {blocks} blocks have no receipt"
        for lane in (Lane.LIVE, Lane.BACKLOG):
            room = window.room(lane)
            heads = spool.unacked(lane, limit=room + len(window), fresh_ms=T0 - 900_000) if room else ()
            for head in [h for h in heads if h.first not in window][:room]:
                window.sent(head, now_s)
                committed.add(head.first)
        for head in window.due(now_s):
            window.sent(head, now_s)
            committed.add(head.first)
        if forgets and steps == 30:
            committed -= set(lots.sample(sorted(committed), len(committed) // 2))
        applied = spool.apply(receipt(spool.epoch, committed), now_ms=T0)
        window.acked(applied.acked, now_s)
    connection.close()
