"""Receipts and rebirth requests, one of each kind at most."""

from __future__ import annotations

import asyncio

from domain.delivery import Receipt, SequenceRange
from ingest.outbox import Outbox
from protocols.sparkplug.payload import decode
from protocols.sparkplug.receipts import decode_receipt, is_rebirth
from tests.support.uplink import EDGE, STREAM


async def test_the_newest_receipt_replaces_the_one_that_waits() -> None:
    outbox = Outbox()
    outbox.receipt(Receipt(stream=STREAM, committed=5))
    newest = Receipt(stream=STREAM, committed=9, above=(SequenceRange(first=12, last=20),))
    outbox.receipt(newest)
    outbox.rebirth(EDGE)
    outbox.rebirth(EDGE)
    await asyncio.wait_for(outbox.wait(), 10)
    sent = outbox.take()
    assert [topic for topic, _ in sent] == ["spBv1.0/demo/NCMD/gw-north"] * 2
    assert is_rebirth(decode(sent[0][1]))
    assert decode_receipt(decode(sent[1][1]), EDGE) == newest
    assert outbox.take() == []
