"""The same hours twice: what the fixed setpoints would have lost, and a replay that proves the live log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from simulator.memory import PlantMemory, load
from simulator.plant import Plant, fixed_setpoints
from simulator.scenario import load_scenario, plant_faults
from simulator.site import load_site
from simulator.town import LOG, START, STEP_S, TRUTH
from simulator.town_log import LoggedStep, Totals, logged, read_log, read_truth, totals

__all__ = ["Comparison", "Totals", "compare_live", "fixed_run", "replay_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A live run and its twin."""

    start: datetime
    end: datetime
    controlled: Totals
    """As the live town logged it."""
    replayed: Totals
    """The same, computed again from the logged setpoints: equal but for rounding, or the log is not to be trusted."""
    fixed: Totals
    """The same hours at the fixed setpoints."""


def compare_live(site_dir: Path, town_dir: Path) -> Comparison:
    """Runs the hours of a town's last run again.

    Args:
        site_dir: Site folder.
        town_dir: Folder the town wrote (``truth.json``, ``start-state.json``, ``town-log.jsonl``).

    Raises:
        ConfigurationError: A file is damaged.
        ValueError: The town has not made a step.
    """
    truth, begin = read_truth(town_dir / TRUTH), load(town_dir / START)
    steps = tuple(s for s in read_log(town_dir / LOG) if s.time > begin.time)
    if not steps:
        raise ValueError(f"{town_dir} holds no step after {begin.time}")
    live_start = datetime.fromisoformat(truth["live_start"])
    plan = [(s.time, s.setpoints_m) for s in steps]
    again = _run(site_dir, int(truth["seed"]), str(truth["scenario"]), live_start, begin, plan)
    still = [(time, fixed_setpoints(load_site(site_dir))) for time, _ in plan]
    fixed = _run(site_dir, int(truth["seed"]), str(truth["scenario"]), live_start, begin, still)
    return Comparison(start=begin.time, end=steps[-1].time, controlled=totals(steps), replayed=totals(again), fixed=totals(fixed))


def fixed_run(
    site_dir: Path,
    seed: int,
    scenario: str,
    start: datetime,
    end: datetime,
    initial_state: PlantMemory | None = None,
    *,
    live_start: datetime | None = None,
    step_s: int = STEP_S,
) -> Totals:
    """Some hours at the fixed setpoints, with the scenario's faults.

    Args:
        site_dir: Site folder.
        seed: Seed of the live run.
        scenario: Name of its scenario.
        start: First moment; steps end every ``step_s`` after it.
        end: Last moment.
        initial_state: The plant at ``start``; None begins a new one.
        live_start: Moment the scenario's faults count from; None is ``start``.
        step_s: Length of a step [s].
    """
    count = int((end - start).total_seconds() // step_s)
    fixed = fixed_setpoints(load_site(site_dir))
    plan = [(start + timedelta(seconds=step_s * (i + 1)), fixed) for i in range(count)]
    return totals(_run(site_dir, seed, scenario, live_start or start, initial_state, plan, begin=start))


def replay_run(
    site_dir: Path,
    seed: int,
    scenario: str,
    timeline: Sequence[tuple[datetime, dict[str, float]]],
    initial_state: PlantMemory,
    *,
    live_start: datetime,
) -> Totals:
    """The steps of a timeline again: end of each step, and the setpoints in force during it."""
    return totals(_run(site_dir, seed, scenario, live_start, initial_state, timeline))


def _run(
    site_dir: Path,
    seed: int,
    scenario: str,
    live_start: datetime,
    initial: PlantMemory | None,
    plan: Iterable[tuple[datetime, dict[str, float]]],
    *,
    begin: datetime | None = None,
) -> list[LoggedStep]:
    site = load_site(site_dir)
    faults = plant_faults(load_scenario(site, scenario), seed=seed, start=live_start, site=site)
    with Plant(site, seed=seed, memory=initial) as plant:
        if initial is None and begin is not None:
            plant.begin(begin)
        return [logged(plant.step(time, setpoints=setpoints, faults=faults)) for time, setpoints in plan]
