"""Payloads that were damaged, made up or meant badly: each ends as rows, as a dead letter or knowingly ignored; none ends us.

10^5 of them in every test run; ``make soak`` takes 10^6, and ``KHETTARA_FUZZ_PAYLOADS`` any number.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import pytest

from domain.delivery import BlockRows
from ingest.aliases import AliasBook
from ingest.channels import ChannelTable
from ingest.intake import Intake, Reception
from ingest.reasons import Reason
from ingest.settings import IngestSettings
from tests.support.fuzz import FOREIGN, MOST_BYTES, MOST_READINGS, Fuzzer
from tests.support.ingest_store import MemoryStore, channel
from tests.support.uplink import DEVICE, EDGE, NOW_MS, dbirth, nbirth, topic

SETTINGS = IngestSettings.model_validate(
    {"limits": {"payload_bytes": MOST_BYTES, "block_readings": MOST_READINGS}, "foreign": FOREIGN}
)
CHANNELS = ChannelTable(
    channel(edge, device, metric, point)
    for point, (edge, device, metric) in enumerate(
        [
            (EDGE, DEVICE, "flow_m3h"), (EDGE, DEVICE, "pressure_m"), ("mqtt/loggers", "l1", "flow_m3h"),
            ("mqtt/loggers", "l1", "pressure_m"), ("mqtt/packs", "m1", "flow_m3h"), ("mqtt/lora", "0a", "flow_m3h"),
            ("mqtt/lora", "0a", "pressure_m"), ("mqtt/radio", "w1", "total_m3"),
        ],
        start=41,
    )
)  # fmt: skip
AT_ONCE, A_WRITE, A_LIFE = 64, 5_000, 250


class Account:
    """Where everything went that was sent: in readings where a message has some, else in messages."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.messages = self.sent = self.ignored = self.told = self.letters = 0
        self.stored = self.skipped = self.dead = self.dropped = self.foreign = 0
        self.reasons: Counter[str] = Counter()
        self._waiting: list[BlockRows] = []

    async def take(self, intakes: Sequence[Intake]) -> None:
        """Books what some messages amounted to."""
        for intake in intakes:
            self._book(intake)
        if len(self._waiting) >= A_WRITE:
            await self.write()

    def _book(self, intake: Intake) -> None:
        self.messages += 1
        dead = intake.block.dead if intake.block is not None else ()
        for letter in (*intake.letters, *dead):
            self.reasons[letter.reason] += 1
            assert letter.reason != Reason.INTERNAL_ERROR, letter
        if intake.block is not None:
            assert not intake.letters
            self.sent += numbers_of(intake.block)
            self.foreign += intake.block.stream is None
            self._waiting.append(intake.block)
        elif intake.letters:
            self.letters += len(intake.letters)
            self.sent += len(intake.letters)
        elif intake.bindings or intake.gateway or intake.rebirth:
            self.told += 1
        else:
            assert intake.ignored, "a message that ends nowhere"
            self.ignored += 1

    async def write(self) -> None:
        """Everything that waits, into the store."""
        result = await self.store.write(self._waiting)
        self.stored += result.stored
        self.skipped += result.skipped
        self.dead += result.dead_letters
        self.dropped += result.dropped
        self._waiting = []
        self.store.rows.clear()
        self.store.letters.clear()


def numbers_of(rows: BlockRows) -> int:
    """How many readings a block holds; each of its numbers ends once."""
    covered = sum(1 if d.first is None or d.last is None else d.last - d.first + 1 for d in rows.dead)
    held = rows.sequence.size + covered + (len(rows.gap.range) if rows.gap else 0)
    if rows.range is not None:
        assert held == len(rows.range), "a number that ends nowhere, or twice"
    assert held, "a block of nothing"
    return held


async def fuzz(count: int, seed: int) -> Account:
    """Sends so many messages through the reception into a store."""
    account, fuzzer = Account(), Fuzzer(seed)
    messages = [*fuzzer.messages(count)]
    for life in range(0, count, A_LIFE):
        # A damaged birth takes an alias its meaning for as long as the ingestor lives, so it lives many times.
        reception = Reception(SETTINGS, book=AliasBook(), channels=CHANNELS, patient=bool(life % (2 * A_LIFE)))
        for to, payload in ((topic("NBIRTH"), nbirth()), (topic("DBIRTH", DEVICE), dbirth())):
            reception.handle(to, payload, now_ms=NOW_MS, monotonic_s=0.0)
        for at in range(life, min(life + A_LIFE, count), AT_ONCE):
            taken = messages[at : min(at + AT_ONCE, life + A_LIFE)]
            intakes = reception.handle_all(taken, now_ms=NOW_MS, monotonic_s=float(at))
            assert len(intakes) == len(taken)
            await account.take(intakes)
    await account.write()
    return account


def check(account: Account, count: int) -> None:
    """Stored and dead are all that was sent, and there was enough of everything."""
    assert account.messages == count
    assert account.stored + account.skipped + account.dead + account.dropped + account.letters == account.sent
    assert account.sent > count
    assert account.stored > count / 4, "much of the fuzz must reach the rows, or it tests nothing"
    assert account.dead > count / 4
    assert account.foreign > count / 20
    assert account.dropped > count / 100
    kinds = {
        Reason.OUT_OF_RANGE, Reason.LATE_READING, Reason.TYPE_MISMATCH, Reason.UNKNOWN_ALIAS, Reason.UNKNOWN_DEVICE,
        Reason.UNKNOWN_METRIC, Reason.BAD_BLOCK, Reason.BAD_BIRTH, Reason.BAD_TOPIC, Reason.OVERSIZE, Reason.DECODE_ERROR,
        Reason.BAD_GAP,
    }  # fmt: skip
    assert kinds <= set(account.reasons), kinds - set(account.reasons)


@pytest.mark.timeout(900)
async def test_a_hundred_thousand_payloads_all_end_somewhere() -> None:
    count = int(os.environ.get("KHETTARA_FUZZ_PAYLOADS", "100000"))
    check(await fuzz(count, seed=1), count)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_million_payloads_all_end_somewhere() -> None:
    for seed in range(10):
        check(await fuzz(100_000, seed=100 + seed), 100_000)
