"""What a network layer says of itself: from what it learnt, how far it has looked, and what makes its places less sure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.valves import ValveTurned


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkStatus:
    """The layer that knows pipes, now."""

    network: str
    """Name of the network file."""
    learning: bool
    """Whether it learns at this moment."""
    trouble: str = ""
    """In words, why nothing is learnt; empty while nothing is wrong."""
    start: datetime | None = None
    """First day that it learnt from, UTC; None while nothing is learnt."""
    opened: datetime | None = None
    """End of the days that taught; from then on it tells."""
    until: datetime | None = None
    """It has looked at everything before."""
    gauges: int = 0
    """Pressure gauges in use."""
    named: int = 0
    """Pressure gauges of the site's file."""
    silent: tuple[str, ...] = ()
    """Points in use that have said nothing for a day."""
    doubts: tuple[str, ...] = ()
    """What makes its places less sure, in plain English with names and numbers."""
    repairs: int = 0
    """Proved repairs that it knows of."""
    valves: tuple[ValveTurned, ...] = ()
    """Pressure valves that were turned in the last weeks, the newest first."""
