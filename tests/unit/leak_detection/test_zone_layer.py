"""Zones beside one another: the bank is the same for one zone and many, memory is bounded, a boundary valve is named."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from domain.findings import FindingKind
from leak_detection.zone_balance import TICK_H
from leak_detection.zone_layer import ZoneLayer, balance_detection
from leak_detection.zone_replay import ZoneRecording, judge_tracks, track_zone, track_zones

DAYS = 110
HOURS = np.arange(DAYS * 24)
SHAPE = 10 + 8 * np.exp(-0.5 * ((np.arange(24) - 8) / 3) ** 2) + 6 * np.exp(-0.5 * ((np.arange(24) - 19) / 2.5) ** 2)


def zone(seed: int, extra: float | np.ndarray = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    use = np.tile(SHAPE, DAYS) * rng.normal(1, 0.05, HOURS.size)
    return use + 5.0 + extra, use * 0.7 * rng.normal(1, 0.01, HOURS.size)


def recording(name: str, inflow: np.ndarray, meters: np.ndarray) -> ZoneRecording:
    return ZoneRecording(zone=name, inflow_m3h=inflow, meters_m3h=meters, pressure_m=np.full(inflow.size, np.nan))


def test_many_zones_at_once_are_each_as_if_alone() -> None:
    zones = [recording(str(s), *zone(s, np.where(HOURS > 1500, 3.0 * s, 0.0))) for s in range(2)]
    for beside, one in zip(track_zones(zones), zones, strict=True):
        alone = track_zone(one)
        for name in ("unexplained_m3h", "open_m3h", "leakage_m3h"):
            np.testing.assert_allclose(getattr(beside, name), getattr(alone, name), rtol=1e-12)
        assert [(n, a.kind, a.cause) for n, a, _ in beside.alarms] == [(n, a.kind, a.cause) for n, a, _ in alone.alarms]


def test_what_is_remembered_stops_growing() -> None:
    layer = ZoneLayer(["a"])
    inflow, meters = (np.tile(v, 2) for v in zone(1))
    sizes = {}
    for end in range(24, 130 * 24 + 1, TICK_H):
        part = slice(end - 24, end)
        layer.tick(end, inflow[None, part], meters[None, part], np.full((1, 24), 40.0))
        if end in (80 * 24, 130 * 24):
            sizes[end] = len(pickle.dumps(layer))
    assert sizes[130 * 24] <= 1.02 * sizes[80 * 24]


def test_an_alarm_carries_its_evidence_and_few_meters_lower_its_confidence() -> None:
    layer = ZoneLayer(["a"])
    inflow, meters = zone(1, np.where(HOURS > 1500, 3.0, 0.0))
    said = []
    for end in range(24, HOURS.size + 1, TICK_H):
        part = slice(end - 24, end)
        news = layer.tick(end, inflow[None, part], meters[None, part])["a"]
        said += [(balance_detection(news, 0.0, 0.9), balance_detection(news, 0.0, 0.4))] if news.alarm else []
    ((full, few),) = said
    assert full is not None
    assert few is not None
    assert full.kind is FindingKind.BURST
    assert full.flow_m3h == pytest.approx(3.0, abs=0.8)
    assert {e.name for e in full.evidence} == {"zone_balance", "balance_slope", "meter_coverage", "metered_use"}
    assert (full.notes, few.notes) == ((), ("few_meters",))
    assert few.confidence < full.confidence


def test_a_boundary_valve_is_one_finding_a_zone_and_names_the_other() -> None:
    a, am = zone(1)
    b, bm = zone(2)
    water = np.where(HOURS > 1500, 0.2 * a, 0.0)
    tracks = [track_zone(recording(z, q, m)) for z, q, m in (("a", a + water, am), ("b", b - water, bm))]
    alarms, findings = judge_tracks(tracks, 0.0)
    assert alarms == []
    assert len(findings) <= 2
    assert "boundary_valve:b" in {f.cause for f in findings if f.zone == "a"} | {f.cause for f in findings if f.zone == "b"} or any(
        f.cause == "boundary_valve:a" for f in findings
    )


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="must have one"):
        track_zone(ZoneRecording(zone="z", inflow_m3h=np.zeros(48), meters_m3h=np.zeros(24), pressure_m=np.zeros(48)))


def test_two_leaks_of_one_zone_are_two_findings_of_a_replay_and_each_ends_by_itself() -> None:
    water = np.where((HOURS > 1200) & (HOURS < 2200), 3.0, 0.0) + np.where(HOURS > 1600, 5.0, 0.0)
    inflow, meters = zone(3, water)
    track = track_zone(recording("a", inflow, meters))
    alarms, findings = judge_tracks([track], 0.0)
    assert [f.open for f in findings] == [False, True]
    assert [f.flow_m3h for f in findings] == [pytest.approx(3.0, abs=1.0), pytest.approx(5.0, abs=1.5)]
    assert {a.finding for a in alarms} == {f.key for f in findings}
