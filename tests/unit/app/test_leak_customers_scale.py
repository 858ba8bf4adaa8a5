"""What is measured of customers' meters is the service that runs."""

from __future__ import annotations

from app.leak_customers_scale import measure_customers


def test_a_hamlet_is_learnt_looked_at_and_its_leaks_are_found() -> None:
    seen = measure_customers(60, 3)
    assert (seen.meters, seen.part, len(seen.looks_s)) == (60, 60, 3)
    assert seen.state_mb > 0
    assert seen.peak_mb >= seen.learnt_mb > 0
