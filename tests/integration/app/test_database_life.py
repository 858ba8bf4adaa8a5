"""The centre's turns over the rollups and the retention, and the same by hand."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from app.database import save_retention
from app.database_life import DatabaseLife, part_lines, refresh_all, retain_all, run_refresh, run_retain
from app.db_tools import as_lines, status_of
from app.settings import RetentionSettings
from domain.clock import WallClock
from storage.database import Database
from storage.roles import Role
from tests.support.dead_letters import Town
from tests.support.uplink import NOW_MS, block, series, topic

NOW_S = NOW_MS / 1000


@pytest.fixture
def config(town: Town, tmp_path: Path) -> Path:
    path = tmp_path / "centre.toml"
    path.write_text(f'[site]\nfolder = "."\n[database]\ndsn = "{town.database.dsn()}"\n')
    return path


async def fill(town: Town) -> None:
    await town.take((topic("DDATA", "meter-1"), block(series(100))))


async def test_the_centres_turn_leaves_nothing_behind(town: Town) -> None:
    await fill(town)
    before = (await status_of(town.database.dsn())).life
    assert before is not None
    assert before.lag.marks > 0
    async with Database(town.database.dsn(Role.ANALYTICS), size=1) as analytics:
        life = DatabaseLife(analytics, WallClock(wall=lambda: NOW_S + 3 * 86_400))
        await life.refresh()
        await life.retain(datetime.fromtimestamp(NOW_S, UTC))
    status = await status_of(town.database.dsn())
    assert status.life is not None
    assert (status.life.lag.marks, status.life.lag.behind, status.life.expired) == (0, timedelta(0), ())
    assert [(part.name, part.parts > 0, part.bytes > 0) for part in status.life.classes] == [
        (name, True, True) for name in ("reading", "15min", "hour", "day")
    ]
    text = "\n".join(as_lines(status))
    assert "0 h behind the newest reading; nothing waits" in text
    assert "readings kept 730 days; nothing is older" in text
    assert "kept for ever" in text


async def test_settings_put_the_limits_into_the_database(town: Town) -> None:
    assert await save_retention(town.database.dsn(), RetentionSettings()) is None
    said = await save_retention(town.database.dsn(), RetentionSettings(raw_days=60, quarter_hour_days=90, hour_days=0))
    assert said == "retention: raw 60 days, quarter_hour 90 days, hour for ever, day for ever"
    status = await status_of(town.database.dsn())
    assert status.life is not None
    assert (status.life.retention.raw_days, status.life.retention.day_days) == (60, None)


async def test_by_hand(town: Town) -> None:
    await fill(town)
    at = datetime.fromtimestamp(NOW_S, UTC)
    done = await refresh_all(town.database.dsn(), at + timedelta(days=2))
    assert done.written > 0
    assert done.waiting == 0
    assert await retain_all(town.database.dsn(), at, dry_run=True) == ()
    assert part_lines(()) == ["nothing is older than it is kept"]


def test_commands(town: Town, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(fill(town))
    run_refresh(None, config, as_json=False, console=Console(width=200))
    assert "rows of rollups written in 1 steps; nothing waits" in capsys.readouterr().out
    run_refresh(None, config, as_json=True, console=Console())
    assert json.loads(capsys.readouterr().out)["written"] == 0
    run_retain(None, config, dry_run=True, as_json=True, console=Console())
    assert json.loads(capsys.readouterr().out) == []
    run_retain(None, config, dry_run=False, as_json=False, console=Console(width=200))
    assert "nothing is older" in capsys.readouterr().out
