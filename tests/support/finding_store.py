"""``FindingStore`` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from domain.findings import Finding


class MemoryFindingStore:
    """The newest of each key."""

    def __init__(self) -> None:
        self.kept: dict[str, Finding] = {}

    async def save_findings(self, findings: Sequence[Finding]) -> None:
        self.kept.update({f.key: f for f in findings})

    async def open_findings(self) -> Sequence[Finding]:
        return [f for f in self.kept.values() if f.open]
