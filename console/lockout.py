"""Lock-out after failed log-ins. Pure: time is an argument.

5 failures of one name from one address      → that pair waits 5 minutes
30 failures from one address, whatever names → that address waits 5 minutes
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MAX_FAILURES = 5
MAX_FAILURES_ADDRESS = 30
LOCK_S = 300.0
_REMEMBERED = 10_000


@dataclass(slots=True)
class _Count:
    failures: int = 0
    last: float = 0.0


class LoginGuard:
    """Counts failures; forgets them after ``LOCK_S`` without a new one."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def locked_for(self, name: str, address: str, now_s: float) -> float:
        """Seconds this name from this address must still wait; 0 if it may try."""
        return max(
            self._remaining((name.casefold(), address), MAX_FAILURES, now_s),
            self._remaining(("", address), MAX_FAILURES_ADDRESS, now_s),
        )

    def failed(self, name: str, address: str, now_s: float) -> None:
        """Notes a failure."""
        for key in ((name.casefold(), address), ("", address)):
            count = self._counts.pop(key, None)
            if count is None or now_s - count.last >= LOCK_S:
                count = _Count()
            count.failures += 1
            count.last = now_s
            self._counts[key] = count
        while len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forgets the failures of this name from this address."""
        self._counts.pop((name.casefold(), address), None)

    def _remaining(self, key: tuple[str, str], limit: int, now_s: float) -> float:
        count = self._counts.get(key)
        if count is None or count.failures < limit:
            return 0.0
        return max(0.0, LOCK_S - (now_s - count.last))
