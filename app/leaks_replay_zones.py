"""Replays of zones: with customers' meters by their balance, with an inflow meter alone by its nights and steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from app.leak_csv import TEACH_DAYS, read_inflows
from app.leaks_alarms import AlarmRow, epoch_of
from app.leaks_customers import customer_findings
from app.leaks_drawing import Clock
from app.leaks_panels import customer_panels, inflow_panels, metered_zone_panels
from app.leaks_progress import Seen, nobody
from app.leaks_replay import Replayed
from app.replay.mapping import parse_map
from app.scheduler import ZoneMap
from app.site import read_toml
from app.zone_set import ZoneSet, read_zone_set
from domain.errors import ConfigurationError
from domain.findings import Finding, FindingKind
from leak_detection.evaluate import Told, replay_told
from leak_detection.inputs import ZoneInputs
from leak_detection.zone_replay import ReplayedAlarm, ZoneRecording, ZoneTrack, judge_tracks, track_zone


def replay_metered_zones(folder: Path, over: ZoneMap, seen: Seen = nobody) -> Replayed:
    """A set of zones with customers' meters; leaks behind the meters beside them.

    Raises:
        ConfigurationError: The set cannot be read, or a zone has no meter at all.
    """
    data = read_zone_set(folder)
    recordings = zone_recordings(data, folder)
    tracks = over(track_zone, recordings, _counting(seen, len(recordings)))
    epoch_s = epoch_of(data.start)
    rows, findings = judged_zones(data, tracks)
    by_zone = {r.zone: (r, t) for r, t in zip(recordings, tracks, strict=True)}
    panels = {f.key: metered_zone_panels(f, *by_zone[f.zone], epoch_s) for f in findings}
    seen("customers' meters", 0, 0)
    customers = customer_findings(data, epoch_s)
    column = {meter: data.readings_l_h[:, k] for k, meter in enumerate(data.meters)}
    panels |= {c.key: customer_panels(column[c.meter], epoch_s, c.since_h, c.found_h, c.flow_l_h) for c in customers}
    return Replayed(
        kind="zones with customers' meters", zones=len(data.zones), days=len(data.inflow_m3h) / 24.0, alarms=rows,
        findings=findings, panels=panels, customers=customers, notes=data.notes(),
    )  # fmt: skip


def judged_zones(data: ZoneSet, tracks: Sequence[ZoneTrack]) -> tuple[list[AlarmRow], list[Finding]]:
    """Alarms of the judged part, with what stands open when it begins told again then, and all findings.

    Args:
        data: The set.
        tracks: Of all its zones.
    """
    epoch_s = epoch_of(data.start)
    alarms, findings = judge_tracks(tracks, epoch_s)
    rows = [_row(a) for a in alarms if a.issued_s >= epoch_s + 3600.0 * data.opening_h()]
    rows += _standing(tracks, epoch_s, data)
    return sorted(rows, key=lambda r: (r.issued, r.place)), findings


def zone_recordings(data: ZoneSet, folder: Path) -> list[ZoneRecording]:
    """The zones of a set one by one.

    Raises:
        ConfigurationError: A zone has no meter at all.
    """
    recordings = [
        ZoneRecording(
            zone=z,
            inflow_m3h=data.inflow_m3h[:, k],
            meters_m3h=data.meters_m3h[:, k],
            pressure_m=data.pressure_m[:, k],
            coverage=data.coverage.get(z, float("nan")),
        )
        for k, z in enumerate(data.zones)
    ]
    for recording in recordings:
        if not np.isfinite(recording.meters_m3h).any():
            raise ConfigurationError(
                file=str(folder), key="amr_sum", value=f"zone {recording.zone}: no meter ever reports",
                expected="hours of customers' meters; a zone without any is replayed from a CSV of its inflow",
            )  # fmt: skip
    return recordings


def _counting(seen: Seen, zones: int) -> Callable[[int], None]:
    return lambda done: seen(f"zone {done} of {zones}", done, zones)


def _standing(tracks: Sequence[ZoneTrack], epoch_s: float, data: ZoneSet) -> list[AlarmRow]:
    """Leaks found before the judged part and open when it begins, or once a repair just before it has shown, told again then."""
    rows = []
    for track in tracks:
        n = int(np.searchsorted(track.end_h, data.opening_h(track.zone)))
        if n >= track.end_h.size:
            continue
        issued = datetime.fromtimestamp(epoch_s + 3600.0 * float(track.end_h[n]), UTC)
        rows += [
            AlarmRow(
                place=track.zone,
                start=datetime.fromtimestamp(epoch_s + 3600.0 * leak.since_h, UTC),
                issued=issued,
                flow_m3h=leak.flow_m3h,
                confidence=0.8,
            )
            for leak in track.opened[n]
            if leak.found_h < data.opening_h()
        ]
    return rows


def _row(alarm: ReplayedAlarm) -> AlarmRow:
    return AlarmRow(
        place=alarm.zone,
        start=datetime.fromtimestamp(alarm.since_s, UTC),
        issued=datetime.fromtimestamp(alarm.issued_s, UTC),
        flow_m3h=alarm.flow_m3h,
        confidence=alarm.confidence,
    )


def replay_inflow(inputs: ZoneInputs) -> list[Told]:
    """Findings of one zone from its inflow alone, hour by hour; the first weeks only teach."""
    return list(replay_told(inputs, from_s=inputs.start_s + TEACH_DAYS * 86400.0, every_s=max(3600.0, inputs.step_s)))


def replay_csv(file: Path, points: Path | None, over: ZoneMap, seen: Seen = nobody) -> Replayed:
    """A CSV of inflows.

    Raises:
        ConfigurationError: There is no map, or the map or the file is not right.
    """
    if points is None:
        raise ConfigurationError(
            file=str(file), key="--points", value=None, expected="the map of the CSV's columns, such as sites/bwdf/map.toml"
        )
    columns = parse_map(read_toml(points), points.name)
    inflows = read_inflows(file, columns)
    zones = inflows.zones
    found = over(replay_inflow, zones, _counting(seen, len(zones)))
    told = sorted((t for part in found for t in part), key=lambda t: (t.last.found_at, t.last.key))
    findings = [t.last for t in told]
    rows = [  # as they were told: a later and better flow is not known at the moment of issue
        AlarmRow(place=f.zone, start=f.since, issued=f.found_at, flow_m3h=f.flow_m3h, confidence=f.confidence)
        for f in (t.first for t in told)
        if f.kind is not FindingKind.METER_FAULT
    ]
    by_zone = {z.zone.key: z for z in zones}
    return Replayed(
        kind="zones with an inflow meter", zones=len(zones), days=zones[0].size * zones[0].step_s / 86400.0, alarms=rows,
        findings=findings, clock=Clock(timezone=str(columns.timezone)),
        panels={f.key: inflow_panels(f, by_zone[f.zone]) for f in findings}, notes=inflows.notes,
    )  # fmt: skip
