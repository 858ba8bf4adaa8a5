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

SEED = int(os.environ.get("KHETTARA_TEST_SEED", "11"))
ROUNDS = 12
"""A wrong build that survives so many is not caught."""
Fault = Callable[[Rig], None]

kill_ingestor: Fault = partial(single_kills, kinds=("ingestor",))
kill_database: Fault = partial(single_kills, kinds=("database",))
WRONG: dict[str, tuple[Fault, str]] = {
    "freed_at_publish": (database_down_then_ingestors_killed, "lost"),
    "freed_at_puback": (database_down_then_ingestors_killed, "lost"),
    "receipt_before_commit": (kill_ingestor, "lost"),
    "ledger_first": (kill_ingestor, "lost"),
    "ledger_last": (kill_ingestor, "duplicate"),
    "commit_unsynced": (kill_database, "lost"),
}
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
    slow_disk_s = 0.0 if name == "commit_unsynced" else 0.05
    with rig(tmp_path, server, build=build(name), ingestors=1, slow_disk_s=slow_disk_s, seed=SEED) as system:
        system.spool(100)
        found, rounds = system.check(), 0  # while nothing happens, the wrong build is as good as the right one
        while found.clean and rounds < ROUNDS:
            rounds += 1
            fault(system)
            found = system.verdict()
        print(f"{name}, round {rounds}: {found}")
    assert getattr(found, harm) > 0, f"{name} was not caught in {rounds} rounds: {found}"
