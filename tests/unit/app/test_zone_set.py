"""A recording of metered zones: what in it cannot be meant is said by file and key; what only lowers confidence, in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.leak_town import make_town
from app.leak_town_records import TownPlan
from app.leak_town_write import write_town
from app.leaks_replay import replay_dataset
from app.scheduler import open_scheduler
from app.zone_set import read_zone_set
from domain.errors import ConfigurationError

PLAN = TownPlan(zones=2, days=70)


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    data, truth = make_town(4, PLAN)
    write_town(data, truth, folder, PLAN)
    return folder


def copy(town: Path, out: Path, *, meta: Any = None, **arrays: Any) -> Path:
    """The set with some of it changed; an array of None is left out."""
    with np.load(town / "dma.npz") as kept:
        all_arrays = dict(kept) | arrays
    np.savez_compressed(out / "dma.npz", **{k: v for k, v in all_arrays.items() if v is not None})
    text = (town / "meta.json").read_text() if meta is None else meta if isinstance(meta, str) else json.dumps(meta)
    (out / "meta.json").write_text(text)
    (out / "repairs.csv").write_text((town / "repairs.csv").read_text())
    return out


def test_the_share_of_metered_customers_is_what_the_set_says(town: Path) -> None:
    data = read_zone_set(town)
    assert set(data.coverage) == {"Z01", "Z02"}
    assert all(0.6 <= share <= 0.95 for share in data.coverage.values())
    assert not any("share of customers" in note for note in data.notes())


def test_where_nothing_says_it_no_share_is_claimed(town: Path, tmp_path: Path) -> None:
    folder = copy(town, tmp_path, meta={"train_until": "2023-01-25 00:00"})
    assert any("not said in meta.json for Z01, Z02" in note for note in read_zone_set(folder).notes())
    with open_scheduler(None) as over:
        result = replay_dataset(folder, None, over)
    assert result.findings
    assert not any(e.name == "meter_coverage" for f in result.findings for e in f.evidence)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inflow": None}, "without inflow"),
        ({"inflow": np.zeros(10)}, "rows by 2 columns"),
        ({"step_s": 1000}, "an hour is a multiple"),
        ({"step_s": 0}, "an hour is a multiple"),
        ({"start": "yesterday"}, "start = 'yesterday'"),
        ({"dma": np.array(["Z01", "Z01"])}, "each once"),
        ({"meter_id": np.array(["one"])}, "one a name in meter_id"),
        ({"inflow": np.zeros((96 * 10, 2), dtype=np.int16)}, "10.0 days"),
        ({"meta": "{"}, "train_until"),
        ({"meta": {}}, "train_until"),
        ({"meta": {"train_until": "soon"}}, "train_until = 'soon'"),
        ({"meta": {"train_until": "2031-01-01 00:00"}}, "a moment of the recording"),
        ({"meta": {"train_until": "2023-01-25 00:00", "dma": {"Z09": {"smart_meter_share": 0.5}}}}, "a zone of dma.npz"),
        ({"meta": {"train_until": "2023-01-25 00:00", "dma": {"Z01": {"smart_meter_share": 70}}}}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_meant_is_said(town: Path, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_zone_set(copy(town, tmp_path, **change))
    assert words in str(error.value)


def test_a_file_that_is_cut_off_and_repairs_that_are_none_are_told(town: Path, tmp_path: Path) -> None:
    folder = copy(town, tmp_path)
    (folder / "repairs.csv").write_text("dma,repaired\nZ01,soon\n")
    with pytest.raises(ConfigurationError, match="line 2 = 'soon'"):
        read_zone_set(folder)
    (folder / "dma.npz").write_bytes((town / "dma.npz").read_bytes()[:5000])
    with pytest.raises(ConfigurationError, match="cut off"):
        read_zone_set(folder)
    with pytest.raises(ConfigurationError, match=r"meta\.json"):
        read_zone_set(tmp_path / "nowhere")


def test_one_zone_alone_is_replayed(town: Path, tmp_path: Path) -> None:
    with np.load(town / "dma.npz") as kept:
        arrays = {k: kept[k][:, :1] if k in ("inflow", "amr_sum", "pressure_in", "pressure_cp") else kept[k] for k in kept.files}
    folder = copy(town, tmp_path, meta={"train_until": "2023-01-25 00:00"}, **(arrays | {"dma": np.array(["Z01"])}))
    with open_scheduler(None) as over:
        assert replay_dataset(folder, None, over).zones == 1
