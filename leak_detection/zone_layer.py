"""The balance and its watches over all zones that have meters at their customers, as a service and a replay both call them.

    24 hours of every zone ─▶ BalanceBank ─▶ ZoneWatch each ─▶ neighbour test ─▶ BalanceNews, one a zone

One call every ``TICK_H`` hours; what is remembered is bounded, and zones touch one another in the neighbour test alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.findings import Evidence, FindingKind
from domain.series import FloatArray
from leak_detection.detection import BookedLeak, Detection
from leak_detection.zone_balance import BalanceBank, BalanceRow
from leak_detection.zone_claims import BALANCE
from leak_detection.zone_neighbours import with_neighbours
from leak_detection.zone_open import OpenLeak
from leak_detection.zone_watch import ZoneAlarm, ZoneWatch

FEW_METERS = 0.6
"""Share of the customers with a meter below which a finding says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceNews:
    """What the balance says of one zone now."""

    row: BalanceRow
    alarm: ZoneAlarm | None
    opened: tuple[OpenLeak, ...]
    """The leaks told and not over, in the order in which they were told."""
    held: bool
    """The relation of inflow and meters has moved and not settled: nothing is said of leaks."""


class ZoneLayer:
    """The balances of some zones.

    Args:
        zones: Names, in the order of the arrays.
        neighbours: Zones that share a boundary valve; None: not known, any may.
    """

    def __init__(self, zones: Sequence[str], *, neighbours: Mapping[str, frozenset[str]] | None = None) -> None:
        self.zones = tuple(zones)
        self._bank = BalanceBank(len(self.zones))
        self._watches = {z: ZoneWatch(zone=z) for z in self.zones}
        self._neighbours = neighbours

    def tick(
        self, end_h: int, inflow_m3h: FloatArray, meters_m3h: FloatArray, pressure_m: FloatArray | None = None
    ) -> dict[str, BalanceNews]:
        """Takes the 24 hours up to ``end_h``.

        Args:
            end_h: Hours since a local midnight before the first call; each call comes ``TICK_H`` later than the one before.
            inflow_m3h: Net inflow, shape (Z, 24), NaN where missing.
            meters_m3h: Sum of the customers' meters, shape (Z, 24).
            pressure_m: Mean pressure, shape (Z, 24); None or NaN where unknown.
        """
        step = self._bank.step(end_h, inflow_m3h, meters_m3h, pressure_m)
        rows = {z: step.zone(k) for k, z in enumerate(self.zones)}
        found = [a for z, row in rows.items() if (a := self._watches[z].step(row)) is not None]
        unexplained_m3h = {z: w.unexplained_m3h for z, w in self._watches.items()}
        alarms = {a.zone: a for a in with_neighbours(found, unexplained_m3h, self._neighbours)}
        return {
            z: BalanceNews(row=row, alarm=alarms.get(z), opened=tuple(self._watches[z].opened), held=self._watches[z].held)
            for z, row in rows.items()
        }

    def open_m3h(self, zone: str) -> float:
        """Flow of the leaks of a zone that were told and are not over."""
        return self._watches[zone].open_m3h


def booked(leak: OpenLeak, epoch_s: float) -> BookedLeak:
    """A leak of a watch as the monitor takes it.

    Args:
        leak: Open in a zone.
        epoch_s: The moment of hour 0, seconds since 1970 UTC.
    """
    return BookedLeak(since_s=epoch_s + 3600.0 * leak.since_h, found_s=epoch_s + 3600.0 * leak.found_h, flow_m3h=leak.flow_m3h)


def balance_detection(news: BalanceNews, epoch_s: float, coverage: float = 1.0) -> Detection | None:
    """An alarm as what the monitor takes; None where there is none.

    Args:
        news: Of one zone.
        epoch_s: The moment of hour 0, seconds since 1970 UTC.
        coverage: Share of the zone's customers that have a meter.
    """
    alarm, row = news.alarm, news.row
    if alarm is None:
        return None
    leak = alarm.cause == "leak" and alarm.kind is not FindingKind.METER_FAULT
    few = coverage < FEW_METERS
    spread = max(row.residual_m3h, 0.01) if np.isfinite(row.residual_m3h) else max(alarm.flow_error_m3h, 0.01)
    evidence = [
        Evidence(name="balance_slope", observed=row.slope, expected=row.usual_slope, sd=0.01, unit="1"),
        Evidence(name="meter_coverage", observed=coverage, expected=1.0, sd=0.0, unit="1"),
        Evidence(name="metered_use", observed=row.mean_inflow_m3h, expected=row.mean_meters_m3h, sd=spread, unit="m3/h"),
    ]
    if leak:
        level = row.leakage_m3h - alarm.flow_m3h
        evidence.insert(0, Evidence(name=BALANCE, observed=row.leakage_m3h, expected=level, sd=spread, unit="m3/h"))
    return Detection(
        detector=BALANCE,
        kind=alarm.kind,
        since_s=epoch_s + 3600.0 * alarm.since_h,
        flow_m3h=alarm.flow_m3h if leak else 0.0,
        flow_error_m3h=alarm.flow_error_m3h if np.isfinite(alarm.flow_error_m3h) else 0.0,
        confidence=alarm.confidence * (0.8 if few else 1.0),
        evidence=tuple(e for e in evidence if np.isfinite(e.observed) and np.isfinite(e.expected)),
        cause=alarm.cause,
        notes=("few_meters",) if few else (),
        booked=booked(alarm.leak, epoch_s) if leak and alarm.leak is not None else None,
    )
