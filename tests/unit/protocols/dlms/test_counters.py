from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import StorageError
from protocols.dlms.counter_file import FileCounterStore
from protocols.dlms.counters import LAST, Lease, MemoryCounterStore
from protocols.dlms.errors import CounterExhausted


def test_a_lease_gives_each_number_once_and_no_more() -> None:
    lease = Lease(5, 2)
    assert [lease.take(), lease.take()] == [5, 6]
    with pytest.raises(CounterExhausted):
        lease.take()
    lease.renew(100, 1)
    assert lease.take() == 100
    with pytest.raises(ValueError, match="used already"):
        lease.renew(100, 5)
    with pytest.raises(CounterExhausted):
        Lease(LAST + 1, 5).take()


async def test_stores_never_give_a_number_twice(tmp_path: Path) -> None:
    for store in (MemoryCounterStore(), FileCounterStore(tmp_path)):
        assert await store.reserve("meter 1", 10) == 0
        assert await store.reserve("meter 1", 10) == 10
        assert await store.reserve("meter 1", 10, at_least=500) == 500
        assert await store.reserve("meter 1", 10, at_least=7) == 510
        assert await store.reserve("meter/1", 10) == 0
    again = FileCounterStore(tmp_path)
    assert again.reserve_now("meter 1", 1) == 520


def test_a_damaged_file_is_no_fresh_start(tmp_path: Path) -> None:
    store = FileCounterStore(tmp_path)
    store.reserve_now("m", 10)
    (path,) = tmp_path.glob("*.counter")
    for damage in ("", "-5", "12x", "٣"):
        path.write_text(damage)
        with pytest.raises(StorageError, match="not started anew"):
            store.reserve_now("m", 1)
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError):
        store.reserve_now("m", 1)


def test_the_end_of_the_numbers(tmp_path: Path) -> None:
    store = FileCounterStore(tmp_path)
    assert store.reserve_now("m", 5, at_least=LAST - 9) == LAST - 9
    with pytest.raises(CounterExhausted, match="key must be changed"):
        store.reserve_now("m", 6)
    assert store.reserve_now("m", 5) == LAST - 4
