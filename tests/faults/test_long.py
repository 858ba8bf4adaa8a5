"""The long form of the proof: ``make soak``."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.support.faults.parts import DatabasePart
from tests.support.faults.rig import KINDS, Build, rig
from tests.support.faults.scenarios import (
    PAIRS,
    broker_forgets,
    database_down_then_ingestors_killed,
    frozen_then_killed,
    ingestors_down_then_broker_killed,
    pair_down,
    single_kills,
    slow_consumer,
)

SEED = int(os.environ.get("KHETTARA_TEST_SEED", "11"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_a_hundred_random_kills(tmp_path: Path, server: DatabasePart, broker: str) -> None:
    lots = Random(SEED)
    with rig(tmp_path, server, broker=broker, slow_disk_s=0.02, seed=SEED) as system:
        for done in range(20, 101, 20):
            single_kills(system, tuple(lots.choices(KINDS, k=20)))
            print(f"{broker}, {done} kills: {system.check()}", flush=True)


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_two_rounds_of_all_ordered_pairs(tmp_path: Path, server: DatabasePart, broker: str) -> None:
    lots = Random(SEED)
    with rig(tmp_path, server, broker=broker, slow_disk_s=0.02, seed=SEED) as system:
        for number in (1, 2):
            for first, second in lots.sample(PAIRS, len(PAIRS)):
                pair_down(system, first, second)
            print(f"{broker}, round {number} of 12 pairs: {system.check()}", flush=True)


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_what_is_held_in_memory_dies_again_and_again(tmp_path: Path, server: DatabasePart, broker: str) -> None:
    with rig(tmp_path, server, broker=broker, seed=SEED) as system:
        for number in range(1, 5):
            database_down_then_ingestors_killed(system, down_s=1.5)
            ingestors_down_then_broker_killed(system, down_s=1.5)
            broker_forgets(system)
            print(f"{broker}, round {number}: {system.check()}", flush=True)


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_frozen_ingestors(tmp_path: Path, server: DatabasePart, broker: str) -> None:
    """Frozen for longer than the database leaves a transaction open."""
    with rig(tmp_path, server, broker=broker, slow_disk_s=0.02, seed=SEED) as system:
        for _ in range(3):
            slow_consumer(system, 6000)
            frozen_then_killed(system, 2000)
        print(f"{broker}: {system.check()}", flush=True)


def test_with_every_net_in_place(tmp_path: Path, server: DatabasePart) -> None:
    """As shipped: acknowledged blocks kept, a unique key on the readings."""
    with rig(tmp_path, server, nets=True, seed=SEED) as system:
        for _ in range(5):
            single_kills(system, KINDS)
        print(system.check(), flush=True)


def test_a_database_that_forgot_what_it_had_receipted_is_refilled(tmp_path: Path, server: DatabasePart) -> None:
    """The gateways keep acknowledged blocks and see from later receipts what is gone: the net under a disk that lies."""
    wrong = Build(name="commit_unsynced", ingest=("tests.faults.mutants", "commit_unsynced"))
    with rig(tmp_path, server, build=wrong, nets=True, seed=SEED) as system:
        for _ in range(10):
            single_kills(system, ("database",))
        system.moving()
        system.spool(1000)  # it is later receipts that tell of the loss
        found = system.check()
        rewound = sum(program.log().count('"spool_rewound"') for _, program in system.edges.values())
        print(f"{found}; acknowledged blocks sent again {rewound} times", flush=True)
        assert rewound > 0, "the database forgot nothing, so nothing was tried"
