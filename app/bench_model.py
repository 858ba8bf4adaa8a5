"""The model layer over a recording of two years: the first teaches and is searched whole, the second is replayed day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from app.leak_network import OperatingState
from app.leak_signatures import NetworkSignatures, make_signatures
from app.network_set import NetworkSet, read_network_set
from domain.series import FloatArray
from leak_detection.model.history import Repair
from leak_detection.model.ledger import Ledger, LedgerSettings
from leak_detection.model.residuals import learn_regression
from leak_detection.model.signatures import SignatureSet, with_balance
from leak_detection.model.watch import NetworkWatch, Told

__all__ = ["NetworkSet", "PipeAlarm", "read_network_set", "replay_network"]

_TEACH_EVERY = 3
"""Every so many rows teach the regression: neighbours in time say nearly the same."""
_HOURS = (2, 5, 8, 11, 14, 17, 20, 23)
_LEAST_SHARE = 0.35
"""Of an hour's samples: a pump's state that is rarer may be of one season, or of one leak, alone."""
_WARM_DAYS = 40
"""Before the second year: what hours usually bring is learnt in them."""
_PUMPING_M3H = 5.0
_MOST_REST = 0.5
"""Of what flows into a tank's part: with more than this unmetered, its balance says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeAlarm:
    """A new leak, or one still open when the scored year begins."""

    pipe: str
    start: datetime
    issued: datetime
    flow_m3h: float
    confidence: float


def replay_network(data: NetworkSet, settings: LedgerSettings | None = None) -> tuple[list[PipeAlarm], Ledger]:
    """Alarms of the second year, each from the days before its issue; what is open on its first day is told then."""
    rows = data.first_rows
    regression = learn_regression(
        data.pressure_m[:rows:_TEACH_EVERY], data.drivers[:rows:_TEACH_EVERY], data.per_day * 7 // _TEACH_EVERY
    )
    found = make_signatures(data.network, data.gauges, data.meters, data.tanks, operating_states(data), regression)
    balance, whole = _balances(data, found)
    watch = NetworkWatch(
        per_day=data.per_day, regression=regression, gauges=found.signatures, whole=whole, settings=settings or LedgerSettings()
    )
    opening, hour = rows // data.per_day, 3600 // data.step_s
    told: list[Told] = []
    for day in range(len(data.pressure_m) // data.per_day):
        if day == opening:
            told += watch.begin(_repairs(data, found.pipes))
        for row in range(day * data.per_day, (day + 1) * data.per_day, hour):
            part = slice(row, row + hour)
            news = watch.hour(data.pressure_m[part], data.drivers[part], seek=day >= opening - _WARM_DAYS)
            told += news if day >= opening else []
        told += watch.end_day(balance[day], seek=day >= opening)
    return [_alarm(data, found, leak) for leak in told], watch.ledger


def operating_states(data: NetworkSet) -> list[OperatingState]:
    """Means of the first year by hour of the day, apart for a pump that runs and one that stands."""
    rows = data.first_rows
    hour = (np.arange(rows) * data.step_s // 3600 + data.start.hour) % 24
    drivers, pressure = data.drivers[:rows], data.pressure_m[:rows]
    whole = np.isfinite(drivers).all(axis=1)
    pumps = [k for k, m in enumerate(data.meters) if _is_switched(drivers[whole, k])]
    on = (drivers[:, pumps] > _PUMPING_M3H) @ (1 << np.arange(len(pumps))) if pumps else np.zeros(rows, dtype=int)
    states = []
    for h in _HOURS:
        at = whole & (hour == h)
        for which in np.unique(on[at]):
            mine = at & (on == which)
            seen = np.isfinite(pressure[mine]).any(axis=0)
            if mine.sum() >= _LEAST_SHARE * at.sum() and seen.all():
                states.append(
                    OperatingState(
                        hour=h,
                        drivers=drivers[mine].mean(axis=0),
                        pressure_m=_trimmed_mean(pressure[mine]),
                        weight=float(mine.mean()),
                    )
                )
    return states


def _trimmed_mean(pressure_m: FloatArray) -> FloatArray:
    """Mean of each gauge without what lies far off: a mean, as the flows' is, so that both belong together."""
    middle = np.nanmedian(pressure_m, axis=0)
    off = np.abs(pressure_m - middle)
    return np.asarray(np.nanmean(np.where(off <= 9.0 * np.nanmedian(off, axis=0), pressure_m, np.nan), axis=0))


def _is_switched(flow_m3h: FloatArray) -> bool:
    """Whether a meter stands at nothing for a good part of the time, and otherwise flows."""
    still = float((flow_m3h < _PUMPING_M3H).mean())
    return 0.05 < still < 0.95


def _balances(data: NetworkSet, found: NetworkSignatures) -> tuple[FloatArray, SignatureSet]:
    """Balance by day of the part behind a tank, where its customers are metered, and the signatures with it; else no column."""
    days, signatures = len(data.pressure_m) // data.per_day, found.signatures
    if data.customers_m3h is None or len(found.behind_tank) != 1 or len(data.tanks) != 1:
        return np.empty((days, 0)), signatures
    (pump, inside), area = found.behind_tank[0], found.tank_area_m2[0]
    drivers = data.drivers[: days * data.per_day].reshape(days, data.per_day, -1)
    inflow = np.nanmean(drivers[:, :, pump], axis=1)
    level = drivers[:, :, len(data.meters)]
    edge = np.array([_last_known(day) for day in level])
    stored = np.diff(np.concatenate([[_last_known(level[0][::-1])], edge])) * area / 24.0
    balance = inflow - stored - data.customers_m3h[:days]
    if not np.nanmedian(np.abs(balance)) < _MOST_REST * np.nanmedian(inflow):
        return np.empty((days, 0)), signatures
    return balance[:, None], with_balance(signatures, inside)


def _last_known(level_m: FloatArray) -> float:
    known = level_m[np.isfinite(level_m)]
    return float(np.median(known[-3:])) if known.size else float("nan")


def _repairs(data: NetworkSet, pipes: tuple[str, ...]) -> list[Repair]:
    place = {pipe: k for k, pipe in enumerate(pipes)}
    return [
        Repair(day=(moment - data.start).total_seconds() / 86400.0, place=place.get(pipe))
        for moment, pipe in data.repairs
        if moment < data.second
    ]


def _alarm(data: NetworkSet, found: NetworkSignatures, told: Told) -> PipeAlarm:
    return PipeAlarm(
        pipe=found.pipes[told.place.index],
        start=data.start + timedelta(days=told.start_day),
        issued=data.start + timedelta(days=told.told_day),
        flow_m3h=told.place.flow_m3h,
        confidence=told.place.far,
    )
