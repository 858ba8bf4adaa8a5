"""A made town as files, in the layout of the zone sets."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.leak_town_records import PER_DAY, Recording, TownPlan, Truth
from domain.series import FloatArray

_TIME = "%Y-%m-%d %H:%M"
_START = datetime(2023, 1, 2)
METERS_FILE = "truth/customer_meters.csv"
"""Of a set with hard single meters alone."""
_MISSING = -32768
_TRUTH_STEPS = 3
"""Truth is written every five minutes, data every quarter of an hour."""


def write_town(data: Recording, truth: Truth, folder: Path, plan: TownPlan | None = None) -> None:
    """Writes the set and, under ``truth``, what is wrong in it."""
    plan = plan or TownPlan()
    folder.mkdir(parents=True, exist_ok=True)
    train = int(plan.days * plan.train_share) * PER_DAY
    np.savez_compressed(
        folder / "dma.npz", start=_START.strftime(_TIME), dma=np.array(data.names), step_s=900, amr_step_s=3600,
        inflow=_counts(data.inflow, 0.02), inflow_scale=0.02, amr_sum=_counts(data.meters, 0.02), amr_scale=0.02,
        pressure_in=_counts(data.pressure, 0.01), pressure_cp=_counts(data.critical, 0.01), pressure_scale=0.01,
        meter=_whole(data.single, 1.0).astype(np.int32), meter_id=np.array(data.single_names),
    )  # fmt: skip
    meta = {
        "train_until": _moment(train),
        "units": "inflow, amr_sum m3/h; pressure m; meter L/h; -32768 is missing",
        "dma": {zone: {"smart_meter_share": round(share, 3)} for zone, share in data.coverage.items()},
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    repaired = [(z, _moment(end)) for z, _, end, _, _ in truth.leaks if end < train]
    _rows(folder / "repairs.csv", "dma,repaired", repaired)
    _write_truth(truth, folder / "truth", train)


def _write_truth(truth: Truth, folder: Path, train: int) -> None:
    folder.mkdir(exist_ok=True)
    flow = np.repeat(np.stack([f[train:] for f in truth.flows], axis=1), _TRUTH_STEPS, axis=0)
    np.savez_compressed(
        folder / "leakflow-2023.npz", start=_moment(train), step_s=300, scale=0.005,
        pipe=np.array([f"{leak[0]}#{k}" for k, leak in enumerate(truth.leaks)]), flow=_counts(flow, 0.005),
    )  # fmt: skip
    leaks = [(z, _moment(s), _moment(e), "", kind, "", f"{m:.2f}", f"{z}#{k}") for k, (z, s, e, kind, m) in enumerate(truth.leaks)]
    _rows(folder / "leaks.csv", "pipe,start,end,diameter_m,kind,peak,max_m3h,key", leaks)
    _rows(folder / "not_leaks.csv", "dma,start,end,what", [(z, _moment(s), _moment(e), w) for z, s, e, w in sorted(truth.events)])
    customers = [(m, _moment(s), _moment(e), f"{q:.1f}") for m, s, e, q in truth.customers]
    _rows(folder / "customer_leaks.csv", "meter,start,end,litres_per_hour", customers)
    if truth.meters:
        _rows(folder.parent / METERS_FILE, "meter,life,litres_per_pulse,fault", truth.meters)


def _rows(file: Path, header: str, rows: Sequence[tuple[str, ...]]) -> None:
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header.split(","))
        writer.writerows(rows)


def _moment(step: int) -> str:
    return (_START + timedelta(minutes=15 * step)).strftime(_TIME)


def _counts(values: FloatArray, scale: float) -> NDArray[np.int16]:
    """As two bytes each, for what stays within them."""
    return _whole(values, scale).clip(_MISSING, -_MISSING - 1).astype(np.int16)


def _whole(values: FloatArray, scale: float) -> FloatArray:
    """Numbers of the scale's steps; a reading that cannot be (a register that jumps) is as large as it is."""
    return np.where(np.isfinite(values), np.rint(np.where(np.isfinite(values), values, 0.0) / scale), _MISSING)
