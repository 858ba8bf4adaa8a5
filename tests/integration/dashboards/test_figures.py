"""The SQL behind the panels against figures computed another way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest

from app.site import load_site
from domain.zones import ZoneKind
from leak_detection.night_flow import Nights
from leak_detection.zone_month import ZoneHours, zone_month
from storage.roles import Role
from tests.integration.dashboards.conftest import END, SITE
from tests.support.postgres import FreshDatabase

Connection = psycopg.Connection[tuple[Any, ...]]
HOUR = timedelta(hours=1)


def weekend(moment: datetime) -> bool:
    """Saturday or Sunday in Morocco."""
    return moment.astimezone(ZoneInfo("Africa/Casablanca")).isoweekday() >= 6


@pytest.fixture
def reader(month: FreshDatabase) -> Iterator[Connection]:
    with psycopg.connect(month.dsn(Role.READ), autocommit=True) as connection:
        yield connection


def test_the_band_is_that_of_the_same_hours_before(reader: Connection) -> None:
    """A Sunday at 08:00 local against the Saturdays and Sundays of the 28 days before; a working day against working days."""
    inflow: dict[datetime, float] = dict(reader.execute(
        "SELECT time, net_inflow_m3h FROM zone_inflow('1 hour', %s, %s) WHERE zone = 'medina'", (END - timedelta(days=31), END)
    ).fetchall())  # fmt: skip
    asked = "SELECT time, net_inflow_m3h, low_m3h, usual_m3h, high_m3h, days FROM zone_band(ARRAY['medina'], '1 hour', %s, %s)"
    rows = reader.execute(asked, (END - timedelta(days=2), END + 6 * HOUR)).fetchall()
    assert len(rows) == 54
    for time, found, low, usual, high, days in rows:
        before = [time - timedelta(days=d) for d in range(1, 29)]
        same = [inflow[t] for t in before if t in inflow and weekend(t) == weekend(time)]
        assert days == len(same) >= 4
        assert (low, usual, high) == pytest.approx(np.percentile(same, [5, 50, 95]))
        assert found == (pytest.approx(inflow[time]) if time < END else None)


def test_a_band_needs_four_days_before(reader: Connection) -> None:
    since = datetime(2026, 5, 1, tzinfo=UTC)
    asked = "SELECT usual_m3h, days FROM zone_band(ARRAY['medina'], '1 hour', %s, %s)"
    assert [days for usual, days in reader.execute(asked, (since, since + 24 * HOUR)).fetchall() if usual is not None] == []


def test_the_balance_is_that_of_the_report(reader: Connection) -> None:
    """``zone_month`` in Python and ``zone_balance`` in SQL, with as many meters as a balance needs."""
    zone = load_site(SITE).zones["medina"]
    assert zone.kind is ZoneKind.DMA
    since, until = END - timedelta(days=7), END
    asked = """
    SELECT b.input_m3, b.input_error_m3, b.meters, b.coverage, b.known_share, b.billed_m3, b.billed_error_m3, b.nrw_m3,
           b.nrw_error_m3
    FROM zone_balance(ARRAY['medina'], %s, %s) b"""
    row = reader.execute(asked, (since, until)).fetchone()
    assert row is not None
    hours = np.array([value for (value,) in reader.execute(
        "SELECT net_inflow_m3h FROM zone_inflow('1 hour', %s, %s) WHERE zone = 'medina' ORDER BY time", (since, until)
    ).fetchall()])  # fmt: skip
    meters = np.array([value for (value,) in reader.execute(
        "SELECT sum(mean) FROM reading_bucket('1 hour', %s, %s) WHERE role = 'customer' AND quantity = 'flow' AND zone = 'medina' "
        "GROUP BY time ORDER BY time", (since, until)
    ).fetchall()])  # fmt: skip
    nights = Nights(day=np.array([], dtype=np.int64), flow_m3h=np.array([]), end_s=np.array([]))
    told = zone_month(
        zone,
        ZoneHours(inflow_m3h=hours, outflow_m3h=np.zeros_like(hours), meters_m3h=meters, meters=int(row[2]), pressure_m=hours),
        nights,
    )
    assert told.system_input is not None
    assert row[0] == pytest.approx(told.system_input.m3, rel=1e-3), "it fills each hour with its own mean"
    assert row[1] == pytest.approx(told.system_input.band_m3, rel=1e-3)
    assert row[3] == pytest.approx(told.meter_share)
    assert told.balance is None, "two meters say nothing of 3,102 connections"
    assert row[5:] == (None, None, None, None)


def test_a_balance_with_enough_meters_carries_its_band(month: FreshDatabase) -> None:
    asked = """SELECT b.coverage, b.input_m3, b.billed_m3, b.billed_error_m3, b.nrw_m3, b.nrw_error_m3
               FROM zone_balance(ARRAY['medina'], %s, %s) b"""
    with psycopg.connect(month.dsn()) as connection, connection.transaction(force_rollback=True):
        connection.execute("UPDATE zone SET connections = 4 WHERE key = 'medina'")
        row = connection.execute(asked, (END - timedelta(days=7), END)).fetchone()
        mean = connection.execute(
            "SELECT avg(r.value) FROM v_reading r WHERE r.role = 'customer' AND r.quantity = 'flow' AND r.zone = 'medina' "
            "AND r.time >= %s AND r.time < %s AND r.quality IN (0, 3)", (END - timedelta(days=7), END)
        ).fetchone()  # fmt: skip
    assert row is not None
    assert mean is not None
    coverage, entered, billed, billed_error, lost, lost_error = row
    metered = mean[0] * 2 * 7 * 24
    assert coverage == 0.5
    assert billed == pytest.approx(2 * metered, rel=1e-6)
    assert billed_error == pytest.approx(float(np.hypot(0.02 * metered, 0.2 * metered)), rel=1e-6)
    assert lost == pytest.approx(entered - billed)
    assert lost_error == pytest.approx(float(np.hypot(0.02 * entered, billed_error)), rel=1e-6)


def test_what_a_valve_saves_is_its_distance_from_the_fall_back_value(reader: Connection) -> None:
    asked = (
        """SELECT safe_m, outlet_m, night_excess_m3h, night_pressure_m, saved_m3 FROM pressure_saving(ARRAY['medina'], %s, %s)"""
    )
    row = reader.execute(asked, (END - timedelta(days=7), END)).fetchone()
    assert row is not None
    safe, outlet, excess, pressure, saved = row
    readings = reader.execute(
        "SELECT count(*) FROM v_reading r JOIN v_actuator a ON a.outlet_point = r.point WHERE a.zone = 'medina' AND r.time >= %s "
        "AND r.time < %s AND r.quality IN (0, 3)", (END - timedelta(days=7), END)
    ).fetchone()  # fmt: skip
    period = reader.execute("SELECT period_s FROM v_point WHERE point = 'medina.prv.outlet_pressure'").fetchone()
    assert readings is not None
    hours = readings[0] * (period[0] if period else 60) / 3600
    assert excess > 0
    assert saved == pytest.approx(excess / pressure * (safe - outlet) * hours)


def test_a_leak_is_followed_to_the_proof_of_its_repair(reader: Connection) -> None:
    asked = "SELECT work_state, on_site_at, ended_at, verified_at FROM v_leak_case WHERE finding = %s"
    proved = reader.execute(asked, ("burst:oued",)).fetchone()
    assert proved == (
        "verified",
        datetime(2026, 5, 22, 6, tzinfo=UTC),
        datetime(2026, 5, 22, 8, tzinfo=UTC),
        datetime(2026, 5, 24, 6, tzinfo=UTC),
    )
    running = reader.execute(asked, ("burst:medina",)).fetchone()
    assert running == ("on_site", datetime(2026, 5, 31, 11, 15, tzinfo=UTC), None, None)
    assert reader.execute(asked, ("standing:oued",)).fetchone() == (None, None, None, None)


def test_no_view_tells_what_an_error_of_a_notice_says(reader: Connection) -> None:
    rows = reader.execute("SELECT to_jsonb(n)::text FROM v_notice n").fetchall()
    assert len(rows) == 2
    assert not any("secret" in text for (text,) in rows)


def test_a_region_above_a_province_above_a_zone(reader: Connection) -> None:
    found: dict[str, str] = dict(
        reader.execute("SELECT zone, region || ' ' || coalesce(province, '–') FROM v_zone_tree WHERE region IS NOT NULL").fetchall()
    )
    assert found == {
        "marrakech-safi": "marrakech-safi –",
        "al-haouz": "marrakech-safi al-haouz",
        "medina": "marrakech-safi al-haouz",
    }
