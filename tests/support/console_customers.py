"""Leaks behind customers' meters for a console without a database."""

from __future__ import annotations

from datetime import timedelta

from domain.customers import CustomerFinding, CustomerKind
from domain.points import PointKey
from tests.support.console_past import NOW

METER = PointKey("customer.hammam.flow")
RUNS = "customer:customer.hammam.flow:2026-05-05T18:00Z"


def past_customers() -> list[CustomerFinding]:
    """One that runs, and one in another zone that is over."""
    return [
        CustomerFinding(
            key=RUNS, meter=METER, zone="medina", kind=CustomerKind.SUDDEN, since=NOW - timedelta(hours=30),
            found_at=NOW - timedelta(hours=14), flow_m3h=0.9, usual_m3h=0.02, lasted_h=16, seen_at=NOW - timedelta(hours=2),
            reopened=1, notes=("silent",),
        ),
        CustomerFinding(
            key="customer:customer.hotel.flow:2026-04-20T06:00Z", meter=PointKey("customer.hotel.flow"), zone="oued",
            kind=CustomerKind.CONTINUOUS, since=NOW - timedelta(days=18), found_at=NOW - timedelta(days=16), flow_m3h=0.03,
            usual_m3h=0.0, lasted_h=48, seen_at=NOW - timedelta(days=9), ended_at=NOW - timedelta(days=9),
        ),
    ]  # fmt: skip
