"""``khettara leaks replay``: a recording as it would have run, by the code that runs; alarms, findings and their evidence.

folder with dma.npz            zones with customers' meters   the zone balance
folder with years and a model  a network                      the model layer
CSV and its map                zones with an inflow meter     night flow and steps
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from app.leaks_table import FindingSeries, finding_document
from app.network_set import NetworkSet
from app.replay.mapping import ReplayMap, parse_map
from app.scheduler import ZoneMap
from app.site import read_toml
from domain.errors import ConfigurationError
from domain.findings import Finding, FindingKind
from domain.points import PointKey
from domain.series import FloatArray, local_days_and_minutes
from leak_detection.evaluate import replay
from leak_detection.inputs import ZoneInputs, zone_inputs
from leak_detection.network_book import moved
from leak_detection.network_leaks import NetworkPoints, network_finding, network_leak
from leak_detection.network_past import LearnedNetwork
from leak_detection.recording_notes import faults_in_words
from leak_detection.zone_replay import ReplayedAlarm, ZoneRecording, ZoneTrack, judge_tracks, track_zone
from simulator.inp import read_sections

TEACH_DAYS = 28
"""What only teaches before a recording without meters is judged."""
_TIME = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """One row of an alarm file."""

    place: str
    """Pipe or zone."""
    start: datetime
    issued: datetime
    flow_m3h: float
    confidence: float


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What a replay found."""

    kind: str
    zones: int
    days: float
    alarms: list[AlarmRow]
    findings: list[Finding]
    series: dict[str, FindingSeries] = field(default_factory=dict)
    """By finding: what a page draws."""
    notes: tuple[str, ...] = ()
    """What in the recording or the network file makes all of it less sure, in words."""


def replay_dataset(dataset: Path, points: Path | None, over: ZoneMap) -> Replayed:
    """Replays a folder or a CSV by what is in it.

    Raises:
        ConfigurationError: Nothing that is known, or something in it is wrong.
    """
    if dataset.is_dir() and (dataset / "dma.npz").exists():
        return _zones_with_meters(dataset, over)
    if dataset.is_dir() and (dataset / "meta.json").exists():
        return _network(dataset)
    if dataset.is_dir() and len(found := sorted(dataset.glob("*inflow*.csv*"))) == 1:
        dataset = found[0]
    if dataset.is_file():
        return _inflows(dataset, points, over)
    raise ConfigurationError(
        file=str(dataset), key="DATASET", value=dataset.name,
        expected="a folder with dma.npz, a folder with years, meta.json and a network, or a CSV of inflows with --points",
    )  # fmt: skip


def _zones_with_meters(folder: Path, over: ZoneMap) -> Replayed:
    from app.bench_leaks import read_zone_set

    data = read_zone_set(folder)
    share = _coverage(folder)
    recordings = [
        ZoneRecording(
            zone=z,
            inflow_m3h=data.inflow_m3h[:, k],
            meters_m3h=_fitted(data.meters_m3h[:, k], len(data.inflow_m3h)),
            pressure_m=data.pressure_m[:, k],
            coverage=share.get(z, 1.0),
        )
        for k, z in enumerate(data.zones)
    ]
    for recording in recordings:
        if not np.isfinite(recording.meters_m3h).any():
            raise ConfigurationError(
                file=str(folder), key="amr_sum", value=f"zone {recording.zone}: no meter ever reports",
                expected="hours of customers' meters; a zone without any is replayed from a CSV of its inflow",
            )  # fmt: skip
    tracks = over(track_zone, recordings)
    epoch_s = _epoch(data.start)
    opening_h = int((data.train_until - data.start) / timedelta(hours=1))
    alarms, findings = judge_tracks(tracks, epoch_s)
    rows = [_row(a) for a in alarms if a.issued_s >= epoch_s + 3600.0 * opening_h]
    rows += _standing(tracks, findings, epoch_s, opening_h, data.repaired)
    days = len(data.inflow_m3h) / 24.0
    by_zone = {r.zone: (r, t) for r, t in zip(recordings, tracks, strict=True)}
    series = {f.key: _drawn(f, *by_zone[f.zone], epoch_s) for f in findings}
    rows.sort(key=lambda r: (r.issued, r.place))
    return Replayed(
        kind="zones with customers' meters", zones=len(data.zones), days=days, alarms=rows, findings=findings, series=series
    )


