"""Work orders in a dictionary, as the real store keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from domain.alerts import CrewReport, WorkOrder, WorkState


class MemoryWorkStore:
    """``WorkStore`` for tests."""

    def __init__(self) -> None:
        self.by_key: dict[str, WorkOrder] = {}
        self.reports: dict[str, CrewReport] = {}

    async def orders(self, *, include_closed: bool = False) -> Sequence[WorkOrder]:
        kept = [o for o in self.by_key.values() if include_closed or o.state is not WorkState.VERIFIED]
        return sorted(kept, key=lambda o: o.created_at, reverse=True)

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
