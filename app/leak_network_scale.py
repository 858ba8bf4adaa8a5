"""``khettara leaks network-scale``: what the network layer costs a centre that has just started, on a recorded network."""

from __future__ import annotations

import pickle
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from app.leak_learning import learn_network
from app.leaks_progress import shown_progress
from app.network_replay import as_past
from app.network_set import read_network_set
from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection.network_past import NetworkPast
from leak_detection.network_schedule import AGAIN_DAYS, TEACH_DAYS

_STEP_S = 900
_MOST_KB = 1 if sys.platform != "darwin" else 1024


def run_network_scale(dataset: Path, console: Console) -> None:
    """Learns from 52 weeks as the service does, then steps through the longest stretch until it learns anew.

    Raises:
        ConfigurationError: No such recording, or one that is too short.
    """
    past = _as_served(as_past(read_network_set(dataset)))
    days = TEACH_DAYS[-1]
    if past.days <= days:
        raise ConfigurationError(file=str(dataset), key="files", value=f"{past.days} days", expected=f"more than {days} days")
    taught = days * past.per_day
    began = time.process_time()
    first = replace(
        past, opening=days, hour=past.hour[:taught], pressure_m=past.pressure_m[:taught], drivers=past.drivers[:taught],
        customers_m3h=None,
    )  # fmt: skip
    with shown_progress(Console(stderr=True), at_once=True) as seen:
        learned = learn_network(first, seen=seen)
    learning_s = time.process_time() - began
    hours, ends = list[float](), list[float]()
    step, run = past.per_day // 24, learned.run
    for row in range(taught, min(len(past.pressure_m), taught + AGAIN_DAYS * past.per_day), step):
        began = time.process_time()
        run.hour(past.pressure_m[row : row + step], past.drivers[row : row + step])
        hours.append(time.process_time() - began)
        if (row + step) % past.per_day == 0:
            began = time.process_time()
            run.end_day()
            ends.append(time.process_time() - began)
    console.print(
        f"{len(learned.pipes)} pipes, {len(past.gauges)} gauges; {days} days learnt in {learning_s:.0f} s of processor time"
    )
    handed_mb = len(pickle.dumps(learned)) / 1e6
    console.print(f"{len(ends)} days since then: {sum(hours) + sum(ends):.0f} s; handed to the centre: {handed_mb:.0f} MB")
    console.print(f"an hour: {_ms(hours)}; the end of a day: {_ms(ends)}")
    console.print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MOST_KB / 1e3:.0f} MB")


def _as_served(past: NetworkPast) -> NetworkPast:
    """The recording in quarters of an hour."""
    join = max(1, _STEP_S * past.per_day // 86400)
    return replace(
        past,
        per_day=past.per_day // join,
        hour=past.hour[: len(past.hour) // join * join : join],
        pressure_m=_joined(past.pressure_m, join),
        drivers=_joined(past.drivers, join),
    )


def _joined(values: FloatArray, join: int) -> FloatArray:
    """Means of what is known of so many rows."""
    rows = values[: len(values) // join * join].reshape(-1, join, values.shape[1])
    count = np.isfinite(rows).sum(axis=1)
    return np.where(count > 0, np.nansum(rows, axis=1) / np.maximum(count, 1), np.nan)


def _ms(seconds: list[float]) -> str:
    return f"{1e3 * float(np.mean(seconds)):.0f} ms, at most {1e3 * max(seconds):.0f} ms"
