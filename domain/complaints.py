"""Complaints: what customers tell of the water, where and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ComplaintKind(StrEnum):
    """What somebody complains of."""

    NO_WATER = "no_water"
    LOW_PRESSURE = "low_pressure"
    WET_STREET = "wet_street"
    NOISE = "noise"
    DIRTY_WATER = "dirty_water"
    HIGH_BILL = "high_bill"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One complaint. It has a place: a zone, a point of the map, an address, or several of them."""

    key: str
    """Made by whoever sends it: the same again is the same complaint."""
    kind: ComplaintKind
    noticed_at: datetime
    """When the caller noticed it, UTC."""
    taken_at: datetime
    """When it was entered, UTC."""
    taken_by: str
    zone: str | None = None
    x: float | None = None
    """Place on the network's map [m], towards the east; given together with ``y`` or not at all."""
    y: float | None = None
    """Towards the north [m]."""
    address: str = ""
    text: str = ""
    phone: str | None = None
    """The caller's number; None if it was not given, and once it has been forgotten."""
