"""What has been found and complained of in the console's town: a burst with ranked pipes, a creeping leak, a doubtful meter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from console.ports import MapGeometry
from domain.alerts import AlertEvent, AlertState
from domain.complaints import Complaint, ComplaintKind
from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace
from tests.support.console_past import BURST_AT, NOW
from tests.support.work_store import MemoryComplaintStore, MemoryWorkStore

BURST = "leak:medina:2026-05-06T06:14Z"
_ALERT = "burst:medina:2026-05-06T06:14Z"


def past_findings(geometry: MapGeometry) -> list[Finding]:
    """Three findings, the burst with places."""
    pipes = [name for name, _, _, zone in geometry.links if zone == "medina"][20:26]
    shares = (0.34, 0.22, 0.14, 0.1, 0.06, 0.03)
    return [
        Finding(
            key=BURST, kind=FindingKind.BURST, zone="medina", detector="flow_step", since=BURST_AT,
            found_at=BURST_AT + timedelta(minutes=25), flow_m3h=21.5, flow_error_m3h=1.8, confidence=0.82,
            evidence=(
                Evidence(name="flow_step", observed=113.4, expected=91.9, sd=3.1, unit="m3/h"),
                Evidence(name="head_loss", observed=9.4, expected=6.8, sd=0.6, unit="m"),
                Evidence(name="first_flow", observed=20.7, expected=0.0, sd=2.4, unit="m3/h"),
            ),
            places=tuple(RankedPlace(pipe=p, probability=s) for p, s in zip(pipes, shares, strict=True)),
            money_a_day=3612.0, co2_kg_a_day=167.4, notes=("few_meters",),
            region=ConfidenceRegion(probability=0.86, radius_m=150.0, pipes=tuple(pipes[:5])),
        ),
        Finding(
            key="leak:oued:2026-04-28T00:30Z", kind=FindingKind.CREEPING, zone="oued", detector="night_flow",
            since=NOW - timedelta(days=8), found_at=NOW - timedelta(days=3), flow_m3h=3.1, flow_error_m3h=0.6, confidence=0.74,
            evidence=(Evidence(name="night_flow", observed=17.3, expected=14.2, sd=0.7, unit="m3/h"),),
        ),
        Finding(
            key="meter:industrie:2026-05-06T00:00Z", kind=FindingKind.METER_FAULT, zone="industrie", detector="meter_fault",
            since=NOW - timedelta(hours=10), found_at=NOW - timedelta(hours=9), flow_m3h=0.0, flow_error_m3h=0.0, confidence=0.71,
            evidence=(Evidence(name="stuck:industrie.inflow", observed=0.0, expected=1.0, sd=0.1, unit="1"),), cause="meter",
        ),
    ]  # fmt: skip


async def fill_field(store: MemoryComplaintStore, work: MemoryWorkStore, geometry: MapGeometry) -> None:
    """Complaints around the burst, one elsewhere, and what the burst's alert went through."""
    for complaint in past_complaints(geometry):
        await store.add_complaint(complaint)
    work.log.append(
        (_ALERT, AlertEvent(at=BURST_AT + timedelta(minutes=25), actor="system", action="raised", state=AlertState.UNACKNOWLEDGED))
    )


def past_complaints(geometry: MapGeometry) -> Sequence[Complaint]:
    """Three of the burst, by two who gave a place, and a bill."""
    ends = [(geometry.nodes[a], geometry.nodes[b]) for _, a, b, zone in geometry.links if zone == "medina"][21]
    x, y = ((ends[0][i] + ends[1][i]) / 2 for i in (0, 1))
    said = (
        (
            ComplaintKind.WET_STREET,
            150,
            "medina",
            (x + 12, y - 8),
            "rue des Potiers 14",
            "L’eau sort entre les pavés.",
            "0661 00 00 01",
        ),
        (ComplaintKind.LOW_PRESSURE, 110, "medina", (x - 40, y + 25), "", "الضغط ضعيف منذ الصباح", "0661 00 00 02"),
        (ComplaintKind.NOISE, 60, "medina", None, "place du Marché 3", "", None),
        (ComplaintKind.HIGH_BILL, 3000, "oued", None, "", "Twice the usual bill.", "0661 00 00 04"),
    )
    rows = []
    for number, (kind, minutes, zone, place, address, text, phone) in enumerate(said, 1):
        at = NOW - timedelta(minutes=minutes)
        rows.append(
            Complaint(
                key=f"complaint{number:03}", kind=kind, noticed_at=at, taken_at=at + timedelta(minutes=4), taken_by="omar",
                zone=zone, x=place[0] if place else None, y=place[1] if place else None, address=address, text=text,
                phone=phone,
            )
        )  # fmt: skip
    return rows
