"""``CustomerStore`` in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.customers import CustomerFinding
from domain.ports import WatchPart


class MemoryCustomerStore:
    """The newest of each key, and of each part."""

    def __init__(self, findings: Sequence[CustomerFinding] = ()) -> None:
        self.kept = {f.key: f for f in findings}
        self.memory: dict[int, tuple[WatchPart, bytes]] = {}

    async def parts(self) -> Sequence[WatchPart]:
        return [part for part, _ in self.memory.values()]

    async def state(self, part: int) -> bytes | None:
        return self.memory[part][1] if part in self.memory else None

    async def save_look(self, part: WatchPart, state: bytes, findings: Sequence[CustomerFinding]) -> None:
        self.memory[part.number] = (part, state)
        self.kept |= {f.key: f for f in findings}
        running = [f.meter for f in self.kept.values() if f.open]
        assert len(running) == len(set(running)), "one leak, one finding"

    async def customer_findings(self, *, key: str | None = None, ended_since: datetime | None = None) -> Sequence[CustomerFinding]:
        def wanted(f: CustomerFinding) -> bool:
            if key is not None:
                return f.key == key
            return f.ended_at is None or (ended_since is not None and f.ended_at >= ended_since)

        return sorted((f for f in self.kept.values() if wanted(f)), key=lambda f: (f.since, f.key))
