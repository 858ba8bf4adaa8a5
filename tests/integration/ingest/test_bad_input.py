"""Bad input on the real way up: each case ends as docs/reliability.md says, under the counter that it names.

One ingestor takes every case, one after the other; after each, what it changed is compared: rows, letters, counters. Cases of the
field side (Modbus, DLMS) are not of this road; a damaged spool is in ``test_road``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.clock import WallClock
from domain.readings import Quality
from ingest.metrics import LATE_MS
from ingest.service import IngestService
from ingest.settings import IngestSettings
from protocols.sparkplug.births import birth_metric, encode_dbirth
from protocols.sparkplug.blocks import BlockReading
from protocols.sparkplug.payload import DataType, Metric, Payload, encode
from protocols.sparkplug.schema import payload_class
from tests.integration.ingest.conftest import Stored
from tests.support.brokers import Broker, running
from tests.support.uplink import DEVICE, EPOCH, NOW_MS, block, dbirth, reading, topic
from tests.support.wire_gateway import WireGateway, gateway, numbered

PATIENCE_S = 60.0
FLOW, PRESSURE, STRANGE = 1, 2, 9
AHEAD = 600_000
YEAR_2099 = 4_070_908_800_000
AT = NOW_MS - 30 * 60_000
"""Half an hour before receipt; each case has its own minute from here on."""
POISON = 66_600
"""Counts of a value that this database refuses."""


@dataclass
class Road:
    """A gateway, and the next of its numbers."""

    edge: WireGateway
    broker: Broker
    next: int = 1

    async def send(self, readings: Sequence[BlockReading], *, device: str = DEVICE) -> None:
        """Delivers a block: it ends when its receipt is there."""
        first, self.next = self.next, self.next + len(readings)
        payload = block(readings, first=first)
        await self.edge.deliver(numbered([(first, self.next - 1, payload)]), device=device)

    async def send_metrics(self, metrics: Sequence[Metric], *, shown: int | None = None) -> None:
        """Delivers a block of any metrics, one number each; ``shown`` says that it has another number of readings."""
        first = self.next
        self.next += len(metrics) if shown is None else shown
        header = [
            Metric(name=name, datatype=DataType.UINT64, value=value)
            for name, value in (("Spool/Epoch", EPOCH), ("Spool/First", first), ("Spool/Last", self.next - 1))
        ]
        payload = encode(Payload(timestamp_ms=NOW_MS, metrics=(*header, *metrics)))
        await self.edge.deliver(numbered([(first, self.next - 1, payload)]))

    async def throw(self, payload: bytes, *, to: str | None = None) -> None:
        """Publishes something that no receipt will follow."""
        await self.edge.client.publish(to or topic("DDATA", DEVICE), payload)


Send = Callable[[Road], Awaitable[None]]
Row = tuple[int, int | None, int]
"""Milliseconds since ``AT``, steps, quality."""


@dataclass(frozen=True)
class Case:
    """One kind of bad input, and what becomes of it."""

    name: str
    send: Send
    rows: Sequence[Row] = ()
    letters: Sequence[str] = ()
    counters: Mapping[str, float | dict[str, float]] = field(default_factory=dict)
    """What the ingestor's counters rise by, besides ``messages`` and those that only count work."""


def minute(n: int, ms: int = 0) -> int:
    return AT + n * 60_000 + ms


def at(n: int, ms: int = 0) -> int:
    return n * 60_000 + ms


async def births_that_disagree(road: Road) -> None:
    twice = [birth_metric(name="a", alias=20), birth_metric(name="b", alias=20)]
    await road.throw(encode_dbirth(epoch=EPOCH, metrics=twice, seq=1, timestamp_ms=NOW_MS), to=topic("DBIRTH", "other"))
    await road.throw(dbirth({"flow_m3h": 30}), to=topic("DBIRTH", "third"))
    await road.throw(dbirth({"pressure_m": 30}), to=topic("DBIRTH", "third"))


