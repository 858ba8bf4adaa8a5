"""The harness must see what is wrong: each wrong build passes while nothing happens, and is caught when something does."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.mutants import EDGE, INGEST
from tests.support.faults.parts import DatabasePart
from tests.support.faults.rig import Build, Rig, rig
from tests.support.faults.scenarios import database_down_then_ingestors_killed, single_kills
from tests.support.faults.verdict import judge

SEED = int(os.environ.get("KHETTARA_TEST_SEED", "11"))
ROUNDS = 12
"""A wrong build that survives so many is not caught."""
Fault = Callable[[Rig], None]

kill_database: Fault = partial(single_kills, kinds=("database",))
kill_both: Fault = partial(database_down_then_ingestors_killed, down_s=0.3)
WRONG: dict[str, tuple[Fault, str]] = {
    "freed_at_publish": (kill_both, "lost"),
    "freed_at_puback": (kill_both, "lost"),
    "receipt_before_commit": (kill_both, "lost"),
    "ledger_first": (kill_database, "lost"),
    "ledger_last": (kill_database, "duplicate"),
    "commit_unsynced": (kill_database, "lost"),
}
CHANGES: tuple[str, ...] = (
    "DELETE FROM reading r USING kept k WHERE k.n = 1 AND (r.point_id, r.time) = (k.point_id, k.time)",
    "INSERT INTO reading SELECT time, value, point_id, quality FROM kept WHERE n = 2",
    "INSERT INTO reading SELECT time, -5, point_id, quality FROM kept WHERE n = 3",
    "UPDATE reading r SET time = r.time + INTERVAL '1 ms' FROM kept k WHERE n = 4 AND (r.point_id, r.time) = (k.point_id, k.time)",
)
"""One row lost, one twice, one made up, one at another time: each adds one to its count."""
pytestmark = pytest.mark.timeout(900)


def build(name: str) -> Build:
    """A wrong build."""
    argv = ("tests.faults.mutants", name)
    return Build(name=name, edge=argv) if name in EDGE else Build(name=name, ingest=argv)


def test_every_wrong_build_is_tried() -> None:
    assert set(WRONG) == set(EDGE) | set(INGEST)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_build_is_caught(tmp_path: Path, server: DatabasePart, name: str) -> None:
    fault, harm = WRONG[name]
    slow_disk_s = 0.0 if name == "commit_unsynced" else 0.1
    with rig(tmp_path, server, build=build(name), ingestors=1, slow_disk_s=slow_disk_s, seed=SEED) as system:
        system.spool(100)
        found, rounds = system.check(), 0  # while nothing happens, the wrong build is as good as the right one
        while found.clean and rounds < ROUNDS:
            rounds += 1
            fault(system)
            found = system.verdict()
        print(f"{name}, round {rounds}: {found}")
    assert getattr(found, harm) > 0, f"{name} was not caught in {rounds} rounds: {found}"


def test_the_count_sees_a_single_row(tmp_path: Path, server: DatabasePart) -> None:
    with rig(tmp_path, server, ingestors=1, seed=SEED) as system:
        system.spool(50)
        before = system.check()
        system.part("edge").kill()
        with system.connect() as admin:
            admin.execute("CREATE TABLE kept AS SELECT *, row_number() OVER () AS n FROM reading LIMIT 4")
            for number, change in enumerate(CHANGES, 1):
                admin.execute(change.encode())
                found = judge(system.truth(), admin)
                assert (found.lost, found.duplicate, found.phantom) == (1, int(number > 1), max(0, number - 2)), str(found)
    assert before.clean
