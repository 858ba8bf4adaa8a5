"""Replays of a network with gauges: the model layer over a recording, its findings in zones, and what is drawn of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from app.cores import HERE, Cores
from app.leak_learning import learn_network
from app.leak_site import pipe_zones
from app.leaks_alarms import epoch_of
from app.leaks_drawing import Panel
from app.leaks_panels import network_panels, plan_of
from app.leaks_progress import Seen, nobody
from app.leaks_replay import Replayed
from app.network_replay import alarms_of, as_past
from app.network_set import NetworkSet, read_network_set
from domain.errors import ConfigurationError
from domain.findings import Finding
from domain.points import PointKey
from domain.series import FloatArray
from leak_detection.network_leaks import NetworkPoints, network_finding, network_leak
from leak_detection.network_merge import moved
from leak_detection.network_past import LearnedNetwork
from leak_detection.network_valves import valves_turned
from leak_detection.recording_notes import faults_in_words
from simulator.inp import Row, read_sections

WHOLE = "network"
"""Zone of every pipe where nothing says which it lies in."""
_ENOUGH = 0.5
"""Share of a day's samples: with fewer nothing is told of it."""


def replay_network_folder(folder: Path, seen: Seen = nobody, cores: Cores = HERE) -> Replayed:
    """A folder with years, ``meta.json`` and a network.

    Raises:
        ConfigurationError: The recording or the network file is not right.
        HydraulicsError: EPANET does not accept the file or finds no solution.
    """
    data = read_network_set(folder)
    sections = _sections(data)
    learned = learn_network(as_past(data), cores=cores, seen=seen)
    findings = network_findings(data, learned, sections)
    return Replayed(
        kind="network with a model", zones=len(set(_pipe_zones(sections).values())), days=len(data.pressure_m) / data.per_day,
        alarms=alarms_of(data, learned), findings=findings, panels=drawn_findings(findings, data, learned),
        plan=plan_of(sections, data.gauges), notes=_notes(data, learned),
        valves=tuple(valves_turned(learned.run.watch.valves.turned, learned.valves, learned.run.opening, epoch_of(data.start))),
    )  # fmt: skip


def _sections(data: NetworkSet) -> Mapping[str, Sequence[Row]]:
    """The network file; the zones of ``zones.json`` beside it as tags of its nodes.

    Raises:
        ConfigurationError: ``zones.json`` is no object of lists of nodes of the network.
    """
    sections: dict[str, Sequence[Row]] = dict(read_sections(data.network.read_text(errors="replace")))
    file = data.network.parent / "zones.json"
    if not file.exists():
        return sections
    try:
        zones = json.loads(file.read_text(encoding="utf-8"))
        rows = [Row(line=0, words=("NODE", str(node), zone)) for zone, nodes in zones.items() for node in nodes]
    except (OSError, ValueError, AttributeError, TypeError) as error:  # no JSON, or JSON of another shape: one message says which
        raise ConfigurationError(
            file=str(file), key="zones", value=str(error), expected='an object such as {"north": ["n1", "n2"]}'
        ) from error
    known = {row.words[0] for kind in ("JUNCTIONS", "RESERVOIRS", "TANKS") for row in sections.get(kind, ())}
    strange = sorted({row.words[1] for row in rows} - known)
    if strange:
        raise ConfigurationError(
            file=str(file), key="zones", value=", ".join(strange[:5]),
            expected=f"nodes of {data.network.name}: {len(strange)} of {len(rows)} are not in it",
        )  # fmt: skip
    return sections | {"TAGS": (*sections.get("TAGS", ()), *rows)}


