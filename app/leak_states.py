"""States in which a network is loaded and solved: what was measured at hours of the day, on the mean.

Where nothing floats, an hour's mean is a state. Where tanks float and pumps are switched it is none: there a state is the mean of
rows with the same pumps running, the same tanks full, and nearly the same flows and levels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.leak_network import NetworkCopy
from app.leak_network_state import OperatingState
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.residuals import daily_residuals, learn_regression
from leak_detection.model.tank_rises import TankRises
from leak_detection.network_past import NetworkPast

_HOURS = (2, 5, 8, 11, 14, 17, 20, 23)
_LEAST_SHARE = 0.35
"""Of an hour's samples: a pump's state that is rarer may be of one season, or of one leak, alone."""
_PUMPING_M3H, _PUMPING_SHARE = 5.0, 0.05
"""A pump runs above the less of the two: so much, and so much of its large flows."""
_SWITCHED_SHARE = 0.05
"""Of all rows: a meter that runs, or stands, less often than that is not switched."""
_LEAST_STEADY = 0.6
"""Of the rows: with more of them after a pump was switched, rises are left out."""
_LEAST_FLOATING, _LEAST_ROWS, _MOST_STATES = 0.12, 20, 14
"""Share of an hour's samples and how many of them a state needs where tanks float, and how many states at most."""
_NEAREST = 0.25
"""Of the rows of such a state, those nearest to its middle are taken."""
_ASK_EVERY, _ASKED, _CLEARLY_LESS = 3, 12, 0.9
"""Rows and gauges asked which rises belong to the pressures; readings wait for a later row only if so much less is left of days."""
_AT_END_M, _OFTEN_AT_END = 0.04, 0.02
"""A tank is full (or empty) within so much of its highest (lowest) level, if it is so often."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """The days that teach, by what is one state."""

    past: NetworkPast
    drivers: FloatArray
    """Metered flows and levels, then rises where they belong to a state, shape (T, D and more)."""
    rise_m_h: FloatArray
    """Of each tank, shape (T, tanks)."""
    group: NDArray[np.int64]
    """Rows of one number belong together within their hour, shape (T,)."""
    at_end: NDArray[np.bool_]
    """Tanks at their highest or lowest level, shape (T, tanks); no column where that makes no state."""
    floats: bool


def tank_rises(past: NetworkPast) -> TankRises:
    """What a network's tanks that float on it add to its drivers, from its file."""
    with NetworkCopy(past.network, past.gauges, past.meters, past.tanks) as copy:
        file = copy.file
        pumps = tuple(k for k, link in enumerate(file.meters) if link in file.pumps and k not in file.cut)
    drivers = past.drivers[: past.opening * past.per_day]
    rises = TankRises(
        per_day=past.per_day,
        tanks=tuple(len(past.meters) + k for k in file.floating),
        pumps=pumps,
        stands_m3h=tuple(_stands(drivers[:, k]) for k in pumps),
    )
    known = np.isfinite(rises.over(drivers)).all(axis=1).sum()
    # Where pumps are switched all the time there is no rise to speak of.
    if known < _LEAST_STEADY * max(int(np.isfinite(drivers).all(axis=1).sum()), 1):
        return TankRises(per_day=past.per_day)
    return waiting(rises, past.pressure_m[: len(drivers)], drivers)


def waiting(rises: TankRises, pressure_m: FloatArray, drivers: FloatArray) -> TankRises:
    """The rises with which least is left from one day to the next, for days tell leaks; readings wait if it is clearly less."""
    left = [_left(rises, late, pressure_m, drivers)[1] for late in _lates(rises)]
    best = int(np.argmin(left))
    return replace(rises, late=best if left[best] < _CLEARLY_LESS * left[0] else 0)


def in_step(rises: TankRises, pressure_m: FloatArray, drivers: FloatArray) -> TankRises:
    """The rises that belong to the rows themselves: those with which the flows leave least of the pressures."""
    left = [_left(rises, late, pressure_m, drivers)[0] for late in _lates(rises)]
    return replace(rises, late=int(np.argmin(left)))


def _lates(rises: TankRises) -> range:
    return range(rises.span + 1) if rises.tanks else range(1)


