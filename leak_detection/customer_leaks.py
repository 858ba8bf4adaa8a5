"""Leaks behind a customer's meter: flow that never stops and did not run before, told from tanks, softeners and cooling.

    120 hours of every meter ─┬▶ sudden large flow (``customer_bursts``)                               ─▶ told ─▶ remembered
                              └▶ what lasted 36, 72, 120 h, more than before (``customer_flows``)      ─▶ told ─▶ remembered

A dwelling has hours without use; water that runs in every hour of some days runs by itself. How long a meter runs without a leak is
its own affair: a large family, a roof tank or a hotel is compared with what it did in the five weeks before, over as long a time,
times what the other meters use more in these days (a month of fasting, a heat wave).
A leak's floor is flat (``customer_flat``), once its days are brought up to today's flow where it grows, and shows in every part of
the day by one amount (``customer_shape``). After five days that alone tells it where a house is so lively, or a register so coarse,
that no hour shows the floor. A flow that grows from day to day is told by its days (``customer_creeping``); one of a few litres by
the quiet that is gone: no hour of five days was as still as every day and a half had been. A sudden large flow is told sooner; it
is the same leak when it then goes on for days.
Flow that rises and falls on the same days at several other meters is cooling (``customer_weather``): a leak is alone.
What is found belongs to the customer and to the zone's metered use, not to the utility's losses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from domain.customers import CustomerKind
from domain.series import FloatArray
from leak_detection.customer_bursts import Bursts, sudden_flows
from leak_detection.customer_flat import least
from leak_detection.customer_flows import Look, lasting_flows
from leak_detection.customer_memory import LARGEST, SUDDEN, CustomerMemory
from leak_detection.customer_readings import set_right
from leak_detection.customer_settings import LENGTHS, RECENT_DAYS, SLOTS, TICK_H, WEATHER_DAYS, WINDOW_H, CustomerSettings
from leak_detection.customer_shape import part_mean, used_more
from leak_detection.customer_weather import goes_with_others, mean_of_days

_SAMPLE = 250
"""Meters that a town's use is told from, up to twice as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLeak:
    """Flow at one meter that does not stop."""

    meter: str
    kind: CustomerKind = CustomerKind.CONTINUOUS
    found_h: int
    """Hours from the start of the recording to the moment of issue."""
    since_h: int
    """First hour of the continuous flow, no farther back than the window."""
    end_h: int | None
    """Hour at which the flow was seen to have stopped; None while it runs."""
    flow_l_h: float
    """Steady flow above what the meter's customer is used to [L/h]."""
    usual_l_h: float = 0.0
    """What lasted so long in the weeks before [L/h]."""


