"""A network's recording is read as it is meant; what cannot be meant is refused by file, key and value."""

import json
from datetime import datetime

import numpy as np
import pytest

from app.bench_leaks import in_metres
from app.network_set import read_network_set
from domain.errors import ConfigurationError


def _part(folder, name, start, days, *, step_s=3600, gauges=("n1", "n2"), **more):
    rows = days * 86400 // step_s
    arrays = {
        "start": start, "step_s": step_s,
        "pressure": np.full((rows, len(gauges)), 5000, np.int16), "pressure_id": np.array(gauges), "pressure_scale": 0.01,
        "flow": np.full((rows, 1), 800, np.int16), "flow_id": np.array(["main"]), "flow_scale": 0.1,
    }  # fmt: skip
    np.savez(folder / name, **{key: value for key, value in (arrays | more).items() if value is not None})


def _meta(folder, *files, **more):
    (folder / "town.inp").write_text("[END]\n")
    (folder / "meta.json").write_text(json.dumps({"files": list(files), "model": "town.inp"} | more))


def test_a_town_without_tanks_and_customers_meters_whose_years_begin_in_july(tmp_path):
    _part(tmp_path, "a.npz", "2021-07-01 00:00", 60)
    _part(tmp_path, "b.npz", "2021-08-30 00:00", 30)
    _meta(tmp_path, "b.npz", "a.npz")
    data = read_network_set(tmp_path)
    assert (data.start, data.second) == (datetime(2021, 7, 1), datetime(2021, 8, 30))
    assert (data.tanks, data.customers_m3h) == ((), None)
    assert data.drivers.shape == (90 * 24, 1)
    assert data.drivers[0, 0] == pytest.approx(80.0)
    assert data.hour[:25].tolist() == [*range(24), 0]
    assert data.notes() == ("only 60 days teach: seasons are not known and slow leaks are found late",)


def test_of_a_single_file_the_first_third_teaches_unless_the_set_says_until_when(tmp_path):
    _part(tmp_path, "a.npz", "2022-01-01T06:00:00", 300)
    _meta(tmp_path, "a.npz")
    assert read_network_set(tmp_path).second == datetime(2022, 4, 11, 6)
    assert read_network_set(tmp_path).hour[0] == 6
    _meta(tmp_path, "a.npz", train_until="2022-03-01 06:00")
    assert read_network_set(tmp_path).second == datetime(2022, 3, 1, 6)


def test_parts_that_leave_a_gap_and_gauges_in_another_order_find_their_places(tmp_path):
    _part(tmp_path, "a.npz", "2022-01-01 00:00", 100)
    values = np.tile(np.array([[100, -32768, 300]], np.int16), (240, 1))
    _part(tmp_path, "b.npz", "2022-04-21 00:00", 10, gauges=("n2", "n3", "n1"), pressure=values)
    _meta(tmp_path, "a.npz", "b.npz")
    data = read_network_set(tmp_path)
    assert data.gauges == ("n1", "n2", "n3")
    assert np.isnan(data.pressure_m[2400:2640]).all()
    assert data.pressure_m[-1, :2].tolist() == [3.0, 1.0]
    assert np.isnan(data.pressure_m[:, 2]).all()
    gauge, other = (next(n for n in data.notes() if name in n) for name in ("gauge n1", "gauge n3"))
    assert gauge == "gauge n1 was not read for 10 days from 2022-04-11"
    assert other == "gauge n3 was never read"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"step_s": 7200}, r"step_s = 7200"),
        ({"step_s": 0.5}, r"step_s = 0.5"),
        ({"start": "yesterday"}, r"start = 'yesterday'"),
        ({"start": "2022-01-01T00:00+03:00"}, "without an offset"),
        ({"pressure": None}, "pressure = None"),
        ({"flow_scale": None}, "flow_scale = None"),
        ({"flow": None, "flow_id": None}, "flow = None"),
        ({"pressure_id": np.array(["n1"])}, r"pressure = \(1440, 2\).*rows by 1 columns"),
        ({"pressure_id": np.array(["n1", "n1"])}, "pressure_id = 'n1'.*each name once"),
    ],
)
def test_what_cannot_be_is_named(tmp_path, change, words):
    own = {key: value for key, value in change.items() if key not in ("step_s", "start")}
    _part(tmp_path, "a.npz", "2022-01-01 00:00", 60, **own)
    if {"step_s", "start"} & set(change):
        arrays = dict(np.load(tmp_path / "a.npz")) | change
        np.savez(tmp_path / "a.npz", **arrays)
    _meta(tmp_path, "a.npz")
    with pytest.raises(ConfigurationError, match=words) as refused:
        read_network_set(tmp_path)
    assert "a.npz" in str(refused.value)


