"""What is older than its class is kept goes, readings never before their rollups."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.errors import StorageError
from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.retention import Retention, apply_retention, read_retention, set_retention
from storage.roles import Role
from storage.rollups import refresh
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import MINUTE_MS, OTHER, START, START_MS, block

DAY_MS = 1440 * MINUTE_MS
SHORT = Retention(raw_days=30, quarter_hour_days=60, hour_days=400, day_days=None)


@pytest.fixture
async def analytics(town_database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(town_database.dsn(Role.ANALYTICS), size=1) as pool:
        yield pool


async def fill(ingest: PostgresIngestStore, days: int) -> None:
    """Every six hours one reading, for so many days from START."""
    count = days * 4
    await ingest.write([block(range(1, count + 1), times_ms=[START_MS + n * DAY_MS // 4 for n in range(count)])])


async def kept(admin: AsyncConnection, name: str) -> tuple[int, datetime | None]:
    row = await (await admin.execute(f"SELECT count(*), min(time) FROM {name}".encode())).fetchone()
    assert row is not None
    return row


async def refreshed(analytics: Database) -> None:
    assert (await refresh(analytics, START + timedelta(days=4000), budget_s=300, most=1000)).waiting == 0


async def test_defaults(admin: AsyncConnection) -> None:
    assert await read_retention(admin) == (Retention(), None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"raw_days": 29}, "raw_days is 29; right would be at least 30"),
        ({"quarter_hour_days": 700}, "quarter_hour_days is 700, less than raw_days"),
        ({"raw_days": None}, "less than raw_days .for ever"),
        ({"day_days": 10}, "day_days is 10, less than hour_days"),
    ],
)
def test_limits_that_would_lose_something(wrong: dict[str, int | None], said: str) -> None:
    with pytest.raises(StorageError, match=said):
        Retention(**wrong)


async def test_readings_wait_for_their_rollups(ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database) -> None:
    await fill(ingest, 100)
    await set_retention(admin, SHORT)
    before = {name: await kept(admin, name) for name in ("reading_15min", "reading_hour", "reading_day")}
    async with analytics.transaction("retain") as connection:
        first = await apply_retention(connection, START + timedelta(days=100))
    assert [(part.class_, part.became) for part in first] == [("reading", "waits for rollups")]
    await refreshed(analytics)
    async with analytics.transaction("look") as connection:
        would = await apply_retention(connection, START + timedelta(days=100), dry_run=True)
    assert {(part.class_, part.became) for part in would} == {("reading", "would be dropped"), ("15min", "would be dropped")}
    assert all(part.ends <= START + timedelta(days=70) and part.bytes > 0 for part in would)
    assert (await kept(admin, "reading"))[0] == 400
    async with analytics.transaction("retain") as connection:
        done = await apply_retention(connection, START + timedelta(days=100))
    assert [part.name for part in done] == [part.name for part in would]
    raw = [part for part in done if part.class_ == "reading"]
    count, oldest = await kept(admin, "reading")
    assert count < 400
    assert oldest is not None
    assert oldest >= raw[-1].ends > START + timedelta(days=60)
    assert await read_retention(admin) == (SHORT, raw[-1].ends)
    after = {name: await kept(admin, name) for name in ("reading_15min", "reading_hour", "reading_day")}
    assert (after["reading_hour"], after["reading_day"]) == (before["reading_hour"], before["reading_day"])
    assert after["reading_15min"][0] < before["reading_15min"][0]


async def test_a_late_reading_before_what_was_dropped_changes_no_rollup(
    ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database
) -> None:
    await fill(ingest, 100)
    await set_retention(admin, SHORT)
    await refreshed(analytics)
    async with analytics.transaction("retain") as connection:
        await apply_retention(connection, START + timedelta(days=100))
    query = "SELECT point_id, time, received, sum FROM reading_{} ORDER BY 1, 2"
    before = [await (await admin.execute(query.format(name).encode())).fetchall() for name in ("hour", "day")]
    late = await ingest.write([block([1], stream=OTHER, times_ms=[START_MS + MINUTE_MS])])
    assert late.stored == 1, "the partition is made anew"
    during = [await (await admin.execute(query.format(name).encode())).fetchall() for name in ("hour", "day")]
    await refreshed(analytics)
    after = [await (await admin.execute(query.format(name).encode())).fetchall() for name in ("hour", "day")]
    assert before == during == after
    async with analytics.transaction("retain") as connection:
        again = await apply_retention(connection, START + timedelta(days=100))
    assert [(part.class_, part.became) for part in again] == [("reading", "dropped")]


async def test_a_wrong_clock_drops_nothing(ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database) -> None:
    await fill(ingest, 20)
    await refreshed(analytics)
    async with analytics.transaction("retain") as connection:
        assert await apply_retention(connection, datetime(2099, 1, 1, tzinfo=UTC)) == ()


async def test_an_unmarked_insert_bars_everything(ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database) -> None:
    await fill(ingest, 100)
    await set_retention(admin, SHORT)
    await refreshed(analytics)
    await admin.execute("INSERT INTO reading (time, value, point_id, quality) VALUES (%s, 1, 2, 0)", (START + timedelta(hours=1),))
    async with analytics.transaction("retain") as connection:
        assert [part.became for part in await apply_retention(connection, START + timedelta(days=100), dry_run=True)][:1] == [
            "waits for rollups"
        ]


NEW_TABLES = ("rollup_15min", "rollup_hour", "rollup_day", "rollup_dirty", "rollup_dirty_day", "retention")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MIGRATE])
async def test_nobody_writes_rollups_or_limits_by_hand(town_database: FreshDatabase, role: Role) -> None:
    async with await AsyncConnection.connect(town_database.dsn(role), autocommit=True) as connection:
        for table in NEW_TABLES:
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                row = await (await connection.execute("SELECT has_table_privilege(%s, %s)", (table, right))).fetchone()
                assert row == (False,), f"{role} may {right} {table}"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("SELECT set_retention(30, 30, 30, 30)")


MAY_CALL = {
    "refresh_rollups(timestamptz, int)": {Role.ANALYTICS, Role.MIGRATE},
    "apply_retention(timestamptz, boolean)": {Role.ANALYTICS, Role.MIGRATE},
    "mark_readings(timestamptz[], timestamptz[], text[])": {Role.INGEST, Role.MIGRATE},
    "set_retention(int, int, int, int)": {Role.MIGRATE},
    "tidy_rollup_marks()": {Role.MIGRATE},
    "ensure_rollup_partitions(text, timestamptz, timestamptz)": {Role.MIGRATE},
    "ensure_reading_partitions(timestamptz, timestamptz)": {Role.INGEST, Role.MIGRATE},
}


@pytest.mark.parametrize("function", MAY_CALL)
async def test_who_may_call_what(admin: AsyncConnection, function: str) -> None:
    found = {
        role
        for role in Role
        if (await (await admin.execute("SELECT has_function_privilege(%s, %s, 'EXECUTE')", (role.value, function))).fetchone())
        == (True,)
    }
    assert found == MAY_CALL[function]


ACCOUNTS = ("app_user", "audit", "command_counter")


@pytest.mark.parametrize("role", [Role.INGEST, Role.ANALYTICS, Role.READ])
async def test_accounts_and_audit_are_the_desks_alone(admin: AsyncConnection, role: Role) -> None:
    for table in ACCOUNTS:
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            row = await (await admin.execute("SELECT has_table_privilege(%s, %s, %s)", (role.value, table, right))).fetchone()
            assert row == (False,), f"{role} may {right} {table}"


async def test_readings_are_written_by_the_ingestor_and_changed_by_nobody(admin: AsyncConnection) -> None:
    for role in Role:
        if role is Role.MIGRATE:
            continue
        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            row = await (await admin.execute("SELECT has_table_privilege(%s, 'reading', %s)", (role.value, right))).fetchone()
            assert row == (role is Role.INGEST and right == "INSERT",), f"{role} may {right} reading"


async def test_the_reader_has_select_on_views_and_nothing_more(admin: AsyncConnection) -> None:
    rows = await (await admin.execute(
        "SELECT c.relname::text, c.relkind::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
        " AND c.relkind IN ('r', 'p', 'v')"
        " AND (has_table_privilege('khettara_read', c.oid, 'SELECT') AND c.relkind <> 'v'"
        " OR has_table_privilege('khettara_read', c.oid, 'INSERT') OR has_table_privilege('khettara_read', c.oid, 'UPDATE')"
        " OR has_table_privilege('khettara_read', c.oid, 'DELETE'))"
    )).fetchall()  # fmt: skip
    assert rows == []
