"""Pressure valves that were turned, as the gauges behind them show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveTurned:
    """A pressure valve whose setting has changed and stayed so for two days."""

    valve: str
    """Its name in the network file."""
    day: datetime
    """Beginning of the day on which it was turned, UTC; a day to either side is possible."""
    told_at: datetime
    """Data time at which it was first known, UTC: never back-dated."""
    change_m: float | None
    """Of its setting; None where the gauges tell neither how much nor which way."""
    error_m: float | None
    """One standard error of ``change_m``."""
    share: float
    """Of what all gauges did that settings explain, 0..1."""
    ordered: bool | None = None
    """Whether the product ordered it; None where that is not known."""
