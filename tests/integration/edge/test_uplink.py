"""Readings cross a real broker, and whatever dies or is lost, each arrives and none is counted twice."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np

from domain.clock import WallClock
from edge.feeder import Feeder
from edge.settings import BrokerSettings
from protocols.sparkplug.births import encode_state
from protocols.sparkplug.topics import MessageType
from tests.support.mosquitto import Mosquitto
from tests.support.receiver import Receiver

T0 = 1_700_000_000_000
EDGE = "replay/csv"


def feeder(folder: Path, broker: Mosquitto, **settings: float) -> Feeder:
    return Feeder(
        group="replay",
        node="csv",
        state_dir=folder,
        broker=BrokerSettings(host="127.0.0.1", port=broker.port),
        clock=WallClock(wall=time.time),
        block_readings=20,
        resend_s=float(settings.get("resend_s", 0.3)),
        window_blocks=int(settings.get("window_blocks", 16)),
    )


def series(n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    times = T0 + np.arange(n, dtype=np.int64) * 1000
    return {"flow_m3h": (times, np.arange(n) * 0.5), "pressure_m": (times, np.where(np.arange(n) % 7 == 0, np.nan, 30.0))}


async def test_every_reading_arrives_once_and_as_it_was(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    async with feeder(tmp_path / "spool", broker) as feed:
        assert await feed.append("series", series(500), key="a") == 1000
        stats = await feed.drain()
    assert (stats.spooled, stats.acked, stats.depth_readings) == (1000, 1000, 0)
    assert sorted(n for _, n in centre.readings) == list(range(1, 1001))
    got = {
        (centre.aliases[EDGE, m.alias or 0], m.timestamp_ms): None if m.is_null else m.value for _, m in centre.readings.values()
    }
    assert got[("series", "flow_m3h"), T0 + 499_000] == 249.5
    assert got[("series", "pressure_m"), T0 + 7000] is None
    assert got[("series", "pressure_m"), T0 + 8000] == 30.0
    assert all(m.is_historical for _, m in centre.readings.values())
    assert len(got) == 1000


async def test_births_come_first_and_seq_has_no_hole(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    async with feeder(tmp_path / "spool", broker) as feed:
        await feed.append("series", series(3000), key="a")
        await feed.drain()
        seen = [s for s in centre.seen if s.topic.message_type is not MessageType.NDEATH]
        assert seen[0].topic.message_type is MessageType.NBIRTH
        assert seen[1].topic.message_type is MessageType.DBIRTH
        assert [s.payload.seq for s in seen] == [i % 256 for i in range(len(seen))]
        assert len(seen) > 256
    await centre.until(lambda: len(centre.of(MessageType.NDEATH)) == 1)
    death, birth = centre.of(MessageType.NDEATH)[0], seen[0]
    assert death.payload.metrics[0].value == next(m.value for m in birth.payload.metrics if m.name == "bdSeq")


async def test_nothing_leaves_beyond_the_window_while_receipts_do_not_come(
    tmp_path: Path, broker: Mosquitto, centre: Receiver
) -> None:
    centre.receipts = False
    async with feeder(tmp_path / "spool", broker, window_blocks=8) as feed:
        await feed.append("series", series(500), key="a")
        await centre.until(lambda: len(centre.of(MessageType.DDATA)) >= 20)  # 8 blocks, and resends of the same
        assert len(centre.readings) == 8 * 20
        centre.receipts = True
        stats = await feed.drain()
    assert stats.acked == 1000


async def test_a_block_that_is_lost_is_sent_again(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    attempts: dict[int, int] = {}

    def lose(first: int) -> bool:
        attempts[first] = attempts.get(first, 0) + 1
        return first % 3 == 0 and attempts[first] <= 2

    centre.lose = lose
    async with feeder(tmp_path / "spool", broker) as feed:
        await feed.append("series", series(300), key="a")
        await feed.drain()
    assert len(centre.readings) == 600
    assert max(attempts.values()) >= 3


async def test_the_broker_may_die_and_forget(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    async with feeder(tmp_path / "spool", broker, window_blocks=4) as feed:
        await feed.append("series", series(4000), key="a")
        await centre.until(lambda: len(centre.readings) > 1000)
        broker.kill()
        await asyncio.to_thread(broker.start)
        await feed.drain()
    assert sorted(n for _, n in centre.readings) == list(range(1, 8001))
    births = centre.of(MessageType.NBIRTH)
    assert [next(m.value for m in b.payload.metrics if m.name == "bdSeq") for b in births] == [0, 1]


async def test_a_restart_goes_on_and_a_second_append_adds_nothing(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    centre.receipts = False
    async with feeder(tmp_path / "spool", broker) as feed:
        assert await feed.append("series", series(200), key="a") == 400
        await centre.until(lambda: len(centre.readings) > 0)
    centre.receipts = True
    async with feeder(tmp_path / "spool", broker) as feed:
        assert await feed.append("series", series(200), key="a") == 0
        stats = await feed.drain()
    assert stats.spooled == 400
    assert sorted(n for _, n in centre.readings) == list(range(1, 401))


async def test_births_are_sent_again_on_request(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    async with feeder(tmp_path / "spool", broker) as feed:
        await feed.append("series", series(10), key="a")
        await feed.drain()
        before = len(centre.of(MessageType.NBIRTH))
        await centre.rebirth(EDGE)
        await centre.until(lambda: len(centre.of(MessageType.NBIRTH)) == before + 1)
        await centre.until(lambda: centre.seen[-1].topic.message_type is MessageType.DBIRTH)
        assert centre.of(MessageType.NBIRTH)[-1].payload.seq == 0


async def test_data_are_held_while_the_host_says_it_is_away(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    assert centre._client is not None
    await centre._client.publish("spBv1.0/STATE/khettara", encode_state(False, 1000), qos=1, retain=True)
    async with feeder(tmp_path / "spool", broker) as feed:
        await centre.until(lambda: len(centre.of(MessageType.NBIRTH)) == 1)
        await feed.append("series", series(50), key="a")
        await centre.rebirth(EDGE)  # answered while held: the sender is at work, and still sends no data
        await centre.until(lambda: len(centre.of(MessageType.NBIRTH)) == 2)
        assert centre.of(MessageType.DDATA) == []
        await centre._client.publish("spBv1.0/STATE/khettara", encode_state(True, 2000), qos=1, retain=True)
        await feed.drain()
    assert len(centre.readings) == 100


async def test_a_database_restored_from_a_backup_is_refilled(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    async with feeder(tmp_path / "spool", broker) as feed:
        await feed.append("series", series(200), key="a")
        await feed.drain()
        centre.committed[EDGE] = set(range(1, 101))
        centre.readings = {key: value for key, value in centre.readings.items() if key[1] <= 100}
        await feed.append("series", series(100), key="b")  # ten blocks: their receipts tell of the hole
        await centre.until(lambda: len(centre.readings) == 600)
        stats = await feed.drain()
    assert (stats.spooled, stats.acked, stats.dropped) == (600, 600, 0)
