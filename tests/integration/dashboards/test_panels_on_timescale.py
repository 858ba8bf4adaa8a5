"""The same panels on a real TimescaleDB, with its own time buckets."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from dashboards.build import built
from dashboards.execute import run_panels
from dashboards.macros import TimeRange
from storage.migrate import migrate
from tests.integration.dashboards.conftest import END, fill
from tests.support.timescale_server import timescale, wipe

__all__ = ["timescale"]

pytestmark = pytest.mark.timescale


async def test_every_panel_answers_on_timescaledb(timescale: str) -> None:
    wipe(timescale)
    await migrate(timescale)
    await fill(timescale)
    ranges = [TimeRange(start=END - timedelta(hours=hours), end=END) for hours in (24, 30 * 24)]
    with psycopg.connect(timescale, autocommit=True) as connection:
        hypertables = connection.execute("SELECT count(*) FROM timescaledb_information.hypertables").fetchone()
        results = run_panels(connection, built(), ranges, [{}], timeout_s=60, timescale=True)
    assert hypertables == (1,)
    assert [str(result) for result in results if result.error or result.rows == 0] == []
