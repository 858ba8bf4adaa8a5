"""Every alert rule on data that must fire it, and on data that must not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import AsyncConnection

from app.site import load_site
from dashboards.alerting import RULES, Rule
from storage.inventory import save_inventory
from storage.roles import Role
from tests.integration.dashboards.conftest import SITE
from tests.support.postgres import FreshDatabase

WELL = """
INSERT INTO ledger (edge, epoch, committed, stored, updated_at)
SELECT edge, 1, '{[1,11)}', 10, now() - INTERVAL '1 minute' FROM gateway;
INSERT INTO gateway_state (edge, online, since, updated_at) SELECT edge, true, now(), now() FROM gateway;
INSERT INTO dead_letter (at, edge, reason, detail) VALUES (now() - INTERVAL '1 minute', 'demo/gw-north', 'future_time', '');
INSERT INTO rollup_dirty VALUES (now() - INTERVAL '1 hour', now(), '{[1,2)}');
INSERT INTO alert (key, code, priority, state, raised_at, updated_at, parameters)
VALUES ('a', 'x', 'high', 'normal', now(), now(), '{}');
INSERT INTO notice (key, kind, recipient, language, priority, alert, due_at, state, next_try_at)
VALUES ('w', 'raised', 'crew', 'fr', 'high', 'a', now(), 'waiting', now()),
       ('s', 'raised', 'crew', 'fr', 'high', 'a', now(), 'sent', now())
"""
COMMAND = """
INSERT INTO command (command_id, actuator, gateway, device, field, value_m, source, author, issued_at, expires_at, counter,
                     owner_token, lease_s, key_id, state)
SELECT 'c', key, edge, device, field, 30, 'law', 'x', now() - INTERVAL '1 hour', now() - INTERVAL '{late}', 1, 1, 1800, 'k',
       'pending'
FROM actuator LIMIT 1
"""
BROKEN = {
    "ingest_stopped": "UPDATE ledger SET updated_at = now() - INTERVAL '11 minutes'",
    "gateway_offline": "UPDATE gateway_state SET online = false WHERE edge = 'demo/gw-north'",
    "dead_letters": "INSERT INTO dead_letter (at, edge, reason, detail) SELECT now(), 'e', 'r', '' FROM generate_series(1, 101)",
    "readings_lost": "INSERT INTO gap_record (edge, epoch, first, last, reason, at) VALUES ('e', 1, 1, 9, 'spool_full', now())",
    "rollups_behind": "INSERT INTO rollup_dirty VALUES (now() - INTERVAL '2 days', now(), '{[1,2)}')",
    "notices_stuck": "UPDATE notice SET due_at = now() - INTERVAL '16 minutes' WHERE key = 'w'",
    "notices_failed": "UPDATE notice SET state = 'failed' WHERE key = 's'",
    "commands_unresolved": COMMAND.format(late="11 minutes"),
}


def answer(database: FreshDatabase, rule: Rule) -> float:
    with psycopg.connect(database.dsn(Role.READ)) as connection:
        row = connection.execute(rule.sql.encode()).fetchone()
    assert row is not None
    return float(row[0])


async def _fill(dsn: str) -> None:
    async with await AsyncConnection.connect(dsn) as connection:
        await save_inventory(connection, load_site(SITE), at=datetime(2026, 5, 1, tzinfo=UTC))
        for statement in WELL.split(";\n"):
            await connection.execute(statement.encode())
        await connection.execute(COMMAND.format(late="1 minute").encode())


def test_a_rule_fires_when_it_must_and_then_alone(database: FreshDatabase) -> None:
    asyncio.run(_fill(database.dsn()))
    assert [rule.key for rule in RULES if rule.fires(answer(database, rule))] == [], "all is well"
    assert set(BROKEN) == {rule.key for rule in RULES} - {"database"}
    broken = []
    for rule in RULES:
        if rule.key == "database":
            continue  # it fires when no answer comes
        with psycopg.connect(database.dsn()) as connection:
            if rule.key == "commands_unresolved":
                connection.execute("DELETE FROM command")
            connection.execute(BROKEN[rule.key].encode())
        broken.append(rule.key)
        assert [each.key for each in RULES if each.fires(answer(database, each))] == broken


def test_nothing_is_known_of_an_empty_database_and_nothing_fires(database: FreshDatabase) -> None:
    assert [rule.key for rule in RULES if rule.fires(answer(database, rule))] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_a_limit_has_two_sides(rule: Rule) -> None:
    beyond, within = (rule.limit + 1, rule.limit - 1) if rule.above else (rule.limit - 1, rule.limit + 1)
    assert (rule.fires(beyond), rule.fires(within), rule.fires(rule.limit)) == (True, False, False)
