"""A look at customers' meters finds the same through a database as without, and its reading is timed apart."""

from __future__ import annotations

from app.leak_customers_scale import measure_customers


def test_what_is_found_by_stored_registers_is_what_is_found_by_the_registers_themselves() -> None:
    stored, computed = measure_customers(260, 2, database=True), measure_customers(260, 2)
    assert stored.found == computed.found > 0
    assert stored.state_mb == computed.state_mb, "not a number that is remembered differs in length"
    assert stored.rows >= 260 * 120
    assert all(0 < read < took for read, took in zip(stored.reading_s, stored.looks_s, strict=True))
    assert computed.reading_s == ()
