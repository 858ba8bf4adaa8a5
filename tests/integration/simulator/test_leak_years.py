"""A network set is made and read again: the same for a seed, its water balances, and truth and lists say what is in it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from app.cli_leaks import leaks as command
from app.network_set import read_network_set
from app.network_set_maker import Wish, make_network_set, told
from domain.errors import ConfigurationError
from simulator.leak_years.engine import YearEngine
from simulator.leak_years.make import MadeYears
from simulator.leak_years.plan import YearsPlan
from tests.support.shared_data import shared
from tests.support.small_network import write_network

PLAN = YearsPlan(days=60, step_s=3600, leaks=(40, 40))
QUIET = Console(quiet=True, stderr=True)
DEMO = Path(__file__).resolve().parents[3] / "sites" / "demo" / "network.inp"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "town.inp"
    write_network(path)
    return path


def _make(network: Path, out: Path, plan: YearsPlan = PLAN, **wish: object) -> MadeYears:
    return make_network_set(Wish(**{"network": network, "seed": 3, "gauge_count": 8, **wish}), plan, out, QUIET)  # type: ignore[arg-type]  # any field of a wish


def _files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def _rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def _leak_flows(folder: Path) -> tuple[list[str], np.ndarray]:
    parts = [np.load(f) for f in sorted((folder / "truth").glob("leakflow-*.npz"))]
    return [str(p) for p in parts[0]["pipe"]], np.concatenate([p["flow"] * float(p["scale"]) for p in parts])


def test_the_same_seed_gives_the_same_bytes_and_another_another_set(network: Path, tmp_path: Path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        _make(network, tmp_path / name, seed=seed)
    assert _files(tmp_path / "a") == _files(tmp_path / "b")
    assert _files(tmp_path / "a")["2019.npz"] != _files(tmp_path / "c")["2019.npz"]
    assert _rows(tmp_path / "a" / "truth" / "leaks.csv") != _rows(tmp_path / "c" / "truth" / "leaks.csv")


def test_what_the_main_meters_is_used_or_lost(network: Path, tmp_path: Path):
    _make(network, tmp_path, customer_share=1.0, distortions="absent")
    data = read_network_set(tmp_path)
    pipes, lost = _leak_flows(tmp_path)
    assert data.customers_m3h is not None
    inflow = np.nanmean(data.drivers[:, 0].reshape(-1, 24), axis=1)
    lost_m3h = lost.sum(axis=1).reshape(-1, 288).mean(axis=1)
    np.testing.assert_allclose(inflow, data.customers_m3h + lost_m3h, rtol=0.005)
    assert lost_m3h.max() > 0.02 * inflow.mean()
    assert len(pipes) == len(_rows(tmp_path / "truth" / "leaks.csv"))


def test_supply_is_use_leaks_background_and_what_tanks_take(tmp_path: Path):
    made = _make(DEMO, tmp_path, distortions="strong", customer_share=0.2)
    supply, use, leaks, background, tanks = made.truth.balance_m3h.T
    np.testing.assert_allclose(supply, use + leaks + background + tanks, atol=0.02)
    assert background.min() > 0
    np.testing.assert_allclose(leaks, made.truth.leak_m3h.sum(axis=1), atol=1e-6)
    assert made.operation.valve_m
    data = read_network_set(tmp_path)
    assert data.tanks == ("TANK",)
    level = data.drivers[:, -1]
    assert np.nanmin(level) > made.facts.tank_range_m[made.facts.nodes.index("TANK")][0]
    assert made.truth.lowest_m.min() > 10


def test_flows_of_leaks_are_there_in_their_time_alone(network: Path, tmp_path: Path):
    made = _make(network, tmp_path)
    pipes, flow = _leak_flows(tmp_path)
    start = np.datetime64(made.plan.start)
    for row in _rows(tmp_path / "truth" / "leaks.csv"):
        of = flow[:, pipes.index(row["pipe"])]
        first, last = ((np.datetime64(row[k].replace(" ", "T")) - start) / np.timedelta64(300, "s") for k in ("start", "end"))
        assert not of[: max(0, int(first))].any()
        assert not of[int(last) + 12 :].any()
        assert of.max() == pytest.approx(float(row["max_m3h"]), abs=0.011)
        assert of.sum() / 12 == pytest.approx(float(row["volume_m3"]), rel=0.02)


def test_repairs_are_those_of_the_first_part(network: Path, tmp_path: Path):
    _make(network, tmp_path)
    leaks = {row["pipe"]: row for row in _rows(tmp_path / "truth" / "leaks.csv")}
    repairs = _rows(tmp_path / "repairs-2018.csv")
    assert repairs
    for row in repairs:
        assert row["repaired"] < "2019-01-01"
        assert leaks[row["pipe"]]["end"] <= row["repaired"] == leaks[row["pipe"]]["booked"]
    assert [f.name for f in tmp_path.glob("repairs-*")] == ["repairs-2018.csv"]
    assert len(read_network_set(tmp_path).repairs) == len(repairs)


def test_faults_change_the_gauges_that_the_list_names_and_nothing_else(network: Path, tmp_path: Path):
    _make(network, tmp_path / "good")
    _make(network, tmp_path / "bad", faults=True)
    good, bad = read_network_set(tmp_path / "good"), read_network_set(tmp_path / "bad")
    faults = _rows(tmp_path / "bad" / "truth" / "sensor_faults.csv")
    changed = {
        good.gauges[k]
        for k in range(len(good.gauges))
        if not np.array_equal(good.pressure_m[:, k], bad.pressure_m[:, k], equal_nan=True)
    }
    assert changed == {row["sensor"] for row in faults}
    np.testing.assert_array_equal(good.drivers, bad.drivers)
    assert not (tmp_path / "good" / "truth" / "sensor_faults.csv").exists()
    _make(tmp_path / "bad" / "town.inp", tmp_path / "bad")
    assert _files(tmp_path / "bad") == _files(tmp_path / "good")


def test_gauges_and_meters_are_taken_from_another_set(network: Path, tmp_path: Path):
    _make(network, tmp_path / "a", gauges="J11,J23,J32", meters="MAIN,IN", customer_share=0.2)
    made = _make(network, tmp_path / "b", like=tmp_path / "a", seed=9)
    data = read_network_set(tmp_path / "b")
    assert data.gauges == ("J11", "J23", "J32")
    assert data.meters == ("MAIN", "IN")
    assert data.customers == tuple(made.places.customers)
    with pytest.raises(ConfigurationError, match="--like"):
        _make(network, tmp_path / "c", like=network.parent)


def test_the_truth_says_what_was_distorted(network: Path, tmp_path: Path):
    made = _make(network, tmp_path, distortions="strong")
    truth = json.loads((tmp_path / "truth" / "distortions.json").read_text())
    assert set(truth["levels"].values()) == {"strong"}
    assert truth["what"]["total of the demand"]["true over file"] != 1
    closed = {row["pipe"] for row in _rows(tmp_path / "truth" / "pipes.csv") if row["valve"] == "closed"}
    assert closed == {made.facts.links[k] for k in made.pipes.closed}
    assert len(_rows(tmp_path / "truth" / "nodes.csv")) == 25


def test_the_command_says_what_it_made(network: Path, tmp_path: Path):
    result = CliRunner().invoke(
        command,
        [
            "make-network-set",
            "--network",
            str(network),
            "--out",
            str(tmp_path),
            "--seed",
            "1",
            "--days",
            "60",
            "--step",
            "3600",
            "--gauge-count",
            "4",
        ],
    )
    assert result.exit_code == 0, result.output
    assert "leaks" in result.output
    assert len(read_network_set(tmp_path).gauges) == 4


def test_a_network_that_holds_no_more_leaks_says_so(network: Path, tmp_path: Path):
    many, few = (_make(network, tmp_path, plan=YearsPlan(days=60, step_s=3600, leaks=(n, n))) for n in (400, 15))
    assert "holds no more leaks (80 or more" in told(many, tmp_path)
    assert "no more" not in told(few, tmp_path)


def test_a_network_that_does_not_carry_its_demand_is_refused(network: Path, tmp_path: Path):
    dry = tmp_path / "dry.inp"
    dry.write_text(network.read_text().replace("R 70", "R 12"))
    with pytest.raises(ConfigurationError, match="carries its own demand"):
        _make(dry, tmp_path / "out")
    absurd = tmp_path / "absurd.inp"
    absurd.write_text(network.read_text().replace("R 70", "R 2400"))
    with pytest.raises(ConfigurationError, match="less than 500 m of pressure"):
        _make(absurd, tmp_path / "out")


def test_a_year_like_the_shared_one_has_its_gauges(tmp_path: Path):
    like = shared("data", "ltown-dev")
    made = _make(like / "L-TOWN.inp", tmp_path, like=like)
    assert len(made.places.gauges) == 33
    assert tuple(made.places.meters) == ("PUMP_1", "p227", "p235")
    assert made.truth.lowest_m.min() > 15
    assert 2.0 < made.truth.level_m.min() < made.truth.level_m.max() < 4.0


def test_a_leak_follows_its_own_power_of_the_pressure(network: Path, tmp_path: Path):
    first = _make(network, tmp_path / "a", distortions="strong")
    k, leak = next((k, x) for k, x in enumerate(first.leaks) if abs(x.exponent - first.pipes.emitter_exponent) > 0.3)
    ends = [first.facts.nodes[n] for n in first.facts.ends[leak.link]]
    made = _make(network, tmp_path / "b", distortions="strong", gauges=",".join([*ends, "J22"]))
    pressure = made.truth.pressure_m[:, 0] * (1 - leak.place) + made.truth.pressure_m[:, 1] * leak.place
    row = np.flatnonzero(leak.share == 1)[1:]
    flow, pressure = made.truth.leak_m3h[row, k], pressure[row]
    assert np.ptp(pressure) > 0.05 * np.mean(pressure)
    slope = np.polyfit(np.log(pressure), np.log(flow), 1)[0]
    assert slope == pytest.approx(leak.exponent, abs=0.12)


def test_a_network_in_gallons_and_psi_has_its_valves_where_its_file_says(tmp_path: Path):
    """50 psi are 35.15 m."""
    lines = ["[JUNCTIONS]", "A 0", "B 0", "C 0 100", "D 0 60", "E 0 80", "[RESERVOIRS]", "R 200", "[VALVES]", "V A B 8 PRV 50 0"]
    lines += ["[PIPES]", "P R A 100 10 120 0 Open", "P1 B C 500 8 120 0 Open", "P2 B D 500 8 120 0 Open", "P3 C E 400 6 110 0 Open"]
    lines += ["P4 D E 400 6 110 0 Open", "P5 C D 300 6 110 0 Open", "[OPTIONS]", "Units GPM", "Headloss H-W", "[END]"]
    (tmp_path / "us.inp").write_text("\n".join(lines))
    made = _make(tmp_path / "us.inp", tmp_path / "set", distortions="absent", gauges="B,C,D,E", customer_share=1.0)
    np.testing.assert_allclose(made.truth.pressure_m[:, 0], 35.15, atol=0.05)
    assert made.facts.total_m3h == pytest.approx(240 * 0.2271, rel=0.001)


def test_a_node_put_in_a_pipe_changes_nothing():
    heads = []
    for split in (False, True):
        with YearEngine(DEMO) as net:
            pipe = max(np.flatnonzero(net.link_kinds() == 1), key=lambda k: net.link_values(1)[k])
            nodes = net.nodes
            if split:
                net.split_pipe(int(pipe), 0.3, "middle")
                assert len(net.nodes) == len(nodes) + 1
            net.set_accuracy(1e-6)
            net.begin(3600, 3600)
            net.run()
            heads.append(net.heads()[[net.nodes.index(n) for n in nodes]])
    np.testing.assert_allclose(heads[0], heads[1], atol=1e-3)
