"""Dead letters come back exactly once, and the ledger's sums stay exact."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.deadletters import ReplayReport, letter_filter, replay, run_list, run_replay
from domain.delivery import BlockRows, DeadLetter
from domain.errors import StorageError
from ingest.settings import IngestSettings
from storage.database import Database
from storage.dead_letters import LetterFilter, PostgresDeadLetters
from storage.ingest import PostgresIngestStore
from storage.roles import Role
from tests.support.dead_letters import Town
from tests.support.stored_town import block as rows
from tests.support.uplink import EDGE, NOW_MS, STREAM, block, reading, series, topic

STRANGER = topic("DDATA", "meter-2")
KNOWN = topic("DDATA", "meter-1")


async def run(town: Town, **which: Any) -> ReplayReport:
    async with Database(town.database.dsn(Role.INGEST), size=2) as pool:
        return await replay(pool, town.settings, LetterFilter(**which))


async def test_an_adopted_device_gets_its_readings_back_once(town: Town) -> None:
    await town.take(
        (KNOWN, block(series(20))),
        (STRANGER, block(series(30, first=21, alias=11), first=21)),
        (STRANGER, block(series(10, first=51, alias=11), first=51)),
        (KNOWN, block(series(5, first=61), first=61)),
    )
    assert await town.sums() == (65, 25, 0, 40, 40)
    before = await town.everything()
    early = await run(town)
    assert (early.replayed, early.still_dead) == (0, {"unknown_device": 2})
    assert await town.everything() == before, "nothing was repaired, nothing changes"

    await town.adopt("meter-2")
    report = await run(town)
    assert (report.messages, report.replayed, report.stored, report.repeated) == (2, 2, 40, 0)
    assert not report.dead_again
    assert await town.sums() == (65, 65, 0, 0, 0)
    assert await town.fetch("SELECT key, count(*) FROM reading JOIN point USING (point_id) GROUP BY 1 ORDER BY 1") == [
        ("lower.flow", 40),
        ("upper.flow", 25),
    ]
    assert await town.fetch("SELECT count(*) FROM dead_letter WHERE replayed_at IS NULL") == [(0,)]
    assert await town.fetch("SELECT rows_stored, dead_letters FROM v_gateway") == [(65, 0)]

    after = await town.everything()
    again = await run(town)
    assert (again.messages, again.stored) == (0, 0)
    await town.take((STRANGER, block(series(30, first=21, alias=11), first=21)), births=False)
    assert await town.everything() == after, "neither a second replay nor a resend changes anything"


async def test_what_is_still_wrong_gets_letters_of_its_own(town: Town) -> None:
    later = NOW_MS - 30_000
    mixed = block(
        [reading(1.0, alias=12), reading(2.0, alias=11), reading(3.0, alias=11, at_ms=1000), reading(4.0, alias=12, at_ms=later)]
    )
    await town.take((STRANGER, mixed))
    assert await town.sums() == (4, 0, 0, 4, 4)
    await town.adopt("meter-2")
    report = await run(town)
    assert (report.stored, dict(report.dead_again)) == (1, {"unknown_metric": 2, "late_reading": 1})
    assert await town.sums() == (4, 1, 0, 3, 3)
    assert await town.fetch(
        "SELECT reason, first, last, payload_size > 0 FROM dead_letter WHERE replayed_at IS NULL ORDER BY first"
    ) == [
        ("unknown_metric", 1, 1, True),
        ("late_reading", 3, 3, False),
        ("unknown_metric", 4, 4, False),
    ]
    await town.adopt("meter-2", flow_m3h="lower.flow", spare_m3h="plant.flow")
    report = await run(town, reason="unknown_metric")
    assert (report.stored, dict(report.dead_again)) == (2, {"late_reading": 1})
    assert await town.sums() == (4, 3, 0, 1, 1)
    before = await town.everything()
    assert dict((await run(town)).still_dead) == {"late_reading": 1}
    assert await town.everything() == before


async def test_rows_that_are_there_already_count_as_repeated_others_as_conflict(town: Town) -> None:
    at_ms = NOW_MS - 60_000
    await town.take((STRANGER, block([reading(7.0, alias=11, at_ms=at_ms), reading(8.0, alias=11, at_ms=at_ms + 1000)])))
    await town.adopt("meter-2")
    point = (await town.fetch("SELECT point_id FROM point WHERE key = 'lower.flow'"))[0][0]
    async with Database(town.database.dsn(Role.INGEST)) as pool:
        await PostgresIngestStore(pool).write(
            [rows([1, 2], stream=None, point_id=point, times_ms=[at_ms, at_ms + 1000], counts=[700, 900], edge="x")]
        )
    report = await run(town)
    assert (report.replayed, report.stored, report.repeated, dict(report.dead_again)) == (1, 0, 1, {"conflict": 1})
    assert await town.sums() == (2, 0, 1, 1, 1)
    again = await run(town)
    assert (again.stored, dict(again.cannot)) == (0, {"no message is kept with it": 1})


async def test_device_clocks_are_judged_by_the_time_of_receipt(town: Town) -> None:
    await town.take((STRANGER, block([reading(7.0, alias=11, at_ms=NOW_MS + 3_600_000)])))
    await town.adopt("meter-2")
    assert (await run(town)).stored == 1
    assert await town.fetch("SELECT time, quality FROM reading") == [(datetime.fromtimestamp(NOW_MS / 1000, UTC), 4)]


async def test_a_cut_message_says_that_it_cannot(town: Town) -> None:
    large = block(series(6000, alias=11))
    assert len(large) > 65_536
    await town.take((STRANGER, large))
    await town.adopt("meter-2")
    before = await town.everything()
    report = await run(town)
    assert dict(report.cannot) == {"the message was cut to 64 KiB": 1}
    assert await town.everything() == before


async def test_messages_without_numbers_come_back_too(town: Town) -> None:
    good = block(series(3))
    async with Database(town.database.dsn(Role.INGEST)) as pool:
        kept = DeadLetter(edge=EDGE, reason="internal_error", detail="x", topic=KNOWN, payload=good, received_ms=NOW_MS)
        cut_short = DeadLetter(edge=EDGE, reason="decode_error", detail="x", topic=KNOWN, payload=good[:-5], received_ms=NOW_MS)
        await town.take()
        await PostgresIngestStore(pool).dead_letters([kept, cut_short])
    report = await run(town)
    assert (report.replayed, report.stored, dict(report.still_dead)) == (1, 3, {"decode_error": 1})
    assert await town.sums() == (3, 3, 0, 0, 0)


async def test_one_of_two_strangers_in_one_message_comes_back_alone(town: Town) -> None:
    rule = {"name": "flow_m3h", "path": "/f"}
    source = {"name": "scada", "format": "json", "topic": "scada", "records": "", "device": "/d", "metric": [rule]}
    town.settings = IngestSettings.model_validate({"foreign": [source]})
    await town.take(("scada", b'[{"d": "meter-2", "f": 1}, {"d": "meter-3", "f": 2}]'), births=False)
    before = await town.everything()
    assert dict((await run(town)).still_dead) == {"unknown_device": 1}
    assert await town.everything() == before
    town.gateways.append({"node": "scada", "group": "mqtt", "name": "SCADA"})
    await town.adopt("meter-2", gateway="scada")
    report = await run(town)
    assert (report.stored, dict(report.dead_again)) == (1, {"unknown_device": 1})
    before = await town.everything()
    assert (await run(town)).replayed == 0
    assert await town.everything() == before
    await town.adopt("meter-3", gateway="scada", flow_m3h="plant.flow")
    report = await run(town)
    assert (report.replayed, report.stored, report.repeated, dict(report.dead_again)) == (1, 1, 1, {})


async def test_two_replays_at_once_store_once(town: Town) -> None:
    await town.take(*((STRANGER, block(series(5, first=n, alias=11), first=n)) for n in range(1, 200, 5)))
    await town.adopt("meter-2")
    reports = await asyncio.gather(*(run(town) for _ in range(3)))
    assert sum(report.stored for report in reports) == 200
    assert sum(report.replayed for report in reports) == 40
    assert await town.sums() == (200, 200, 0, 0, 0)


async def test_letters_that_overlap_are_cut_apart_when_they_are_written(town: Town) -> None:
    await town.take((STRANGER, block(series(10, first=11, alias=11), first=11)))
    await town.take((STRANGER, block(series(30, first=1, alias=11))), births=False)
    assert await town.sums() == (30, 0, 0, 30, 30)
    assert await town.fetch("SELECT first, last, payload_size > 0 FROM dead_letter ORDER BY id") == [
        (11, 20, True),
        (1, 10, True),
        (21, 30, False),
    ]
    await town.adopt("meter-2")
    assert (await run(town)).stored == 30
    assert await town.sums() == (30, 30, 0, 0, 0)


async def test_nothing_moves_where_letters_and_ledger_disagree(town: Town) -> None:
    await town.take((STRANGER, block(series(5, alias=11))))
    await town.adopt("meter-2")
    await town.fetch("UPDATE ledger SET dead = 4, repeated = 1 RETURNING dead")
    before = await town.everything()
    report = await run(town)
    assert dict(report.still_dead) == {"sql_rejected": 1}
    assert "cover 5 numbers, its ledger counts 4" in report.details["sql_rejected"]
    assert await town.everything() == before


async def test_a_message_that_lacks_numbers_of_its_letters_is_refused(town: Town) -> None:
    await town.take((STRANGER, block(series(5, alias=11))))
    async with Database(town.database.dsn(Role.INGEST)) as pool:
        store, letters = PostgresIngestStore(pool), PostgresDeadLetters(pool)
        (kept,) = await letters.messages(LetterFilter())
        part: BlockRows = rows([1, 2], stream=STREAM)
        with pytest.raises(StorageError, match=r"does not hold numbers \{\[3,6\)\}"):
            await store.replay(kept.ids, part)
    assert await town.sums() == (5, 0, 0, 5, 5)


def test_the_command_line_lists_and_replays(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(town.take((STRANGER, block(series(30, alias=11)))))
    config = tmp_path / "ingest.toml"
    config.write_text(f'[site]\nfolder = "."\n[database]\ndsn = "{town.database.dsn(Role.INGEST)}"\n')
    run_list(None, config, letter_filter(None, EDGE, "2026-01-01"), as_json=True, console=Console())
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["reason"], row["edge"], row["letters"], row["readings"], row["kept"]) == ("unknown_device", EDGE, 1, 30, 1)
    assert row["first_at"] == datetime.fromtimestamp(NOW_MS / 1000, UTC).isoformat()
    assert "meter-2" in row["detail"]
    run_list(None, config, letter_filter("conflict", None, None), as_json=True, console=Console())
    assert json.loads(capsys.readouterr().out) == []
    asyncio.run(town.adopt("meter-2"))
    run_replay(None, config, letter_filter("unknown_device", None, None), as_json=False, console=Console(width=200))
    assert capsys.readouterr().out == "1 messages looked at, 1 letters replayed: 30 readings stored, 0 were there already\n"
