"""A simulated past: the same plant, run through at the fixed setpoints, written as one file a gateway.

``history-<node>.npz`` holds for each channel two arrays, ``<device>|<metric>|t_ms`` (int64, UTC) and ``<device>|<metric>|value``
(float64, canonical unit). ``history-state.json`` is the plant at the end: a town that finds it in its folder goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from protocols.dlms.models import is_meter_model
from simulator.memory import PlantMemory, save
from simulator.plant import Plant, fixed_setpoints
from simulator.site import SimulatedSite, load_site

STATE_FILE = "history-state.json"
Progress = Callable[[int, int], None]
"""Called with steps done and steps in all, about a hundred times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryResult:
    """What was made."""

    files: dict[str, Path]
    """File of each gateway, by node id."""
    memory: PlantMemory
    """The plant at the end."""
    steps: int
    readings: int


def make_history(
    site_dir: Path,
    seed: int,
    start: datetime,
    end: datetime,
    step_s: int = 300,
    progress: Callable[[int, int], None] | None = None,
    *,
    out_dir: Path,
) -> HistoryResult:
    """Runs the past and writes it.

    Args:
        site_dir: Site folder.
        seed: Decides all chance; the live town must have the same.
        start: The plant begins here; the first reading is one step later.
        end: Time of the last reading, if the steps fit.
        step_s: Time between readings [s].
        progress: Told how far it is.
        out_dir: Folder for the files; made if missing.

    Raises:
        ConfigurationError: Site and network do not fit together.
        ValueError: ``end`` is less than a step after ``start``.
    """
    site = load_site(site_dir)
    steps = int((end - start).total_seconds() // step_s)
    if steps < 1:
        raise ValueError(f"a history from {start} to {end} holds no step of {step_s} s")
    # A DLMS meter keeps its own past: the gateway reads it out of its load profile.
    devices = [d for d in site.inventory.devices.values() if not is_meter_model(d.model)]
    channels = [(d.key, c.field, c.point) for d in devices for c in d.channels]
    values = np.empty((steps, len(channels)))
    times_ms = np.empty(steps, dtype=np.int64)
    setpoints = fixed_setpoints(site)
    with Plant(site, seed=seed) as plant:
        memory = plant.begin(start)
        for i in range(steps):
            state = plant.step(start + timedelta(seconds=step_s * (i + 1)), setpoints=setpoints)
            values[i] = [state.values[point] for _, _, point in channels]
            times_ms[i] = int(state.time.timestamp() * 1000)
            memory = state.memory
            if progress is not None and (i + 1 == steps or i % max(1, steps // 100) == 0):
                progress(i + 1, steps)
    files = _write(site, out_dir, times_ms, {(d, f): values[:, i] for i, (d, f, _) in enumerate(channels)})
    save(memory, out_dir / STATE_FILE)
    return HistoryResult(files=files, memory=memory, steps=steps, readings=values.size)


def _write(site: SimulatedSite, folder: Path, times_ms: np.ndarray, columns: dict[tuple[str, str], np.ndarray]) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for node in site.inventory.gateways:
        arrays: dict[str, np.ndarray] = {}
        for (device, metric), column in columns.items():
            if site.inventory.devices[device].gateway == node:
                arrays[f"{device}|{metric}|t_ms"] = times_ms
                arrays[f"{device}|{metric}|value"] = column
        files[node] = folder / f"history-{node}.npz"
        np.savez(files[node], allow_pickle=False, **arrays)
    return files
