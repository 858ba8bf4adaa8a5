"""Who leads a valve, and why: a small state machine over wishes and the age of the data.

manual ──end time──▶ advisory ◀──wish──▶ auto ──data stale──▶ fallback ──fresh for 15 min──▶ auto
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.setpoints import Mode

STALE_S = 900.0
SETTLE_S = 900.0
"""Data must have been fresh for so long before a fallback ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Mode of a valve, since when and why."""

    mode: Mode
    since: datetime
    reason: str
    fresh_since: datetime | None = None
    """Since when data have been fresh without a break; None while they are stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What people asked for."""

    mode: Mode
    until: datetime | None = None
    """End of a manual mode; None has no end."""


def decide(before: Standing | None, wish: Wish, *, data_age_s: float, now: datetime) -> Standing:
    """The mode now.

    Args:
        before: The mode at the last call.
        wish: Asked for by people; FALLBACK is never a wish and counts as ADVISORY.
        data_age_s: Age of the older of flow and outlet pressure.
        now: Process time.
    """
    fresh = data_age_s <= STALE_S
    fresh_since = (before.fresh_since if before and before.fresh_since else now) if fresh else None
    if wish.mode is Mode.MANUAL and (wish.until is None or now < wish.until):
        return _stand(before, Mode.MANUAL, "an operator leads", fresh_since, now)
    if wish.mode is Mode.MANUAL:
        return _stand(before, Mode.ADVISORY, "the manual mode has ended", fresh_since, now)
    if wish.mode is not Mode.AUTO:
        return _stand(before, Mode.ADVISORY, "the law advises", fresh_since, now)
    if fresh_since is None:
        return _stand(before, Mode.FALLBACK, f"flow or outlet pressure is {data_age_s / 60:.0f} min old", None, now)
    settled = (now - fresh_since).total_seconds()
    if before is not None and before.mode is Mode.FALLBACK and settled < SETTLE_S:
        return _stand(before, Mode.FALLBACK, f"data are back for {settled / 60:.0f} min only", fresh_since, now)
    return _stand(before, Mode.AUTO, "the law leads", fresh_since, now)


def _stand(before: Standing | None, mode: Mode, reason: str, fresh_since: datetime | None, now: datetime) -> Standing:
    since = before.since if before is not None and before.mode is mode else now
    return Standing(mode=mode, since=since, reason=reason, fresh_since=fresh_since)
