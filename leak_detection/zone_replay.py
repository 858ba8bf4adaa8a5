"""The zone balance over a recording: each zone by itself (so that zones may be spread over processes), then the neighbour test.

The same bank and the same watches as in the service; one physical leak is one finding, told again when it has grown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from domain.findings import Evidence, Finding, FindingKind
from domain.series import FloatArray
from leak_detection.life import SETTLED_S
from leak_detection.zone_balance import TICK_H, BalanceBank, BalanceRow
from leak_detection.zone_layer import BalanceNews, balance_detection
from leak_detection.zone_neighbours import with_neighbours
from leak_detection.zone_open import OpenLeak
from leak_detection.zone_watch import ZoneAlarm, ZoneWatch

_FAULT = -1
"""In place of a leak's hour: what is none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneRecording:
    """One zone, hourly from a local midnight on."""

    zone: str
    inflow_m3h: FloatArray
    """Shape (H,), NaN where missing."""
    meters_m3h: FloatArray
    pressure_m: FloatArray
    coverage: float = 1.0
    """Share of the customers that have a meter."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneTrack:
    """What the watch of one zone said and saw, tick by tick."""

    zone: str
    coverage: float
    alarms: tuple[tuple[int, ZoneAlarm, BalanceRow], ...]
    """Tick, alarm and the look it rests on."""
    end_h: FloatArray
    unexplained_m3h: FloatArray
    """Shape (N,), one entry a tick, as all below."""
    open_m3h: FloatArray
    leakage_m3h: FloatArray
    opened: tuple[tuple[OpenLeak, ...], ...]
    """The leaks of ``open_m3h`` one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedAlarm:
    """One moment at which something was told."""

    zone: str
    since_s: float
    issued_s: float
    flow_m3h: float
    confidence: float
    finding: str
    """Key of the finding it opened or renewed."""


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What has been seen of one zone so far."""

    watch: ZoneWatch
    alarms: list[tuple[int, ZoneAlarm, BalanceRow]] = field(default_factory=list)
    ticks: list[tuple[float, float, float, float]] = field(default_factory=list)
    opened: list[tuple[OpenLeak, ...]] = field(default_factory=list)

    def look(self, n: int, row: BalanceRow) -> None:
        alarm = self.watch.step(row)
        if alarm is not None:
            self.alarms.append((n, alarm, row))
        self.ticks.append((row.end_h, self.watch.unexplained_m3h, self.watch.open_m3h, row.leakage_m3h))
        self.opened.append(tuple(self.watch.opened))

    def track(self, coverage: float) -> ZoneTrack:
        table = np.array(self.ticks, dtype=np.float64).reshape(-1, 4)
        return ZoneTrack(
            zone=self.watch.zone,
            coverage=coverage,
            alarms=tuple(self.alarms),
            end_h=table[:, 0],
            unexplained_m3h=table[:, 1],
            open_m3h=table[:, 2],
            leakage_m3h=table[:, 3],
            opened=tuple(self.opened),
        )


def track_zone(recording: ZoneRecording) -> ZoneTrack:
    """``track_zones`` of one, for a map over processes."""
    return track_zones([recording])[0]


def track_zones(recordings: Sequence[ZoneRecording]) -> list[ZoneTrack]:
    """Goes through the recordings of some zones side by side, each tick from the past alone; they do not touch one another.

    Raises:
        ValueError: Arrays of different length.
    """
    shapes = {v.shape for r in recordings for v in (r.inflow_m3h, r.meters_m3h, r.pressure_m)}
    if len(shapes) > 1:
        names = ", ".join(r.zone for r in recordings)
        raise ValueError(f"inflow, meters and pressure of {names} have the shapes {sorted(shapes)}; they must have one")
    inflow, meters, pressure = (
        np.stack([getattr(r, name) for r in recordings]) for name in ("inflow_m3h", "meters_m3h", "pressure_m")
    )
    bank, seen = BalanceBank(len(recordings)), [_Seen(watch=ZoneWatch(zone=r.zone)) for r in recordings]
    for n, end in enumerate(range(24, inflow.shape[1] + 1, TICK_H)):
        part = slice(end - 24, end)
        tick = bank.step(end, inflow[:, part], meters[:, part], pressure[:, part])
        for k, zone in enumerate(seen):
            zone.look(n, tick.zone(k))
    return [zone.track(r.coverage) for zone, r in zip(seen, recordings, strict=True)]


def judge_tracks(tracks: Sequence[ZoneTrack], epoch_s: float) -> tuple[list[ReplayedAlarm], list[Finding]]:
    """Alarms in order of issue, and one finding a leak or fault as it stood at the end.

    Args:
        tracks: Of all zones of a site.
        epoch_s: The moment of hour 0, seconds since 1970 UTC.
    """
    alarms: list[ReplayedAlarm] = []
    findings: dict[str, Finding] = {}
    current: dict[tuple[str, int], str] = {}
    told = sorted(((n, t.zone, a, row, t) for t in tracks for n, a, row in t.alarms), key=lambda item: (item[0], item[1]))
    for n, zone, raw, row, track in told:
        unexplained = {t.zone: float(t.unexplained_m3h[n]) for t in tracks if n < t.unexplained_m3h.size}
        (alarm,) = with_neighbours([raw], unexplained)
        news = BalanceNews(row=row, alarm=alarm, opened=track.opened[n], held=False)
        leak = alarm.leak if alarm.cause == "leak" and alarm.kind is not FindingKind.METER_FAULT else None
        which = zone, _FAULT if leak is None else leak.found_h
        key = current.get(which)
        if leak is None and key is not None and 3600.0 * alarm.found_h + epoch_s - findings[key].found_at.timestamp() > SETTLED_S:
            key = None
        current[which] = key = _fold(findings, key, news, epoch_s, track)
        if leak is not None:
            said = findings[key]
            alarms.append(
                ReplayedAlarm(
                    zone=zone,
                    since_s=said.since.timestamp(),
                    issued_s=epoch_s + 3600.0 * alarm.found_h,
                    flow_m3h=alarm.flow_m3h,
                    confidence=alarm.confidence,
                    finding=key,
                )
            )
    still = {(t.zone, leak.found_h) for t in tracks if t.opened for leak in t.opened[-1]}
    stands = {key for which, key in current.items() if which in still}
    return alarms, [replace(f, open=key in stands) for key, f in findings.items()]


def _fold(findings: dict[str, Finding], key: str | None, news: BalanceNews, epoch_s: float, track: ZoneTrack) -> str:
    """Opens a finding, or lets an open one grow; its key."""
    detection = balance_detection(news, epoch_s, track.coverage)
    assert detection is not None  # noqa: S101 - there is an alarm
    if key is not None:
        old = findings[key]
        if detection.kind is FindingKind.METER_FAULT:
            return key
        now_m3h = detection.flow_m3h if detection.booked is None else detection.booked.flow_m3h
        grown = Evidence(name="told_again", observed=now_m3h, expected=old.flow_m3h, sd=detection.flow_error_m3h, unit="m3/h")
        kept = tuple(e for e in old.evidence if e.name != "told_again")
        findings[key] = replace(old, flow_m3h=round(now_m3h, 2), evidence=(*kept, grown))
        return key
    since = datetime.fromtimestamp(detection.since_s, UTC)
    found = datetime.fromtimestamp(epoch_s + 3600.0 * news.row.end_h, UTC)
    word = "balance" if detection.kind is FindingKind.METER_FAULT else "leak"
    finding = Finding(
        key=f"{word}:{track.zone}:{found:%Y-%m-%dT%H:%MZ}",
        kind=detection.kind,
        zone=track.zone,
        detector=detection.detector,
        since=since,
        found_at=found,
        flow_m3h=round(detection.flow_m3h, 2),
        flow_error_m3h=round(detection.flow_error_m3h, 2),
        confidence=round(detection.confidence, 3),
        evidence=detection.evidence,
        cause=detection.cause,
        notes=detection.notes,
    )
    findings[finding.key] = finding
    return finding.key
