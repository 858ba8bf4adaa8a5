"""Low pressure, with an on-delay and a deadband."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.pressure import ON_DELAY, PressureWatch
from domain.ports import ZoneNow
from domain.zones import Zone, ZoneKind

START = datetime(2026, 5, 6, 7, 0, tzinfo=UTC)
ZONES = {"medina": Zone(key="medina", kind=ZoneKind.DMA, names={}, min_pressure_m=20.0)}


def at(minutes: int, pressure_m: float | None, *, suspect: bool = False, zone: str = "medina") -> ZoneNow:
    return ZoneNow(
        zone=zone, inflow_m3h=10.0, inflow_at=START, night_flow_m3h=None, night=None, critical_m=pressure_m,
        critical_at=None if pressure_m is None else START + timedelta(minutes=minutes), suspect=suspect,
    )  # fmt: skip


def said(watch: PressureWatch, row: ZoneNow) -> bool | None:
    found = watch.conditions([row])
    return found[0].active if found else None


def test_it_must_last_and_must_rise_clearly_to_be_over() -> None:
    watch = PressureWatch(ZONES)
    heard = [said(watch, at(m, p)) for m, p in ((0, 25), (5, 19), (10, 18), (15, 18), (20, 20.2), (25, 19), (30, 20.4))]
    assert heard == [False, None, None, True, None, None, False]


def test_it_tells_since_when_and_how_low() -> None:
    watch = PressureWatch(ZONES)
    watch.conditions([at(0, 19)])
    (found,) = watch.conditions([at(int(ON_DELAY.total_seconds() / 60), 17.5)])
    assert (found.since, found.zone, found.parameters) == (START, "medina", {"pressure": "17.5 m", "minimum": "20.0 m"})


def test_what_is_absent_doubtful_or_unknown_says_nothing() -> None:
    watch = PressureWatch(ZONES)
    rows = [at(0, None), at(0, 5, suspect=True), at(0, 5, zone="nowhere")]
    assert watch.conditions(rows) == watch.conditions([at(60, 5, zone="nowhere")]) == ()
