"""The status document as Prometheus metrics, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge.dlms_status import meter_metrics

_COUNTERS = {
    "spooled": "Readings ever given a number.",
    "acked": "Readings in the database, by receipt.",
    "dropped": "Readings given a number and lost, each with a gap record.",
    "connects": "Connections to the broker.",
    "receipts": "Receipts from the database.",
    "undecodable": "Messages from the broker that were not what their topic said.",
    "blocks_sent": "Blocks sent for the first time.",
    "blocks_resent": "Blocks sent again for want of a receipt.",
    "gaps_sent": "Gap records sent, each as often as it was.",
}
_GAUGES = {
    "depth_readings": "Readings held without a receipt.",
    "depth_blocks": "Blocks held without a receipt.",
    "bytes": "Bytes used in the spool's file.",
    "max_bytes": "Bytes beyond which something must go.",
    "gaps_untold": "Gap records that the centre has not acknowledged yet.",
    "receipt_lag_s": "How long the oldest block on its way has waited for a receipt, in seconds.",
    "connected": "1 while the connection to the broker stands.",
    "host_online": "1 while the host says that it listens.",
}


class _Families:
    """What a registry collects from: one status document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        document = self._document
        for key, text in _COUNTERS.items():
            yield CounterMetricFamily(f"khettara_edge_{key}", text, value=float(document.get(key, 0)))
        for key, text in _GAUGES.items():
            yield GaugeMetricFamily(f"khettara_edge_{key}", text, value=float(document.get(key, 0)))
        for group, label, text in (
            ("polls", "outcome", "Polls, and what became of them."),
            ("commands", "outcome", "Commands by outcome."),
            ("denied", "deed", "What the broker refused: certificate, connect, subscribe, publish."),
        ):
            family = CounterMetricFamily(f"khettara_edge_{group}", text, labels=[label])
            for word, number in document.get(group, {}).items():
                family.add_metric([word], float(number))
            yield family
        yield from _clock(document.get("clock") or {})
        yield from meter_metrics(document.get("meters") or {})
        reached = GaugeMetricFamily("khettara_edge_device_reached", "1 while the device answers.", labels=["device"])
        for device, breaker in document.get("devices", {}).get("breakers", {}).items():
            reached.add_metric([device], float(breaker == "closed"))
        yield reached


def _clock(clock: Mapping[str, Any]) -> Iterator[Metric]:
    """What is known of the machine's clock; nothing where time is simulated."""
    if clock.get("synchronised") is not None:
        yield GaugeMetricFamily(
            "khettara_edge_clock_synchronised", "1 while a time service disciplines the clock.", value=float(clock["synchronised"])
        )
    if clock.get("max_error_ms") is not None:
        yield GaugeMetricFamily(
            "khettara_edge_clock_max_error_seconds", "The clock is within this of UTC.", value=clock["max_error_ms"] / 1000
        )
    if clock:
        yield GaugeMetricFamily("khettara_edge_clock_offset_seconds", "Still being slewed away.", value=clock["offset_ms"] / 1000)
        yield CounterMetricFamily("khettara_edge_clock_steps", "Times the clock was set.", value=float(clock["steps"]))
        yield GaugeMetricFamily("khettara_edge_held_readings", "Waiting for the right time.", value=float(clock["held_readings"]))


def metrics(document: Mapping[str, Any]) -> bytes:
    """The text that Prometheus scrapes; every family is there from the first second on."""
    registry = CollectorRegistry()
    registry.register(_Families(document))
    return generate_latest(registry)
