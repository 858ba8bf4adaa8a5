"""Work orders, photographs, complaints and findings in dictionaries, as the real stores keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.alerts import AlertEvent, CrewReport, WorkOrder, WorkState
from domain.complaints import Complaint
from domain.findings import Finding
from domain.photos import Photo


class MemoryWorkStore:
    """``WorkStore`` for tests."""

    def __init__(self) -> None:
        self.by_key: dict[str, WorkOrder] = {}
        self.reports: dict[str, CrewReport] = {}
        self.log: list[tuple[str, AlertEvent]] = []

    async def orders(self, *, include_closed: bool = False) -> Sequence[WorkOrder]:
        kept = [o for o in self.by_key.values() if include_closed or o.state is not WorkState.VERIFIED]
        return sorted(kept, key=lambda o: o.created_at, reverse=True)

    async def orders_of(self, alert: str) -> Sequence[WorkOrder]:
        return [o for o in await self.orders(include_closed=True) if o.alert == alert]

    async def order(self, key: str) -> tuple[WorkOrder, Sequence[CrewReport]] | None:
        if key not in self.by_key:
            return None
        return self.by_key[key], sorted((r for r in self.reports.values() if r.order == key), key=lambda r: r.said_at)

    async def save_order(self, order: WorkOrder, *, report: CrewReport | None = None) -> bool:
        if report is not None and report.key in self.reports:
            return False
        if report is not None:
            self.reports[report.key] = report
        self.by_key[order.key] = order
        return True

    async def history(self, alert: str) -> Sequence[AlertEvent]:
        return [event for key, event in self.log if key == alert]


class MemoryPhotos:
    """``PhotoStore`` for tests."""

    def __init__(self) -> None:
        self.by_key: dict[str, tuple[Photo, bytes]] = {}

    async def add_photo(self, photo: Photo, content: bytes) -> bool:
        return self.by_key.setdefault(photo.key, (photo, content))[0] is photo

    async def photos(self, order: str) -> Sequence[Photo]:
        return sorted((p for p, _ in self.by_key.values() if p.order == order), key=lambda p: (p.taken_at, p.key))

    async def photo(self, order: str, key: str) -> tuple[Photo, bytes] | None:
        found = self.by_key.get(key)
        return found if found is not None and found[0].order == order else None


class MemoryComplaintStore:
    """``ComplaintStore`` for tests."""

    def __init__(self) -> None:
        self.by_key: dict[str, Complaint] = {}

    async def add_complaint(self, complaint: Complaint) -> bool:
        return self.by_key.setdefault(complaint.key, complaint) is complaint

    async def complaints(self, *, since: datetime, zone: str | None = None, limit: int = 2000) -> Sequence[Complaint]:
        kept = [c for c in self.by_key.values() if c.noticed_at >= since and zone in (None, c.zone)]
        return sorted(kept, key=lambda c: c.noticed_at, reverse=True)[:limit]

    async def forget_phones(self, before: datetime) -> int:
        old = [c for c in self.by_key.values() if c.phone is not None and c.taken_at < before]
        self.by_key |= {c.key: replace(c, phone=None) for c in old}
        return len(old)


class MemoryFindings:
    """``FindingReader`` for tests."""

    def __init__(self, rows: Sequence[Finding] = ()) -> None:
        self.rows = list(rows)

    async def findings(self, *, key: str | None = None, since: datetime | None = None) -> Sequence[Finding]:
        kept = [f for f in self.rows if key in (None, f.key) and (since is None or f.open or f.found_at >= since)]
        return sorted(kept, key=lambda f: (f.since, f.key))
