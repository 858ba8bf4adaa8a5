"""Zones: a tree of areas, each bounded by signed inlets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from domain.points import PointKey


class ZoneKind(StrEnum):
    """What a zone is."""

    REGION = "region"
    PROVINCE = "province"
    COMMUNE = "commune"
    PRESSURE_ZONE = "pressure_zone"
    DMA = "dma"
    """District metered area: all water in and out is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlet:
    """A measured boundary of a zone."""

    point: PointKey
    sign: int
    """+1 where flow at the point enters the zone, -1 where it leaves (into a cascaded zone)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryValve:
    """A valve between two zones that is shut unless somebody left it open."""

    zones: tuple[str, str]
    """Keys of the zones on its two sides, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """An area of the network."""

    key: str
    kind: ZoneKind
    names: dict[str, str]
    """Name by language: ``fr``, ``ar``, ``en``."""
    parent: str | None = None
    inlets: tuple[Inlet, ...] = field(default_factory=tuple)
    critical_points: tuple[PointKey, ...] = field(default_factory=tuple)
    """Pressures at the places that fall short first."""
    min_pressure_m: float = 20.0
    """Least service pressure anywhere in the zone [m]."""
    connections: int = 0
    population: int = 0
    mains_km: float = 0.0
    night_use_m3h: float = 0.0
    """Legitimate use between 02:00 and 05:00 [m³/h]; 0 takes the standard allowance (see leak_detection.night_flow)."""
    lat: float | None = None
    """Where the zone's mark lies on a map [degrees north, WGS 84]; None where nobody said."""
    lon: float | None = None
    """[degrees east, WGS 84]"""

    def name(self, language: str) -> str:
        """The name in this language, or the French one, or the key."""
        return self.names.get(language) or self.names.get("fr") or self.key
