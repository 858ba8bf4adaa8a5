"""What a law is: a pure function from what is seen and known to the pressure a valve should hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.calendar import DayClass
from pressure_control.learner import ZoneLearner
from pressure_control.learning import ValveModel
from pressure_control.observations import ValveTask, Window
from pressure_control.settings import ControlSettings
from pressure_control.twin.zone_twin import ZoneTwin


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LawInputs:
    """All a law may look at."""

    task: ValveTask
    recent: Window
    """The newest hours; at least one step."""
    model: ValveModel | None
    settings: ControlSettings
    downstream_m: Mapping[str, float] = field(default_factory=dict)
    """Setpoint that each valve downstream has or is about to get [m], the higher of the two."""
    stuck_beside_m: Mapping[str, float] = field(default_factory=dict)
    """Outlet pressure of each valve that feeds the same zone and does not follow its setpoint [m]."""
    learner: ZoneLearner | None = None
    """What was learned step by step, for laws that use it."""
    day_class: DayClass | None = None
    """The kind of day it is, for laws that follow the clock; None where no calendar is known."""
    twin: ZoneTwin | None = None
    """A copy of the zone with what was learned on top of it, for laws that use one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a law wants of the valve, before limits and ramps."""

    value_m: float
    binding: str
    """Point that asks for the most."""
    may_lower: bool
    """False where the law knows too little to go down."""
    reason: str
    """In an operator's words, with numbers."""
    basis: str
    """What it rests on, one sentence."""
    lift_to_m: float | None = None
    """What will be needed somewhat later: a raise may go there at once and save the next one."""
    emergency: bool = False
    """A sudden draw: the envelope may ramp up faster."""


Law = Callable[[LawInputs], Target | None]
"""None: the law has nothing to say."""
