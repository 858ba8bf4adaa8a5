"""``khettara bench gauges``: gauge screening over recordings with faults put in, as it would have run, and how it did.

The faults of a set stand in ``truth/sensor_faults.csv``, as ``ltown.py dirty`` and others write it; the screening never sees them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from app.leak_learning import learn_network
from app.network_replay import as_past
from app.network_set import read_network_set
from app.whole_tables import print_whole
from domain.errors import ConfigurationError
from leak_detection.model.gauge_faults import Screening, screen

FAULTS = "sensor_faults.csv"
_FLOW_M3H = 10.0
"""At which a leak's signature is taken, as the hourly layer takes it."""
_LONG_DAYS = 3
_AROUND_DAYS = 2
"""About a fault, on which its gauge may be masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueFault:
    """A fault that was put into a recording."""

    gauge: int
    kind: str
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningScore:
    """How a screening did."""

    faults: int
    found: int
    median_delay_days: float
    handled: float
    """Share of the faulty gauge-days that were masked or corrected."""
    lost: float
    """Share of the other gauge-days that were masked."""
    known: float
    """The same share as it was known on the day itself."""
    falsely: int
    """Good gauges masked for three days or more in a row."""
    by_kind: dict[str, KindScore]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindScore:
    """How the faults of one kind were seen."""

    faults: int
    delays_days: tuple[int, ...]
    """Of those that were found: days from the fault to the telling."""
    days: int
    handled_days: int
    """Of those gauge-days, masked or set right with hindsight."""


def read_faults(truth: Path, gauges: Sequence[str], first_year: int, per_day: int) -> list[TrueFault]:
    """Faults of ``sensor_faults.csv``: year, sensor, fault and start_step, with end_step or a length such as "21 d" in the fault.

    Raises:
        ConfigurationError: The file is not there, or names a gauge that the recording does not have.
    """
    file = truth / FAULTS
    try:
        rows = list(csv.DictReader(file.read_text().splitlines()))
    except OSError as error:
        raise ConfigurationError(file=str(file), key="file", value=str(error), expected="the faults of a distorted set") from error
    out = []
    for row in rows:
        if row["sensor"] not in gauges:
            raise ConfigurationError(file=str(file), key="sensor", value=row["sensor"], expected="a gauge of the recording")
        year, start = int(row["year"]), int(row["start_step"])
        offset = (date(year, 1, 1) - date(first_year, 1, 1)).days
        year_days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
        days = re.search(r"(\d+) d\b", row["fault"])
        last = int(row["end_step"]) // per_day if row.get("end_step") else start // per_day + int(days[1]) if days else year_days
        out.append(
            TrueFault(
                gauge=list(gauges).index(row["sensor"]),
                kind=row["fault"].split()[0],
                first_day=offset + start // per_day,
                last_day=offset + min(last, year_days - 1),
            )
        )
    return out


def score_screening(screening: Screening, faults: Sequence[TrueFault]) -> ScreeningScore:
    """Compares a screening with what was put in."""
    days, gauges = screening.usable.shape
    true, near = np.zeros((days, gauges), dtype=bool), np.zeros((days, gauges), dtype=bool)
    corrected = (screening.offset_m != 0) | (screening.clock_samples != 0)
    handled = ~screening.usable | corrected
    known = ~screening.told | (corrected & _told_before(screening))
    by_kind: dict[str, KindScore] = {}
    for fault in faults:
        spell = slice(fault.first_day, fault.last_day + 1)
        true[spell, fault.gauge] = True
        near[max(fault.first_day - _AROUND_DAYS, 0) : fault.last_day + 1 + _AROUND_DAYS, fault.gauge] = True
        seen = by_kind.get(fault.kind, KindScore(faults=0, delays_days=(), days=0, handled_days=0))
        by_kind[fault.kind] = KindScore(
            faults=seen.faults + 1,
            delays_days=seen.delays_days + _delay(fault, screening),
            days=seen.days + handled[spell, fault.gauge].size,
            handled_days=seen.handled_days + int(handled[spell, fault.gauge].sum()),
        )
    delays = [delay for kind in by_kind.values() for delay in kind.delays_days]
    masked = ~screening.usable
    long = [f for f in screening.faults if (f.until_day or days) - f.since_day >= _LONG_DAYS]
    return ScreeningScore(
        faults=len(faults),
        found=len(delays),
        median_delay_days=float(np.median(delays)) if delays else float("nan"),
        handled=_share(handled[true]),
        known=_share(known[true]),
        lost=_share(masked[~near]),
        falsely=sum(not near[f.since_day : (f.until_day or days), f.gauge].any() for f in long),
        by_kind=by_kind,
    )


def _told_before(screening: Screening) -> NDArray[np.bool_]:
    """Days of each gauge on which a fault of it had been told, shape (D, G)."""
    out = np.zeros(screening.usable.shape, dtype=bool)
    for fault in screening.faults:
        out[fault.found_day :, fault.gauge] = True
    return out


def _delay(fault: TrueFault, screening: Screening) -> tuple[int, ...]:
    """Days until the fault was told; empty where it was not."""
    told = [
        f.found_day - fault.first_day
        for f in screening.faults
        if f.gauge == fault.gauge and f.found_day >= fault.first_day and f.since_day <= fault.last_day
    ]
    return (max(min(told), 0),) if told else ()


def _share(where: NDArray[np.bool_]) -> float:
    return float(where.mean()) if where.size else float("nan")


def screen_set(folder: Path) -> ScreeningScore:
    """Learns the network of a set, screens its gauges day by day and holds that against the faults put in.

    Raises:
        ConfigurationError: The folder is no set of a network, or has no list of faults.
    """
    data = read_network_set(folder)
    learned = learn_network(as_past(data))
    used = [name for name, use in zip(data.gauges, learned.gauges, strict=True) if use]
    signatures = learned.run.watch.gauges.at(_FLOW_M3H)
    screening = screen(data.pressure_m[:, learned.gauges], data.drivers[:, learned.drivers], data.per_day, signatures)
    faults = read_faults(folder / "truth", data.gauges, data.start.year, data.per_day)
    kept = [replace(f, gauge=used.index(data.gauges[f.gauge])) for f in faults if data.gauges[f.gauge] in used]
    return score_screening(screening, kept)


def run_bench_gauges(sets: Sequence[Path], console: Console) -> None:
    """Screens every set and prints a table of all faults by kind.

    Raises:
        ConfigurationError: See ``screen_set``.
    """
    for folder in sets:  # minutes are spent on the first before the last is looked at
        if not (folder / "truth" / FAULTS).exists():
            raise ConfigurationError(file=str(folder), key="--set", value=f"no truth/{FAULTS}", expected="a set with faults put in")
    scores = {folder.name: screen_set(folder) for folder in sets}
    for name, score in scores.items():
        console.print(
            f"{name}: {score.found} of {score.faults} faults found; days masked or set right {score.handled:.0%}, known on the day "
            f"itself {score.known:.0%}; good gauges masked {score.falsely} times, {score.lost:.2%} of their days",
            highlight=False,
        )
    table = Table(title="Gauge faults")
    for title in ("fault", "put in", "found", "median days until told (longest)", "its days masked or set right"):
        table.add_column(title)
    for kind in sorted({kind for score in scores.values() for kind in score.by_kind}):
        parts = [score.by_kind[kind] for score in scores.values() if kind in score.by_kind]
        delays = [delay for part in parts for delay in part.delays_days]
        when = f"{np.median(delays):g} ({max(delays)})" if delays else "–"
        handled = sum(p.handled_days for p in parts) / max(1, sum(p.days for p in parts))
        table.add_row(kind, str(sum(p.faults for p in parts)), str(len(delays)), when, f"{handled:.0%}")
    print_whole(console, table)
