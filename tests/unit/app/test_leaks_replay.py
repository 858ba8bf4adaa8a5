"""A replay sees nothing before its time, runs alike wherever it runs, and says clearly what it cannot read."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from app.leak_town import make_town
from app.leak_town_records import TownPlan
from app.leak_town_write import write_town
from app.leaks_alarms import AlarmRow
from app.leaks_drawing import SEEN
from app.leaks_explain import run_explain
from app.leaks_replay import Replayed, replay_dataset
from app.leaks_run import ReplayOutputs, run_replay, summary
from app.scheduler import open_scheduler
from domain.errors import ConfigurationError

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"
FACTORS = """
[factors]
water = { value = 3.2, unit = "MAD/m3", year = 2025, source = "cost accounts" }
energy = { value = 0.65, unit = "kWh/m3", year = 2025, source = "pump station counters" }
carbon = { value = 0.60, unit = "kg/kWh", year = 2024, source = "grid average" }
"""
PLAN = TownPlan(zones=2, days=130, leaks=2.0)
CUT_H = 100 * 24

MAP = """
[replay]
time_column = "t"
timezone = "UTC"
[site]
key = "s"
timezone = "Africa/Casablanca"
[[column]]
name = "a"
zone = "za"
quantity = "flow"
unit = "L/s"
resolution = "0.001"
period_s = 3600
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    data, truth = make_town(5, PLAN)
    write_town(data, truth, folder, PLAN)
    return folder


def replayed(folder: Path, scheduler: str | None = None) -> Replayed:
    with open_scheduler(scheduler) as over:
        return replay_dataset(folder, None, over)


@pytest.fixture(scope="module")
def here(town: Path) -> Replayed:
    """The town replayed in this process: a replay is seconds."""
    return replayed(town)


def with_other_future(folder: Path, out: Path) -> Path:
    """The same set, but all that comes after the cut in another order."""
    out.mkdir()
    with np.load(folder / "dma.npz") as kept:
        arrays = dict(kept)
    rng = np.random.default_rng(1)
    for name, per_hour in (("inflow", 4), ("pressure_in", 4), ("amr_sum", 1), ("meter", 1)):
        late = arrays[name][CUT_H * per_hour :]
        arrays[name][CUT_H * per_hour :] = late[rng.permutation(len(late))]
    np.savez_compressed(out / "dma.npz", **arrays)
    for name in ("meta.json", "repairs.csv"):
        (out / name).write_text((folder / name).read_text())
    return out


def test_the_future_changes_nothing_of_the_past(town: Path, here: Replayed, tmp_path: Path) -> None:
    cut = datetime(2023, 1, 2, tzinfo=UTC) + timedelta(hours=CUT_H)

    def past(result: Replayed) -> list[AlarmRow]:
        return [a for a in result.alarms if a.issued <= cut]

    other = replayed(with_other_future(town, tmp_path / "other"))
    assert past(here)
    assert past(here) == past(other)
    assert here.alarms != other.alarms


@pytest.mark.parametrize("where", ["processes:2", "local-cluster:2"])
def test_two_processes_find_the_same_bit_for_bit(town: Path, here: Replayed, where: str) -> None:
    if where.startswith("local-cluster") and find_spec("distributed") is None:
        pytest.skip("needs the extra khettara[scale]: dask.distributed is not installed")
    there = replayed(town, where)
    assert here.alarms == there.alarms
    assert here.findings == there.findings


def priced_site(folder: Path) -> Path:
    """The demonstration's site, with prices."""
    site = folder / "site"
    shutil.copytree(SITE, site)
    with (site / "site.toml").open("a", encoding="utf-8") as file:
        file.write(FACTORS)
    return site


def test_a_scheduler_that_is_none_is_told() -> None:
    for where in ("nowhere", "processes:0", "processes:many"):
        with pytest.raises(ConfigurationError, match="--scheduler"), open_scheduler(where):
            pass


