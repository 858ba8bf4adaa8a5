"""What stands open in a zone when the judged part begins is told then, or once its balance has seen a repair just before."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from app.leaks_replay_zones import replay_metered_zones
from app.scheduler import open_scheduler

START, DAYS, OPENING_H = datetime(2023, 1, 1), 75, 60 * 24
HOURS = np.arange(DAYS * 24)
SHAPE = 10 + 8 * np.exp(-0.5 * ((np.arange(24) - 8) / 3) ** 2) + 6 * np.exp(-0.5 * ((np.arange(24) - 19) / 2.5) ** 2)


def written(folder: Path, repaired_h: int) -> Path:
    """A zone with a leak of 6 m³/h from hour 800 on and one of 4 m³/h that is repaired."""
    rng = np.random.default_rng(1)
    use = np.tile(SHAPE, DAYS) * rng.normal(1, 0.05, HOURS.size)
    leaks = np.where(HOURS > 800, 6.0, 0.0) + np.where((HOURS > 1100) & (repaired_h > HOURS), 4.0, 0.0)
    meters = 0.7 * use * rng.normal(1, 0.01, HOURS.size)
    np.savez(
        folder / "dma.npz", start=f"{START:%Y-%m-%d %H:%M}", step_s=3600, dma=["Z01"], inflow=(use + 5 + leaks)[:, None],
        inflow_scale=1.0, amr_sum=meters[:, None], amr_scale=1.0, pressure_in=np.full((HOURS.size, 1), 40.0),
        pressure_scale=1.0, meter=np.zeros((HOURS.size, 1)), meter_id=["m1"],
    )  # fmt: skip
    opening, repaired = (f"{START + timedelta(hours=h):%Y-%m-%d %H:%M}" for h in (OPENING_H, repaired_h))
    (folder / "meta.json").write_text(json.dumps({"train_until": opening}))
    (folder / "repairs.csv").write_text(f"dma,repaired\nZ01,{repaired}\nZ01,{START + timedelta(days=9):%Y-%m-%d %H:%M}\n")
    return folder


@pytest.mark.parametrize(("repaired_h", "told_h"), [(1260, OPENING_H), (1436, 1608)])
def test_what_stands_is_told_once_a_repair_just_before_has_shown(tmp_path: Path, repaired_h: int, told_h: int) -> None:
    folder = written(tmp_path, repaired_h)
    with open_scheduler(None) as over:
        (row,) = replay_metered_zones(folder, over).alarms
    assert (row.place, row.issued.replace(tzinfo=None)) == ("Z01", START + timedelta(hours=told_h))
    assert row.flow_m3h == pytest.approx(6.0, abs=1.0)
