"""``khettara bench leaks``: the detectors over labelled recordings, as they would have run, and the scores of the alarms.

A folder with ``dma.npz`` is a set of metered zones without a hydraulic model. Scores are ours (``app.leak_scores``) or another
scorer's; alarms are judged by the moment of issue, never by the supposed onset.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from app.bench_leak_rows import by_kind, hours_printed, table_lines
from app.leak_learning import learn_network
from app.leak_network_units import AMERICAN, FOOT_M
from app.leak_scores import along_pipes, of_zones, score_alarms
from app.leaks_alarms import read_alarms, write_alarms
from app.leaks_replay_zones import judged_zones, zone_recordings
from app.network_replay import alarms_of, as_past
from app.network_set import read_network_set
from app.zone_set import read_zone_set
from domain.errors import ConfigurationError
from leak_detection.customer_leaks import CustomerLeak, find_customer_leaks
from leak_detection.zone_replay import track_zones
from simulator.inp import read_sections


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """Another scorer than ours."""

    file: Path
    """``score_leaks.py``."""
    interpreter: str = sys.executable
    """Python with scipy, which it needs on a network."""


_TIME = "%Y-%m-%d %H:%M"
_LENGTH = 3
"""Which word of a pipe's line is its length."""


def customer_scores(found: tuple[CustomerLeak, ...], truth: Path, start: datetime, hours: int) -> dict[str, float]:
    """Share of the true customer leaks told within 7 days, and share of what was told that is true."""

    def hour(text: str) -> float:
        return (datetime.strptime(text, _TIME) - start) / timedelta(hours=1)

    with (truth / "customer_leaks.csv").open() as file:
        rows = [(r["meter"], hour(r["start"]), hour(r["end"])) for r in csv.DictReader(file)]
    in_time = sum(any(f.meter == m and s <= f.found_h <= min(e, s + 168) + 1 for f in found) for m, s, e in rows if s < hours)
    true = sum(any(f.meter == m and s <= f.found_h <= e + 1 for m, s, e in rows) for f in found)
    return {"leaks": len(rows), "found_7d": in_time / max(1, len(rows)), "precision": true / max(1, len(found))}


def score(alarms: Path, truth: Path, *, network: Path | None, scorer: Scorer | None) -> dict[str, Any]:
    """Figures of an alarm file, by the scorer given or by ours; ``hours`` holds those until each leak was told, by its place."""
    if scorer is None:
        away_m, places = along_pipes(network) if network else (of_zones, [])
        return score_alarms(read_alarms(alarms), truth, away_m, places)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "score.json")
        command = [scorer.interpreter, str(scorer.file), str(alarms), "--truth", str(truth), "--online", "--json", str(out)]
        command += ["--inp", str(in_metres(network, Path(folder)))] if network else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not out.exists():
            raise ConfigurationError(file=str(scorer.file), key="score", value=done.stderr[-400:], expected="a score of the alarms")
        result: dict[str, Any] = json.loads(out.read_text())
        return result | {"hours": hours_printed(done.stdout)}


def bench_zones(folder: Path, truth: Path, out: Path, scorer: Scorer | None = None) -> dict[str, Any]:
    """Scores of one set of metered zones."""
    began = time.perf_counter()
    data = read_zone_set(folder)
    alarms, _ = judged_zones(data, track_zones(zone_recordings(data, folder)))
    customers = find_customer_leaks(data.readings_l_h, data.meters)
    seconds = time.perf_counter() - began
    write_alarms(alarms, out)
    result = score(out, truth, network=None, scorer=scorer)
    months = len(data.zones) * (data.inflow_m3h.shape[0] / 24 - (data.train_until - data.start).days) / 30.44
    result["false_per_zone_month"] = result["FP"] / months
    result["customers"] = customer_scores(customers, truth, data.start, data.inflow_m3h.shape[0])
    result["seconds"] = seconds
    return result


