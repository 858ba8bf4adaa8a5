"""What one detector says at one moment; the monitor makes findings of it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.findings import Evidence, FindingKind


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