def test_alarms_findings_pictures_and_the_explanation(town: Path, tmp_path: Path) -> None:
    console = Console(record=True, width=200)
    out, kept = tmp_path / "alarms.csv", tmp_path / "findings.json"
    outputs = ReplayOutputs(alarms=out, findings=kept, plots=tmp_path / "plots")
    run_replay(town, outputs, site=priced_site(tmp_path), console=console)
    rows = list(csv.reader(out.read_text().splitlines()))
    assert rows[0] == ["pipe-or-zone", "start time", "issue time", "m3h", "confidence"]
    assert all(r[1] <= r[2] for r in rows[1:])
    document = json.loads(kept.read_text())
    findings, customers = document["findings"], document["customers"]
    assert findings
    assert customers
    pictures = list((tmp_path / "plots").iterdir())
    assert len(pictures) == len(findings) + len(customers)
    assert all(p.read_bytes().startswith(b"\x89PNG" if find_spec("matplotlib") else b"<svg") for p in pictures)
    leak = next(f for f in findings if f["cause"] == "leak")
    assert {e["name"] for e in leak["evidence"]} >= {"zone_balance", "balance_slope", "meter_coverage"}
    again = Console(record=True, width=200)
    run_explain(leak["key"], kept, None, None, tmp_path / "one.svg", console=again)
    text = again.export_text()
    for word in ("zone_balance", "m³/h", "confidence", "local time of the recording", f"{leak['money_a_day']:.0f} MAD", "kg CO₂"):
        assert word in text
    assert leak["money_a_day"] == pytest.approx(24 * leak["flow_m3h"] * 3.2)
    assert leak["co2_kg_a_day"] == pytest.approx(24 * leak["flow_m3h"] * 0.65 * 0.60)
    svg = (tmp_path / "one.svg").read_text()
    assert svg.startswith("<svg")
    assert leak["key"] in svg
    run_explain(customers[0]["key"], kept, None, None, tmp_path / "customer.svg", console=again)
    assert "no loss of the utility" in again.export_text()
    assert "[L/h]" in (tmp_path / "customer.svg").read_text()
    run_explain(None, kept, None, None, None, console=again)
    assert f"{len(findings) + len(customers)} in" in again.export_text()
    with pytest.raises(ConfigurationError, match="FINDING"):
        run_explain("leak:nowhere", kept, None, None, None, console=again)
    with pytest.raises(ConfigurationError, match=r"\.svg"):
        run_explain(leak["key"], kept, None, None, tmp_path / "one.gif", console=again)


def test_a_zone_without_any_meter_is_told_by_name(town: Path, tmp_path: Path) -> None:
    out = with_other_future(town, tmp_path / "bare")
    with np.load(out / "dma.npz") as kept:
        arrays = dict(kept)
    arrays["amr_sum"][:, 1] = -32768
    np.savez_compressed(out / "dma.npz", **arrays)
    with pytest.raises(ConfigurationError, match="Z02"):
        replayed(out)


def test_the_alarms_of_a_csv_know_nothing_of_what_comes_later(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP)
    rng, hours, cut = np.random.default_rng(3), 45 * 24, 38 * 24 + 7
    flow = 5 + 2 * np.sin(2 * np.pi * (np.arange(hours) % 24) / 24) + rng.normal(0, 0.1, hours)
    flow[38 * 24 :] += 1.5
    flow[38 * 24 + 12 :] += 2.5
    other = np.concatenate((flow[:cut], rng.permutation(flow[cut:])))
    told = []
    for values in (flow, other):
        rows = [f"{np.datetime64('2026-04-06T00:00') + np.timedelta64(k, 'h')},{q:.4f}" for k, q in enumerate(values)]
        (tmp_path / "in.csv").write_text("\n".join(("t,a", *rows)))
        with open_scheduler(None) as over:
            result = replay_dataset(tmp_path / "in.csv", tmp_path / "map.toml", over)
        moment = datetime(2026, 4, 6, tzinfo=UTC) + timedelta(hours=cut)
        told.append([a for a in result.alarms if a.issued <= moment])
    assert told[0]
    assert told[0] == told[1]


def test_inflows_of_a_csv_with_repeats_gaps_and_rows_out_of_order(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP)
    rng = np.random.default_rng(2)
    hours = np.arange(60 * 24)
    flow = 5 + 2 * np.sin(2 * np.pi * (hours % 24) / 24) + rng.normal(0, 0.1, hours.size)
    flow[50 * 24 + 5 :] += 4.0
    rows = [(np.datetime64("2026-04-06T00:00") + np.timedelta64(int(h), "h"), f"{q:.4f}") for h, q in zip(hours, flow, strict=True)]
    rows = rows[:900] + rows[930:] + rows[100:130] + rows[:3]
    order = rng.permutation(len(rows))
    text = "t,a\n" + "\n".join(f"{rows[k][0]},{rows[k][1]}" for k in order) + "\n"
    (tmp_path / "in.csv").write_text(text)
    with open_scheduler(None) as over:
        result = replay_dataset(tmp_path / "in.csv", tmp_path / "map.toml", over)
    (leak,) = result.findings
    assert leak.flow_m3h == pytest.approx(4.0 * 3.6, rel=0.3)
    assert "; 1 leak, 0 findings" in summary(result, tmp_path / "x.csv")
    seen = [panel.of(SEEN) for panel in result.panels[leak.key]]
    assert all(line is not None and np.isfinite(line.values).any() for line in seen)


@pytest.mark.parametrize(
    ("text", "word"),
    [("t,b\n2026-01-01T00:00,1\n", "columns"), ("t,a\nsoon,1\n", "row 2"), ("t,a\n2026-01-01T00:00,x\n", "row 2, a")],
)
def test_what_is_wrong_in_a_csv_is_said(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "map.toml").write_text(MAP)
    (tmp_path / "in.csv").write_text(text)
    with open_scheduler(None) as over, pytest.raises(ConfigurationError, match=word):
        replay_dataset(tmp_path / "in.csv", tmp_path / "map.toml", over)
    with open_scheduler(None) as over, pytest.raises(ConfigurationError, match="--points"):
        replay_dataset(tmp_path / "in.csv", None, over)
    with open_scheduler(None) as over, pytest.raises(ConfigurationError, match="DATASET"):
        replay_dataset(tmp_path, None, over)