def _fitted(values: FloatArray, size: int) -> FloatArray:
    """The values cut or filled with NaN to ``size``."""
    return np.concatenate((values[:size], np.full(max(0, size - values.size), np.nan)))


def _coverage(folder: Path) -> dict[str, float]:
    """Share of the customers with a meter, where the set says it."""
    zones = json.loads((folder / "meta.json").read_text(encoding="utf-8")).get("dma", {})
    return {z: float(v["smart_meter_share"]) for z, v in zones.items() if isinstance(v, dict) and "smart_meter_share" in v}


def _standing(
    tracks: Sequence[ZoneTrack], findings: Sequence[Finding], epoch_s: float, opening_h: int, repaired: frozenset[str]
) -> list[AlarmRow]:
    """Leaks found before the judged part and open when it begins, told again at its first tick."""
    rows = []
    for track in tracks:
        n = int(np.searchsorted(track.end_h, opening_h))
        if n >= track.end_h.size or track.open_m3h[n] <= 0 or track.zone in repaired:
            continue
        end_s = epoch_s + 3600.0 * float(track.end_h[n])
        known = [f for f in findings if f.zone == track.zone and f.found_at.timestamp() <= end_s and f.cause == "leak"]
        since = known[-1].since if known else datetime.fromtimestamp(epoch_s, UTC)
        rows.append(
            AlarmRow(
                place=track.zone,
                start=since,
                issued=datetime.fromtimestamp(end_s, UTC),
                flow_m3h=float(track.open_m3h[n]),
                confidence=0.8,
            )
        )
    return rows


def _drawn(finding: Finding, recording: ZoneRecording, track: ZoneTrack, epoch_s: float) -> FindingSeries:
    """Leakage by the balance around the finding."""
    middle = (finding.found_at.timestamp() - epoch_s) / 3600.0
    near = np.abs(track.end_h - middle) <= 30 * 24
    return FindingSeries(
        name="balance",
        times_s=epoch_s + 3600.0 * track.end_h[near],
        observed_m3h=track.leakage_m3h[near],
        expected_m3h=None,
        inflow_m3h=recording.inflow_m3h[np.clip(track.end_h[near].astype(np.int64) - 1, 0, recording.inflow_m3h.size - 1)],
    )


def _network(folder: Path) -> Replayed:
    from app.bench_model import alarms_of, as_past, read_network_set
    from app.leak_learning import learn_network

    data = read_network_set(folder)
    learned = learn_network(as_past(data))
    rows = [
        AlarmRow(place=a.pipe, start=_utc(a.start), issued=_utc(a.issued), flow_m3h=a.flow_m3h, confidence=a.confidence)
        for a in alarms_of(data, learned)
    ]
    findings = network_findings(data, learned)
    return Replayed(
        kind="network with a model", zones=len({f.zone for f in findings}) or 1,
        days=len(data.pressure_m) * data.step_s / 86400.0, alarms=rows, findings=findings,
        series={f.key: metered_near(f, data) for f in findings}, notes=_notes(data, learned),
    )  # fmt: skip


def _notes(data: NetworkSet, learned: LearnedNetwork) -> tuple[str, ...]:
    """What makes the alarms less sure: gaps, gauges at fault, a file that does not agree, repairs of unknown pipes."""
    used = [name for name, use in zip(data.gauges, learned.gauges, strict=True) if use]
    strange = sorted({pipe for _, pipe in data.repairs} - set(learned.pipes))
    unknown = (f"repairs of pipes that the network file does not know: {', '.join(strange[:5])}",) if strange else ()
    faults = faults_in_words(learned.run.watch.layer.screener.record.faults, used, data.start)
    return (*data.notes(), *faults, *learned.doubts, *unknown)