def run_bench_leaks(
    sets: list[Path], scorer: Path | None, out: Path | None, *, as_json: bool, console: Console, interpreter: str = sys.executable
) -> None:
    """Replays every set and prints its scores as the rows of docs/benchmarks-leaks.md.

    Args:
        sets: Folders of labelled recordings.
        scorer: File of another scorer than ours.
        out: Where alarms are kept.
        as_json: Prints all figures, else rows.
        console: Where to.
        interpreter: Python that runs the other scorer.

    Raises:
        ConfigurationError: A folder is no set, or the scorer is not there or will not run.
    """
    other = None if scorer is None else Scorer(file=scorer, interpreter=interpreter)
    if other is not None and not other.file.exists():
        raise ConfigurationError(file="command line", key="--scorer", value=str(scorer), expected="the file of score_leaks.py")
    results: dict[str, dict[str, Any]] = {}
    for folder in sets:
        _check_set(folder, other)
        with tempfile.TemporaryDirectory() as temporary:
            target = (out or Path(temporary)) / f"alarms-{folder.name}.csv"
            target.parent.mkdir(parents=True, exist_ok=True)
            results[folder.name] = bench_set(folder, folder / "truth", target, other)
    if as_json:
        console.print_json(json.dumps(results))
        return
    for line in table_lines(results):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _check_set(folder: Path, scorer: Scorer | None) -> None:
    """Sees that a folder is a labelled set before minutes are spent on it.

    Raises:
        ConfigurationError: It is no set, its truth is not there, or the scorer will not run.
    """
    if not any((folder / name).exists() for name in ("dma.npz", "zones.json")):
        raise ConfigurationError(file=str(folder), key="--set", value=folder.name, expected="dma.npz, or zones.json and a network")
    if not (folder / "truth").is_dir():
        raise ConfigurationError(
            file=str(folder), key="--set", value="no folder truth", expected="a labelled set: what was wrong in it, under truth"
        )
    if scorer is None or (folder / "dma.npz").exists():
        return
    if subprocess.run([scorer.interpreter, "-c", "import scipy"], capture_output=True, check=False).returncode:
        raise ConfigurationError(
            file="command line", key="--python", value=scorer.interpreter, expected="a Python with scipy: that scorer needs it"
        )


def bench_set(folder: Path, truth: Path, out: Path, scorer: Scorer | None = None) -> dict[str, Any]:
    """Scores of one folder, by what is in it.

    Raises:
        ConfigurationError: The folder is no set of a kind that is known.
    """
    if (folder / "dma.npz").exists():
        return bench_zones(folder, truth, out, scorer)
    if (folder / "zones.json").exists():
        return bench_network(folder, truth, out, scorer)
    raise ConfigurationError(file=str(folder), key="--set", value=folder.name, expected="dma.npz, or zones.json and a network")


def bench_network(folder: Path, truth: Path, out: Path, scorer: Scorer | None = None) -> dict[str, Any]:
    """Scores of the model layer on one network's recording."""
    began = time.perf_counter()
    data = read_network_set(folder)
    alarms = alarms_of(data, learn_network(as_past(data)))
    seconds = time.perf_counter() - began
    write_alarms(alarms, out)
    result = score(out, truth, network=data.network, scorer=scorer)
    return result | by_kind(result["hours"], truth, data.second) | {"seconds": seconds}


def in_metres(network: Path, folder: Path) -> Path:
    """The file, or where its lengths are feet a copy in ``folder`` with its pipes in metres: scorers read numbers alone."""
    text = network.read_text(encoding="utf-8", errors="replace")
    options = {r.words[0].upper(): r.words[-1].upper() for r in read_sections(text).get("OPTIONS", ()) if len(r.words) == 2}
    if options.get("UNITS", "GPM") not in AMERICAN:
        return network
    lines, section = [], ""
    for line in text.splitlines():
        words = line.split(";")[0].split()
        if words and words[0].startswith("["):
            section = words[0].upper()
        elif section == "[PIPES]" and len(words) > _LENGTH:
            words[_LENGTH] = f"{float(words[_LENGTH]) * FOOT_M:.4f}"
        lines.append(line if section != "[PIPES]" else " ".join(words))
    copy = folder / f"metres-{network.name}"
    copy.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return copy
