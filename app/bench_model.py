"""The model layer over a recording of two years: the first teaches, the second is replayed day by day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from app.leak_signatures import Signatures, make_signatures
from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection.model.ledger import Ledger, LedgerSettings
from leak_detection.model.residuals import daily_residuals, learn_regression, net_signatures

_MISSING = -32768
_TEACH_EVERY = 3
"""Every so many rows teach the regression: neighbours in time say nearly the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkSet:
    """Gauges and meters of a network over years."""

    start: datetime
    second: datetime
    """Start of the second year."""
    step_s: int
    gauges: tuple[str, ...]
    meters: tuple[str, ...]
    network: Path
    pressure_m: FloatArray
    drivers: FloatArray
    """Flows of ``meters`` [m³/h], then tank levels [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeAlarm:
    """A new leak, or one still open when the scored year begins."""

    pipe: str
    start: datetime
    issued: datetime
    flow_m3h: float
    confidence: float


def read_network_set(folder: Path) -> NetworkSet:
    """Reads the years, ``meta.json`` and the network of a folder.

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
        return NetworkSet(
            start=_moment(first),
            second=_moment(years[-1]),
            step_s=int(first["step_s"]),
            gauges=tuple(map(str, first["pressure_id"])),
            meters=tuple(map(str, first["flow_id"])),
            network=folder / meta["model"],
            pressure_m=np.concatenate([_scaled(y, "pressure") for y in years]),
            drivers=np.concatenate([np.concatenate([_scaled(y, "flow"), _scaled(y, "level")], axis=1) for y in years]),
        )
    except (OSError, KeyError) as error:
        raise ConfigurationError(
            file=str(folder), key="set", value=str(error), expected="years, meta.json and a network"
        ) from error


def _moment(year: dict[str, np.ndarray]) -> datetime:
    return datetime.strptime(str(year["start"]), "%Y-%m-%d %H:%M")


def _scaled(year: dict[str, np.ndarray], name: str) -> FloatArray:
    raw = year[name]
    return np.where(raw == _MISSING, np.nan, raw * float(year[f"{name}_scale"]))


def residuals_of(data: NetworkSet, signatures: Signatures) -> tuple[FloatArray, FloatArray]:
    """Daily residuals of all years, and the signatures as they show in them."""
    per_day = 86400 // data.step_s
    rows = int((data.second - data.start).total_seconds()) // data.step_s
    regression = learn_regression(
        data.pressure_m[:rows:_TEACH_EVERY], data.drivers[:rows:_TEACH_EVERY], per_day * 7 // _TEACH_EVERY
    )
    levels = data.drivers.shape[1] - len(data.meters)
    flows = np.concatenate([signatures.flow_m3h, np.zeros((len(signatures.pipes), levels))], axis=1)
    return (
        daily_residuals(data.pressure_m, data.drivers, regression, per_day),
        net_signatures(signatures.pressure_m, flows, regression),
    )


def replay_network(data: NetworkSet, settings: LedgerSettings | None = None) -> tuple[list[PipeAlarm], Ledger]:
    """Alarms of the second year, each from the days before its issue; what is open on its first day is told again."""
    signatures = make_signatures(data.network, data.gauges, data.meters)
    residual, net = residuals_of(data, signatures)
    ledger = Ledger(signatures=net, distance_m=signatures.distance_m, settings=settings or LedgerSettings())
    opening = (data.second - data.start).days
    alarms: list[PipeAlarm] = []
    for day in range(1, len(residual) + 1):
        new = ledger.look(residual[:day])
        if day == opening:
            new = [leak for leak in ledger.leaks if leak.end_day is None]
        if day >= opening:
            issued = data.start + timedelta(days=day)
            alarms += [
                PipeAlarm(
                    pipe=signatures.pipes[leak.place.index],
                    start=data.start + timedelta(days=leak.start_day),
                    issued=issued,
                    flow_m3h=leak.place.flow_m3h,
                    confidence=leak.place.far,
                )
                for leak in new
            ]
    return alarms, ledger
