"""Writes a recording in the layout of network sets, and the truth of it under ``truth``."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from simulator.leak_years import engine as en
from simulator.leak_years.facts import areas
from simulator.leak_years.leaks import Leak
from simulator.leak_years.make import MadeYears

_TIME = "%Y-%m-%d %H:%M"
_MISSING, _MOST = -32768, 32767
_TRUTH_STEP_S = 300
"""Flows of leaks are written every five minutes, whatever the recording's step."""
_SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_YEAR_DAYS = 365
FAULTS = "truth/sensor_faults.csv"
"""Of a set with faults alone."""


def write_years(made: MadeYears, folder: Path) -> None:
    """Writes everything; what is there under the same names is overwritten."""
    truth, model = folder / "truth", made.facts.file.name
    truth.mkdir(parents=True, exist_ok=True)
    parts = _parts(made)
    for name, rows in parts:
        _write_part(made, folder / f"{name}.npz", rows)
        _write_flows(made, truth / f"leakflow-{name}.npz", rows)
    if not (folder / model).exists() or not (folder / model).samefile(made.facts.file):
        shutil.copyfile(made.facts.file, folder / model)
    units = {"pressure": "m", "flow": "m3/h", "level": "m", "amr": "L/h, mean of the hour"}
    _json(
        folder / "meta.json", {"files": [f"{n}.npz" for n, _ in parts], "model": model, "step_s": made.plan.step_s, "units": units}
    )
    _json(folder / "zones.json", _zones(made))
    _repairs(made, folder)
    _leaks(made, truth)
    _balance(made, truth)
    _distortions(made, truth)
    if not made.faults:
        (folder / FAULTS).unlink(missing_ok=True)  # of a set that was here before
    else:
        _rows(folder / FAULTS, "year,sensor,fault,start_step,end_step", _faults(made))


def _parts(made: MadeYears) -> list[tuple[str, slice]]:
    plan = made.plan
    return [
        (str(plan.start.year), slice(0, plan.split_row)),
        (str(plan.moment(plan.split_row).year), slice(plan.split_row, plan.rows)),
    ]


def counts(values: FloatArray, least_scale: float) -> tuple[NDArray[np.int16], float]:
    """Whole numbers and their scale: the least one of 0.01, 0.02, 0.05 … from ``least_scale`` on that holds all values."""
    most = float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))
    scale = next((s for s in _SCALES if s >= least_scale and most / s <= _MOST), _SCALES[-1])
    whole = np.rint(np.where(np.isfinite(values), values, 0.0) / scale).clip(-_MOST, _MOST)
    return np.where(np.isfinite(values), whole, _MISSING).astype(np.int16), scale


