"""Interlocks: what speaks against an order, each reason with its numbers. Pure; every reason is given, not only the first.

    limits · step up and down from the read-back setpoint · time since the last move · least service pressure predicted · age of the
    inputs · current setpoint known · nothing under way · distance to the measured outlet · a number at all

Where a check cannot be made because a measurement is missing, the order is refused: left alone, a site goes to its safe value when
its lease ends, so refusing is never the dangerous choice. The edge checks limits, step and rate again by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from commands.arbitration import pre_empts
from domain.assets import Actuator
from domain.setpoints import Command, Mode, PredictedEffect, Reason, Source

_ROUNDING_M = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockRules:
    """Limits that hold for every actuator; those of one actuator are in ``domain.assets.Actuator``."""

    stale_after_s: float = 900.0
    """Inputs older than this do not carry an order [process s]."""
    ahead_s: float = 120.0
    """Inputs dated this far in the future are not believed [process s]."""
    above_outlet_m: float = 3.0
    """A rising order stays within this of the measured outlet pressure: a stuck valve that frees must not jump [m]."""
    same_m: float = 0.05
    """Two setpoints this close are the same one [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of an actuator at the moment of decision."""

    actuator: Actuator
    mode: Mode
    now: datetime
    current_m: float | None
    """Newest setpoint read back from the site [m]."""
    outlet_m: float | None
    observed_at: datetime | None
    """Time of the oldest measurement used."""
    last_move_at: datetime | None
    """When the last command that moved, or may have moved, the actuator ended."""
    pending: tuple[Command, ...] = ()
    """Commands to this actuator without an outcome."""
    unresolved_since: datetime | None = None
    """End of a command with outcome unknown that no later read-back has resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A setpoint somebody wants."""

    value_m: float
    source: Source


Rule = Callable[[Wish, Situation, PredictedEffect | None, InterlockRules], Reason | None]


def check_move(wish: Wish, situation: Situation, effect: PredictedEffect | None, rules: InterlockRules) -> tuple[Reason, ...]:
    """Everything that speaks against moving the actuator to this value now; empty if nothing does.

    Args:
        wish: The value and who wants it.
        situation: What is known now.
        effect: What the value is predicted to do; None where nobody could say.
        rules: Site-wide limits.
    """
    found = (rule(wish, situation, effect, rules) for rule in MOVE_RULES)
    return tuple(reason for reason in found if reason is not None)


def check_renewal(value_m: float, situation: Situation, rules: InterlockRules) -> tuple[Reason, ...]:
    """Everything that speaks against telling the site to hold ``value_m`` for another lease: it must be there already."""
    wish = Wish(value_m=value_m, source=Source.RENEWAL)
    found = [rule(wish, situation, None, rules) for rule in RENEWAL_RULES]
    current = situation.current_m
    if current is not None and not abs(value_m - current) <= rules.same_m:
        found.append(
            Reason(code="not_in_force", text=f"the site reads back {current:.2f} m, not {value_m:.2f} m: a renewal would move it")
        )
    return tuple(reason for reason in found if reason is not None)


def check_mode(source: Source, mode: Mode) -> Reason | None:
    """What the mode says to this source: a law moves only in auto; a person always, which takes manual; a renewal keeps both."""
    if source is Source.LAW and mode is not Mode.AUTO:
        return Reason(code="not_auto", text=f"the actuator is in {mode.value}; a law moves it only in auto")
    if source is Source.RENEWAL and mode not in (Mode.AUTO, Mode.MANUAL):
        return Reason(code="not_owned", text=f"the actuator is in {mode.value}; leases are renewed only in auto and manual")
    return None


def _finite(wish: Wish, _s: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    if math.isfinite(wish.value_m):
        return None
    return Reason(code="not_finite", text=f"{wish.value_m} is not a pressure in metres")


def _limits(wish: Wish, situation: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    actuator = situation.actuator
    if wish.value_m > actuator.max_m:
        return Reason(code="above_limit", text=f"{wish.value_m:.2f} m is above the limit of {actuator.max_m:.2f} m")
    if wish.value_m < actuator.min_m:
        return Reason(code="below_limit", text=f"{wish.value_m:.2f} m is below the limit of {actuator.min_m:.2f} m")
    return None


def _step(wish: Wish, situation: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    if situation.current_m is None:
        return Reason(code="unknown_setpoint", text="no setpoint has been read back from the site: the step cannot be bounded")
    step, actuator = wish.value_m - situation.current_m, situation.actuator
    if step > actuator.ramp_up_m + _ROUNDING_M:
        return Reason(
            code="ramp_up",
            text=f"a step of +{step:.2f} m from {situation.current_m:.2f} m passes the largest rise of {actuator.ramp_up_m:.2f} m",
        )
    if -step > actuator.ramp_down_m + _ROUNDING_M:
        return Reason(
            code="ramp_down",
            text=f"a step of {step:.2f} m from {situation.current_m:.2f} m passes the largest fall of {actuator.ramp_down_m:.2f} m",
        )
    return None


def _rate(_w: Wish, situation: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    if situation.last_move_at is None:
        return None
    since_s, least_s = (situation.now - situation.last_move_at).total_seconds(), situation.actuator.min_interval_s
    if since_s >= least_s:
        return None
    return Reason(code="too_soon", text=f"the last move was {since_s:.0f} s ago; at least {least_s:.0f} s must lie between two")


def _service(wish: Wish, situation: Situation, effect: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    lowers = situation.current_m is None or wish.value_m < situation.current_m - _ROUNDING_M
    if not lowers:
        return None
    if effect is None or effect.lowest_m is None:
        return Reason(code="no_prediction", text="no fresh critical pressure: what a lower setpoint does to service is not known")
    if not effect.lowest_m >= effect.min_pressure_m:
        return Reason(
            code="below_min_pressure",
            text=f"predicted lowest service pressure {effect.lowest_m:.2f} m is below {effect.min_pressure_m:.2f} m "
            f"({effect.customers_below} connections)",
        )
    return None


def _fresh(_w: Wish, situation: Situation, _e: PredictedEffect | None, rules: InterlockRules) -> Reason | None:
    if situation.observed_at is None:
        return Reason(code="no_data", text="nothing has been measured at this actuator")
    age_s = (situation.now - situation.observed_at).total_seconds()
    if age_s > rules.stale_after_s:
        return Reason(code="stale_data", text=f"the measurements are {age_s:.0f} s old, more than {rules.stale_after_s:.0f} s")
    if age_s < -rules.ahead_s:
        return Reason(code="future_data", text=f"the measurements are dated {-age_s:.0f} s in the future: a clock is wrong")
    return None


def _resolved(_w: Wish, situation: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    since = situation.unresolved_since
    if since is None:
        return None
    return Reason(
        code="unresolved_command",
        text=f"the command that ended unknown at {since.isoformat()} has not been resolved by reading back yet",
    )


def _alone(wish: Wish, situation: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    blocking = [c for c in situation.pending if not pre_empts(wish.source, c)]
    if not blocking:
        return None
    first = blocking[0]
    return Reason(code="command_pending", text=f"the order of {first.value_m:.2f} m by {first.author} has no outcome yet")


def _outlet(wish: Wish, situation: Situation, _e: PredictedEffect | None, rules: InterlockRules) -> Reason | None:
    rises = situation.current_m is not None and wish.value_m > situation.current_m + _ROUNDING_M
    if not rises:
        return None
    if situation.outlet_m is None:
        return Reason(code="no_outlet", text="no outlet pressure is measured: whether the valve follows is not known")
    if wish.value_m > situation.outlet_m + rules.above_outlet_m:
        return Reason(
            code="far_above_outlet",
            text=f"{wish.value_m:.2f} m is more than {rules.above_outlet_m:.2f} m above the measured outlet of "
            f"{situation.outlet_m:.2f} m: the valve does not follow",
        )
    return None


MOVE_RULES: tuple[Rule, ...] = (_finite, _limits, _step, _rate, _service, _fresh, _resolved, _alone, _outlet)
RENEWAL_RULES: tuple[Rule, ...] = (_finite, _limits, _step, _fresh, _resolved, _alone)
