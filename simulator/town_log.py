"""What a town writes beside its state: one line a step, and the truth about its faults."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator.faults import Burst, Fault
from simulator.memory import write_atomically
from simulator.plant import PlantState


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedStep:
    """One step of a live run."""

    time: datetime
    seconds: float
    leak_m3: float
    """All losses of the step, bursts included."""
    burst_m3: float
    inflow_m3: float
    customer_minutes_below: float
    lowest_m: float
    """Least pressure at any customer [m]."""
    setpoints_m: dict[str, float]
    """Order in force at each actuator during the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over a run."""

    leak_m3: float
    burst_m3: float
    customer_minutes_below: float
    inflow_m3: float
    lowest_pressure_m: float
    """Least pressure any customer saw [m]; infinite for a run without a step."""
    hours: float


def logged(state: PlantState) -> LoggedStep:
    """The line for a step."""
    return LoggedStep(
        time=state.time,
        seconds=state.seconds,
        leak_m3=state.leak_m3,
        burst_m3=state.burst_m3,
        inflow_m3=state.inflow_m3,
        customer_minutes_below=state.customer_minutes_below,
        lowest_m=min(state.lowest_m.values()),
        setpoints_m=state.memory.setpoints_m,
    )


def totals(steps: Iterable[LoggedStep]) -> Totals:
    """The sums of some steps."""
    rows = list(steps)
    return Totals(
        leak_m3=sum(r.leak_m3 for r in rows),
        burst_m3=sum(r.burst_m3 for r in rows),
        customer_minutes_below=sum(r.customer_minutes_below for r in rows),
        inflow_m3=sum(r.inflow_m3 for r in rows),
        lowest_pressure_m=min((r.lowest_m for r in rows), default=float("inf")),
        hours=sum(r.seconds for r in rows) / 3600,
    )


def append(path: Path, step: LoggedStep) -> None:
    """Adds a line."""
    values = {**dataclasses.asdict(step), "time": step.time.isoformat()}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(values, separators=(",", ":")) + "\n")


def mend(path: Path) -> None:
    """Ends a line that a crash cut off, so that the next one stands alone."""
    if path.exists() and (content := path.read_bytes()) and not content.endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")


def read_log(path: Path) -> tuple[LoggedStep, ...]:
    """Steps in the order of time; of two lines for one moment the later written counts, a line cut off by a crash does not."""
    found: dict[datetime, LoggedStep] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            values: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        time = datetime.fromisoformat(values.pop("time"))
        found[time] = LoggedStep(time=time, **values)
    return tuple(found[t] for t in sorted(found))


def write_truth(path: Path, *, seed: int, scenario: str, live_start: datetime, faults: Sequence[Fault]) -> None:
    """Says what is planted: for the judge of a run, never for those who search."""
    truth = {"seed": seed, "scenario": scenario, "live_start": live_start.isoformat(), "faults": [describe(f) for f in faults]}
    write_atomically(path, json.dumps(truth, indent=1))


def describe(fault: Fault) -> dict[str, Any]:
    """A fault as JSON values; ``kind`` is the word of scenario files."""
    word = {"MeterStuck": "meter_stuck", "SensorDrift": "sensor_drift", "PrvStuck": "prv_stuck", "LinkLost": "link_lost"}
    kind = word.get(type(fault).__name__, "burst")
    if isinstance(fault, Burst) and fault.growth_h > 0:
        kind = "creeping_leak"
    return {"kind": kind, **{k: _plain(v) for k, v in dataclasses.asdict(fault).items()}}


def read_truth(path: Path) -> Mapping[str, Any]:
    """What ``write_truth`` wrote."""
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