def _write_part(made: MadeYears, file: Path, rows: slice) -> None:
    plan, places, data = made.plan, made.places, made.readings
    hours = slice(rows.start * plan.step_s // 3600, rows.stop * plan.step_s // 3600)
    kinds: list[tuple[str, FloatArray, Sequence[str], float]] = [
        ("pressure", data.pressure_m[rows], places.gauges, 0.01),
        ("flow", data.flow_m3h[rows], places.meters, 0.01),
        ("level", data.level_m[rows], places.tanks, 0.01),
        ("amr", data.customers_l_h[hours], places.customers, 1.0),
    ]
    arrays: dict[str, Any] = {"start": plan.moment(rows.start).strftime(_TIME), "step_s": plan.step_s}
    for kind, values, names, least in kinds:
        if names:
            whole, scale = counts(values, least)
            arrays |= {kind: whole, f"{kind}_id": np.array(names), f"{kind}_scale": scale}
            arrays |= {"amr_step_s": 3600} if kind == "amr" else {}
    np.savez_compressed(file, **arrays)


def _write_flows(made: MadeYears, file: Path, rows: slice) -> None:
    flow, step_s = made.truth.leak_m3h[rows], made.plan.step_s
    flow = flow[:: _TRUTH_STEP_S // step_s] if step_s < _TRUTH_STEP_S else np.repeat(flow, step_s // _TRUTH_STEP_S, axis=0)
    whole, scale = counts(flow, 0.01)
    np.savez_compressed(
        file, start=made.plan.moment(rows.start).strftime(_TIME), step_s=_TRUTH_STEP_S, scale=scale, flow=whole,
        pipe=np.array([leak.pipe for leak in made.leaks], dtype=str),
    )  # fmt: skip


def _zones(made: MadeYears) -> dict[str, list[str]]:
    """Junctions of each area that pumps and valves cut off, with any demand in it."""
    area, facts = areas(made.facts), made.facts
    held = set(area[facts.demand_nodes].tolist())
    return {
        f"zone{a + 1}": [
            n for n, of, kind in zip(facts.nodes, area, facts.node_kind, strict=True) if of == a and kind == en.JUNCTION
        ]
        for a in sorted(held)
    }


def _repairs(made: MadeYears, folder: Path) -> None:
    booked = sorted((leak.booked, leak.pipe) for leak in made.leaks if leak.booked is not None)
    _rows(
        folder / f"repairs-{made.plan.start.year}.csv",
        "pipe,repaired",
        [(p, made.plan.moment(r).strftime(_TIME)) for r, p in booked],
    )


def _leaks(made: MadeYears, truth: Path) -> None:
    plan, hour = made.plan, made.plan.step_s / 3600
    out = []
    for k, leak in enumerate(made.leaks):
        flow = made.truth.leak_m3h[:, k]
        first, end, grown = (plan.moment(min(r, plan.rows - 1)).strftime(_TIME) for r in (leak.first, leak.end - 1, leak.full))
        booked = "" if leak.booked is None else plan.moment(leak.booked).strftime(_TIME)
        out.append(
            (leak.pipe, first, end, f"{_hole_m(made, leak):.6f}", leak.kind, grown, leak.place, f"{flow.sum() * hour:.1f}",
             f"{flow.max():.2f}", f"zone{leak.area + 1}", leak.law, leak.exponent, booked)
        )  # fmt: skip
    _rows(truth / "leaks.csv", "pipe,start,end,diameter_m,kind,peak,fraction,volume_m3,max_m3h,zone,law,exponent,booked", out)
    customers = [
        (
            made.facts.nodes[made.facts.demand_nodes[x.node]],
            plan.moment(x.first).strftime(_TIME),
            plan.moment(x.end).strftime(_TIME),
            f"{1000 * x.flow_m3h:.1f}",
        )
        for x in made.customer_leaks
    ]
    _rows(truth / "customer_leaks.csv", "meter,start,end,litres_per_hour", customers)


def _hole_m(made: MadeYears, leak: Leak) -> float:
    """Diameter of the round hole that lets its peak out at its pipe's mean pressure: q = 0.75 A sqrt(2 g h)."""
    metres = max(1.0, float(made.truth.mean_m[made.facts.ends[leak.link]].mean()))
    return float(np.sqrt(4 / np.pi * leak.peak_m3h / 3600 / (0.75 * np.sqrt(2 * 9.81 * metres))))


def _balance(made: MadeYears, truth: Path) -> None:
    """Hourly means of where the water went [m³/h]."""
    hourly = made.truth.balance_m3h.reshape(-1, 3600 // made.plan.step_s, 5).mean(axis=1)
    names = ("supply", "use", "leaks", "background", "into_tanks")
    columns = {f"{n}_m3h": hourly[:, k].astype(np.float32) for k, n in enumerate(names)}
    np.savez_compressed(truth / "balance.npz", start=made.plan.start.strftime(_TIME), step_s=3600, **columns)


def _distortions(made: MadeYears, truth: Path) -> None:
    facts, years = made.facts, made.truth
    lowest = int(np.argmin(years.lowest_m))
    _json(
        truth / "distortions.json",
        {
            "seed": made.chance.seed,
            "drawn anew": dict(made.chance.attempts),
            "levels": dict(sorted(made.chance.drawn.items())),
            "what": made.pipes.notes | made.town.notes | made.operation.notes | made.readings.notes,
            "lowest pressure": {"m": round(float(years.lowest_m[lowest]), 2), "node": facts.nodes[facts.demand_nodes[lowest]]},
            "mean flows m3/h": dict(
                zip(
                    ("supply", "use", "leaks", "background", "into tanks"),
                    years.balance_m3h.mean(axis=0).round(3).tolist(),
                    strict=True,
                )
            ),
        },
    )
    pipes = [
        (facts.links[k], f"{made.pipes.roughness_factor[k]:.4f}", f"{made.pipes.diameter_factor[k]:.4f}",
         "closed" if k in made.pipes.closed else "half closed" if k in made.pipes.throttled else "")
        for k in facts.pipes
    ]  # fmt: skip
    _rows(truth / "pipes.csv", "pipe,roughness_factor,diameter_factor,valve", pipes)
    nodes = [
        (facts.nodes[n], f"{t:.4f}", f"{t / f:.4f}")
        for n, t, f in zip(facts.demand_nodes, made.town.mean_m3h, facts.demand_m3h, strict=True)
    ]
    _rows(truth / "nodes.csv", "node,true_m3h,factor", nodes)


def _faults(made: MadeYears) -> list[tuple[object, ...]]:
    """Rows with steps counted from the beginning of their year; a fault that goes on over New Year has two."""
    out: list[tuple[object, ...]] = []
    year_rows = _YEAR_DAYS * made.plan.per_day
    for fault in made.faults:
        for k in range(fault.first // year_rows, (fault.end - 1) // year_rows + 1):
            first, end = max(fault.first, k * year_rows), min(fault.end, (k + 1) * year_rows)
            out.append((made.plan.start.year + k, fault.gauge, fault.words, first - k * year_rows, end - k * year_rows))
    return out


def _json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _rows(file: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)
