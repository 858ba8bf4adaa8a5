"""The measuring half of ``khettara bench pressure``: one closed-loop run, in an interpreter that has the benchmark's packages.

    python -m app.bench_pressure_run <pressure_bench.py> <net> <scenario> <seed> <days> [--law=<law>] [<cache folder>]

Writes one JSON object: the metrics of ``reference``, ``law``, ``oracle``, and of ``constant`` where it is wanted.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError

BURN_DAYS = 2
DAY_S = 86400
SPARING = "-sparing"
"""Ends a net's name where its station may move 48 times a day only."""
STEP_MIN = {"ltown": 5, "klvsd": 5, "ky12": 15}
LEARNER, TWIN = "learned_critical_point", "model_twin"
_TUNING_SEEDS = (1000, 1001)
_TUNING_MARGIN_M = 0.5
_MISMATCH_M = 1.0
_SEEN_ONLY = ("bias", "dropout")
"""Scenarios that spoil readings and leave the network alone."""


def load_tool(tool: Path) -> Any:
    """``pressure_bench.py`` as a module.

    Raises:
        ConfigurationError: Not a Python file.
    """
    spec = importlib.util.spec_from_file_location("pressure_bench", tool)
    if spec is None or spec.loader is None:
        raise ConfigurationError(file=str(tool), key="--tool", value=str(tool), expected="a Python file")
    bench: Any = importlib.util.module_from_spec(spec)
    sys.modules["pressure_bench"] = bench
    spec.loader.exec_module(bench)
    return bench


def measure(
    tool: Path, net: str, scenario: str, seed: int, days: int, cache: Path | None, law: str = LEARNER
) -> dict[str, dict[str, Any]]:
    """Reference, law and oracle on one seed.

    The reference is the network's own setpoints; on klvsd, whose own are not safe, the best constant, found on the benchmark's
    tuning seeds. With a cache, what does not depend on the law is measured once.
    """
    if law == TWIN:
        from app.bench_twin import make, make_sparing
    else:
        from pressure_control.bench import make, make_sparing

    bench = load_tool(tool)
    name = net.removesuffix(SPARING)
    plant = bench.Plant(name, scenario, days=days, step_min=STEP_MIN[name], burn_days=BURN_DAYS)
    _move_past_learning(plant)

    def kept(key: str, run: Callable[[], Any]) -> Any:
        return _kept(cache / f"{key}.json" if cache else None, run)

    def constant() -> dict[str, float]:
        found: dict[str, float] = kept(f"{name}-constant", lambda: best_constant(bench, name))
        return found

    def fixed(setpoints: dict[str, float]) -> dict[str, Any]:
        metrics, _ = bench.run(plant, lambda p: bench.fixed({v: setpoints[v] for v in p.vi}), seed)
        return dict(metrics)

    # What disturbs only what is seen does nothing to a constant, nor to the oracle.
    run = f"{name}-{'none' if scenario in _SEEN_ONLY else scenario}-{seed}-{days}"
    reference = constant() if name == "klvsd" else dict(plant.default)
    found = {
        "reference": kept(f"{run}-reference", lambda: fixed(reference)),
        "oracle": kept(f"{run}-oracle", lambda: dict(bench.run(plant, bench.oracle, seed)[0])),
        "law": _run_law(plant, make_sparing if net.endswith(SPARING) else make, seed),
    }
    if scenario == "firehard":
        found["constant"] = kept(f"{run}-bestconstant", lambda: fixed(constant()))
    customers = sum(z["customers"] for z in plant.info.zones.values())
    found["law"]["all_cust_min"] = customers * (days - BURN_DAYS) * 1440
    found["law"]["zones"] = len(plant.info.zones)
    plant.close()
    return found


def _move_past_learning(plant: Any) -> None:
    """Disturbances that begin in the learning days come as many days later: else they would not be scored."""
    plan = plant._plan

    def later(rng: Any) -> None:
        plan(rng)
        for k, (kind, begin, end, where, size) in enumerate(plant.events):
            if begin < BURN_DAYS * DAY_S:
                plant.events[k] = (kind, begin + BURN_DAYS * DAY_S, end + BURN_DAYS * DAY_S, where, size)

    plant._plan = later


def _run_law(plant: Any, maker: Callable[[Any], Any], seed: int) -> dict[str, Any]:
    """The law's metrics, with what a stuck valve shows: steps from a mismatch of 1 m to the alarm, and the jump when it frees."""
    observed, control = plant.reset(seed), maker(plant.info)
    gaps: list[tuple[int, float]] = []
    jump = 0.0
    stuck = next((e for e in plant.events if e[0] == "stuck"), None)
    while not plant.done:
        # Of this process alone: what else the machine does is no work of the law.
        begun = time.process_time()
        setpoints = control(observed)
        plant.acc["ctrl"] += time.process_time() - begun
        before = plant._lastP
        observed = plant.step(setpoints)
        if stuck is not None and stuck[1] <= observed.t < stuck[2]:
            gaps.append((observed.t, abs(plant.sp[stuck[3]] - plant.applied[stuck[3]])))
        if stuck is not None and observed.t == stuck[2]:
            jump = float(abs(plant._lastP - before)[plant.elig].max())
    metrics: dict[str, Any] = dict(plant.metrics())
    if stuck is not None:
        off = next((t for t, gap in gaps if gap >= _MISMATCH_M), None)
        alarm = next((t for t, valve in control.alarms if valve == stuck[3] and stuck[1] <= t <= stuck[2]), None)
        metrics |= {
            "mismatch_m": round(max(gap for _, gap in gaps), 2),
            "release_m": round(jump, 2),
            "alarm_steps": None if alarm is None or off is None else max(0, (alarm - off) // plant.dt),
            "stuck_unseen": off is not None and alarm is None,
        }
    alarms = getattr(control, "alarms", [])
    metrics["false_alarms"] = sum(stuck is None or valve != stuck[3] for _, valve in alarms)
    return metrics


def best_constant(bench: Any, net: str) -> dict[str, float]:
    """The lowest constant setpoints that leave 0.5 m everywhere on the tuning seeds."""
    plant = bench.Plant(net, "none", days=7, step_min=STEP_MIN[net])
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


def _kept(file: Path | None, run: Callable[[], Any]) -> Any:
    if file is not None and file.is_file():
        return json.loads(file.read_text())
    found = run()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, default=float))
    return found


if __name__ == "__main__":
    _tool, _net, _scenario, _seed, _days, *_rest = sys.argv[1:]
    _laws = [w.removeprefix("--law=") for w in _rest if w.startswith("--law=")]
    _cache = [Path(w) for w in _rest if not w.startswith("--law=")]
    _found = measure(
        Path(_tool), _net, _scenario, int(_seed), int(_days), _cache[0] if _cache else None, _laws[0] if _laws else LEARNER
    )
    sys.stdout.write(json.dumps(_found, default=float) + "\n")
