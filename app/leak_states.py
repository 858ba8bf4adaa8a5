"""States in which a network is loaded and solved: what was measured at hours of the day, on the mean.

Where nothing floats, an hour's mean is a state. Where tanks float and pumps are switched it is none: there a state is the mean of
rows with the same pumps running, the same tanks full, and nearly the same flows and levels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.leak_network import NetworkCopy, OperatingState
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.tank_rises import TankRises
from leak_detection.network_past import NetworkPast

_HOURS = (2, 5, 8, 11, 14, 17, 20, 23)
_LEAST_SHARE = 0.35
"""Of an hour's samples: a pump's state that is rarer may be of one season, or of one leak, alone."""
_PUMPING_M3H, _PUMPING_SHARE = 5.0, 0.05
"""A pump runs above the less of the two: so much, and so much of its large flows."""
_LEAST_STEADY = 0.6
"""Of the rows: with more of them after a pump was switched, rises are left out."""
_LEAST_FLOATING, _LEAST_ROWS, _MOST_STATES = 0.12, 20, 14
"""Share of an hour's samples and how many of them a state needs where tanks float, and how many states at most."""
_NEAREST = 0.25
"""Of the rows of such a state, those nearest to its middle are taken."""
_AT_END_M, _OFTEN_AT_END = 0.04, 0.02
"""A tank is full (or empty) within so much of its highest (lowest) level, if it is so often."""


def tank_rises(past: NetworkPast) -> TankRises:
    """What a network's tanks that float on it add to its drivers, from its file."""
    with NetworkCopy(past.network, past.gauges, past.meters, past.tanks) as copy:
        file = copy.file
        pumps = tuple(k for k, link in enumerate(file.meters) if link in file.pumps and k not in file.cut)
    drivers = past.drivers[: past.opening * past.per_day]

    def rises() -> TankRises:
        return TankRises(
            per_day=past.per_day,
            tanks=tuple(len(past.meters) + k for k in file.floating),
            pumps=pumps,
            stands_m3h=tuple(_stands(drivers[:, k]) for k in pumps),
        )

    known = np.isfinite(rises().add(drivers)).all(axis=1).sum()
    # Where pumps are switched all the time there is no rise to speak of.
    if known < _LEAST_STEADY * max(int(np.isfinite(drivers).all(axis=1).sum()), 1):
        return TankRises(per_day=past.per_day)
    return rises()


def floating_states(past: NetworkPast, rises: TankRises, drivers: FloatArray) -> list[OperatingState]:
    """Means of the days that teach where tanks float on the network: by hour of the day, running pumps, and full or empty tanks.

    Only of rows around which no pump was switched: a mean over both is no state of such a network.

    Args:
        past: What was read.
        rises: Which tanks float and which pumps run.
        drivers: Of the days that teach, with the rises after them, shape (T, D + floating tanks).
    """
    rows, count = len(drivers), len(past.meters)
    hour, pressure = past.hour[:rows], past.pressure_m[:rows]
    read, rise = drivers[:, : past.drivers.shape[1]], drivers[:, past.drivers.shape[1] :]
    whole = np.isfinite(drivers).all(axis=1)
    at_end = np.zeros((rows, len(past.tanks)), dtype=bool)
    for tank in rises.tanks:
        at_end[:, tank - count] = _at_end(read[:, tank])
    bits = np.concatenate([np.abs(read[:, list(rises.pumps)]) > np.array(rises.stands_m3h), at_end], axis=1)
    code = bits @ (1 << np.arange(bits.shape[1]))
    found: list[tuple[int, OperatingState]] = []
    for h in _HOURS:
        at = whole & (hour == h)
        for which in np.unique(code[at]):
            mine = at & (code == which)
            if mine.sum() < max(_LEAST_FLOATING * at.sum(), _LEAST_ROWS) or not np.isfinite(pressure[mine]).any(axis=0).all():
                continue
            near = mine & _nearest(drivers, mine)
            if not np.isfinite(pressure[near]).any(axis=0).all():
                near = mine
            rise_m_h = np.zeros(len(past.tanks))
            rise_m_h[[t - count for t in rises.tanks]] = rise[near].mean(axis=0)
            state = OperatingState(
                hour=h,
                drivers=read[near].mean(axis=0),
                pressure_m=_trimmed_mean(pressure[near]),
                weight=float(mine.mean()),
                rise_m_h=rise_m_h,
                at_end=tuple(bool(v) for v in at_end[mine][0]),
            )
            found.append((int(mine.sum()), state))
    found.sort(key=lambda one: -one[0])
    return [state for _, state in found[:_MOST_STATES]]


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


def operating_states(past: NetworkPast) -> list[OperatingState]:
    """Means of the days that teach by hour of the day, apart for a pump that runs and one that stands."""
    rows = past.opening * past.per_day
    hour, drivers, pressure = past.hour[:rows], past.drivers[:rows], past.pressure_m[:rows]
    whole = np.isfinite(drivers).all(axis=1)
    running = np.stack([_runs(drivers[:, k]) for k in range(len(past.meters))], axis=1)
    pumps = [k for k in range(len(past.meters)) if 0.05 < 1.0 - float(running[whole, k].mean()) < 0.95] if whole.any() else []
    on = running[:, pumps] @ (1 << np.arange(len(pumps))) if pumps else np.zeros(rows, dtype=int)
    rise = _rise(drivers[:, len(past.meters) :], past.per_day)
    states = []
    for h in _HOURS:
        at = whole & (hour == h)
        found, count = np.unique(on[at], return_counts=True)
        for which, often in zip(found, count, strict=True):
            mine = at & (on == which)
            seen = np.isfinite(pressure[mine]).any(axis=0)
            # Of many pumps no state may be that common: then the most common one.
            if (often >= _LEAST_SHARE * at.sum() or often == count.max() < _LEAST_SHARE * at.sum()) and seen.all():
                states.append(
                    OperatingState(
                        hour=h,
                        drivers=drivers[mine].mean(axis=0),
                        pressure_m=_trimmed_mean(pressure[mine]),
                        weight=float(mine.mean()),
                        rise_m_h=np.nan_to_num(robust.mean(rise[mine])),
                    )
                )
    return states


def _rise(level_m: FloatArray, per_day: int) -> FloatArray:
    """Rise of each level around each row [m/h], shape (T, tanks)."""
    rise = np.full(level_m.shape, np.nan)
    rise[1:-1] = (level_m[2:] - level_m[:-2]) * per_day / 48.0
    return rise


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


def _runs(flow_m3h: FloatArray) -> NDArray[np.bool_]:
    """Rows in which a meter's flow is more than next to nothing."""
    return np.asarray(np.abs(flow_m3h) > _stands(flow_m3h))