def test_a_week_is_too_short_and_the_words_say_how_much_is_needed(tmp_path):
    _part(tmp_path, "a.npz", "2022-01-01 00:00", 7)
    _meta(tmp_path, "a.npz")
    with pytest.raises(ConfigurationError, match=r"7\.0 days.*28 days or more that teach and 7 that are judged"):
        read_network_set(tmp_path)


def test_parts_that_overlap_or_have_another_step_are_named(tmp_path):
    _part(tmp_path, "a.npz", "2022-01-01 00:00", 60)
    _part(tmp_path, "b.npz", "2022-02-25 00:00", 60)
    _meta(tmp_path, "a.npz", "b.npz")
    with pytest.raises(ConfigurationError, match=r"b\.npz: start.*120 rows later"):
        read_network_set(tmp_path)
    _part(tmp_path, "b.npz", "2022-03-02 00:00", 60, step_s=900)
    with pytest.raises(ConfigurationError, match=r"b\.npz: step_s = 900.*3600, as in a\.npz"):
        read_network_set(tmp_path)


def test_a_meta_file_or_part_or_repair_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"meta\.json: files, model"):
        read_network_set(tmp_path)
    _meta(tmp_path, "a.npz")
    _part(tmp_path, "a.npz", "2022-01-01 00:00", 60)
    whole = (tmp_path / "a.npz").read_bytes()
    np.save(tmp_path / "alone.npy", np.arange(3))
    for broken in (
        b"no archive",
        (tmp_path / "alone.npy").read_bytes(),
        whole[: len(whole) // 2],
        whole[:200] + bytes(100) + whole[300:],
    ):
        (tmp_path / "a.npz").write_bytes(broken)
        with pytest.raises(ConfigurationError, match=r"a\.npz: file"):
            read_network_set(tmp_path)
    (tmp_path / "a.npz").write_bytes(whole)
    (tmp_path / "repairs-2022.csv").write_text("pipe,repaired\np1,2022-01-05 10:00\np2,soon\n")
    with pytest.raises(ConfigurationError, match=r"repairs-2022\.csv: line 3 = 'soon'"):
        read_network_set(tmp_path)
    (tmp_path / "repairs-2022.csv").write_text("pipe;repaired\n")
    with pytest.raises(ConfigurationError, match="pipe;repaired"):
        read_network_set(tmp_path)
    (tmp_path / "town.inp").unlink()
    with pytest.raises(ConfigurationError, match=r"model = 'town\.inp'"):
        read_network_set(tmp_path)


def test_a_scorer_gets_lengths_in_metres(tmp_path):
    town = tmp_path / "town.inp"
    town.write_text("[PIPES]\n;id a b length\nP1 A B 1000 200 110 0 ; main\n[OPTIONS]\nUnits LPS\n[END]\n")
    assert in_metres(town, tmp_path) == town
    town.write_text(town.read_text().replace("LPS", "GPM"))
    lines = in_metres(town, tmp_path).read_text().splitlines()
    assert lines == ["[PIPES]", "", "P1 A B 304.8000 200 110 0", "[OPTIONS]", "Units GPM", "[END]"]
