"""Pages of the audit chain, each checked link by link before it is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass

from domain.audit import GENESIS, verify_chain
from domain.ports_commands import AuditRow, CommandStore

PAGE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Rows, newest first."""

    rows: tuple[AuditRow, ...]
    broken: str | None
    """What is wrong with the chain of these rows and the one before them; None if it is whole."""
    older: int | None
    """``before`` of the next page towards the past."""
    newest: int
    """Sequence number of the newest row there is; 0 if there is none."""

    @staticmethod
    def body_text(row: AuditRow) -> str:
        """The body in one line."""
        return json.dumps(row.body, ensure_ascii=False, sort_keys=True, separators=(", ", ": "))


async def read_page(store: CommandStore, *, before: int = 0, size: int = PAGE) -> AuditPage:
    """The ``size`` rows below sequence number ``before``, or the newest ones with 0."""
    newest = await last_sequence(store)
    top = min(before - 1, newest) if before else newest
    first = max(1, top - size + 1)
    # One row more towards the past, so that the first row shown is checked against its forerunner.
    rows = list(await store.audit_rows(after=max(0, first - 2), limit=size + 1)) if top >= 1 else []
    rows = [r for r in rows if r.sequence <= top]
    if rows:
        start = rows[0].sequence
        expected = max(1, first - 1)
        previous = GENESIS if expected == 1 else rows[0].previous_hash
        broken = verify_chain(rows, previous=previous, first=expected) if start == expected else verify_chain(rows, first=expected)
    else:
        broken = None
    shown = tuple(reversed([r for r in rows if r.sequence >= first]))
    return AuditPage(rows=shown, broken=broken, older=first if first > 1 else None, newest=newest)


async def last_sequence(store: CommandStore) -> int:
    """The newest sequence number, found by doubling and halving: numbers have no gaps."""
    low, high = 0, 1
    while await store.audit_rows(after=high - 1, limit=1):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if await store.audit_rows(after=middle - 1, limit=1):
            low = middle
        else:
            high = middle
    return low
