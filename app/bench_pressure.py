"""``khettara bench pressure``: the control law on the benchmark's networks, beside a fixed setpoint and an oracle.

The benchmark (``pressure_bench.py``) needs epyt for its networks, which is no dependency of ours: ``--python`` names an interpreter
that has it; ``app.bench_pressure_run`` measures there. Each row is judged by what must hold.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.bench_pressure_run import LEARNER, SPARING, STEP_MIN, TWIN
from domain.errors import ConfigurationError

NETS = (*STEP_MIN, f"klvsd{SPARING}")
HEADER = (
    "| net / scenario | seed | share of the oracle's cut % | customer-min | oracle's | beyond, % of all | moves/valve/day "
    "| max ramp m | max dP m | ms a step | notes | holds |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)
BEGIN, END = "<!-- table: khettara bench pressure -->", "<!-- end of table -->"
_LEAST_SHARE = {"ltown": 92.0, "klvsd": 90.0, f"klvsd{SPARING}": 87.0, "ky12": 93.0}
_MOST_HARM = {"ltown": 0.001, "klvsd": 0.005, f"klvsd{SPARING}": 0.005, "ky12": 0.015}
_MOST_MOVES = {"ltown": 48.0, "klvsd": 96.0, f"klvsd{SPARING}": 48.0, "ky12": 48.0}
_SHARED = ("none",)
_HARM_COUNTS = ("none", "bias", "fire", "burst", "dropout")
_MOST_RAMP_M, _EMERGENCY_RAMP_M, _MOST_RELEASE_M = 2.0, 5.0, 5.0
_MOST_ALARM_STEPS = 2
_LEAST_AVOIDED = 90.0
_MOST_MS_A_ZONE = 5.0
_MOST_MS_MODEL = 250.0
"""Of a step with a hydraulic model, at a thousand nodes."""
LAWS = (LEARNER, TWIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One closed-loop run of all controllers."""

    net: str
    scenario: str
    seed: int
    days: int
    law: str = LEARNER


def run_bench_pressure(
    tool: Path,
    python: Path | None,
    jobs: Sequence[Job],
    out: Path | None,
    say: Callable[[str], None],
    *,
    cache: Path | None = None,
    docs: Path | None = None,
) -> None:
    """Runs the jobs and prints a table, one row a run.

    Args:
        tool: ``pressure_bench.py``.
        python: Interpreter with epyt, owa-epanet and numpy; None takes this one.
        jobs: What to run.
        out: File for every run's figures, JSON lines.
        say: Prints a line.
        cache: Folder that keeps what does not depend on the law.
        docs: Page whose table, between its two marks, is replaced.

    Raises:
        ConfigurationError: No such tool, no epyt, or a page without marks.
    """
    if not tool.is_file():
        raise ConfigurationError(file=str(tool), key="--tool", value=str(tool), expected="the file pressure_bench.py")
    interpreter = _interpreter(python)
    page = _page(docs) if docs is not None else None
    say(HEADER)
    lines, figures = [HEADER], []
    for job in jobs:
        runs = _measure(interpreter, tool, job, cache)
        figures += [
            {"net": job.net, "scenario": job.scenario, "seed": job.seed, "controller": _controller(job, k), **m}
            for k, m in runs.items()
        ]
        lines.append(table_row(job, runs))
        say(lines[-1])
    if out is not None:
        out.write_text("".join(json.dumps(row) + "\n" for row in figures))
    if docs is not None and page is not None:
        docs.write_text(f"{page[0]}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{page[1]}")


def _controller(job: Job, run: str) -> str:
    return job.law if run == "law" and job.law != LEARNER else run


def table_row(job: Job, runs: Mapping[str, Mapping[str, Any]]) -> str:
    """One line of the table, from the metrics of ``reference``, ``law`` and ``oracle`` (and ``constant``)."""
    law, oracle = runs["law"], runs["oracle"]
    short = shortfalls(job, runs)
    return (
        f"| {job.net} / {job.scenario}{'' if job.law == LEARNER else ', ' + job.law} | {job.seed} | {share(runs):.1f} "
        f"| {law['cust_min']:,} | {oracle['cust_min']:,} | {beyond(runs):.4f} "
        f"| {law['moves_valve_day']:.0f} | {law['max_ramp_m']:.1f} | {law['max_dp_m']:.1f} | {law['ctrl_ms']:.1f} "
        f"| {_notes(runs)} | {'no: ' + ', '.join(short) if short else 'yes'} |"
    )