def network_findings(data: NetworkSet, learned: LearnedNetwork) -> list[Finding]:
    """What was told as findings with their places, as the service makes them; zones are the tags of the network's nodes."""
    from app.leak_site import pipe_zones

    sections = read_sections(data.network.read_text(errors="replace"))
    tags = {row.words[2] for row in sections.get("TAGS", ()) if len(row.words) > 2}
    points = NetworkPoints(
        network=data.network,
        gauges={PointKey(name): name for name in data.gauges},
        meters={PointKey(name): name for name in data.meters},
        tanks={PointKey(name): name for name in data.tanks},
        zones=pipe_zones(sections, tags, "network"),
        step_s=data.step_s,
    )
    found: dict[str, Finding] = {}
    for leak in (network_leak(leak, learned, points, _epoch(data.start)) for leak in learned.run.leaks):
        key = leak.first_key or leak.key
        finding = moved(found[key], leak) if key in found else network_finding(leak)
        found[key] = replace(finding, open=leak.ended_at is None)
    return list(found.values())


def metered_near(finding: Finding, data: NetworkSet) -> FindingSeries:
    """All metered flows together in the week around the onset beside the week before, hour by hour."""
    hour = 3600 // data.step_s
    rows = len(data.drivers) // hour * hour
    flow = data.drivers[:rows, : len(data.meters)].sum(axis=1).reshape(-1, hour).mean(axis=1)
    onset, week = round((finding.since.timestamp() - _epoch(data.start)) / 3600.0), 7 * 24
    first = min(max(week, onset - week // 2), max(week, flow.size - week))
    last = min(flow.size, first + week)
    return FindingSeries(
        name="meters",
        times_s=_epoch(data.start) + 3600.0 * np.arange(first, last, dtype=np.float64),
        observed_m3h=flow[first:last],
        expected_m3h=flow[first - week : last - week],
        inflow_m3h=flow[first:last],
    )


def read_inflows(file: Path, points: ReplayMap) -> list[ZoneInputs]:
    """Every zone's inflow of a CSV on one regular grid; of repeated rows the last counts, late ones take their place.

    Raises:
        ConfigurationError: A column is missing, a time or number cannot be read, or there is no row.
    """
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as text:
        rows = csv.DictReader(text)
        missing = [c.name for c in points.columns if c.name not in (rows.fieldnames or [])]
        if missing or points.time_column not in (rows.fieldnames or []):
            raise ConfigurationError(
                file=str(file), key="columns", value=", ".join(missing or [points.time_column]), expected="the columns of the map"
            )
        table = {}
        for number, row in enumerate(rows, 2):
            table[_seconds(row[points.time_column], points, file, number)] = [
                _number(row[c.name], file, number, c.name) for c in points.columns
            ]
    if len(table) < 2:
        raise ConfigurationError(file=str(file), key="rows", value=len(table), expected="two rows or more")
    times = np.array(sorted(table))
    step_s = float(np.median(np.diff(times)))
    size = round((times[-1] - times[0]) / step_s) + 1
    grid = np.full((size, len(points.columns)), np.nan)
    grid[np.round((times - times[0]) / step_s).astype(np.int64)] = [table[t] for t in times]
    calendar = points.inventory.site.calendar
    local = local_days_and_minutes(times[0] + step_s * np.arange(size), calendar.zone)
    values = {PointKey(c.point): grid[:, k] * float(c.unit.factor) for k, c in enumerate(points.columns)}
    return [
        zone_inputs(z, calendar, values, start_s=float(times[0]), step_s=step_s, local=local)
        for z in points.inventory.metered_zones()
    ]


def _seconds(text: str, points: ReplayMap, file: Path, row: int) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(file=str(file), key=f"row {row}", value=text, expected="an ISO 8601 time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=points.timezone)).timestamp()


def _number(text: str, file: Path, row: int, column: str) -> float:
    try:
        return float(text) if text.strip() else float("nan")
    except ValueError:
        raise ConfigurationError(file=str(file), key=f"row {row}, {column}", value=text, expected="a number or nothing") from None


def replay_inflow(inputs: ZoneInputs) -> list[Finding]:
    """Findings of one zone from its inflow alone, hour by hour; the first weeks only teach."""
    return list(replay(inputs, from_s=inputs.start_s + TEACH_DAYS * 86400.0, every_s=max(3600.0, inputs.step_s)))


def _inflows(file: Path, points: Path | None, over: ZoneMap) -> Replayed:
    if points is None:
        raise ConfigurationError(file=str(file), key="--points", value=None, expected="the map of the CSV's columns")
    zones = read_inflows(file, parse_map(read_toml(points), points.name))
    found = over(replay_inflow, zones)
    findings = sorted((f for part in found for f in part), key=lambda f: (f.found_at, f.key))
    rows = [
        AlarmRow(place=f.zone, start=f.since, issued=f.found_at, flow_m3h=f.flow_m3h, confidence=f.confidence)
        for f in findings
        if f.kind is not FindingKind.METER_FAULT
    ]
    by_zone = {z.zone.key: z for z in zones}
    days = zones[0].size * zones[0].step_s / 86400.0 if zones else 0.0
    return Replayed(
        kind="zones with an inflow meter", zones=len(zones), days=days, alarms=rows, findings=findings,
        series={f.key: _inflow_near(f, by_zone[f.zone]) for f in findings},
    )  # fmt: skip


def _inflow_near(finding: Finding, inputs: ZoneInputs) -> FindingSeries:
    """The week around a finding beside the week before it, hour by hour."""
    found = round((finding.found_at.timestamp() - inputs.start_s) / inputs.step_s)
    week = inputs.steps(7 * 86400.0)
    first, last = max(week, found - week // 2), min(inputs.size, found + week // 2)
    return FindingSeries(
        name="inflow",
        times_s=inputs.start_s + inputs.step_s * np.arange(first, last, dtype=np.float64),
        observed_m3h=inputs.inflow_m3h[first:last],
        expected_m3h=inputs.inflow_m3h[first - week : last - week],
        inflow_m3h=inputs.inflow_m3h[first:last],
    )


def write_rows(rows: Sequence[AlarmRow], out: Path) -> None:
    """``pipe-or-zone,start time,issue time,m3h,confidence``; times as the recording gives them."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["pipe-or-zone", "start time", "issue time", "m3h", "confidence"])
        for row in rows:
            writer.writerow(
                [row.place, f"{row.start:{_TIME}}", f"{row.issued:{_TIME}}", f"{row.flow_m3h:.2f}", f"{row.confidence:.2f}"]
            )


def write_findings(result: Replayed, out: Path) -> None:
    """Findings with their evidence and what a page draws, for ``khettara leaks explain``."""
    document: dict[str, Any] = {
        "kind": result.kind,
        "zones": result.zones,
        "days": result.days,
        "notes": list(result.notes),
        "findings": [finding_document(f, result.series.get(f.key)) for f in result.findings],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _row(alarm: ReplayedAlarm) -> AlarmRow:
    return AlarmRow(
        place=alarm.zone,
        start=datetime.fromtimestamp(alarm.since_s, UTC),
        issued=datetime.fromtimestamp(alarm.issued_s, UTC),
        flow_m3h=alarm.flow_m3h,
        confidence=alarm.confidence,
    )


def _epoch(start: datetime) -> float:
    """Sets give local times without a zone; they are kept as they are."""
    return _utc(start).timestamp()


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
