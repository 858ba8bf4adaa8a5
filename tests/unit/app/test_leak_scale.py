"""The measurement of scale runs the service and says what it cost; memory and time belong to the benchmark, not to this test."""

from __future__ import annotations

from app.leak_scale import measure


async def test_a_small_town_is_measured() -> None:
    found = await measure(3, step_s=3600, ticks=7, history_days=8)
    assert found.zones == 3
    assert len(found.ticks_s) == len(found.ticks_cpu_s) == 7
    assert 0 < found.worst_s < found.start_s * 50
    assert found.peak_mb > 0