def shortfalls(job: Job, runs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What must hold in this run and does not, in words; empty where all does.

    The share is asked of runs without disturbance, the harm beyond the oracle's of all but ``firehard`` (where what a constant
    would have done counts), ``stuck`` and ``mixed`` (the oracle's own).
    """
    law, oracle = runs["law"], runs["oracle"]
    found = []
    if job.scenario in _SHARED and share(runs) < _LEAST_SHARE[job.net]:
        found.append(f"share < {_LEAST_SHARE[job.net]:g}")
    if job.scenario in _HARM_COUNTS and beyond(runs) > _MOST_HARM[job.net]:
        found.append(f"harm > {_MOST_HARM[job.net]:g} %")
    if law["moves_valve_day"] > _MOST_MOVES[job.net]:
        found.append(f"moves > {_MOST_MOVES[job.net]:g}")
    drawn = job.scenario not in ("none", "bias", "dropout", "stuck")
    if law["max_ramp_m"] > (_EMERGENCY_RAMP_M if drawn else _MOST_RAMP_M) + 0.01:
        found.append("ramp")
    most_ms = _MOST_MS_MODEL if job.law == TWIN else _MOST_MS_A_ZONE * law.get("zones", 1)
    if law["ctrl_ms"] > most_ms:
        found.append(f"> {most_ms:g} ms" if job.law == TWIN else f"> {_MOST_MS_A_ZONE:g} ms a zone")
    avoided = harm_avoided(runs)
    if job.net == "ltown" and avoided is not None and avoided < _LEAST_AVOIDED:
        found.append(f"avoided < {_LEAST_AVOIDED:g} %")
    if job.scenario == "stuck":
        found += ["harm > the oracle's"] if law["cust_min"] > oracle["cust_min"] else []
        found += ["release > 5 m"] if law["release_m"] > _MOST_RELEASE_M else []
        late = law["stuck_unseen"] or (law["alarm_steps"] is not None and law["alarm_steps"] > _MOST_ALARM_STEPS)
        found += ["alarm late"] if late else []
    return found


def share(runs: Mapping[str, Mapping[str, Any]]) -> float:
    """The law's cut of leakage as a share of the oracle's, both against the reference [%]."""
    still = runs["reference"]["leak_m3"]
    return float(100.0 * (still - runs["law"]["leak_m3"]) / (still - runs["oracle"]["leak_m3"]))


def beyond(runs: Mapping[str, Mapping[str, Any]]) -> float:
    """Customer-minutes below the minimum beyond the oracle's, of all [%]."""
    return float(100.0 * (runs["law"]["cust_min"] - runs["oracle"]["cust_min"]) / runs["law"]["all_cust_min"])


def harm_avoided(runs: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Share of the best constant's customer-minutes that the law avoids [%]; None where that was not run or did no harm."""
    constant = runs.get("constant")
    if constant is None or not constant["cust_min"]:
        return None
    return float(100.0 * (1.0 - runs["law"]["cust_min"] / constant["cust_min"]))


def _notes(runs: Mapping[str, Mapping[str, Any]]) -> str:
    law, notes = runs["law"], []
    avoided = harm_avoided(runs)
    if avoided is not None:
        notes.append(f"{avoided:.0f} % of the best constant's {runs['constant']['cust_min']:,} avoided")
    if "release_m" in law:
        steps = "none" if law["alarm_steps"] is None else f"{law['alarm_steps']} steps after 1 m"
        notes.append(f"mismatch {law['mismatch_m']:.1f} m, alarm {steps}, jump when freed {law['release_m']:.1f} m")
    if law.get("false_alarms"):
        notes.append(f"{law['false_alarms']} false alarms")
    return "; ".join(notes)


def _interpreter(python: Path | None) -> str:
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
    return interpreter


def _measure(interpreter: str, tool: Path, job: Job, cache: Path | None) -> dict[str, dict[str, Any]]:
    words = [interpreter, "-m", "app.bench_pressure_run", str(tool.resolve()), job.net, job.scenario, str(job.seed), str(job.days)]
    words += [f"--law={job.law}", *([str(cache.resolve())] if cache is not None else [])]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[1])
    if done.returncode:
        raise ConfigurationError(
            file=str(tool), key=f"{job.net} / {job.scenario}", value=done.stderr.strip()[-300:], expected="a run without an error"
        )
    runs: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return runs


def _page(docs: Path) -> tuple[str, str]:
    text = docs.read_text() if docs.is_file() else ""
    if BEGIN not in text or END not in text:
        raise ConfigurationError(file=str(docs), key="--docs", value=str(docs), expected=f"a page with the lines {BEGIN} and {END}")
    return text[: text.index(BEGIN)], text[text.index(END) + len(END) :]


def jobs(
    nets: Iterable[str], scenarios: Iterable[str], seeds: Iterable[int], days: int, laws: Iterable[str] = (LEARNER,)
) -> tuple[Job, ...]:
    """Every combination, a net at a time, the laws one below the other; a sparing station is measured without a disturbance only.

    Raises:
        ConfigurationError: Unknown net or law, or too few days for a disturbance after the learning days.
    """
    nets = tuple(nets)
    for net in nets:
        if net not in NETS:
            raise ConfigurationError(file="command line", key="--net", value=net, expected=", ".join(NETS))
    laws = tuple(laws)
    for law in laws:
        if law not in LAWS:
            raise ConfigurationError(file="command line", key="--law", value=law, expected=", ".join(LAWS))
    if days < 5:
        raise ConfigurationError(
            file="command line", key="--days", value=str(days), expected="5 or more, of which 2 are for learning"
        )
    scenarios, seeds = tuple(scenarios), tuple(seeds)
    return tuple(
        Job(net=n, scenario=c, seed=s, days=days, law=law)
        for n in nets
        for c in scenarios
        for s in seeds
        for law in laws
        if not n.endswith(SPARING) or c == "none"
    )
