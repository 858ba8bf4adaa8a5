"""Interlocks: what speaks against an order, each reason with its numbers. Pure; every reason is given, not only the first.

    limits · step up and down from the read-back setpoint · time since the last move · moves of the day · least service pressure
    predicted · age of the inputs · current setpoint known · nothing under way · distance to the measured outlet · a number at all

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
    moves_in_day: int = 0
    """Moves, or what may have been moves, in the last 24 h."""
    emergency: bool = False
    """A confirmed emergency holds here: the larger rise is allowed."""


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
            Reason(
                code="not_in_force",
                text=f"the site reads back {current:.2f} m, not {value_m:.2f} m: a renewal would move it",
                parameters={"current_m": current, "value_m": value_m},
            )
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
        text = f"{wish.value_m:.2f} m is above the limit of {actuator.max_m:.2f} m"
        return Reason(code="above_limit", text=text, parameters={"value_m": wish.value_m, "limit_m": actuator.max_m})
    if wish.value_m < actuator.min_m:
        text = f"{wish.value_m:.2f} m is below the limit of {actuator.min_m:.2f} m"
        return Reason(code="below_limit", text=text, parameters={"value_m": wish.value_m, "limit_m": actuator.min_m})
    return None


def _step(wish: Wish, situation: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    if situation.current_m is None:
        return Reason(code="unknown_setpoint", text="no setpoint has been read back from the site: the step cannot be bounded")
    step, actuator = wish.value_m - situation.current_m, situation.actuator
    numbers = {"step_m": step, "current_m": situation.current_m}
    up_m = largest_rise(situation)
    if step > up_m + _ROUNDING_M:
        return Reason(
            code="ramp_up",
            text=f"a step of +{step:.2f} m from {situation.current_m:.2f} m passes the largest rise of {up_m:.2f} m",
            parameters=numbers | {"limit_m": up_m},
        )
    if -step > actuator.ramp_down_m + _ROUNDING_M:
        return Reason(
            code="ramp_down",
            text=f"a step of {step:.2f} m from {situation.current_m:.2f} m passes the largest fall of {actuator.ramp_down_m:.2f} m",
            parameters=numbers | {"limit_m": actuator.ramp_down_m},
        )
    return None


def largest_rise(situation: Situation) -> float:
    """The largest step upwards now [m]."""
    actuator = situation.actuator
    return max(actuator.ramp_up_m, actuator.ramp_up_emergency_m) if situation.emergency else actuator.ramp_up_m


def _rate(_w: Wish, situation: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    if situation.last_move_at is None:
        return None
    since_s, least_s = (situation.now - situation.last_move_at).total_seconds(), situation.actuator.min_interval_s
    if since_s >= least_s:
        return None
    return Reason(
        code="too_soon",
        text=f"the last move was {since_s:.0f} s ago; at least {least_s:.0f} s must lie between two",
        parameters={"waited_s": since_s, "limit_s": least_s},
    )


def _budget(wish: Wish, situation: Situation, _e: PredictedEffect | None, _r: InterlockRules) -> Reason | None:
    """Holds back lowering alone: a customer without water does not wait for a budget."""
    most = situation.actuator.max_moves_per_day
    lowers = situation.current_m is not None and wish.value_m < situation.current_m - _ROUNDING_M
    if not lowers or situation.moves_in_day < most:
        return None
    return Reason(
        code="move_budget",
        text=f"the valve has moved {situation.moves_in_day} times in 24 h; after {most} moves it is not lowered any more",
        parameters={"moves": float(situation.moves_in_day), "limit": float(most)},
    )


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
            parameters={
                "lowest_m": effect.lowest_m,
                "min_pressure_m": effect.min_pressure_m,
                "connections": float(effect.customers_below),
            },
        )
    return None


def _fresh(_w: Wish, situation: Situation, _e: PredictedEffect | None, rules: InterlockRules) -> Reason | None:
    if situation.observed_at is None:
        return Reason(code="no_data", text="nothing has been measured at this actuator")
    age_s = (situation.now - situation.observed_at).total_seconds()
    if age_s > rules.stale_after_s:
        text = f"the measurements are {age_s:.0f} s old, more than {rules.stale_after_s:.0f} s"
        return Reason(code="stale_data", text=text, parameters={"age_s": age_s, "limit_s": rules.stale_after_s})
    if age_s < -rules.ahead_s:
        text = f"the measurements are dated {-age_s:.0f} s in the future: a clock is wrong"
        return Reason(code="future_data", text=text, parameters={"ahead_s": -age_s, "limit_s": rules.ahead_s})
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
    text = f"the order of {first.value_m:.2f} m by {first.author} has no outcome yet"
    return Reason(code="command_pending", text=text, parameters={"value_m": first.value_m})


def _outlet(wish: Wish, situation: Situation, _e: PredictedEffect | None, rules: InterlockRules) -> Reason | None:
    rises = situation.current_m is not None and wish.value_m > situation.current_m + _ROUNDING_M
    if not rises:
        return None
    if situation.outlet_m is None:
        return Reason(code="no_outlet", text="no outlet pressure is measured: whether the valve follows is not known")
    # In an emergency a whole step is allowed above the outlet; still no more, or a valve that frees would jump.
    above_m = max(rules.above_outlet_m, largest_rise(situation)) if situation.emergency else rules.above_outlet_m
    if wish.value_m > situation.outlet_m + above_m:
        return Reason(
            code="far_above_outlet",
            text=f"{wish.value_m:.2f} m is more than {above_m:.2f} m above the measured outlet of "
            f"{situation.outlet_m:.2f} m: the valve does not follow",
            parameters={"value_m": wish.value_m, "limit_m": above_m, "outlet_m": situation.outlet_m},
        )
    return None


MOVE_RULES: tuple[Rule, ...] = (_finite, _limits, _step, _rate, _budget, _service, _fresh, _resolved, _alone, _outlet)
RENEWAL_RULES: tuple[Rule, ...] = (_finite, _limits, _step, _fresh, _resolved, _alone)
