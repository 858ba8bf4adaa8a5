"""The zone balance in the running service: which zones have one, its clock, its hours of meters.

A zone has one if enough of its customers have a meter that reports by the hour. Every ``TICK_H`` hours, and a lag later because
meters on batteries report in batches, the last 24 hours are judged. After a start the weeks that are there are gone through in
silence, so that a restart neither forgets nor repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from domain.calendar import Calendar
from domain.ports import MeterHour, MeterSums
from domain.series import FloatArray
from domain.zones import Zone
from leak_detection.detection import BookedLeak, Detection
from leak_detection.inputs import ZoneInputs
from leak_detection.zone_balance import TICK_H, hourly
from leak_detection.zone_layer import BalanceNews, ZoneLayer, balance_detection, booked

LEAST_METERS = 10
LEAST_COVERAGE = 0.3
"""Meters, and share of the connections that have one, below which a zone has no balance."""
LEAST_REPORTED = 0.5
"""Of a zone's meters: with fewer an hour is missing; with fewer than all the sum is scaled."""
LAG_S = 2 * 3600.0
_LEAST_DAYS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceView:
    """What the monitor is told of a zone."""

    detections: tuple[Detection, ...]
    """What was seen since the last call, oldest first."""
    opened: tuple[BookedLeak, ...]
    """The leaks told and not over."""
    held: bool


