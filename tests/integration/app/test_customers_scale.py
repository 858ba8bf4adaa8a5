"""A look at customers' meters finds the same through a database as without, leak by leak, and its reading is timed apart."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.leak_customers_scale import START, CustomerScale, measure_customers
from leak_detection.customer_settings import HISTORY_DAYS, TICK_H

METERS, LOOKS = 100, 4
_FIRST_LOOK = START + timedelta(days=HISTORY_DAYS + 7)


def _leaks(seen: CustomerScale) -> list[tuple[str, str, datetime, datetime, datetime | None, int]]:
    return [(f.meter, f.kind.value, f.since, f.found_at, f.ended_at, f.lasted_h) for f in seen.findings]


def test_what_is_found_by_stored_registers_is_what_is_found_by_the_registers_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.leak_customers_scale._LEAKING", 0.9)  # enough that some are found at these looks
    stored, computed = measure_customers(METERS, LOOKS, database=True), measure_customers(METERS, LOOKS)
    assert _leaks(stored) == _leaks(computed)
    assert [f.flow_m3h for f in stored.findings] == pytest.approx([f.flow_m3h for f in computed.findings], rel=1e-6)
    assert [f.usual_m3h for f in stored.findings] == pytest.approx([f.usual_m3h for f in computed.findings], rel=1e-6, abs=1e-9)
    assert any(f.found_at > _FIRST_LOOK for f in stored.findings), "some by what was read from the database"
    assert max(f.seen_at for f in stored.findings) >= _FIRST_LOOK + timedelta(hours=TICK_H * (LOOKS - 1))
    assert stored.state_mb == computed.state_mb, "not a number that is remembered differs in length"
    assert stored.rows >= METERS * 120
    assert all(0 < read < took for read, took in zip(stored.reading_s, stored.looks_s, strict=True))
    assert computed.reading_s == ()
