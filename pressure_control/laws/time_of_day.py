"""The time of day: the setpoint written down for this hour and class of day, whatever is measured.

What many valves do today, and what a utility can read off a page. Ramps and limits are the envelope's, so that no change of hour is
a jump; a rise begins so early that the higher setpoint is reached when its hour begins.
"""

from __future__ import annotations

import math

from domain.assets import Actuator, DaySchedule
from domain.calendar import DayClass
from pressure_control.laws.law import LawInputs, Target


def time_of_day(inputs: LawInputs) -> Target:
    """The scheduled setpoint; the safe one where no schedule was written down for this day."""
    actuator = inputs.task.actuator
    schedule = schedule_of(actuator, inputs.day_class)
    if schedule is None:
        words = f"no hours written down for this day: the safe setpoint {actuator.safe_m:.1f} m"
        return Target(value_m=actuator.safe_m, binding="", may_lower=True, reason=words, basis="the site's own safe setpoint")
    minute = float(inputs.recent.minute[-1]) + inputs.recent.step_s / 60.0
    value = max(schedule.at(minute % 1440.0), _soon(schedule, actuator, minute))
    day = schedule.day_class.value if schedule.day_class is not None else "other days"
    return Target(
        value_m=value,
        binding="",
        may_lower=True,
        reason=f"hours of {day}: {value:.1f} m at {_clock(minute)}",
        basis=f"{len(schedule.steps)} hours written down for {day}",
    )


def schedule_of(actuator: Actuator, day_class: DayClass | None) -> DaySchedule | None:
    """The schedule for a class of day: its own, else that of all other days, else None."""
    found = {day.day_class: day for day in actuator.schedule}
    return found.get(day_class, found.get(None))


def _soon(schedule: DaySchedule, actuator: Actuator, minute: float) -> float:
    """What must be set now [m] so that each higher setpoint still ahead can be reached by its hour, one ramp after the other."""
    interval = max(actuator.min_interval_s / 60.0, 1.0)
    wanted = -math.inf
    for begins, value in schedule.steps:
        steps_left = math.floor(((begins - minute) % 1440.0) / interval)
        wanted = max(wanted, value - steps_left * actuator.ramp_up_m)
    return wanted


def _clock(minute: float) -> str:
    whole = int(minute) % 1440
    return f"{whole // 60:02d}:{whole % 60:02d}"