class BalanceService:
    """Balances of the zones of a site that can have one.

    Args:
        zones: All zones with inlets.
        calendar: Local time: quiet hours are hours of the clock.
        sums: Where hours of customers' meters come from.
        history_days: How far back a start goes.
        neighbours: Zones that share a boundary valve, where known.
    """

    def __init__(
        self,
        zones: Sequence[Zone],
        calendar: Calendar,
        sums: MeterSums,
        *,
        history_days: int = 28,
        neighbours: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._zones = {z.key: z for z in zones}
        self._calendar = calendar
        self._sums = sums
        self._history_days = history_days
        self._neighbours = neighbours
        self._layer: ZoneLayer | None = None
        self._epoch_s = 0.0
        self._done_s = 0.0
        self._hours: dict[str, dict[float, float]] = {}
        self._coverage: dict[str, float] = {}
        self._views: dict[str, BalanceView] = {}

    @property
    def views(self) -> Mapping[str, BalanceView]:
        """The last word on each zone; detections only of the tick that made them."""
        return self._views

    async def refresh(self, end_s: float, inputs: Callable[[Zone], ZoneInputs]) -> bool:
        """Looks at every window that has become complete by ``end_s``; whether there was one.

        Args:
            end_s: End of the flows that are known, seconds since 1970 UTC.
            inputs: The zone's grid up to then.
        """
        mark = np.floor((end_s - LAG_S) / (TICK_H * 3600.0)) * TICK_H * 3600.0
        # What an earlier call told is not told again, however far apart the calls are.
        self._views = {z: BalanceView(detections=(), opened=v.opened, held=v.held) for z, v in self._views.items()}
        if self._done_s and mark <= self._done_s:
            return False
        first = not self._done_s
        start_s = mark - self._history_days * 86400.0 if first else self._done_s - 86400.0
        self._take(await self._sums.meter_hours(_moment(start_s), _moment(mark)))
        if first and not self._open(start_s, mark):
            return False
        if self._layer is None:
            return False
        flows, pressures, grid_s = self._hourly(inputs)
        marks = np.arange(self._done_s + TICK_H * 3600.0, mark + 1.0, TICK_H * 3600.0)
        for at in marks:
            news = self._look(float(at), flows, pressures, grid_s)
            # What the past says at a start was said before the stop, but for the newest day.
            loud = not first or at > mark - 86400.0
            self._keep(news, loud=loud)
        self._done_s = float(mark)
        self._hours = {z: {h: v for h, v in table.items() if h >= mark - 2 * 86400.0} for z, table in self._hours.items()}
        return bool(marks.size)

    def _open(self, start_s: float, mark: float) -> bool:
        """Decides which zones have a balance; looked at again at every tick until one has."""
        chosen = [z for z in self._zones if len(self._hours.get(z, {})) >= 24 * _LEAST_DAYS and self._covered(z)]
        if not chosen:
            return False
        self._layer = ZoneLayer(chosen, neighbours=self._neighbours)
        known = min(min(self._hours[z]) for z in chosen)
        day = 86400.0
        offset = self._calendar.local(_moment(mark)).utcoffset()
        shift = offset.total_seconds() if offset is not None else 0.0
        self._epoch_s = float(np.floor((max(start_s, known) + shift) / day) * day - shift)
        step = TICK_H * 3600.0
        self._done_s = float(np.ceil((self._epoch_s + day) / step) * step - step)
        return True

    def _covered(self, zone: str) -> bool:
        return self._coverage.get(zone, 0.0) >= LEAST_COVERAGE

    def _take(self, rows: Iterable[MeterHour]) -> None:
        for row in rows:
            zone = self._zones.get(row.zone)
            if zone is None or row.meters < LEAST_METERS:
                continue
            self._coverage[row.zone] = min(1.0, row.meters / zone.connections) if zone.connections else 1.0
            if row.reported >= LEAST_REPORTED * row.meters:
                self._hours.setdefault(row.zone, {})[row.start.timestamp()] = row.flow_m3h * row.meters / row.reported

    def _hourly(self, inputs: Callable[[Zone], ZoneInputs]) -> tuple[FloatArray, FloatArray, float]:
        """Flows and pressures of the balance's zones by whole hours, shape (Z, H), and the moment of the first."""
        assert self._layer is not None  # noqa: S101 - refresh looked
        starts, flows, pressures = [], [], []
        for name in self._layer.zones:
            zone = inputs(self._zones[name])
            starts.append(float(np.ceil(zone.start_s / 3600.0) * 3600.0))
            first = round((starts[-1] - zone.start_s) / zone.step_s)
            per_hour = zone.steps(3600.0)
            flows.append(hourly(zone.inflow_m3h[first:], per_hour))
            pressures.append(hourly(zone.pressure_m[first:], per_hour))
        # Zones of unlike steps begin and end within an hour of one another.
        start = max(starts)
        skip = [round((start - s) / 3600.0) for s in starts]
        hours = min(f.size - k for f, k in zip(flows, skip, strict=True))

        def table(rows: list[FloatArray]) -> FloatArray:
            return np.stack([row[k : k + hours] for row, k in zip(rows, skip, strict=True)])

        return table(flows), table(pressures), start

    def _look(self, at: float, flows: FloatArray, pressures: FloatArray, grid_s: float) -> dict[str, BalanceNews]:
        layer = self._layer
        assert layer is not None  # noqa: S101 - refresh looked
        hours = at - 86400.0 + 3600.0 * np.arange(24)
        place = np.round((hours - grid_s) / 3600.0).astype(np.int64)
        inside = (place >= 0) & (place < flows.shape[1])
        clipped = np.clip(place, 0, flows.shape[1] - 1)
        inflow = np.where(inside, flows[:, clipped], np.nan)
        pressure = np.where(inside, pressures[:, clipped], np.nan)
        meters = np.array([[self._hours[z].get(float(h), np.nan) for h in hours] for z in layer.zones])
        end_h = round((at - self._epoch_s) / 3600.0)
        return layer.tick(end_h, inflow, meters, pressure)

    def _keep(self, news: Mapping[str, BalanceNews], *, loud: bool) -> None:
        before = self._views
        self._views = {}
        for zone, item in news.items():
            detection = balance_detection(item, self._epoch_s, self._coverage.get(zone, 1.0)) if loud else None
            kept = before[zone].detections if zone in before and loud else ()
            self._views[zone] = BalanceView(
                detections=kept if detection is None else (*kept, detection),
                opened=tuple(booked(leak, self._epoch_s) for leak in item.opened),
                held=item.held,
            )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
