"""Leaks behind customers' meters in a replay: the customer's water, kept out of the zone's losses and told beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.leaks_drawing import Clock, Panel, panels_document, read_panels
from app.leaks_plot import Picture
from app.zone_set import ZoneSet
from domain.customers import CustomerKind
from leak_detection.customer_leaks import find_customer_leaks

_BELIEVED = {
    CustomerKind.CONTINUOUS: "a leak of the customer: water that runs in every hour",
    CustomerKind.SUDDEN: "a burst pipe or an open tap of the customer: large flow that began at once and goes on",
}
_EVIDENCE = {
    CustomerKind.CONTINUOUS: "the steady part of every hour in those {hours} h; usual are hours without use",
    CustomerKind.SUDDEN: "the steady part of every hour in those {hours} h; three times what lasted so long in the weeks before",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFinding:
    """Flow at one meter that does not stop."""

    key: str
    """``customer:<meter>:<moment of finding>``."""
    meter: str
    kind: CustomerKind
    since: datetime
    found_at: datetime
    ended_at: datetime | None
    """None while it runs."""
    flow_l_h: float
    """That does not stop, when found."""
    since_h: int
    found_h: int
    """Hours from the start of the recording."""


def customer_findings(data: ZoneSet, epoch_s: float) -> tuple[CustomerFinding, ...]:
    """Of all meters of a set, in order of issue; each from its past alone."""

    def at(hour: int) -> datetime:
        return datetime.fromtimestamp(epoch_s + 3600.0 * hour, UTC)

    return tuple(
        CustomerFinding(
            key=f"customer:{leak.meter}:{at(leak.found_h):%Y-%m-%dT%H:%MZ}",
            meter=leak.meter,
            kind=leak.kind,
            since=at(leak.since_h),
            found_at=at(leak.found_h),
            ended_at=None if leak.end_h is None else at(leak.end_h),
            flow_l_h=round(leak.flow_l_h, 1),
            since_h=leak.since_h,
            found_h=leak.found_h,
        )
        for leak in find_customer_leaks(data.readings_l_h, data.meters)
    )


def customer_document(leak: CustomerFinding, panels: Sequence[Panel]) -> dict[str, Any]:
    """JSON values."""
    return {
        "key": leak.key,
        "meter": leak.meter,
        "kind": leak.kind.value,
        "since": leak.since.isoformat(),
        "found_at": leak.found_at.isoformat(),
        "ended_at": None if leak.ended_at is None else leak.ended_at.isoformat(),
        "flow_l_h": leak.flow_l_h,
        "since_h": leak.since_h,
        "found_h": leak.found_h,
        "panels": panels_document(tuple(panels)),
    }


def read_customer(document: dict[str, Any]) -> tuple[CustomerFinding, tuple[Panel, ...]]:
    """Back from ``customer_document``."""
    ended = document["ended_at"]
    leak = CustomerFinding(
        key=document["key"],
        meter=document["meter"],
        kind=CustomerKind(document.get("kind", CustomerKind.CONTINUOUS)),
        since=datetime.fromisoformat(document["since"]),
        found_at=datetime.fromisoformat(document["found_at"]),
        ended_at=None if ended is None else datetime.fromisoformat(ended),
        flow_l_h=float(document["flow_l_h"]),
        since_h=int(document["since_h"]),
        found_h=int(document["found_h"]),
    )
    return leak, read_panels(document["panels"])


def customer_text(leak: CustomerFinding, clock: Clock) -> str:
    """For a person, numbers with their units."""
    state = "running" if leak.ended_at is None else f"stopped {clock.text(leak.ended_at)}"
    return "\n".join(
        (
            f"{leak.key}   behind a customer's meter, {state}",
            f"  believed      {_BELIEVED[leak.kind]}; no loss of the utility",
            f"  meter         {leak.meter}",
            f"  since         {clock.text(leak.since)} ({clock.words})",
            f"  found         {clock.text(leak.found_at)}, after {leak.found_h - leak.since_h} h",
            f"  flow          {leak.flow_l_h:.0f} L/h that do not stop ({24 * leak.flow_l_h / 1000:.2f} m³ a day)",
            f"  evidence      {_EVIDENCE[leak.kind].format(hours=leak.found_h - leak.since_h)}",
        )
    )


def customer_picture(leak: CustomerFinding, panels: Sequence[Panel], clock: Clock) -> Picture:
    """The meter's hours."""
    return Picture(
        title=f"Meter {leak.meter}: customer's leak, {leak.flow_l_h:.0f} L/h that do not stop "
        f"({24 * leak.flow_l_h / 1000:.2f} m³ a day), {'running' if leak.ended_at is None else 'stopped'}",
        subtitle=f"{leak.key}; since {clock.text(leak.since)}, found {clock.text(leak.found_at)} ({clock.words})",
        since=leak.since,
        found_at=leak.found_at,
        clock=clock,
        panels=tuple(panels),
    )
