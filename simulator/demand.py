"""How much water people draw: habit by kind of day and local hour, times chance. A pure function of (seed, time).

    multiplier(group, t) = profile(kind, day class, local hour) × day (3 %, whole town) × zone (4 %, 3 h)
                           × group (8 %, 30 min) × minute (6 %)           [standard deviations of the logarithm at mean demand]

The relative spread of groups grows as demand falls, as the square root: fewer taps are open at night. In Ramadan people are up
before dawn, fast by day, draw before sunset and late into the night. Not modelled: season, weather, holidays' travel, roof tanks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar, DayClass
from domain.errors import ConfigurationError
from simulator.noise import SmoothNoise, keys, normals

FloatArray = NDArray[np.float64]
Profile = tuple[float, ...]

HOMES: Mapping[DayClass, Profile] = {
    DayClass.WEEKDAY: (
        .30, .25, .23, .23, .26, .45, .95, 1.60, 1.72, 1.45, 1.30, 1.36,
        1.55, 1.40, 1.08, .95, .98, 1.12, 1.32, 1.55, 1.55, 1.20, .78, .45,
    ),
    DayClass.FRIDAY: (
        .32, .26, .24, .23, .26, .42, .85, 1.40, 1.60, 1.55, 1.60, 1.85,
        1.70, 1.20, 1.00, .95, 1.00, 1.12, 1.30, 1.50, 1.50, 1.20, .82, .50,
    ),
    DayClass.WEEKEND: (
        .38, .30, .25, .24, .25, .33, .60, 1.05, 1.55, 1.80, 1.75, 1.65,
        1.60, 1.45, 1.15, 1.02, 1.00, 1.10, 1.30, 1.50, 1.55, 1.30, .90, .58,
    ),
    DayClass.HOLIDAY: (
        .45, .32, .26, .24, .26, .40, .80, 1.40, 1.75, 1.80, 1.65, 1.55,
        1.50, 1.35, 1.15, 1.05, 1.05, 1.15, 1.35, 1.50, 1.55, 1.35, 1.00, .68,
    ),
    DayClass.RAMADAN: (
        1.15, .95, .80, .95, 1.25, .75, .40, .40, .60, .85, 1.00, 1.10,
        1.20, 1.25, 1.25, 1.35, 1.50, 1.55, .90, .85, 1.20, 1.35, 1.35, 1.25,
    ),
}  # fmt: skip
"""Demand of homes over its mean at each full local hour."""

_EVEN = (1.0,) * 24
_DAY = (.05,) * 6 + (.2, .8, 2.0, 2.6, 2.8, 2.7, 2.4, 1.9, 2.3, 2.4, 2.2, 1.4, .5, .3, .2, .1, .08, .06)  # fmt: skip
_EVENING = (.5, .2, .1, .1, .1, .3, .8, 1.1, 1.2, 1., .9, 1., 1.1, 1., 1., 1.2, 1.5, 1.8, 2., 2.1, 1.9, 1.6, 1.1, .8)  # fmt: skip
_SHIFT = (.32,) * 5 + (.7, 1.5, 1.7, 1.7, 1.7, 1.7, 1.6, 1.4, 1.6, 1.6, 1.6, 1.5, 1.4, 1.2, 1.1, 1., .7, .4, .33)  # fmt: skip
USERS: Mapping[str, tuple[Profile, float]] = {
    "steady": (_EVEN, 0.9),
    "day": (_DAY, 0.2),
    "evening": (_EVENING, 1.2),
    "shift": (_SHIFT, 0.6),
}
"""Profile of a large customer, and the factor on days that are no weekday (Friday counts as a weekday)."""


class DemandModel:
    """Multipliers of the demand groups of a network.

    A group is named ``homes.<zone>-<n>`` or ``<profile>.<name>`` with a profile of ``USERS``.
    """

    def __init__(self, *, seed: int, calendar: Calendar, groups: Sequence[str]) -> None:
        """Raises:
        ConfigurationError: A group with a profile that does not exist.
        """
        self._calendar = calendar
        self._kinds = [_kind(group) for group in groups]
        zones = sorted({_zone(group) for group in groups})
        self._zone_of = np.array([zones.index(_zone(group)) for group in groups])
        self._day = SmoothNoise(seed=seed, stream="day", names=("town",), period_s=86_400)
        self._zone = SmoothNoise(seed=seed, stream="zone", names=zones, period_s=10_800)
        self._group = SmoothNoise(seed=seed, stream="group", names=groups, period_s=1_800)
        self._minute = keys(seed, "minute", groups)

    def multipliers(self, moment: datetime) -> FloatArray:
        """Demand over mean demand of each group, shape (groups,)."""
        seconds = moment.timestamp()
        by_kind = {kind: habit(kind, moment, self._calendar) for kind in set(self._kinds)}
        mean = np.array([by_kind[kind] for kind in self._kinds])
        fast = 0.08 * self._group.at(seconds) + 0.06 * normals(self._minute, int(seconds // 60))
        slow = 0.03 * self._day.at(seconds) + 0.04 * self._zone.at(seconds)[self._zone_of]
        return np.asarray(mean * np.exp(slow + fast / np.sqrt(np.maximum(mean, 0.1))), dtype=np.float64)


def habit(kind: str, moment: datetime, calendar: Calendar) -> float:
    """Mean demand of a kind of customer at a moment, over its mean: linear between full local hours."""
    local = calendar.local(moment)
    hour = local.hour
    share = (local.minute * 60 + local.second) / 3600
    # The next hour is looked up in universal time: a local hour may be missing or come twice.
    after = calendar.local(moment.astimezone(UTC) + timedelta(hours=1))
    return (1 - share) * _at(kind, calendar.day_class(local.date()), hour) + share * _at(
        kind, calendar.day_class(after.date()), after.hour
    )


def _at(kind: str, day: DayClass, hour: int) -> float:
    if kind == "homes":
        return HOMES[day][hour]
    profile, other_days = USERS[kind]
    return profile[hour] * (1.0 if day in (DayClass.WEEKDAY, DayClass.FRIDAY) else other_days)


def _kind(group: str) -> str:
    kind = group.split(".", maxsplit=1)[0]
    if kind != "homes" and kind not in USERS:
        raise ConfigurationError(
            file="network file",
            key="[DEMANDS] pattern",
            value=group,
            expected=f"homes.<zone>-<n>, or one of {', '.join(USERS)} and a name",
        )
    return kind


def _zone(group: str) -> str:
    return group.split(".", 1)[-1].rsplit("-", 1)[0]
