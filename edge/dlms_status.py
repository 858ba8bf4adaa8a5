"""What the gateway tells of its DLMS meters: for the status document, and as metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge.dlms_clock import ClockState
from edge.dlms_poller import MeterPoller

_COUNTERS = {
    "visits": "Visits to DLMS meters.",
    "rows": "Rows of load profiles taken into the spool.",
    "backfilled": "Of these, rows of the past that filled a gap.",
    "rows_left": "Rows without a usable time, left in the meter.",
    "clock_sets": "Times a meter's clock was set.",
}


def meters_status(pollers: Mapping[str, object]) -> dict[str, Any]:
    """Sums over the meters, and by name those that a person must look at."""
    meters = {key: poller for key, poller in sorted(pollers.items()) if isinstance(poller, MeterPoller)}
    counts = [asdict(poller.visitor.counters) for poller in meters.values()]
    return {
        "count": len(meters),
        **{name: sum(count[name] for count in counts) for name in _COUNTERS},
        "quarantined": {
            key: {"reason": found.reason, "detail": found.detail, "until": found.until.isoformat()}
            for key, poller in meters.items()
            if (found := poller.quarantine) is not None
        },
        "clock_off": {
            key: round(poller.visitor.drift_s or 0.0, 1)
            for key, poller in meters.items()
            if poller.visitor.verdict.state is ClockState.OFF
        },
    }


def meter_metrics(meters: Mapping[str, Any]) -> Iterator[Metric]:
    """Families out of ``meters_status``; a quarantine and a clock that is off are what to alarm on."""
    for name, text in _COUNTERS.items():
        yield CounterMetricFamily(f"khettara_edge_meter_{name}", text, value=float(meters.get(name, 0)))
    quarantined = GaugeMetricFamily(
        "khettara_edge_meter_quarantined", "1 while a meter is left alone for its refusal.", labels=["device", "reason"]
    )
    for device, found in meters.get("quarantined", {}).items():
        quarantined.add_metric([device, found["reason"]], 1.0)
    yield quarantined
    drift = GaugeMetricFamily("khettara_edge_meter_clock_off_seconds", "A meter's clock that is too far off.", labels=["device"])
    for device, seconds in meters.get("clock_off", {}).items():
        drift.add_metric([device], seconds)
    yield drift
