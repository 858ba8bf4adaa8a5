"""The edge's own rules for a command: the last line before the valve. Pure, and the same for operators and laws.

Who asked is not asked here; the desk has. Here it is only whether the valve may move there now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.setpoints import Command, Reason
from edge.settings import ActuatorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The narrower of the site's limits and what the device itself takes, in metres of head."""

    actuator: ActuatorSettings
    device_low_m: float
    device_high_m: float
    resolution_m: float
    """Smallest step the device can show; two values nearer than half of it are the same."""


def misdirected(command: Command, *, edge: str, device: str) -> Reason | None:
    """Why a command is not for this gateway or not for the device whose topic brought it."""
    if command.gateway != edge:
        return Reason(code="wrong_gateway", text=f"the command is for gateway {command.gateway}, this is {edge}")
    if command.device != device:
        return Reason(code="wrong_device", text=f"the command is for device {command.device}, it came on the topic of {device}")
    return None


def check_move(
    command: Command, limits: Limits, *, current_m: float | None, moved_at: datetime | None, now: datetime, moves_in_day: int = 0
) -> tuple[Reason, ...]:
    """Every reason why the valve may not take the command's value now; empty if it may.

    A value that is set already is no move: no ramp and no waiting time stands against it, so that a lease can be renewed.

    Args:
        command: Already authenticated.
        limits: Of its actuator.
        current_m: What was just read back [m]; None if the device gave no value.
        moved_at: When the actuator last moved; None if never.
        now: Process time.
        moves_in_day: Moves in the last 24 h.
    """
    reasons = [*_outside(command.value_m, limits)]
    if not command.lease_s > 0:
        text = f"lease {command.lease_s:g} s must be above 0 s"
        reasons.append(Reason(code="bad_lease", text=text, parameters={"lease_s": command.lease_s}))
    if current_m is None:
        return (*reasons, Reason(code="no_readback", text="the present setpoint cannot be read, so no step can be judged"))
    step_m = command.value_m - current_m
    if abs(step_m) > limits.resolution_m / 2:
        reasons += _too_far(step_m, limits, emergency=command.emergency)
        reasons += _too_often(step_m, limits.actuator.max_moves_per_day, moves_in_day)
        reasons += _too_soon(limits.actuator.min_interval_s, moved_at, now)
    return tuple(reasons)


def _outside(value_m: float, limits: Limits) -> list[Reason]:
    low_m = max(limits.actuator.min_m, limits.device_low_m)
    high_m = min(limits.actuator.max_m, limits.device_high_m)
    if value_m > high_m:
        text = f"{value_m:g} m is above the limit of {high_m:g} m"
        return [Reason(code="above_limit", text=text, parameters={"value_m": value_m, "limit_m": high_m})]
    if value_m < low_m:
        text = f"{value_m:g} m is below the limit of {low_m:g} m"
        return [Reason(code="below_limit", text=text, parameters={"value_m": value_m, "limit_m": low_m})]
    if not low_m <= value_m <= high_m:
        return [Reason(code="not_a_number", text=f"{value_m} is no pressure")]
    return []


def _too_far(step_m: float, limits: Limits, *, emergency: bool) -> list[Reason]:
    # Half a step of the device is allowed on top: the value read back is rounded to it.
    slack_m = limits.resolution_m / 2 + 1e-9
    own = limits.actuator
    up_m = max(own.ramp_up_m, own.ramp_up_emergency_m) if emergency else own.ramp_up_m
    if step_m > up_m + slack_m:
        text = f"a step of +{step_m:.3g} m is more than {up_m:g} m upwards"
        return [Reason(code="ramp", text=text, parameters={"step_m": step_m, "limit_m": up_m})]
    if -step_m > own.ramp_down_m + slack_m:
        text = f"a step of {step_m:.3g} m is more than {own.ramp_down_m:g} m downwards"
        return [Reason(code="ramp", text=text, parameters={"step_m": step_m, "limit_m": own.ramp_down_m})]
    return []


def _too_often(step_m: float, budget: int, moves_in_day: int) -> list[Reason]:
    """Only lowering is held back: water must not wait for a budget, and what is not lowered need not be raised."""
    if step_m > 0 or moves_in_day < budget:
        return []
    text = f"the valve has moved {moves_in_day} times in 24 h; after {budget} moves it is not lowered any more"
    return [Reason(code="move_budget", text=text, parameters={"moves": float(moves_in_day), "limit": float(budget)})]


def _too_soon(min_interval_s: float, moved_at: datetime | None, now: datetime) -> list[Reason]:
    if moved_at is None or now - moved_at >= timedelta(seconds=min_interval_s):
        return []
    waited_s = (now - moved_at).total_seconds()
    text = f"the last move was {waited_s:.0f} s ago, at least {min_interval_s:g} s are needed"
    return [Reason(code="too_soon", text=text, parameters={"waited_s": waited_s, "limit_s": min_interval_s})]
