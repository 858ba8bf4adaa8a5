"""The benchmarks run, on few readings, and what they measure is true; how fast it is they only tell."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from app.bench.freshness import bench_freshness
from app.bench.ingest import bench_ingest, connected, deliver, describe
from app.bench.outage import bench_outage
from app.bench.processes import children
from app.bench.raw import check_same, prepare, raw_copy, rows_of
from app.bench.stand import Stand, running_stand
from app.bench.traffic import PERIOD_MS, Fleet, Traffic

STAGES = {"encode", "decode", "buffer", "write"}


@pytest.mark.parametrize("broker", ["embedded", pytest.param("mosquitto", marks=pytest.mark.slow)])
def test_bench_ingest_reports_rates_of_rows_that_arrived(broker: str) -> None:
    figures = bench_ingest(readings=10_000, broker=broker, workers=1, rounds=1)
    assert figures["rows_checked"] == 2 * (10_000 + 200), "warm-up and round, of blocks and of single readings, row by row"
    for key in ("end_to_end_rows_s", "raw_copy_rows_s", "ratio", "single_reading_msgs_s"):
        assert figures[key] > 0, key
    assert set(figures["stages"]) == STAGES
    assert all(rate > 0 for rate in figures["stages"].values())
    assert len(describe(figures)) > 5


def test_two_workers_share_the_work_and_one_that_is_killed_comes_back() -> None:
    fleet = Fleet(gateways=4, devices=5, metrics=4)
    start_ms = int(time.time() * 1000) // PERIOD_MS * PERIOD_MS - 10 * 86_400_000
    with running_stand(fleet, broker="mosquitto") as stand:
        prepare(stand, start_ms, start_ms + 86_400_000)
        stand.start_ingest(2)
        stand.wait_connected(2)
        asyncio.run(_deliver_with_a_kill(stand, Traffic(fleet, start_ms=start_ms)))
        counters = stand.stop_ingest()
        assert len(counters) == 2, "the newcomer and the survivor stopped in order"
        assert all(worker["stored"] > 0 for worker in counters)
        assert check_same(stand) == 3 * 2000


async def _deliver_with_a_kill(stand: Stand, traffic: Traffic) -> None:
    gateways = await connected(stand)
    parent = stand.services.children["ingest"].pid
    for number in range(3):
        part = traffic.round(messages=100, per_message=20)
        await deliver(stand, gateways, part)
        raw_copy(stand, rows_of(part, stand.point_ids), batch=1000)
        if number == 0:
            os.kill(children(parent)[0], signal.SIGKILL)
            stand.wait_connected(3)  # three lives in all
    gateways.close()


def test_bench_freshness_sees_every_block_that_was_read() -> None:
    figures = bench_freshness(rate=500, seconds=2, broker="embedded")
    assert figures["blocks_watched"] == figures["blocks_read"] > 0
    assert figures["blocks_without_receipt"] == 0
    assert 0 < figures["p50_s"] <= figures["p99_s"] <= figures["max_s"]


@pytest.mark.slow
def test_a_dead_database_is_made_good_and_fills_no_memory() -> None:
    figures = bench_outage(rate=3000, seconds=20, broker="embedded")
    assert figures["stored_as_read"]
    assert figures["blocks_without_receipt"] == 0
    assert figures["backlog_readings"] > 30_000
    assert figures["memory_growth"]["together_mb"] < 20
