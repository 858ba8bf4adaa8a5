"""What comes every week, and what a clock change makes, is no leak; what comes once is; what comes back is the same one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from domain.calendar import Calendar
from domain.findings import FindingKind
from domain.points import PointKey
from domain.zones import Inlet, Zone, ZoneKind
from leak_detection.detection import Detection
from leak_detection.evaluate import replay
from leak_detection.habit import is_habit
from leak_detection.inputs import ZoneInputs, zone_inputs
from leak_detection.learned import learn
from leak_detection.life import open_finding
from leak_detection.monitor import update

DAYS = 35
START_S = 1_651_363_200.0
"""2022-05-01T00:00Z, a Sunday."""
POINT = PointKey("z.flow")
ZONE = Zone(key="z", kind=ZoneKind.DMA, names={}, inlets=(Inlet(point=POINT, sign=1),), population=3000)


def hours(*, weekly: float = 0.0, last_week_only: bool = False, zone: str = "UTC") -> ZoneInputs:
    """A month of hours; every Tuesday from 00:00 to 06:00 something more flows."""
    rng = np.random.default_rng(3)
    hour = np.arange(DAYS * 24)
    use = 20 + 8 * np.sin(2 * np.pi * (hour % 24 - 7) / 24) + rng.normal(0, 0.4, hour.size)
    tuesday = (hour // 24 % 7 == 2) & (hour % 24 < 6)
    if last_week_only:
        tuesday &= hour // 24 >= DAYS - 7
    return zone_inputs(ZONE, Calendar(timezone=zone), {POINT: use + weekly * tuesday}, start_s=START_S, step_s=3600.0)


def at_tuesday(inputs: ZoneInputs) -> ZoneInputs:
    return inputs.until((DAYS - 7 + 2) * 24 + 3)


def step(inputs: ZoneInputs, flow_m3h: float = 12.0) -> Detection:
    return Detection(
        detector="flow_step", kind=FindingKind.BURST, since_s=inputs.end_s - 3 * 3600, flow_m3h=flow_m3h, flow_error_m3h=1.0,
        confidence=0.9, evidence=(),
    )  # fmt: skip


@pytest.mark.parametrize(("only_now", "habit"), [(False, True), (True, False)])
def test_what_came_in_the_weeks_before_is_a_habit(only_now: bool, habit: bool) -> None:
    inputs = at_tuesday(hours(weekly=12.0, last_week_only=only_now))
    learned = learn(inputs.until(inputs.size - 3))
    assert learned is not None
    assert is_habit(inputs, learned, step(inputs)) is habit


def test_a_zone_that_fills_a_tank_every_week_is_quiet_and_a_burst_in_it_is_told() -> None:
    inputs = hours(weekly=12.0)
    assert replay(inputs, from_s=START_S + 28 * 86400, every_s=3600) == []
    burst = inputs.inflow_m3h.copy()
    burst[33 * 24 + 10 :] += 15.0
    (leak,) = replay(replace(inputs, inflow_m3h=burst), from_s=START_S + 28 * 86400, every_s=3600)
    assert leak.found_at.timestamp() - (START_S + (33 * 24 + 10) * 3600) <= 4 * 3600


def test_a_day_with_a_clock_change_is_known_and_says_nothing() -> None:
    rome = Calendar(timezone="Europe/Rome")
    assert [d for d in (date(2022, 3, 25) + timedelta(days=k) for k in range(5)) if rome.clock_changes(d)] == [date(2022, 3, 27)]
    inputs = at_tuesday(hours(weekly=12.0, last_week_only=True))
    learned = learn(inputs.until(inputs.size - 3))
    assert learned is not None
    say = {"flow_step": lambda *_: step(inputs)}
    assert len(update(inputs, learned, (), say)) == 1
    changing = replace(inputs, calendar=_Changing(timezone="UTC"))
    assert update(changing, learned, (), say) == []


class _Changing(Calendar):
    def clock_changes(self, day: date) -> bool:
        return True


def test_a_leak_that_is_back_keeps_its_key() -> None:
    inputs = at_tuesday(hours(weekly=12.0, last_week_only=True))
    learned = learn(inputs.until(inputs.size - 3))
    assert learned is not None
    first = replace(open_finding(step(inputs.until(inputs.size - 30), 10.0), inputs.until(inputs.size - 30)), open=False)
    say = {"flow_step": lambda *_: step(inputs)}
    (again,) = update(inputs, learned, (), say, recent=[first])
    assert (again.key, again.open, again.flow_m3h) == (first.key, True, 12.0)
    (other,) = update(inputs, learned, (), say, recent=[replace(first, flow_m3h=1.0, evidence=())])
    assert other.key != first.key


def test_silent_gauges_and_holes_lower_the_confidence_in_words() -> None:
    inputs = at_tuesday(hours(weekly=12.0, last_week_only=True))
    sure = open_finding(step(inputs), inputs)
    assert (sure.notes, sure.confidence) == ((), 0.9)
    holes = inputs.inflow_m3h.copy()
    holes[-100:-20] = np.nan
    gauged = replace(ZONE, critical_points=(PointKey("z.cp"),))
    unsure = open_finding(step(inputs), replace(inputs, zone=gauged, inflow_m3h=holes))
    assert unsure.notes == ("pressure_silent", "inflow_gaps")
    assert unsure.confidence < 0.8
