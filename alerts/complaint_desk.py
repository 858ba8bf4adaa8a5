"""Complaints in the store: taken, listed, counted as evidence, and their callers forgotten in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.complaints import BEFORE, CLUSTER_WITHIN, QUIET_AFTER, USUAL_OVER, Cluster, Heard, clusters, heard
from alerts.conditions import Condition
from alerts.definitions import COMPLAINTS_CLUSTER
from domain.alerts import Priority
from domain.complaints import Complaint
from domain.errors import CodedError
from domain.findings import Finding
from domain.ports import Clock, ComplaintStore, FindingReader

LONGEST_TEXT = 1000
LONGEST_ADDRESS = 200
LONGEST_PHONE = 24
FARTHEST_M = 1e8
"""No network's coordinates are larger [m]."""
OLDEST = timedelta(days=90)
"""What was noticed longer ago is no news."""
MOST = 100_000
"""Complaints that are counted at once: a month of a large utility many times over."""
_AHEAD = timedelta(minutes=10)
"""Clocks differ; a little into the future is now."""
_PHONE = frozenset("0123456789+-/(). ")
Tell = Callable[[Condition, datetime], Awaitable[object]]


class ComplaintRefused(CodedError):
    """Why a complaint is not taken."""


def checked(complaint: Complaint, now: datetime) -> Complaint:
    """The complaint with its texts trimmed and its moment not in the future.

    Raises:
        ComplaintRefused: It has no place, a text is too long, the number is none, or its time cannot be.
    """
    address, text, phone = plain_text(complaint.address), plain_text(complaint.text), plain_text(complaint.phone or "")
    for name, value, most in (("address", address, LONGEST_ADDRESS), ("text", text, LONGEST_TEXT), ("phone", phone, LONGEST_PHONE)):
        if len(value) > most:
            raise ComplaintRefused(f"{name}_too_long", f"{name} of {len(value)} characters; at most {most}")
    if phone and (set(phone) - _PHONE or sum(c.isdigit() for c in phone) < 4):
        raise ComplaintRefused("no_phone", f"{phone!r} is no telephone number; digits, +, spaces and - are expected")
    point = (complaint.x, complaint.y)
    if point.count(None) == 1 or not all(abs(v or 0.0) <= FARTHEST_M for v in point):
        raise ComplaintRefused("no_point", "a point of the map takes both coordinates, in metres")
    if complaint.zone is None and complaint.x is None and not address:
        raise ComplaintRefused("no_place", "a complaint takes a place: a zone, a point of the map, or an address")
    if not now - OLDEST <= complaint.noticed_at <= now + _AHEAD:
        raise ComplaintRefused(
            "noticed_when",
            f"noticed at {complaint.noticed_at.isoformat()}; within {OLDEST.days} days before {now.isoformat()} is right",
        )
    return replace(complaint, address=address, text=text, phone=phone or None, noticed_at=min(complaint.noticed_at, now))


def plain_text(text: str) -> str:
    """What a person typed, without control characters other than line breaks, and without blanks around it."""
    return "".join(c for c in text if c == "\n" or c.isprintable()).strip()


class ComplaintDesk:
    """Everything that may happen to complaints. Who may do it, the caller has asked.

    Args:
        store: Where complaints live.
        findings: What the detectors believe.
        clock: Process time.
        tell: Opens and ends alerts of conditions.
        keep_phones: Callers' numbers are forgotten so long after they were taken.
    """

    def __init__(
        self,
        *,
        store: ComplaintStore,
        findings: FindingReader,
        clock: Clock,
        tell: Tell,
        keep_phones: timedelta = timedelta(days=90),
    ) -> None:
        self._store, self._findings, self._clock, self._tell, self._keep = store, findings, clock, tell, keep_phones
        self._open: set[str] = set()
        self._first = True

    @property
    def phone_days(self) -> int:
        """For how many days callers' numbers are kept."""
        return self._keep.days

    async def take(self, complaint: Complaint) -> bool:
        """Keeps a complaint; False, and nothing changes, if the same one has come before.

        Raises:
            ComplaintRefused: See ``checked``.
        """
        return await self._store.add_complaint(checked(complaint, self._clock.now()))

    async def complaints(self, *, since: datetime, zone: str | None = None, limit: int = 500) -> Sequence[Complaint]:
        """Complaints noticed since, of one zone or of all, newest first."""
        return await self._store.complaints(since=since, zone=zone, limit=limit)

    async def heard(self, finding: Finding, until: datetime) -> Heard:
        """What complaints say of a finding, up to its end or now."""
        since = finding.since - BEFORE - USUAL_OVER
        return heard(finding, await self._store.complaints(since=since, zone=finding.zone, limit=MOST), until)

    async def tick(self, now: datetime) -> None:
        """Opens and ends the alerts of zones in which many complain and nothing is found."""
        since = now - USUAL_OVER - QUIET_AFTER - CLUSTER_WITHIN
        complaints = await self._store.complaints(since=since, limit=MOST)
        if not complaints and not self._open and not self._first:
            return
        findings = await self._findings.findings(since=now)
        found = clusters(complaints, findings, now)
        for cluster in found.values():
            await self._tell(cluster_condition(cluster), now)
        over = (self._open | ({c.zone for c in complaints if c.zone} if self._first else set())) - found.keys()
        for zone in sorted(over):
            await self._tell(Condition(code=COMPLAINTS_CLUSTER, subject=zone, active=False, zone=zone), now)
        self._open, self._first = set(found), False

    async def forget(self, now: datetime) -> int:
        """Forgets callers' numbers whose time is over; how many."""
        return await self._store.forget_phones(now - self._keep)


def cluster_condition(cluster: Cluster) -> Condition:
    """What a cluster asks for: a look, without haste."""
    return Condition(
        code=COMPLAINTS_CLUSTER,
        subject=cluster.zone,
        active=True,
        zone=cluster.zone,
        priority=Priority.LOW,
        parameters={"complaints": str(cluster.count), "since": f"{cluster.first:%Y-%m-%dT%H:%MZ}", "usual": f"{cluster.usual:.2f}"},
    )
