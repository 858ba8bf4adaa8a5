"""What is done to a rig. Each leaves everything running; the verdict is the caller's."""

from __future__ import annotations

import itertools
import time

from tests.support.faults.rig import KINDS, Rig

PAIRS = tuple(itertools.permutations(KINDS, 2))
"""Every ordered pair of different parts."""


def single_kills(rig: Rig, kinds: tuple[str, ...]) -> None:
    """One of each kind named, in this order, killed at a random moment while readings arrive, and started again a little later."""
    for kind in kinds:
        rig.moving()
        time.sleep(rig.random.uniform(0.0, 0.3))  # the moment, by lot
        part = rig.one(kind)
        rig.kill(part)
        time.sleep(rig.random.uniform(0.0, 0.3))
        rig.start(part)


def pair_down(rig: Rig, first: str, second: str) -> None:
    """All of one kind are killed, then all of another while the first are still down; they come back in this order."""
    rig.moving()
    time.sleep(rig.random.uniform(0.0, 0.2))
    for kind in (first, second):
        rig.kill(rig.part(kind))
        time.sleep(rig.random.uniform(0.05, 0.4))
    for kind in (first, second):
        rig.start(rig.part(kind))
        time.sleep(rig.random.uniform(0.0, 0.2))


def database_down_then_ingestors_killed(rig: Rig, down_s: float = 1.0) -> None:
    """What the ingestors have read and could not write dies with them."""
    rig.moving()
    rig.kill(rig.database)
    time.sleep(down_s)
    rig.kill(rig.part("ingestor"))
    rig.start(rig.database)
    rig.start(rig.part("ingestor"))


def ingestors_down_then_broker_killed(rig: Rig, down_s: float = 1.0) -> None:
    """What the broker has taken and could not hand over dies with it."""
    rig.moving()
    rig.kill(rig.part("ingestor"))
    time.sleep(down_s)
    rig.kill(rig.broker)
    rig.start(rig.broker)
    rig.start(rig.part("ingestor"))


def broker_forgets(rig: Rig) -> None:
    """The broker comes back as if new: no session, no subscription, no retained word, no queue."""
    rig.moving()
    rig.kill(rig.broker)
    rig.broker.forget()
    rig.note("the broker forgets everything")
    rig.start(rig.broker)


def slow_consumer(rig: Rig, readings: int) -> None:
    """One ingestor is frozen in the middle of its work while others go on, then thawed: it believes that no time has passed."""
    rig.moving()
    frozen = rig.random.choice(rig.ingestors)
    rig.note(f"freeze {frozen.name}")
    frozen.freeze()
    try:
        rig.spool(readings)
    finally:
        frozen.thaw()
        rig.note(f"thaw {frozen.name}")


def frozen_then_killed(rig: Rig, readings: int) -> None:
    """One ingestor is frozen and never wakes."""
    rig.moving()
    frozen = rig.random.choice(rig.ingestors)
    rig.note(f"freeze {frozen.name}")
    frozen.freeze()
    rig.spool(readings)
    rig.kill(frozen)
    rig.start(frozen)


def clock_steps(rig: Rig, steps_s: tuple[float, ...], readings: int) -> None:
    """The gateways' clocks jump to each of these offsets from the truth, then back; a gateway is killed under a wrong clock."""
    for offset_s in (*steps_s, 0.0):
        rig.note(f"clocks step to {offset_s:+g} s")
        rig.order(clock_offset_s=offset_s)
        rig.spool(readings)
        single_kills(rig, ("edge",))
