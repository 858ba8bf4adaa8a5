"""Findings: what a detector believes, where, how sure, on what evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FindingKind(StrEnum):
    """What is believed to have happened."""

    BURST = "burst"
    """A sudden new loss."""
    CREEPING = "creeping"
    """A loss that grows over days."""
    STANDING = "standing"
    """A loss that has been there for long."""
    METER_FAULT = "meter_fault"
    """The measurement itself is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One measured number that speaks for a finding, ready to be drawn."""

    name: str
    """Code of the evidence, e.g. ``night_flow`` or ``flow_step``; pages translate it."""
    observed: float
    expected: float
    sd: float
    """Standard deviation of ``observed`` around ``expected`` when nothing is wrong; same unit."""
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPlace:
    """One candidate of a localisation."""

    pipe: str
    probability: float
    """0..1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceRegion:
    """The pipes among which a leak lies with a stated probability."""

    probability: float
    """0..1"""
    radius_m: float
    """Along the pipes, from the place that most probability lies around."""
    pipes: tuple[str, ...]
    """That place first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a detector believes. One physical leak keeps one ``key`` over its life."""

    key: str
    """Stable identity, e.g. ``burst:dma2:2026-05-03T02:10Z``."""
    kind: FindingKind
    zone: str
    detector: str
    since: datetime
    """Best estimate of the onset, UTC."""
    found_at: datetime
    """Data time at which the detector first said so, UTC: never back-dated."""
    flow_m3h: float
    flow_error_m3h: float
    """One standard error of ``flow_m3h``."""
    confidence: float
    """0..1"""
    open: bool = True
    """False once the data say it is over."""
    evidence: tuple[Evidence, ...] = field(default_factory=tuple)
    cause: str = "leak"
    """``leak``; or ``meter``, ``slope``, ``boundary_valve:<zone>`` for what only looks like one."""
    places: tuple[RankedPlace, ...] = field(default_factory=tuple)
    """Most probable pipes first; empty: somewhere in the zone."""
    money_a_day: float | None = None
    """Cost of the lost water a day in the site's money; None where no price is configured."""
    co2_kg_a_day: float | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
    """Codes of what lowers the confidence, e.g. ``few_meters``, and of why it is over; pages say them in words."""
    region: ConfidenceRegion | None = None
    """None where the place is not known any nearer than the zone."""
