"""Leaks behind customers' meters: the customer's water, which no balance of the utility counts as lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.points import PointKey


class CustomerKind(StrEnum):
    """How a leak behind a meter shows."""

    CONTINUOUS = "continuous"
    """Flow that does not stop for days: a cistern, a dripping joint."""
    SUDDEN = "sudden"
    """Large flow that began from one hour to the next and goes on: a burst pipe, a tap left open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFinding:
    """What is believed of one meter. One leak keeps one ``key`` over its life, also when it stops for a while or grows."""

    key: str
    """``customer:<meter>:<moment of finding>``."""
    meter: PointKey
    zone: str
    kind: CustomerKind
    since: datetime
    """First hour of the flow as far as it was looked back, UTC."""
    found_at: datetime
    """End of the hours that it was first told from, UTC: never back-dated."""
    flow_m3h: float
    """Above what the customer is used to."""
    usual_m3h: float
    """The most that had lasted so long in the five weeks before."""
    lasted_h: int
    """Hours without a stop when it was told."""
    seen_at: datetime
    """End of the last hours in which it ran, UTC."""
    ended_at: datetime | None = None
    """When it was seen to have stopped, UTC; None while it runs."""
    reopened: int = 0
    """How often it began again within days."""
    notes: tuple[str, ...] = field(default_factory=tuple)
    """Codes of what is to be known besides, e.g. ``silent``; pages say them in words."""

    @property
    def open(self) -> bool:
        """Whether it runs, as far as anybody knows."""
        return self.ended_at is None

    @property
    def volume_m3(self) -> float:
        """Water it has let through until it was last seen."""
        return self.flow_m3h * max(0.0, (self.seen_at - self.since).total_seconds() / 3600.0)
