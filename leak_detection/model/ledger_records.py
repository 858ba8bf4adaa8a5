"""What stands in the ledger of open leaks: its lines, the courses that are projected out for them, and when a change is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.series import FloatArray
from leak_detection.model.places import Place
from leak_detection.model.shapes import shape, until
from leak_detection.model.valve_settings import SettingLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """When a change is a leak."""

    step_glr: float = 30.0
    slow_glr: float = 36.0
    step_days: int = 5
    slow_days: tuple[int, ...] = (10, 20, 40, 80)
    window_days: int = 200
    """Older days have no say: the level of the first is not known."""
    drift_days: int = 10
    """What the gauges do by themselves is learnt anew so often."""
    least_flow_m3h: float = 1.2
    """Below it a change is not told: what other leaks leave behind is of that size."""
    least_metered_m3h: float = 0.6
    """The same where a balance of meters sees the leak's own flow."""
    sure_glr: float = 100.0
    """A change that is less clear than that must have stood for two days,"""
    sure_far: float = 0.45
    """unless its place is as sure as that."""
    least_fit: float = 0.3
    least_far: float = 0.36
    glimpse_glr: float = 36.0
    glimpse_fit: float = 0.5
    glimpse_far: float = 0.55
    """Before a day is over only what is as clear as that is a leak."""
    open_swing: float = 0.03
    """Standard deviation of what an open leak does meanwhile, over its effect: it may be part of any change."""
    freedom: float = 30.0
    """Of Student's law for what a change is not explained by: more than its error says, of a slow one above all."""
    warm_days: int = 21
    most_shapes: int = 60
    most_a_day: int = 3
    most_looks: int = 9
    merge_m: float = 200.0
    again_glr: float = 200.0
    again_flow_m3h: float = 4.0
    """A step as clear and as large as that is told near an open leak, too, unless that has just begun."""
    again_share: float = 0.2
    """Of the flow of the open leak: a large one's effect swings by a tenth."""
    again_days: int = 3
    rest_days: int = 30
    """A leak that has not grown for so long grows no more: what begins beside it is another, unless it is small beside it."""
    outgrown: float = 3.0
    """What is so many times as large as the open leak is no growth of it, either."""
    quiet_days: int = 3
    """After an end, nothing near is new for so long: what a repair leaves looks like a leak."""
    repaired_m: float = 300.0
    """A repair ends the open leak that is nearest, and no farther than that."""
    booked_days: int = 14
    """Work is booked late: a leak there that ended so long before is what was repaired."""
    back_days: int = 30
    """A leak that ended by itself and is back within so long is the same one,"""
    back_like: float = 0.8
    """if its change is as like (cosine)."""
    end_glr: float = 60.0
    like: float = 0.5
    """How much (cosine) an improvement resembles the leak that it ends."""
    end_share: float = 0.5
    """Of the leak's own change: a large leak's effect swings by a tenth with the town's demand, and that is no end."""
    setting: SettingLimits = field(default_factory=SettingLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A shape that is projected out."""

    start_day: int
    ramp_days: int
    end_day: float | None = None

    def over(self, days: int) -> FloatArray:
        """Its values."""
        return until(shape(days, self.start_day, self.ramp_days), self.end_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowToday:
    """What one leak loses, by a fit of all open ones together."""

    day: int
    flow_m3h: float
    error_m3h: float


@dataclass(slots=True, kw_only=True)
class OpenLeak:
    """One line of the ledger."""

    start_day: int
    ramp_days: int
    found_day: int
    place: Place
    loading_m: FloatArray
    glr: float
    end_day: int | None = None
    final: bool = False
    """Whether its end is the last word: it was repaired, or nobody was told of it. Else pressures came back by themselves."""
    growth: list[Course] = field(default_factory=list)
    """Changes seen later that are its own."""
    today: FlowToday | None = None
    """When all open leaks were fitted together last."""

    @property
    def last_day(self) -> int:
        """On which it was last seen to begin or to grow."""
        return max(self.found_day, *(course.start_day for course in self.growth), 0)

    @property
    def flow_m3h(self) -> float:
        """The larger of what it lost when it was found and what it loses by the last fit."""
        return max(self.place.flow_m3h, 0.0 if self.today is None else self.today.flow_m3h)

    @property
    def courses(self) -> list[Course]:
        """All that is projected out for it."""
        return [Course(start_day=self.start_day, ramp_days=self.ramp_days), *self.growth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Work that the utility knows of."""

    day: float
    """Since the start of the residuals, with fraction."""
    place: int | None = None
    """Where, if that is known."""
