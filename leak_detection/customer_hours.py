"""Hourly use of customers' meters out of what they report: registers, volumes of intervals, momentary flows.

register  ──value at each full hour──▶ differences; nothing over a gap, a fall or a change of the meter
interval  ──hour in which it began───▶ mean flow
flow      ──hour of the sample───────▶ mean flow
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from domain.inventory import Inventory
from domain.points import Point, PointKey, PointKind, Role
from domain.ports import SeriesSource
from domain.quantities import Quantity
from domain.series import FloatArray, Series

HOUR_S = 3600.0
_READ = {(Quantity.FLOW, PointKind.INSTANT), (Quantity.VOLUME, PointKind.INTERVAL), (Quantity.VOLUME, PointKind.REGISTER)}
_AT_THE_HOUR_S = 600.0
"""A register read so near to a full hour is taken for that hour's: shares of what it counts in would look like use."""
_BRIDGED_S = 2 * HOUR_S
"""Between two registers no farther apart than this the water is taken to have run evenly."""
Swaps = Mapping[PointKey, Sequence[float]]
"""When a meter was changed, seconds since 1970 UTC."""


def watched_meters(inventory: Inventory) -> tuple[Point, ...]:
    """Customers' meters of the zones that report by the hour or oftener, by key."""
    found = (
        p
        for p in inventory.points.values()
        if p.role is Role.CUSTOMER and p.zone is not None and (p.quantity, p.kind) in _READ and p.period_s <= HOUR_S
    )
    return tuple(sorted(found, key=lambda p: p.key))


def meter_swaps(inventory: Inventory) -> dict[PointKey, list[float]]:
    """When another device took over a point."""
    swaps: dict[PointKey, list[float]] = {}
    for device in inventory.devices.values():
        for channel in device.channels:
            if channel.valid_from is not None:
                swaps.setdefault(channel.point, []).append(channel.valid_from.timestamp())
    return swaps


async def hourly_use(
    source: SeriesSource, points: Iterable[Point], swaps: Swaps, *, start_s: float, hours: int
) -> dict[PointKey, FloatArray]:
    """Use of each hour [L/h], shape (hours,); NaN where it is not known.

    Args:
        source: Where readings come from.
        points: Of ``watched_meters``.
        swaps: Of ``meter_swaps``.
        start_s: A full hour, seconds since 1970 UTC.
        hours: How many.
    """
    by_key = {p.key: p for p in points}
    flows = [k for k, p in by_key.items() if p.kind is PointKind.INSTANT]
    others = [k for k, p in by_key.items() if p.kind is not PointKind.INSTANT]
    end_s = start_s + hours * HOUR_S
    found: dict[PointKey, FloatArray] = {}
    if flows:
        means = await source.series(flows, _moment(start_s), _moment(end_s), round(HOUR_S))
        good = {key: series.good() for key, series in means.items()}
        found |= {key: 1000.0 * _by_hour(g.seconds, g, start_s, hours) for key, g in good.items()}
    if others:
        read = await source.series(others, _moment(start_s - _BRIDGED_S), _moment(end_s + _BRIDGED_S))
        for key, series in read.items():
            point, known = by_key[key], series.good()
            if point.kind is PointKind.REGISTER:
                found[key] = 1000.0 * register_use(known, swaps.get(key, ()), start_s, hours)
            else:
                volume = _by_hour(known.seconds - point.period_s, known, start_s, hours)
                found[key] = 1000.0 * volume * HOUR_S / point.period_s
    # Litres that are whole in the register are whole here: how coarse it counts is read off them.
    return {key: np.round(values, 3) for key, values in found.items()}


def register_use(series: Series, swaps: Sequence[float], start_s: float, hours: int) -> FloatArray:
    """Difference of a register over each hour, in its own unit, shape (hours,).

    NaN over a gap of more than two hours, where it fell (set back, rolled over, exchanged), and where the meter was changed.
    """
    edges = start_s + HOUR_S * np.arange(hours + 1)
    if len(series) < 2:
        return np.full(hours, np.nan)
    t, v = series.seconds, series.values
    after = np.clip(np.searchsorted(t, edges), 1, t.size - 1)
    t0, t1 = t[after - 1], t[after]
    even = (t0 <= edges) & (edges <= t1) & (t1 - t0 <= _BRIDGED_S) & (v[after] >= v[after - 1])
    between = v[after - 1] + (v[after] - v[after - 1]) * (edges - t0) / np.maximum(t1 - t0, 1e-9)
    near = np.where(np.abs(t1 - edges) < np.abs(edges - t0), after, after - 1)
    at_hour = np.abs(t[near] - edges) <= _AT_THE_HOUR_S
    values = np.where(at_hour, v[near], np.where(even, between, np.nan))
    use = np.diff(values)
    use[use < 0] = np.nan
    for swap in swaps:
        use[(edges[:-1] - HOUR_S < swap) & (swap < edges[1:] + HOUR_S)] = np.nan
    return np.asarray(use, dtype=np.float64)


def _by_hour(seconds: FloatArray, series: Series, start_s: float, hours: int) -> FloatArray:
    """Mean of the values of each hour."""
    cell = np.floor((seconds - start_s) / HOUR_S).astype(np.int64)
    inside = (cell >= 0) & (cell < hours)
    count = np.bincount(cell[inside], minlength=hours)
    total = np.bincount(cell[inside], weights=series.values[inside], minlength=hours)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