class CustomerWatch:
    """Looks at some meters every six hours, and remembers five weeks of looks.

    Args:
        meters: Names, M of them.
        settings: How far and how flat.
        state: What ``state`` gave for the same meters, to go on from there; None to begin.

    Raises:
        ValueError: The state is not of so many meters.
    """

    def __init__(self, meters: tuple[str, ...], settings: CustomerSettings | None = None, state: bytes | None = None) -> None:
        self._meters = meters
        self._settings = settings or CustomerSettings()
        self._memory = CustomerMemory(len(meters), state)

    def step(self, end_h: int, readings_l_h: FloatArray, local_hour: int | None = None) -> tuple[list[CustomerLeak], list[str]]:
        """Takes the ``WINDOW_H`` hours up to ``end_h``, shape (M, 120), NaN where missing; each call ``TICK_H`` after the last.

        Args:
            end_h: Of the window, in hours from any midnight.
            readings_l_h: Hourly use.
            local_hour: Hour of the clock at the end; by default as if ``end_h`` were counted from a local midnight.

        Returns:
            Leaks told at this look, and meters whose leak is over: also one that a sudden flow goes far beyond.
        """
        memory, look = self._memory, self._look(readings_l_h)
        newest = look.values_l_h[:, -TICK_H:]
        was_open, was_sudden = memory.open_l_h > 0, memory.sudden.copy()
        burst = self._bursts(look.values_l_h, (end_h if local_hour is None else local_hour) % 24)
        beyond = burst.told & was_open
        memory.take(burst.told, burst.flow_l_h, burst.level_l_h, sudden=True)
        running = lasting_flows(look, memory, self._settings, ~was_open & ~burst.told & ~burst.filling)
        lasting = running.told & ~self._by_weather(running.told, burst.floor_l_h)
        memory.take(lasting, running.flow_l_h, running.level_l_h, sudden=False)
        # A day must pass without it; of a sudden flow, which is younger than that, a look.
        still = np.where(was_sudden, least(newest), look.days_l_h[:, 0])
        with np.errstate(invalid="ignore"):
            over = was_open & ~beyond & (still < memory.level_l_h + self._settings.over * memory.open_l_h)
        memory.close(over)
        memory.add(look.lasting_l_h, np.stack((burst.floor_l_h, burst.largest_l_h), axis=1), part_mean(newest))
        leaks = [self._leak(int(j), end_h, look.values_l_h[j]) for j in np.flatnonzero(burst.told | lasting)]
        return leaks, [self._meters[j] for j in np.flatnonzero(over | beyond)]

    @staticmethod
    def understands(state: bytes, meters: int) -> bool:
        """Whether a state is of so many meters and remembers what this version does; of another one it is learnt anew."""
        return CustomerMemory.understands(state, meters)

    def state(self) -> bytes:
        """All that is remembered, packed."""
        return self._memory.packed()

    def _look(self, readings_l_h: FloatArray) -> Look:
        values, pulse = set_right(readings_l_h, self._memory.past[:, LARGEST, : SLOTS - WINDOW_H // TICK_H])
        some = slice(None, None, max(1, len(values) // _SAMPLE))
        past, newest = self._memory.parts_before(24 * RECENT_DAYS)
        return Look(
            values_l_h=values,
            pulse_l=pulse,
            days_l_h=np.stack([least(values[:, k : k + 24]) for k in range(WINDOW_H - 24, -1, -24)], axis=1),
            lasting_l_h=np.stack([least(values[:, -length.hours :]) for length in LENGTHS], axis=1),
            town=used_more(values[some], past[some], newest),
        )

    def _bursts(self, values: FloatArray, local_hour: int) -> Bursts:
        """Sudden flows, at meters where none runs; one may begin beside a smaller leak that runs already."""
        memory = self._memory
        running = np.where(memory.sudden, np.inf, memory.level_l_h + memory.open_l_h)
        return sudden_flows(values, memory.past[:, SUDDEN], local_hour=local_hour, running_l_h=running, slot_h=TICK_H)

    def _by_weather(self, which: NDArray[np.bool_], newest_l_h: FloatArray) -> NDArray[np.bool_]:
        """Meters whose flow goes with that of others, of those asked for; ``newest_l_h`` is what lasted the last hours."""
        found, rows = np.zeros(which.size, dtype=np.bool_), np.flatnonzero(which)
        if rows.size:
            days = mean_of_days(self._memory.lasted_lately(24 * WEATHER_DAYS, newest_l_h))
            found[rows] = goes_with_others(days, rows, self._settings)
        return found

    def _leak(self, j: int, end_h: int, values: FloatArray) -> CustomerLeak:
        low = np.flatnonzero(values < self._memory.level_l_h[j] + 0.5 * self._memory.open_l_h[j])
        since = end_h - WINDOW_H + (int(low[-1]) + 1 if low.size else 0)
        kind = CustomerKind.SUDDEN if self._memory.sudden[j] else CustomerKind.CONTINUOUS
        return CustomerLeak(
            meter=self._meters[j], kind=kind, found_h=end_h, since_h=since, end_h=None, flow_l_h=float(self._memory.open_l_h[j]),
            usual_l_h=float(self._memory.level_l_h[j]),
        )  # fmt: skip


def find_customer_leaks(
    readings_l_h: FloatArray, meters: tuple[str, ...], settings: CustomerSettings | None = None
) -> tuple[CustomerLeak, ...]:
    """Every leak of a recording in order of ``found_h``; each is told from its past alone.

    Args:
        readings_l_h: Hourly use, shape (H, M), NaN where missing, from a local midnight on.
        meters: Names, M of them.
        settings: How far and how flat.
    """
    watch = CustomerWatch(meters, settings)
    found: list[CustomerLeak] = []
    ends: dict[tuple[str, int], int] = {}
    running: dict[str, int] = {}
    for end in range(WINDOW_H, len(readings_l_h) + 1, TICK_H):
        leaks, over = watch.step(end, readings_l_h[end - WINDOW_H : end].T)
        ends |= {(meter, running.pop(meter)): end for meter in over}
        running |= {leak.meter: leak.found_h for leak in leaks}
        found += leaks
    return tuple(replace(f, end_h=ends.get((f.meter, f.found_h))) for f in found)
