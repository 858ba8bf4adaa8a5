"""A recording of a network over years: gauges, metered flows, tank levels, customers' meters, repairs, and the network file."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from domain.errors import ConfigurationError
from domain.series import FloatArray

_MISSING = -32768


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkSet:
    """Gauges and meters of a network over years."""

    start: datetime
    second: datetime
    """Start of the second year."""
    step_s: int
    gauges: tuple[str, ...]
    meters: tuple[str, ...]
    tanks: tuple[str, ...]
    network: Path
    pressure_m: FloatArray
    drivers: FloatArray
    """Flows of ``meters`` [m³/h], then levels of ``tanks`` [m]."""
    customers: tuple[str, ...] = ()
    """Nodes of the customers' meters."""
    customers_m3h: FloatArray | None = None
    """Sum of the customers' meters by day, shape (days,); NaN where none was read."""
    repairs: tuple[tuple[datetime, str], ...] = ()
    """Moments and pipes of repairs."""

    @property
    def per_day(self) -> int:
        """Samples of a day."""
        return 86400 // self.step_s

    @property
    def first_rows(self) -> int:
        """Samples before the second year."""
        return int((self.second - self.start).total_seconds()) // self.step_s


def read_network_set(folder: Path) -> NetworkSet:
    """Reads the years, ``meta.json``, the network and, where there is one, the list of repairs of a folder.

    Raises:
        ConfigurationError: Fewer than two years, or a file or array is not there.
    """
    try:
        meta = json.loads((folder / "meta.json").read_text())
        years = [dict(np.load(folder / name)) for name in meta["files"]]
        if len(years) < 2:
            raise ConfigurationError(file=str(folder), key="files", value=meta["files"], expected="two years or more")
        if not (folder / meta["model"]).exists():
            raise ConfigurationError(
                file=str(folder), key="model", value=meta["model"], expected="the network file beside the years"
            )
        first = years[0]
        customers = all("amr" in y for y in years)
        return NetworkSet(
            start=_moment(first),
            second=_moment(years[-1]),
            step_s=int(first["step_s"]),
            gauges=tuple(map(str, first["pressure_id"])),
            meters=tuple(map(str, first["flow_id"])),
            tanks=tuple(map(str, first["level_id"])) if "level_id" in first else (),
            network=folder / meta["model"],
            pressure_m=np.concatenate([_scaled(y, "pressure") for y in years]),
            drivers=np.concatenate([np.concatenate([_scaled(y, "flow"), _scaled(y, "level")], axis=1) for y in years]),
            customers=tuple(map(str, first["amr_id"])) if customers else (),
            customers_m3h=np.concatenate([_daily_sum(y) for y in years]) if customers else None,
            repairs=_repairs(folder),
        )
    except (OSError, KeyError, ValueError) as error:
        raise ConfigurationError(
            file=str(folder), key="set", value=str(error), expected="years, meta.json and a network"
        ) from error


def _moment(year: dict[str, np.ndarray]) -> datetime:
    return datetime.strptime(str(year["start"]), "%Y-%m-%d %H:%M")


def _scaled(year: dict[str, np.ndarray], name: str) -> FloatArray:
    raw = year[name]
    return np.where(raw == _MISSING, np.nan, raw * float(year[f"{name}_scale"]))


def _daily_sum(year: dict[str, np.ndarray]) -> FloatArray:
    """Mean flow of all customers' meters together on each day [m³/h]; a meter not read counts as the mean of the others."""
    litres = _scaled(year, "amr")
    per_day = 86400 // int(year["amr_step_s"])
    days = litres[: len(litres) // per_day * per_day].reshape(-1, per_day * litres.shape[1])
    read = np.isfinite(days)
    total = np.where(read, days, 0.0).sum(axis=1) / np.maximum(read.sum(axis=1), 1)
    return np.where(read.mean(axis=1) > 0.5, total * litres.shape[1] / 1000.0, np.nan)


def _repairs(folder: Path) -> tuple[tuple[datetime, str], ...]:
    """Moments and pipes in every ``repairs-*.csv`` of the folder."""
    found = []
    for path in sorted(folder.glob("repairs-*.csv")):
        with path.open(newline="") as lines:
            found += [(datetime.strptime(row["repaired"], "%Y-%m-%d %H:%M"), row["pipe"]) for row in csv.DictReader(lines)]
    return tuple(found)
