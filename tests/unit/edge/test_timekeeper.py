"""A clock that is wrong at first: what was read meanwhile gets its right time, once, or says that it has not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.readings import Quality
from edge.clock_trust import POSSIBLE_MS, ClockTrust, Policy, Trust
from edge.database import open_database
from edge.kernel_clock import KernelClock, boot_id, read_kernel_clock
from edge.readings import Lane, SpoolReading
from edge.spool import Spool
from edge.timekeeper import Timekeeper

TRUE_START_MS = POSSIBLE_MS + 40 * 86_400_000
"""When the simulated machine really started."""


@dataclass
class Machine:
    """A machine whose wall clock is ``wrong_ms`` off until somebody sets it."""

    wrong_ms: int = 0
    synchronised: bool | None = False
    boot_ms: int = 30_000
    boot: str = "first"

    def look(self) -> KernelClock:
        wall_ms = TRUE_START_MS + self.boot_ms + self.wrong_ms
        return KernelClock(wall_ms=wall_ms, boot_ms=self.boot_ms, synchronised=self.synchronised)

    def synchronise(self) -> None:
        self.wrong_ms, self.synchronised = 0, True


@dataclass
class Site:
    """A spool behind a timekeeper, and the truth of what was read."""

    folder: Path
    machine: Machine
    policy: Policy = Policy.REPAIR
    truth: dict[float, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.connection = open_database(self.folder)
        self.spool = Spool(self.connection)
        self.keeper = Timekeeper(
            self.connection, self.spool, policy=self.policy, hold_s=600, look=self.machine.look, boot=lambda: self.machine.boot
        )

    def restart(self) -> None:
        self.connection.close()
        self.start()

    def read(self) -> SpoolReading:
        """A reading now: its value is its number, its true time is remembered."""
        number = float(len(self.truth))
        self.truth[number] = TRUE_START_MS + self.machine.boot_ms
        return SpoolReading(device="m", metric="flow_m3h", time_ms=self.machine.look().wall_ms, value=number)

    def take(self) -> None:
        self.keeper.append([self.read()], now_ms=self.machine.look().wall_ms)

    def tick(self) -> int:
        return self.keeper.tick(now_ms=self.machine.look().wall_ms)

    def stored(self) -> dict[float, tuple[int, Quality]]:
        """value → (time, quality) of everything in the spool; the same value twice is an error."""
        found: dict[float, tuple[int, Quality]] = {}
        heads = self.spool.unacked(Lane.BACKLOG, limit=1000, fresh_ms=0)
        for block in self.spool.load(heads, now_ms=0):
            for row in block.rows:
                assert float(row["value"]) not in found
                found[float(row["value"])] = (int(row["time_ms"]), Quality(int(row["quality"])))
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, Machine(wrong_ms=-TRUE_START_MS))  # no battery: 1970 again
    yield made
    made.connection.close()


def test_a_clock_at_1970_is_repaired_when_it_is_set(site: Site) -> None:
    for _ in range(3):
        site.take()
        site.machine.boot_ms += 60_000
    assert (site.tick(), site.stored(), site.keeper.status.held_readings) == (0, {}, 3)
    site.machine.synchronise()
    assert site.tick() == 3
    assert site.stored() == {value: (time, Quality.GOOD) for value, time in site.truth.items()}
    assert site.keeper.status.trust == "sure"
    assert site.keeper.status.steps == 1
    site.take()
    assert site.stored()[3.0] == (site.truth[3.0], Quality.GOOD)


def test_an_impossible_year_is_held_by_the_default_policy_too(tmp_path: Path) -> None:
    site = Site(tmp_path, Machine(wrong_ms=-TRUE_START_MS), policy=Policy.AUTO)
    site.take()
    assert site.stored() == {}
    site.machine.wrong_ms = 0  # set by hand: the kernel still says unsynchronised
    site.tick()
    assert site.stored() == {0.0: (site.truth[0.0], Quality.GOOD)}
    site.connection.close()


def test_a_reading_taken_just_before_the_clock_was_set_gets_its_right_time(site: Site) -> None:
    site.take()
    waiting = site.read()  # in memory, by the old clock
    site.machine.boot_ms += 200
    site.machine.synchronise()
    fresh = site.read()
    site.keeper.append([waiting, fresh], now_ms=site.machine.look().wall_ms)
    site.tick()
    assert site.stored() == {value: (time, Quality.GOOD) for value, time in site.truth.items()}


def test_without_a_time_service_readings_go_out_flagged_after_the_limit(tmp_path: Path) -> None:
    site = Site(tmp_path, Machine(wrong_ms=-7_200_000))
    site.take()
    site.machine.boot_ms += 601_000
    assert site.tick() == 1
    site.take()
    assert {quality for _, quality in site.stored().values()} == {Quality.CLOCK}
    site.connection.close()


def test_a_restart_of_the_process_keeps_what_is_held_a_restart_of_the_machine_flags_it(site: Site) -> None:
    site.take()
    site.restart()
    assert site.keeper.status.held_readings == 1
    site.machine.boot, site.machine.boot_ms = "second", 20_000
    site.restart()
    site.take()
    site.machine.synchronise()
    site.tick()
    stored = site.stored()
    assert stored[0.0][1] is Quality.CLOCK
    assert stored[1.0] == (site.truth[1.0], Quality.GOOD)


def test_killed_between_the_numbers_and_the_delete_nothing_comes_twice(site: Site) -> None:
    site.take()
    rows = site.connection.execute("SELECT * FROM held").fetchall()
    site.machine.synchronise()
    site.tick()
    site.connection.executemany("INSERT INTO held VALUES (?,?,?,?,?,?,?,?)", rows)  # as if the delete had not happened
    site.restart()
    site.tick()
    assert list(site.stored()) == [0.0]


def test_a_synchronisation_that_is_lost_flags(tmp_path: Path) -> None:
    site = Site(tmp_path, Machine(synchronised=True), policy=Policy.AUTO)
    site.take()
    site.machine.synchronised = False
    site.take()
    assert [quality for _, quality in site.stored().values()] == [Quality.GOOD, Quality.CLOCK]
    site.connection.close()


@pytest.mark.parametrize("policy", [Policy.AUTO, Policy.IGNORE])
def test_a_machine_that_does_not_tell_is_believed(policy: Policy) -> None:
    trust = ClockTrust(policy=policy)
    assert trust.see(Machine(synchronised=None).look()).trust is Trust.SURE
    assert trust.see(Machine(synchronised=False).look()).trust is Trust.SURE


STEPS = st.lists(st.sampled_from(["take", "minute", "set", "lose", "restart", "tick"]), max_size=30)


@settings(max_examples=60)
@given(steps=STEPS, wrong_ms=st.integers(-TRUE_START_MS, 400 * 86_400_000))
def test_every_reading_is_stored_once_and_a_good_one_has_its_true_time(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], wrong_ms: int
) -> None:
    site = Site(tmp_path_factory.mktemp("clock"), Machine(wrong_ms=wrong_ms))
    actions = {"take": site.take, "tick": site.tick, "set": site.machine.synchronise, "restart": site.restart}
    for step in steps:
        if step == "minute":
            site.machine.boot_ms += 60_000
        elif step == "lose":
            site.machine.synchronised = False
        else:
            actions[step]()
    site.machine.synchronise()
    while site.tick():
        pass
    stored = site.stored()
    assert stored.keys() == site.truth.keys()
    wrong = {v for v, (time, quality) in stored.items() if quality is Quality.GOOD and time != site.truth[v]}
    assert not wrong
    site.connection.close()


def test_this_machine_tells_its_clock() -> None:
    first, second = read_kernel_clock(), read_kernel_clock()
    assert abs(first.ahead_ms - second.ahead_ms) <= 50
    assert second.boot_ms >= first.boot_ms > 0
    assert first.synchronised in (True, False, None)
    assert isinstance(boot_id(), str)
