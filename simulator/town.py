"""The town as a process: steps the plant by the clock, shows it on Modbus, obeys setpoints, and keeps its state for the next start.
Its customers' meters speak DLMS (``meter_park``).

In its folder: ``ports.json`` (where each device answers, written once all listen and show values), ``town-state.json`` (the plant
now), ``start-state.json`` (the plant when this run began), ``town-log.jsonl`` (one line a step), ``truth.json`` (what is planted).
A setpoint written between two steps holds from the later one on.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.ports import Clock
from simulator.faults import Fault
from simulator.field_devices import FieldDevices
from simulator.history import STATE_FILE
from simulator.memory import PlantMemory, load, save, write_atomically
from simulator.meter_park import MeterPark
from simulator.plant import Plant, fixed_setpoints
from simulator.scenario import load_scenario, plant_faults
from simulator.site import SimulatedSite, load_site
from simulator.town_log import append, logged, mend, write_truth

PORTS, STATE, START, LOG, TRUTH = "ports.json", "town-state.json", "start-state.json", "town-log.jsonl", "truth.json"
STEP_S = 60
STRIDE_S = 300
"""Step while far behind the clock."""
FAR_BEHIND_STEPS = 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TownSettings:
    """What a town process needs to know."""

    site_dir: Path
    seed: int
    scenario: str
    state_dir: Path
    """Own folder; a state found there is gone on from, else one that a history left (``history-state.json``)."""
    clock: Clock
    live_start: datetime
    """When the town first went live: the scenario's faults count from here, at every later start too."""
    host: str = "127.0.0.1"


async def run_town(settings: TownSettings, stop: asyncio.Event) -> None:
    """Runs until ``stop`` is set.

    Raises:
        ConfigurationError: Site, scenario or state cannot be used.
        HydraulicsError: EPANET is missing or finds no solution.
        OSError: A port or file is not to be had.
    """
    site = load_site(settings.site_dir)
    scenario = load_scenario(site, settings.scenario)
    faults = plant_faults(scenario, seed=settings.seed, start=settings.live_start, site=site)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    (settings.state_dir / PORTS).unlink(missing_ok=True)
    mend(settings.state_dir / LOG)
    write_truth(
        settings.state_dir / TRUTH, seed=settings.seed, scenario=scenario.name, live_start=settings.live_start, faults=faults
    )
    devices = FieldDevices(site, host=settings.host)
    meters = MeterPark(
        site,
        seed=settings.seed,
        folder=settings.state_dir,
        live_start=settings.live_start,
        now=settings.clock.now,
        host=settings.host,
    )
    with Plant(site, seed=settings.seed) as plant:
        town = _Town(settings, site, plant, devices, meters, faults)
        town.begin()
        await devices.start()
        await meters.start()
        try:
            await town.run(stop)
        finally:
            await meters.stop()
            await devices.stop()


class _Town:
    def __init__(
        self,
        settings: TownSettings,
        site: SimulatedSite,
        plant: Plant,
        devices: FieldDevices,
        meters: MeterPark,
        faults: tuple[Fault, ...],
    ) -> None:
        self._meters = meters
        self._clock, self._folder = settings.clock, settings.state_dir
        self._site, self._plant, self._devices, self._faults = site, plant, devices, faults
        self._announced = False

    def begin(self) -> None:
        """Takes up the state of an earlier run, of a history, or a new one, and shows its setpoints."""
        now = self._clock.now()
        memory = next((load(p) for p in (self._folder / STATE, self._folder / STATE_FILE) if p.exists()), None)
        if memory is None:
            memory = self._plant.begin(_floor(now - timedelta(seconds=STRIDE_S), STRIDE_S))
        memory = after_absence(memory, now, self._site)
        self._plant.memory = memory
        save(memory, self._folder / START)
        self._devices.set_setpoints(memory.setpoints_m)

    async def run(self, stop: asyncio.Event) -> None:
        """Steps whenever the clock has passed the next minute; says where the devices answer once they show something."""
        await self._step_to_now()
        while not stop.is_set():
            wait_s = self._clock.wall_delay(self._time() + timedelta(seconds=STEP_S))
            try:
                await asyncio.wait_for(stop.wait(), timeout=max(wait_s, 0.001))
            except TimeoutError:
                await self._step_to_now()

    async def _step_to_now(self) -> None:
        """All steps that are due, the last one shown on the registers."""
        for moment in steps_due(self._time(), self._clock.now()):
            state = self._plant.step(moment, setpoints=self._devices.setpoints(), faults=self._faults)
            if not state.balanced:
                _log.warning("hydraulics not balanced at %s", moment.isoformat())
            # The log first: a state without its line would lose a minute of the sums, a line without its state is written again.
            append(self._folder / LOG, logged(state))
            save(state.memory, self._folder / STATE)
            self._devices.show(state.values, self._faults, moment)
            self._meters.show(self._faults, moment)
            await asyncio.sleep(0)
            if not self._announced and moment >= self._clock.now() - timedelta(seconds=STRIDE_S):
                write_atomically(self._folder / PORTS, json.dumps(self._devices.ports() | self._meters.ports(), indent=1))
                self._announced = True

    def _time(self) -> datetime:
        memory = self._plant.memory
        if memory is None:
            raise RuntimeError("the town has not begun")
        return memory.time


def steps_due(last: datetime, now: datetime) -> Iterator[datetime]:
    """Ends of the steps from ``last`` to ``now``, never past it: on whole minutes, and on five minutes while far behind."""
    end = _floor(now, STEP_S)
    while last < end:
        far = end - last > timedelta(seconds=STEP_S * FAR_BEHIND_STEPS)
        stride = STRIDE_S if far else STEP_S
        last = _floor(last, stride) + timedelta(seconds=stride)
        yield last


def after_absence(memory: PlantMemory, now: datetime, site: SimulatedSite) -> PlantMemory:
    """The plant's state when nobody ran the town for a while.

    A gateway on site would have let each lease end and taken the safe setpoint, so after an absence longer than the longest lease
    the valves stand there.
    """
    lease_s = max((a.lease_s for a in site.inventory.actuators.values()), default=0.0)
    if (now - memory.time).total_seconds() <= lease_s:
        return memory
    return PlantMemory(
        time=memory.time,
        levels_m=memory.levels_m,
        pump_on=memory.pump_on,
        registers=memory.registers,
        setpoints_m=fixed_setpoints(site),
        held=memory.held,
    )


def _floor(moment: datetime, step_s: int) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // step_s * step_s, UTC)
