"""Ten real metered areas of 27 months: findings are few, and days whose clock changes raise none."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from app.leaks_run import ReplayOutputs, run_replay
from domain.calendar import Calendar
from tests.support.shared_data import shared

MAP = Path(__file__).resolve().parents[3] / "sites" / "bwdf" / "map.toml"
MONTHS = 820 / 30.44


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_real_zones_raise_at_most_a_quarter_of_a_finding_a_month(tmp_path: Path) -> None:
    file = shared("data", "bwdf", "bwdf_dma_inflow_hourly.csv.gz")
    kept = tmp_path / "findings.json"
    outputs = ReplayOutputs(alarms=tmp_path / "alarms.csv", findings=kept)
    run_replay(file, outputs, points=MAP, scheduler="processes:2", quiet=True, console=Console())
    findings = json.loads(kept.read_text())["findings"]
    assert findings
    assert len(findings) <= 0.25 * 10 * MONTHS
    calendar = Calendar(timezone="Europe/Rome")
    days = [datetime.fromisoformat(f["found_at"]).astimezone(ZoneInfo("Europe/Rome")).date() for f in findings]
    assert not any(calendar.clock_changes(day) for day in days)
    assert all(f["evidence"] for f in findings)
