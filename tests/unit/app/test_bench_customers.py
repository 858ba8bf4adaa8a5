"""Sudden flows among their look-alikes: falls when the rules that tell them apart do."""

from __future__ import annotations

from app.bench_customers import score_customers


def test_most_bursts_are_found_within_two_days_and_most_of_what_is_told_is_true() -> None:
    found = score_customers([5], meters=120)
    assert found.bursts >= 8
    assert found.in_two_days >= 0.6 * found.bursts
    assert found.precision >= 0.7
    assert not {"garden", "fire", "site", "tank", "hotel", "home"} & set(found.wrong)