def _left(rises: TankRises, late: int, pressure_m: FloatArray, drivers: FloatArray) -> tuple[float, float]:
    """What metered flows, levels and rises leave of the pressures: of a row within its week, and from a day to the next [m]."""
    if not rises.tanks:
        return 0.0, 0.0
    gauges = np.unique(np.linspace(0, pressure_m.shape[1] - 1, _ASKED).astype(int))
    pressure, known = pressure_m[:, gauges], replace(rises, late=late).over(drivers)
    week = rises.per_day * 7
    regression = learn_regression(pressure[::_ASK_EVERY], known[::_ASK_EVERY], week // _ASK_EVERY)
    rest = pressure - regression.explained(known)
    off = [np.abs(part - robust.median(part)) for part in np.array_split(rest, max(len(rest) // week, 1))]
    steps = np.abs(np.diff(daily_residuals(pressure, known, regression, rises.per_day), axis=0))
    return float(np.nanmean(robust.median(np.concatenate(off)))), float(np.nanmean(robust.median(steps)))


def operating_states(past: NetworkPast, rises: TankRises) -> list[OperatingState]:
    """Means of the days that teach, by hour of the day and by which pumps run; where tanks float also by which of them are full.

    Where tanks float only rows count around which no pump was switched, for a mean over both is no state of such a network; where
    that leaves none, tanks are taken for such that do not float.

    Args:
        past: What was read.
        rises: Which tanks float and which pumps run, as ``tank_rises`` has it.
    """
    found = _states(_floating(past, rises)) if rises.tanks else []
    return found or _states(_by_meters(past))


def _floating(past: NetworkPast, rises: TankRises) -> _Rows:
    read, tanks = past.drivers[: past.opening * past.per_day], [t - len(past.meters) for t in rises.tanks]
    known = in_step(rises, past.pressure_m[: len(read)], read).over(read)
    rise_m_h, at_end = np.zeros((len(read), len(past.tanks))), np.zeros((len(read), len(past.tanks)), dtype=bool)
    rise_m_h[:, tanks] = known[:, read.shape[1] :]
    at_end[:, tanks] = np.stack([_at_end(read[:, t]) for t in rises.tanks], axis=1)
    on = np.abs(read[:, list(rises.pumps)]) > np.array(rises.stands_m3h)
    group = np.concatenate([on, at_end], axis=1) @ (1 << np.arange(on.shape[1] + at_end.shape[1]))
    return _Rows(past=past, drivers=known, rise_m_h=rise_m_h, group=group, at_end=at_end, floats=True)


def _by_meters(past: NetworkPast) -> _Rows:
    read = past.drivers[: past.opening * past.per_day]
    whole = np.isfinite(read).all(axis=1)
    runs = np.stack([np.abs(read[:, k]) > _stands(read[:, k]) for k in range(len(past.meters))], axis=1)
    often = runs[whole].mean(axis=0) if whole.any() else np.zeros(runs.shape[1])
    switched = np.flatnonzero((often > _SWITCHED_SHARE) & (often < 1.0 - _SWITCHED_SHARE))
    group = runs[:, switched] @ (1 << np.arange(switched.size))
    # Tanks whose rise is no driver: what they take while a pump is switched counts, too.
    tanks = TankRises(per_day=past.per_day, tanks=tuple(range(len(past.meters), read.shape[1])))
    rise_m_h = tanks.add(read)[:, read.shape[1] :]
    at_end = np.zeros((len(read), 0), dtype=bool)
    return _Rows(past=past, drivers=read, rise_m_h=rise_m_h, group=group, at_end=at_end, floats=False)


def _states(rows: _Rows) -> list[OperatingState]:
    past = rows.past
    size, read = len(rows.drivers), past.drivers.shape[1]
    hour, pressure = past.hour[:size], past.pressure_m[:size]
    whole = np.isfinite(rows.drivers).all(axis=1)
    found: list[tuple[int, OperatingState]] = []
    for h in _HOURS:
        at = whole & (hour == h)
        numbers, count = np.unique(rows.group[at], return_counts=True)
        for number, often in zip(numbers, count, strict=True):
            mine = at & (rows.group == number)
            if not _is_state(rows, int(often), count) or not _all_read(pressure[mine]):
                continue
            near = mine & _nearest(rows.drivers, mine) if rows.floats else mine
            if not _all_read(pressure[near]):
                near = mine
            state = OperatingState(
                hour=h,
                drivers=rows.drivers[near, :read].mean(axis=0),
                pressure_m=_trimmed_mean(pressure[near]),
                weight=float(mine.mean()),
                rise_m_h=np.nan_to_num(robust.mean(rows.rise_m_h[near])),
                at_end=tuple(bool(v) for v in rows.at_end[mine][0]),
            )
            found.append((int(often), state))
    if rows.floats:
        found = sorted(found, key=lambda one: -one[0])[:_MOST_STATES]
    return [state for _, state in found]


def _is_state(rows: _Rows, often: int, count: NDArray[np.int64]) -> bool:
    """Whether a group of an hour is common enough.

    Args:
        rows: Which it is of.
        often: Its rows.
        count: Those of each group of the hour.
    """
    if rows.floats:
        return bool(often >= max(_LEAST_FLOATING * count.sum(), _LEAST_ROWS))
    # Of many pumps no state may be that common: then the most common one.
    least = _LEAST_SHARE * count.sum()
    return bool(often >= least or often == count.max() < least)


def _all_read(pressure_m: FloatArray) -> bool:
    """Whether each gauge was read in some of the rows."""
    return bool(np.isfinite(pressure_m).any(axis=0).all())


def _nearest(drivers: FloatArray, group: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows of a group near its middle: losses bend with the flow, so a mean over much spread is no state of the network."""
    scale = np.maximum(np.nanstd(drivers, axis=0), 1e-9)
    away = (((drivers - np.median(drivers[group], axis=0)) / scale) ** 2).sum(axis=1)
    kept = min(max(_LEAST_ROWS, int(_NEAREST * group.sum())), int(group.sum()))
    return np.asarray(away <= np.sort(away[group])[kept - 1])


def _at_end(level_m: FloatArray) -> NDArray[np.bool_]:
    """Rows in which a tank is at its highest or lowest level, where it often is."""
    out = np.zeros(len(level_m), dtype=bool)
    for end in (np.nanmax(level_m), np.nanmin(level_m)):
        there = np.abs(level_m - end) <= _AT_END_M
        if there.mean() >= _OFTEN_AT_END:
            out |= there
    return out


def _trimmed_mean(pressure_m: FloatArray) -> FloatArray:
    """Mean of each gauge without what lies far off: a mean, as the flows' is, so that both belong together."""
    middle = np.nanmedian(pressure_m, axis=0)
    off = np.abs(pressure_m - middle)
    return np.asarray(np.nanmean(np.where(off <= 9.0 * np.nanmedian(off, axis=0), pressure_m, np.nan), axis=0))


def _stands(flow_m3h: FloatArray) -> float:
    """With less flow a pump stands [m³/h]."""
    known = np.abs(flow_m3h[np.isfinite(flow_m3h)])
    large = float(np.quantile(known, 0.99)) if known.size else 0.0
    return min(_PUMPING_M3H, _PUMPING_SHARE * large)
