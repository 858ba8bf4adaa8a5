"""``khettara bench pressure``: the control law on the benchmark's networks, beside a fixed setpoint and an oracle.

The benchmark (``pressure_bench.py``) needs epyt for its networks, which is no dependency of ours: ``--python`` names an interpreter
that has it. The measuring half of this module runs there (``python -m app.bench_pressure``) and needs numpy and owa-epanet only.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError

BURN_DAYS = 2
_STEP_MIN = {"ltown": 5, "klvsd": 5, "ky12": 15}
_TUNING_SEEDS = (1000, 1001)
_TUNING_MARGIN_M = 0.5
_HEADER = (
    "| net / scenario | seed | share of the oracle's cut % | customer-min | oracle's | beyond, % of all | moves/valve/day "
    "| max ramp m | max dP m | ms a step |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One closed-loop run of all controllers."""

    net: str
    scenario: str
    seed: int
    days: int


def run_bench_pressure(tool: Path, python: Path | None, jobs: Sequence[Job], out: Path | None, say: Callable[[str], None]) -> None:
    """Runs the jobs and prints a table, one row a run.

    Args:
        tool: ``pressure_bench.py``.
        python: Interpreter with epyt, owa-epanet and numpy; None takes this one.
        jobs: What to run.
        out: File for every run's figures, JSON lines.
        say: Prints a line.

    Raises:
        ConfigurationError: No such tool, or no epyt.
    """
    if not tool.is_file():
        raise ConfigurationError(file=str(tool), key="--tool", value=str(tool), expected="the file pressure_bench.py")
    interpreter = str(python) if python else sys.executable
    found = subprocess.run([interpreter, "-c", "import epyt, epanet, numpy"], capture_output=True, text=True, check=False)
    if found.returncode:
        last = (found.stderr.strip().splitlines() or ["no answer"])[-1]
        raise ConfigurationError(
            file=interpreter,
            key="--python",
            value=last,
            expected="an interpreter with the benchmark's packages: python -m venv bench && "
            "bench/bin/pip install epyt owa-epanet numpy, then --python bench/bin/python",
        )
    say(_HEADER)
    rows: list[dict[str, Any]] = []
    for job in jobs:
        words = [interpreter, "-m", "app.bench_pressure", str(tool.resolve()), job.net, job.scenario, str(job.seed), str(job.days)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[1])
        if done.returncode:
            raise ConfigurationError(
                file=str(tool),
                key=f"{job.net} / {job.scenario}",
                value=done.stderr.strip()[-300:],
                expected="a run without an error",
            )
        runs: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        rows += [{"net": job.net, "scenario": job.scenario, "seed": job.seed, "controller": k, **m} for k, m in runs.items()]
        say(table_row(job, runs))
    if out is not None:
        out.write_text("".join(json.dumps(row) + "\n" for row in rows))


def table_row(job: Job, runs: Mapping[str, Mapping[str, Any]]) -> str:
    """One line of the table, from the metrics of ``reference``, ``law`` and ``oracle``."""
    law, oracle = runs["law"], runs["oracle"]
    beyond = 100.0 * (law["cust_min"] - oracle["cust_min"]) / law["all_cust_min"]
    return (
        f"| {job.net} / {job.scenario} | {job.seed} | {share(runs):.1f} "
        f"| {law['cust_min']:,} | {oracle['cust_min']:,} | {beyond:.4f} "
        f"| {law['moves_valve_day']:.0f} | {law['max_ramp_m']:.1f} | {law['max_dp_m']:.1f} | {law['ctrl_ms']:.1f} |"
    )


def share(runs: Mapping[str, Mapping[str, Any]]) -> float:
    """The law's cut of leakage as a share of the oracle's, both against the reference [%]."""
    still = runs["reference"]["leak_m3"]
    return float(100.0 * (still - runs["law"]["leak_m3"]) / (still - runs["oracle"]["leak_m3"]))


def measure(tool: Path, job: Job) -> dict[str, dict[str, Any]]:
    """Reference, law and oracle on one seed. The reference is the network's own setpoints; on klvsd, whose own are not safe, the
    best constant, found on the benchmark's tuning seeds."""
    from pressure_control.bench import make

    spec = importlib.util.spec_from_file_location("pressure_bench", tool)
    if spec is None or spec.loader is None:
        raise ConfigurationError(file=str(tool), key="--tool", value=str(tool), expected="a Python file")
    bench: Any = importlib.util.module_from_spec(spec)
    sys.modules["pressure_bench"] = bench
    spec.loader.exec_module(bench)
    step = _STEP_MIN[job.net]
    plant = bench.Plant(job.net, job.scenario, days=job.days, step_min=step, burn_days=BURN_DAYS)
    constant = best_constant(bench, job.net, step) if job.net == "klvsd" else dict(plant.default)
    makers: dict[str, Callable[[Any], Any]] = {
        "reference": lambda p: bench.fixed({v: constant[v] for v in p.vi}),
        "law": lambda p: make(p.info),
        "oracle": bench.oracle,
    }
    customers = sum(z["customers"] for z in plant.info.zones.values())
    found = {}
    for name, maker in makers.items():
        begun = time.perf_counter()
        metrics, _ = bench.run(plant, maker, job.seed)
        whole = customers * (job.days - BURN_DAYS) * 1440
        found[name] = {**metrics, "all_cust_min": whole, "wall_s": round(time.perf_counter() - begun, 1)}
    plant.close()
    return found


def best_constant(bench: Any, net: str, step_min: int) -> dict[str, float]:
    """The lowest constant setpoints that leave 0.5 m everywhere on the tuning seeds."""
    plant = bench.Plant(net, "none", days=7, step_min=step_min)
    setpoints = dict(plant.default)
    for _ in range(2):
        spare = dict.fromkeys(plant.zones, float("inf"))
        for seed in _TUNING_SEEDS:
            _, rows = bench.run(plant, lambda _: bench.fixed(setpoints), seed, True)
            for *_, margins in rows:
                for zone, margin in margins.items():
                    spare[zone] = min(spare[zone], margin)
        for zone, one in plant.zones.items():
            for valve in one["valves"]:
                low, high = plant.limits[valve]
                setpoints[valve] = min(high, max(low, setpoints[valve] - (spare[zone] - _TUNING_MARGIN_M)))
    plant.close()
    return setpoints


def jobs(nets: Iterable[str], scenarios: Iterable[str], seeds: Iterable[int], days: int) -> tuple[Job, ...]:
    """Every combination, a net at a time.

    Raises:
        ConfigurationError: Unknown net, or too few days for a disturbance after the learning days.
    """
    nets = tuple(nets)
    for net in nets:
        if net not in _STEP_MIN:
            raise ConfigurationError(file="command line", key="--net", value=net, expected=", ".join(_STEP_MIN))
    if days < 5:
        raise ConfigurationError(
            file="command line", key="--days", value=str(days), expected="5 or more, of which 2 are for learning"
        )
    scenarios, seeds = tuple(scenarios), tuple(seeds)
    return tuple(Job(net=n, scenario=c, seed=s, days=days) for n in nets for c in scenarios for s in seeds)


if __name__ == "__main__":
    _tool, _net, _scenario, _seed, _days = sys.argv[1:]
    _job = Job(net=_net, scenario=_scenario, seed=int(_seed), days=int(_days))
    sys.stdout.write(json.dumps(measure(Path(_tool), _job), default=float) + "\n")
