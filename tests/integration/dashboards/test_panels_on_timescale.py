"""The same panels on a real TimescaleDB, with its own time buckets."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from dashboards.build import load_all
from dashboards.execute import FOLDER, run_panels
from dashboards.macros import TimeRange
from storage.migrate import migrate
from tests.integration.dashboards.conftest import END, fill
from tests.support.timescale_server import timescale, wipe

__all__ = ["timescale"]

pytestmark = pytest.mark.timescale


@pytest.mark.parametrize(
    "hours", [[7 * 24], pytest.param([24, 30 * 24], marks=pytest.mark.slow)], ids=["a week", "a day and a month"]
)
async def test_every_panel_answers_on_timescaledb(timescale: str, hours: list[int]) -> None:
    wipe(timescale)
    await migrate(timescale)
    await fill(timescale)
    ranges = [TimeRange(start=END - timedelta(hours=back), end=END) for back in hours]
    with psycopg.connect(timescale, autocommit=True) as connection:
        hypertables = connection.execute("SELECT count(*) FROM timescaledb_information.hypertables").fetchone()
        results = run_panels(connection, load_all(FOLDER), ranges, [{}], timeout_s=60, timescale=True)
    assert hypertables == (1,)
    assert [str(result) for result in results if result.error or result.rows == 0] == []
