"""Each part and each pair of parts is killed at work, and every reading that was spooled is in the database exactly once.

The product runs without its safety nets: see ``tests.support.faults.rig``. The long form is ``test_long.py`` (``make soak``).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.faults.parts import DatabasePart
from tests.support.faults.rig import KINDS, rig
from tests.support.faults.scenarios import (
    PAIRS,
    broker_forgets,
    clock_steps,
    database_down_then_ingestors_killed,
    frozen_then_killed,
    ingestors_down_then_broker_killed,
    pair_down,
    single_kills,
    slow_consumer,
)

SEED = int(os.environ.get("KHETTARA_TEST_SEED", "11"))
pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_each_part_may_be_killed_at_work(tmp_path: Path, server: DatabasePart, broker: str) -> None:
    with rig(tmp_path, server, broker=broker, slow_disk_s=0.02, seed=SEED) as system:
        single_kills(system, tuple(system.random.sample(KINDS, len(KINDS))))
        print(broker, system.check())


def test_each_ordered_pair_may_be_down_together(tmp_path: Path, server: DatabasePart) -> None:
    with rig(tmp_path, server, broker="mosquitto", ingestors=1, seed=SEED) as system:
        for first, second in PAIRS:
            pair_down(system, first, second)
        print(system.check())


def test_what_one_part_holds_in_memory_may_die_with_it(tmp_path: Path, server: DatabasePart) -> None:
    with rig(tmp_path, server, broker="mosquitto", ingestors=1, slow_disk_s=0.1, seed=SEED) as system:
        database_down_then_ingestors_killed(system)
        ingestors_down_then_broker_killed(system)
        broker_forgets(system)
        print(system.check())


def test_a_frozen_ingestor_holds_up_nobody_and_wakes_without_harm(tmp_path: Path, server: DatabasePart) -> None:
    with rig(tmp_path, server, broker="embedded", slow_disk_s=0.02, seed=SEED) as system:
        slow_consumer(system, 500)
        frozen_then_killed(system, 300)
        print(system.check())


def test_no_step_of_a_gateways_clock_costs_a_reading(tmp_path: Path, server: DatabasePart) -> None:
    with rig(tmp_path, server, broker="embedded", seed=SEED) as system:
        clock_steps(system, (-600.0, 200.0, 600.0), 100)
        found = system.verdict()
    assert (found.lost, found.duplicate, found.phantom) == (0, 0, 0), str(found)
    assert found.stored == found.spooled > 0
    # Too far ahead is stored by its receipt; of two that so fall onto one millisecond, the second is kept aside.
    assert set(found.dead) <= {"conflict"}, str(found)
    assert found.dead.get("conflict", 0) < found.spooled / 10, "each keeps a time of its own, but for a few"
