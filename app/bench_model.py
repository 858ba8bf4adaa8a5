"""The model layer over a recording of two years: the first teaches and is searched whole, the second is replayed day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.leak_learning import learn_network
from app.leak_network_file import AMERICAN, FOOT_M
from app.network_set import NetworkSet, read_network_set
from leak_detection.model.ledger import Ledger, LedgerSettings
from leak_detection.model.watch import Told
from leak_detection.network_past import LearnedNetwork, NetworkPast
from simulator.inp import read_sections

__all__ = ["NetworkSet", "PipeAlarm", "in_metres", "read_network_set", "replay_network"]

_LENGTH = 3
"""Which word of a pipe's line is its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeAlarm:
    """A new leak, or one still open when the scored year begins."""

    pipe: str
    start: datetime
    issued: datetime
    flow_m3h: float
    confidence: float


def replay_network(data: NetworkSet, settings: LedgerSettings | None = None) -> tuple[list[PipeAlarm], Ledger]:
    """Alarms of the second year, each from the days before its issue; what is open on its first day is told then."""
    learned = learn_network(as_past(data), settings)
    return alarms_of(data, learned), learned.run.watch.ledger


def alarms_of(data: NetworkSet, learned: LearnedNetwork) -> list[PipeAlarm]:
    """What was told, in order."""
    return [_alarm(data, learned.pipes, leak.told) for leak in learned.run.leaks]


def as_past(data: NetworkSet) -> NetworkPast:
    """The recording's whole days; its first year teaches."""
    days = len(data.pressure_m) // data.per_day
    rows = days * data.per_day
    return NetworkPast(
        network=data.network,
        gauges=data.gauges,
        meters=data.meters,
        tanks=data.tanks,
        opening=data.first_rows // data.per_day,
        per_day=data.per_day,
        hour=data.hour[:rows],
        pressure_m=data.pressure_m[:rows],
        drivers=data.drivers[:rows],
        customers_m3h=data.customers_m3h,
        repairs=tuple(
            ((moment - data.start).total_seconds() / 86400.0, pipe) for moment, pipe in data.repairs if moment < data.second
        ),
    )


def _alarm(data: NetworkSet, pipes: tuple[str, ...], told: Told) -> PipeAlarm:
    return PipeAlarm(
        pipe=pipes[told.place.index],
        start=data.start + timedelta(days=told.start_day),
        issued=data.start + timedelta(days=told.told_day),
        flow_m3h=told.place.flow_m3h,
        confidence=told.place.far,
    )


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
