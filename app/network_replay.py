"""The model layer over a network's recording: the first part teaches and is searched whole, the rest is replayed day by day."""

from __future__ import annotations

from datetime import timedelta

from app.leaks_alarms import AlarmRow, utc
from app.network_set import NetworkSet
from leak_detection.network_past import LearnedNetwork, NetworkPast


def as_past(data: NetworkSet) -> NetworkPast:
    """The recording's whole days; its first part teaches."""
    days = len(data.pressure_m) // data.per_day
    rows = days * data.per_day
    return NetworkPast(
        network=data.network,
        gauges=data.gauges,
        meters=data.meters,
        tanks=data.tanks,
        opening=data.first_rows // data.per_day,
        per_day=data.per_day,
        hour=data.hour[:rows],
        pressure_m=data.pressure_m[:rows],
        drivers=data.drivers[:rows],
        customers_m3h=data.customers_m3h,
        repairs=tuple(
            ((moment - data.start).total_seconds() / 86400.0, pipe) for moment, pipe in data.repairs if moment < data.second
        ),
    )


def alarms_of(data: NetworkSet, learned: LearnedNetwork) -> list[AlarmRow]:
    """New leaks, and those still open when the judged part begins, in order; each from the days before its issue."""
    return [
        AlarmRow(
            place=learned.pipes[leak.told.place.index],
            start=utc(data.start + timedelta(days=leak.told.start_day)),
            issued=utc(data.start + timedelta(days=leak.told.told_day)),
            flow_m3h=leak.told.place.flow_m3h,
            confidence=leak.told.place.far,
        )
        for leak in learned.run.leaks
    ]
