from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.setpoints import Mode
from pressure_control.supervisor import SETTLE_S, STALE_S, Standing, Wish, decide

T0 = datetime(2026, 4, 20, tzinfo=UTC)
AUTO = Wish(mode=Mode.AUTO)


def run(ages_s: list[float], wish: Wish = AUTO, minutes: float = 5.0) -> list[Standing]:
    standing: Standing | None = None
    seen = []
    for i, age in enumerate(ages_s):
        standing = decide(standing, wish, data_age_s=age, now=T0 + timedelta(minutes=minutes * i))
        seen.append(standing)
    return seen


def test_stale_data_end_automatic_control_and_fresh_data_bring_it_back_after_a_while() -> None:
    modes = [s.mode for s in run([60, 60, 1000, 1300, 60, 60, 60, 60])]
    assert modes == [Mode.AUTO] * 2 + [Mode.FALLBACK] * 5 + [Mode.AUTO]


def test_reasons_carry_the_numbers() -> None:
    assert "20 min old" in run([1200.0])[0].reason


def test_manual_ends_in_advice_never_in_automatic() -> None:
    wish = Wish(mode=Mode.MANUAL, until=T0 + timedelta(minutes=12))
    assert [s.mode for s in run([60] * 5, wish)] == [Mode.MANUAL] * 3 + [Mode.ADVISORY] * 2
    assert run([9999], Wish(mode=Mode.MANUAL))[0].mode is Mode.MANUAL


def test_since_is_the_first_moment_of_the_mode() -> None:
    assert [s.since for s in run([60, 60, 1000, 1300])] == [T0, T0, T0 + timedelta(minutes=10), T0 + timedelta(minutes=10)]


@given(st.lists(st.floats(0, 4000), min_size=1, max_size=60), st.sampled_from(list(Mode)))
def test_never_automatic_on_stale_data_nor_unasked_nor_right_after_a_fallback(ages_s: list[float], mode: Mode) -> None:
    stale_at: float | None = None
    was_auto = False
    for i, (age, standing) in enumerate(zip(ages_s, run(ages_s, Wish(mode=mode)), strict=True)):
        if standing.mode is Mode.AUTO:
            assert mode is Mode.AUTO
            assert age <= STALE_S
            if stale_at is not None and not was_auto:
                assert i * 300.0 - stale_at >= SETTLE_S
        if standing.mode is Mode.FALLBACK:
            assert mode is Mode.AUTO
        if age > STALE_S:
            stale_at = i * 300.0
        was_auto = standing.mode is Mode.AUTO
