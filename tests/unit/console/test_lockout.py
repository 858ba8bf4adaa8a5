from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.lockout import LOCK_S, MAX_FAILURES, MAX_FAILURES_ADDRESS, LoginGuard


def test_five_failures_lock_for_a_while() -> None:
    guard = LoginGuard()
    for i in range(MAX_FAILURES):
        assert guard.locked_for("omar", "a", i) == 0
        guard.failed("omar", "a", i)
    last = MAX_FAILURES - 1
    assert guard.locked_for("OMAR", "a", last) == LOCK_S, "whatever the case of the letters"
    assert guard.locked_for("omar", "a", last + LOCK_S - 1) == 1
    assert guard.locked_for("omar", "a", last + LOCK_S) == 0


def test_another_address_and_another_name_are_not_locked() -> None:
    guard = LoginGuard()
    for _ in range(MAX_FAILURES):
        guard.failed("omar", "a", 0)
    assert guard.locked_for("omar", "b", 0) == 0
    assert guard.locked_for("leila", "a", 0) == 0


def test_an_address_that_tries_many_names_is_locked() -> None:
    guard = LoginGuard()
    for i in range(MAX_FAILURES_ADDRESS):
        guard.failed(f"name{i}", "a", 0)
    assert guard.locked_for("another", "a", 0) == LOCK_S


def test_success_forgets() -> None:
    guard = LoginGuard()
    for _ in range(MAX_FAILURES - 1):
        guard.failed("omar", "a", 0)
    guard.succeeded("Omar", "a")
    guard.failed("omar", "a", 0)
    assert guard.locked_for("omar", "a", 0) == 0


def test_old_failures_do_not_count() -> None:
    guard = LoginGuard()
    for i in range(20):
        guard.failed("omar", "a", i * LOCK_S)
        assert guard.locked_for("omar", "a", i * LOCK_S) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 50)), max_size=60))
def test_never_more_than_five_tries_in_the_window(tries: list[tuple[str, float]]) -> None:
    guard = LoginGuard()
    now_s, done = 0.0, dict.fromkeys("abc", 0)
    for name, wait_s in tries:
        now_s += wait_s / 60
        if guard.locked_for(name, "x", now_s) == 0:
            done[name] += 1
            guard.failed(name, "x", now_s)
    assert max(done.values()) <= MAX_FAILURES


def test_memory_is_bounded() -> None:
    guard = LoginGuard()
    for i in range(12_000):
        guard.failed(f"n{i}", f"a{i}", 0)
    assert len(guard._counts) <= 10_000