async def no_topic(road: Road) -> None:
    """One that is no UTF-8 the broker takes for a fault of its sender; one that Sparkplug does not know comes through."""
    _, writer = await asyncio.open_connection("127.0.0.1", road.broker.port)
    writer.write(b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x02xy" + b"\x30\x0e\x00\x09spBv1\xff\xfe/x\x00ab")
    await writer.drain()
    writer.close()
    await road.throw(b"x", to=topic("NDATA") + "/more")


async def twice(road: Road) -> None:
    first = road.next
    await road.send([reading(1.0, at_ms=minute(11))])
    road.edge.receipt = None
    payload = block([reading(1.0, at_ms=minute(11))], first=first)
    await road.edge.deliver(numbered([(first, first, payload)]))


DEEP = b"\x93\x03" * 300 + b"\x94\x03" * 300
"""Groups within groups, deeper than any parser follows."""


async def send_type_mismatch(road: Road) -> None:
    await road.send_metrics([Metric(alias=FLOW, timestamp_ms=minute(2), datatype=DataType.INT32, value=5)])


async def seq_gaps(road: Road) -> None:
    """Sparkplug's own seq jumps and repeats: it says nothing of what is missing, the spool's numbers do."""
    for n, seq in enumerate((200, 3, 3)):
        message = payload_class().FromString(block([reading(1.0, at_ms=minute(20, n))], first=road.next))
        message.seq = seq
        await road.edge.deliver(numbered([(road.next, road.next, message.SerializeToString())]))
        road.next += 1


CASES = [
    Case(
        "NaN and infinity",
        lambda road: road.send([reading(float("nan"), at_ms=minute(1)), reading(float("-inf"), at_ms=minute(1, 1))]),
        rows=[(at(1), None, Quality.BAD), (at(1, 1), None, Quality.BAD)],
        counters={"stored": 2, "reading_rejected": {"nan": 2}},
    ),
    Case(
        "wrong datatype",
        send_type_mismatch,
        letters=["type_mismatch"],
        counters={"dead": 1, "dead_letters": {"type_mismatch": 1}},
    ),
    Case(
        "unknown alias",
        lambda road: road.send([reading(1.0, alias=99, at_ms=minute(3))]),
        letters=["unknown_alias"],
        counters={"dead": 1, "dead_letters": {"unknown_alias": 1}, "rebirths_asked": 1},
    ),
    Case(
        "duplicate aliases",
        births_that_disagree,
        letters=["alias_conflict", "bad_birth"],
        counters={"dead_letters": {"alias_conflict": 1, "bad_birth": 1}},
    ),
    Case(
        "clock far ahead, several readings",
        lambda road: road.send([reading(float(n), at_ms=NOW_MS + AHEAD + n * 1000) for n in range(3)]),
        rows=[(NOW_MS - AT - 2000 + n * 1000, n * 100, Quality.CLOCK) for n in range(3)],
        counters={"stored": 3, "clock_skew": 3, "clock_skew_seconds": {"demo/gw-north": 602}},
    ),
    Case(
        "a single reading of 2099",
        lambda road: road.send([reading(7.0, alias=PRESSURE, at_ms=YEAR_2099)]),
        rows=[(NOW_MS - AT, 700, Quality.CLOCK)],
        counters={"stored": 1, "clock_skew": 1, "clock_skew_seconds": {"demo/gw-north": (YEAR_2099 - NOW_MS) / 1000 - 602}},
    ),
    Case(
        "clock at 1970",
        lambda road: road.send([reading(1.0, at_ms=1000)]),
        letters=["late_reading"],
        counters={
            "dead": 1, "dead_letters": {"late_reading": 1}, "clock_skew_seconds": {"demo/gw-north": -(YEAR_2099 - NOW_MS) / 1000},
        },
    ),
    Case(
        "counter rollover: stored as it was read",
        lambda road: road.send([reading(99_999.5, at_ms=minute(9)), reading(0.5, at_ms=minute(9, 1))]),
        rows=[(at(9), 9_999_950, Quality.GOOD), (at(9, 1), 50, Quality.GOOD)],
        counters={"stored": 2},
    ),
    Case(
        "meter replaced: what the old one sends feeds no point any more",
        lambda road: road.send([reading(1.0, alias=STRANGE + 1, at_ms=minute(10))], device="old"),
        letters=["unknown_metric"],
        counters={"dead": 1, "dead_letters": {"unknown_metric": 1}},
    ),
    Case("duplicate", twice, rows=[(at(11), 100, Quality.GOOD)], counters={"stored": 1, "skipped": 1}),
    Case(
        "same point and time, other value",
        lambda road: road.send([reading(2.0, at_ms=minute(11))]),
        letters=["conflict"],
        counters={"dead": 1, "dead_letters": {"conflict": 1}},
    ),
    Case(
        "out of order",
        lambda road: road.send([reading(1.0, at_ms=AT - LATE_MS)]),
        rows=[(-LATE_MS, 100, Quality.GOOD)],
        counters={"stored": 1, "late_readings": 1},
    ),
    Case(
        "negative flow: legal here, suspect there, never clipped",
        lambda road: road.send([reading(-1.5, at_ms=minute(13)), reading(-2.5, alias=PRESSURE, at_ms=minute(13))]),
        rows=[(at(13), -150, Quality.GOOD), (at(13), -250, Quality.SUSPECT)],
        counters={"stored": 2, "negative_flow": 1},
    ),
    Case(
        "unknown device",
        lambda road: road.send([reading(1.0, alias=STRANGE, at_ms=minute(14))], device="stranger"),
        letters=["unknown_device"],
        counters={"dead": 1, "dead_letters": {"unknown_device": 1}},
    ),
    Case(
        "giant payload",
        lambda road: road.throw(bytes(1_500_000)),
        letters=["oversize"],
        counters={"dead_letters": {"oversize": 1}},
    ),
    Case(
        "truncated, and nested deeply",
        lambda road: _both(road, block([reading(1.0)], first=10**6)[:-20], DEEP),
        letters=["decode_error", "decode_error"],
        counters={"dead_letters": {"decode_error": 2}},
    ),
    Case("a topic that is none", no_topic, letters=["bad_topic"], counters={"dead_letters": {"bad_topic": 1}}),
    Case(
        "numbers that do not fit the readings",
        lambda road: road.send_metrics([Metric(alias=FLOW, timestamp_ms=minute(18), datatype=DataType.DOUBLE, value=1.0)], shown=3),
        letters=["bad_block"],
        counters={"dead": 3, "dead_letters": {"bad_block": 3}},
    ),
    Case(
        "a row that the database refuses",
        lambda road: road.send([reading(v, at_ms=minute(19, n)) for n, v in enumerate((1.0, POISON / 100, 2.0))]),
        rows=[(at(19), 100, Quality.GOOD), (at(19, 2), 200, Quality.GOOD)],
        letters=["sql_rejected"],
        counters={"stored": 2, "dead": 1, "dead_letters": {"sql_rejected": 1}},
    ),
    Case("gaps in Sparkplug's seq", seq_gaps, rows=[(at(20, n), 100, Quality.GOOD) for n in range(3)], counters={"stored": 3}),
]  # fmt: skip


async def _both(road: Road, *payloads: bytes) -> None:
    for payload in payloads:
        await road.throw(payload)


WORK = {"messages", "ignored", "dropped", "batches", "storage_retries", "backlog_rows"}
"""Counters of work that depends on how messages fall into batches, and on what is sent again."""


def risen(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What the counters rose by, without those that did not."""
    changes: dict[str, Any] = {}
    for key in after.keys() - WORK:
        if isinstance(after[key], dict):
            inner = {label: n - before[key].get(label, 0) for label, n in after[key].items()}
            changes[key] = {label: n for label, n in inner.items() if n}
        else:
            changes[key] = after[key] - before[key]
    return {key: change for key, change in changes.items() if change}


class Looking:
    """What is new in the database since the last look."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._seen: set[tuple[Any, ...]] = set()
        self._letters = 0

    async def rows(self) -> list[Row]:
        """New rows by time."""
        query = "SELECT point_id, (extract(epoch FROM time) * 1000)::int8, value, quality FROM reading ORDER BY time, point_id"
        found = [tuple(row) for row in await self._stored.fetch(query)]
        new = [row for row in found if row not in self._seen]
        self._seen |= set(found)
        return [(time_ms - AT, value, quality) for _, time_ms, value, quality in new]

    async def letters(self, wanted: int) -> list[str]:
        """Reasons of new letters; waits until there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await self._stored.fetch("SELECT reason FROM dead_letter ORDER BY id")
                if len(found) >= self._letters + wanted:
                    break
                await asyncio.sleep(0.02)
        new, self._letters = found[self._letters :], len(found)
        return sorted(reason for (reason,) in new)


async def test_every_kind_of_bad_input_ends_as_the_table_says(stored: Stored, tmp_path: Path) -> None:
    await stored.looking.execute("UPDATE point SET low = 0 WHERE key = 'upper.low'")
    await stored.looking.execute("UPDATE point SET low = NULL, high = NULL WHERE key = 'upper.flow'")
    await stored.looking.execute(f"ALTER TABLE reading ADD CHECK (value <> {POISON})".encode())
    await stored.looking.execute("INSERT INTO device SELECT edge, 'old', model, unit_id, period_s FROM device")
    await stored.looking.execute(
        """INSERT INTO channel (edge, device, metric, point_id, valid_to)
           SELECT edge, 'old', metric, point_id, '2026-01-02' FROM channel WHERE metric = 'flow_m3h'"""
    )
    births = {
        DEVICE: {"flow_m3h": FLOW, "pressure_m": PRESSURE},
        "stranger": {"flow_m3h": STRANGE},
        "old": {"flow_m3h": STRANGE + 1},
    }
    wrong: list[str] = []
    async with running("mosquitto", tmp_path) as broker:
        settings = IngestSettings.model_validate({"broker": {"port": broker.port}, "batch": {"wait_s": 0.02}})
        service = IngestService(stored.store, settings, WallClock(wall=lambda: NOW_MS / 1000))
        stop = asyncio.Event()
        task = asyncio.create_task(service.run(stop))
        async with asyncio.timeout(PATIENCE_S):
            await service.connected.wait()
        async with gateway(broker, births=births, resend_s=PATIENCE_S) as edge:
            await edge.born()
            road, looking, before = Road(edge, broker), Looking(stored), service.snapshot()
            for case in CASES:
                await case.send(road)
                letters = await looking.letters(len(case.letters))
                rows = await looking.rows()
                async with asyncio.timeout(PATIENCE_S):
                    while sum_of(risen(before, service.snapshot())) < sum_of(case.counters):
                        await asyncio.sleep(0.02)
                counted = risen(before, before := service.snapshot())
                expected = (sorted(case.rows), sorted(case.letters), dict(case.counters))
                if (sorted(rows, key=str), letters, counted) != (sorted(case.rows, key=str), *expected[1:]):
                    wrong.append(f"{case.name}:\n  {rows}, {letters}, {counted}\n  expected {expected}")
            await road.send([reading(1.0, at_ms=minute(25))])
            assert not task.done()
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)
    assert not wrong, "\n".join(wrong)
    assert await stored.fetch("SELECT stored + dead + dropped + repeated FROM ledger") == [(road.next - 1,)]


def sum_of(counters: Mapping[str, Any]) -> float:
    """All counts of one look, of labels too; a gauge that falls counts as nothing."""
    return sum(sum_of(n) if isinstance(n, dict) else max(0.0, n) for n in counters.values())
