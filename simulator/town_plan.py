"""The town of the demonstration: its ground, its quarters, and who lives and works where. Invented; no real town is meant.

North-west the planned quarter on the plateau (up to 438 m), below a scarp the old town around its kasbah, the river in the south
with a quarter along it, east the industrial zone. The water tower stands on a hill behind the plateau, the source is in the north.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

from simulator.streets import Place, StreetPlan, along, organic, planned, to_line

RIVER: tuple[Place, ...] = ((200, 2150), (900, 1650), (1700, 1250), (2600, 900), (3500, 700), (4900, 250))
TOWER: Place = (640.0, 4260.0)
SOURCE: Place = (3600.0, 4150.0)
KASBAH: Place = (3080.0, 1780.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One large customer with a meter of its own."""

    key: str
    mean_m3h: float
    pattern: str
    """``<profile>.<name>``, see ``simulator.demand``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """A district metered area as it is planned."""

    zone: str
    prefix: str
    """First letter of its junctions' names."""
    connections: int
    leakage_m3h: float
    """Background leakage at the present setpoints, the aim of the emitters' scale [m³/h]."""
    setpoint_m: float
    """Present, fixed outlet pressure of its inlet valve [m]."""
    roughness: float
    """Hazen-Williams coefficient of its pipes."""
    unit_loss: float
    """Largest head loss a main is laid out for at the peak [m/m]."""
    users: tuple[User, ...] = field(default_factory=tuple)


QUARTERS: tuple[Quarter, ...] = (
    Quarter(
        zone="medina", prefix="M", connections=3100, leakage_m3h=18, setpoint_m=38.0, roughness=115, unit_loss=0.014,
        users=(
            User(key="HAMMAM", mean_m3h=1.5, pattern="evening.hammam"),
            User(key="HOPITAL", mean_m3h=2.5, pattern="steady.hopital"),
        ),
    ),
    Quarter(
        zone="plateau", prefix="P", connections=2700, leakage_m3h=15, setpoint_m=39.0, roughness=135, unit_loss=0.0065,
        users=(User(key="LYCEE", mean_m3h=1.6, pattern="day.lycee"),),
    ),
    Quarter(
        zone="oued", prefix="O", connections=1600, leakage_m3h=9, setpoint_m=32.0, roughness=130, unit_loss=0.011,
        users=(User(key="HOTEL", mean_m3h=1.2, pattern="evening.hotel"),),
    ),
    Quarter(
        zone="industrie", prefix="I", connections=600, leakage_m3h=6, setpoint_m=33.0, roughness=130, unit_loss=0.013,
        users=(
            User(key="LAITERIE", mean_m3h=5.0, pattern="shift.laiterie"),
            User(key="CONSERVERIE", mean_m3h=4.0, pattern="shift.conserverie"),
        ),
    ),
)  # fmt: skip

PEOPLE_PER_CONNECTION = 5
LITRES_PER_PERSON_DAY = 90


def ground_m(place: Place) -> float:
    """Elevation of the ground [m above sea level]."""
    x, y = place
    river, _ = to_line(place, RIVER)
    plateau = _logistic((river - 620) / 90) * _logistic((2420 - x + 0.3 * (y - 2200)) / 120)
    hill = 26 * math.exp(-(math.dist(place, TOWER) ** 2) / (2 * 190**2))
    kasbah = 8 * math.exp(-(math.dist(place, KASBAH) ** 2) / (2 * 240**2))
    waves = 1.1 * math.sin(x / 310 + 0.6) * math.cos(y / 270) + 0.6 * math.sin((x + y) / 140)
    return round(397 + 0.0165 * min(river, 1200.0) + (17 + 3.5 * (x - 1600) / 800) * plateau + hill + kasbah + waves, 2)


def street_plan(zone: str, random: Random) -> StreetPlan:
    """Junctions and streets of a quarter."""
    if zone == "medina":
        return organic(random, centre=(3000, 1950), radii=(540, 430), spacing=53, inside=lambda p: to_line(p, RIVER)[0] > 330)
    if zone == "plateau":
        return planned(random, centre=(1650, 3000), columns=16, rows=12, block=(107, 100), angle=-0.35, closed=0.32, squares=5)
    if zone == "oued":
        return along(random, line=((350, 2043), (900, 1650), (1700, 1250), (2250, 1036)), near=45, far=270, side=1, spacing=52)
    return planned(random, centre=(4200, 2700), columns=9, rows=6, block=(150, 140), angle=0.15, closed=0.2, squares=3)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
