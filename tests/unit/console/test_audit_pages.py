from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.audit_pages import last_sequence, read_page
from tests.support.command_store import MemoryCommandStore
from tests.support.console_client import logged_in
from tests.support.console_services import console_world

AT = datetime(2026, 5, 6, tzinfo=UTC)


async def store(rows: int) -> MemoryCommandStore:
    found = MemoryCommandStore()
    for i in range(rows):
        await found.audit(at=AT, actor="a", action="select", subject=f"s{i}", body={"i": i})
    return found


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7, 8, 9, 100])
async def test_the_newest_row_is_found(rows: int) -> None:
    assert await last_sequence(await store(rows)) == rows


@given(st.integers(1, 60), st.integers(1, 25))
async def test_pages_cover_everything_once_and_are_whole(rows: int, size: int) -> None:
    kept = await store(rows)
    seen: list[int] = []
    before: int | None = 0
    while before is not None:
        page = await read_page(kept, before=before, size=size)
        assert page.broken is None
        assert page.newest == rows
        seen += [r.sequence for r in page.rows]
        before = page.older
    assert seen == list(range(rows, 0, -1))


async def test_an_empty_audit() -> None:
    page = await read_page(await store(0))
    assert (page.rows, page.broken, page.older) == ((), None, None)


async def test_a_page_before_the_first_row_is_empty() -> None:
    assert (await read_page(await store(5), before=1)).rows == ()


@pytest.mark.parametrize("changed", [1, 10, 20, 30])
async def test_a_changed_row_breaks_its_page(changed: int) -> None:
    kept = await store(30)
    row = kept.rows[changed - 1]
    kept.rows[changed - 1] = replace(row, body={"i": "forged"})
    page = await read_page(kept, size=40)
    assert page.broken is not None
    assert str(changed) in page.broken


async def test_a_removed_row_breaks_its_page() -> None:
    kept = await store(30)
    del kept.rows[14]
    page = await read_page(kept, size=40)
    assert page.broken is not None


async def test_the_first_row_of_a_page_is_checked_against_the_one_before() -> None:
    kept = await store(30)
    rehashed = replace(kept.rows[19], hash=bytes(32))
    kept.rows[19] = rehashed
    page = await read_page(kept, size=10)
    assert [r.sequence for r in page.rows][-1] == 21
    assert page.broken is not None


async def test_the_page_says_so() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        text = (await client.get("/audit")).text
        assert f"Chain whole, rows 1 to {len(world.store.rows)}" in text
        row = world.store.rows[3]
        world.store.rows[3] = replace(row, actor="somebody else")
        assert "Chain broken:" in (await client.get("/audit")).text
        assert (await client.get("/audit?before=3")).status_code == 200
        assert (await client.get("/audit?before=-1")).status_code == 422
