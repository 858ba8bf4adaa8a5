"""Which metric of which device feeds which point, and since when: the inventory as one message needs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.ports import ChannelRow
from ingest.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a metric feeds no point."""

    reason: Reason
    detail: str


class ChannelTable:
    """Looks up channels. Made anew when the inventory is read again; never changed."""

    def __init__(self, rows: Iterable[ChannelRow] = ()) -> None:
        table: dict[tuple[str, str, str], list[ChannelRow]] = {}
        for row in rows:
            table.setdefault((row.edge, row.device, row.metric), []).append(row)
        self._table = {key: tuple(found) for key, found in table.items()}
        self._devices = {(edge, device) for edge, device, _ in table}
        self._edges = {edge for edge, _, _ in table}

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._table.values())

    def find(self, edge: str, device: str, metric: str) -> tuple[ChannelRow, ...] | Fault:
        """Every channel this metric has ever been, or why there is none."""
        found = self._table.get((edge, device, metric))
        if found is not None:
            return found
        if edge not in self._edges:
            return Fault(reason=Reason.UNKNOWN_DEVICE, detail=f"the inventory has no gateway {edge!r} (device {device!r})")
        if (edge, device) not in self._devices:
            return Fault(reason=Reason.UNKNOWN_DEVICE, detail=f"gateway {edge!r} has no device {device!r} in the inventory")
        return Fault(reason=Reason.UNKNOWN_METRIC, detail=f"device {device!r} of {edge!r} feeds no point with metric {metric!r}")
