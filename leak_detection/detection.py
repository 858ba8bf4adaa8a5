"""What one detector says at one moment; the monitor makes findings of it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.findings import Evidence, FindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedLeak:
    """A leak that is open, by the book of a detector that keeps one."""

    since_s: float
    """Onset, seconds since 1970 UTC."""
    found_s: float
    """When it was booked; in one zone no two leaks share it."""
    flow_m3h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One detector's belief about a zone, now."""

    detector: str
    kind: FindingKind
    since_s: float
    """Best estimate of the onset, seconds since 1970 UTC."""
    flow_m3h: float
    flow_error_m3h: float
    """One standard error."""
    confidence: float
    """0..1"""
    evidence: tuple[Evidence, ...]
    cause: str = "leak"
    """See ``Finding.cause``."""
    notes: tuple[str, ...] = ()
    """See ``Finding.notes``."""
    booked: BookedLeak | None = None
    """The leak that it opened in the detector's book, or that it saw grow; None: the detector keeps none."""