def _pipe_zones(sections: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Zone of each pipe by the tags of the nodes."""
    tags = {row.words[2] for row in sections.get("TAGS", ()) if len(row.words) > 2}
    return pipe_zones(sections, tags, WHOLE)


def _notes(data: NetworkSet, learned: LearnedNetwork) -> tuple[str, ...]:
    """What makes the alarms less sure: gaps, gauges at fault, a file that does not agree, repairs of unknown pipes."""
    used = [name for name, use in zip(data.gauges, learned.gauges, strict=True) if use]
    strange = sorted({pipe for _, pipe in data.repairs} - set(learned.pipes))
    unknown: tuple[str, ...] = ()
    if strange:
        unknown = (f"repairs of pipes that the network file does not know: {', '.join(strange[:5])}",)
    end = data.start + timedelta(seconds=len(data.pressure_m) * data.step_s)
    if outside := [moment for moment, _ in data.repairs if not data.start <= moment < end]:
        unknown += (f"{len(outside)} of {len(data.repairs)} repairs lie outside the recording ({data.start} to {end}): unused",)
    faults = faults_in_words(learned.run.watch.listener.layer.screener.record.faults, used, data.start)
    return (*_unjudged(data, learned), *data.notes(), *faults, *learned.doubts, *unknown)


def _unjudged(data: NetworkSet, learned: LearnedNetwork) -> tuple[str, ...]:
    """Days that are judged on which nothing could be told, in words."""
    rows = slice(data.first_rows // data.per_day * data.per_day, len(data.pressure_m) // data.per_day * data.per_day)
    pressure, drivers = np.isfinite(data.pressure_m[rows, learned.gauges]), np.isfinite(data.drivers[rows, learned.drivers])
    days = np.asarray(pressure.any(axis=1) & drivers.all(axis=1)).reshape(-1, data.per_day)
    blind = int((days.mean(axis=1) < _ENOUGH).sum())
    if not blind:
        return ()
    words = (
        f"on {blind} of the {len(days)} days judged nothing could be told: for half of the day or longer no gauge was read, or not "
        "every meter and level, without which no pressure can be judged"
    )
    return (words,)


def network_findings(
    data: NetworkSet, learned: LearnedNetwork, sections: Mapping[str, Sequence[Row]] | None = None
) -> list[Finding]:
    """What was told as findings with their places, as the service makes them; zones are the tags of the network's nodes."""
    sections = _sections(data) if sections is None else sections
    points = NetworkPoints(
        network=data.network,
        gauges={PointKey(name): name for name in data.gauges},
        meters={PointKey(name): name for name in data.meters},
        tanks={PointKey(name): name for name in data.tanks},
        zones=_pipe_zones(sections),
        step_s=data.step_s,
    )
    found: dict[str, Finding] = {}
    for leak in (network_leak(leak, learned, points, epoch_of(data.start)) for leak in learned.run.leaks):
        key = leak.first_key or leak.key
        finding = moved(found[key], leak) if key in found else network_finding(leak)
        found[key] = replace(finding, open=leak.ended_at is None)
    return list(found.values())


def _signs(data: NetworkSet) -> FloatArray:
    """1 for a meter of water that enters, -1 for a pump that takes it out of the network into a tank."""
    sections = read_sections(data.network.read_text(errors="replace"))
    sources = {row.words[0] for row in sections.get("RESERVOIRS", ())}
    lifts = {row.words[0] for row in sections.get("PUMPS", ()) if len(row.words) > 1 and row.words[1] not in sources}
    return np.array([-1.0 if meter in lifts else 1.0 for meter in data.meters])


def drawn_findings(findings: Sequence[Finding], data: NetworkSet, learned: LearnedNetwork) -> dict[str, tuple[Panel, ...]]:
    """Panels of each finding: what the flows do not explain of the pressures, and the nights of all meters together."""
    used = [name for name, use in zip(data.gauges, learned.gauges, strict=True) if use]
    residual, rows = learned.run.watch.listener.rest_m, len(data.drivers) // data.per_day * data.per_day
    hours = (data.drivers[:rows, : len(data.meters)] @ _signs(data)).reshape(-1, 24, data.per_day // 24).mean(axis=2)
    least = hours[:, 2:5].min(axis=1)
    return {f.key: network_panels(f, residual, used, np.asarray(least), epoch_of(data.start)) for f in findings}
