"""The hard town is a set as its reader wants it, the same for the same seed; its customer leaks are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.bench_leaks import customer_scores
from app.leak_town import make_town
from app.leak_town_records import TownPlan
from app.leak_town_write import write_town
from app.zone_set import read_zone_set
from leak_detection.customer_leaks import find_customer_leaks

PLAN = TownPlan(zones=3, days=90)


def test_a_town_is_written_and_read_again(tmp_path: Path) -> None:
    data, truth = make_town(3, PLAN)
    again, _ = make_town(3, PLAN)
    np.testing.assert_array_equal(data.inflow, again.inflow)
    write_town(data, truth, tmp_path, PLAN)
    read = read_zone_set(tmp_path)
    assert read.zones == ("Z01", "Z02", "Z03")
    assert read.inflow_m3h.shape == (90 * 24, 3)
    assert np.nanmedian(read.meters_m3h / read.inflow_m3h) < 1
    found = find_customer_leaks(read.readings_l_h, read.meters)
    scores = customer_scores(found, tmp_path / "truth", read.start, 90 * 24)
    assert scores["found_7d"] >= 0.85
    assert scores["precision"] >= 0.9
    with np.load(tmp_path / "truth" / "leakflow-2023.npz") as flows:
        assert flows["flow"].shape == ((90 - 29) * 288, len(truth.leaks))


def test_a_reading_that_cannot_be_is_written_as_large_as_it_is(tmp_path: Path) -> None:
    data, truth = make_town(3, PLAN)
    single = data.single.copy()
    single[5, 0], single[6, 0] = 90_000.0, np.nan
    write_town(replace(data, single=single), truth, tmp_path, PLAN)
    read = read_zone_set(tmp_path).readings_l_h[:, 0]
    assert read[5] == 90_000.0
    assert np.isnan(read[6])


def test_the_towns_hard_meters_leave_every_draw_of_its_zones_as_it_was(tmp_path: Path) -> None:
    plain, _ = make_town(3, PLAN)
    data, truth = make_town(3, replace(PLAN, customers=30))
    for name in ("inflow", "pressure", "critical", "meters"):
        np.testing.assert_array_equal(getattr(data, name), getattr(plain, name))
    np.testing.assert_array_equal(data.single[:, : plain.single.shape[1]], plain.single)
    assert data.single.shape[1] == plain.single.shape[1] + 30
    write_town(data, truth, tmp_path, PLAN)
    assert len((tmp_path / "truth" / "customer_meters.csv").read_text().splitlines()) == 31
    assert "H0" in (tmp_path / "truth" / "customer_leaks.csv").read_text()
