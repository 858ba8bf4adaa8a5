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
    command: Command, limits: Limits, *, current_m: float | None, moved_at: datetime | None, now: datetime
) -> tuple[Reason, ...]:
    """Every reason why the valve may not take the command's value now; empty if it may.

    A value that is set already is no move: no ramp and no waiting time stands against it, so that a lease can be renewed.

    Args:
        command: Already authenticated.
        limits: Of its actuator.
        current_m: What was just read back [m]; None if the device gave no value.
        moved_at: When the actuator last moved; None if never.
        now: Process time.
    """
    reasons = [*_outside(command.value_m, limits)]
    if not command.lease_s > 0:
        reasons.append(Reason(code="bad_lease", text=f"lease {command.lease_s:g} s must be above 0 s"))
    if current_m is None:
        return (*reasons, Reason(code="no_readback", text="the present setpoint cannot be read, so no step can be judged"))
    step_m = command.value_m - current_m
    if abs(step_m) > limits.resolution_m / 2:
        reasons += _too_far(step_m, limits)
        reasons += _too_soon(limits.actuator.min_interval_s, moved_at, now)
    return tuple(reasons)


def _outside(value_m: float, limits: Limits) -> list[Reason]:
    low_m = max(limits.actuator.min_m, limits.device_low_m)
    high_m = min(limits.actuator.max_m, limits.device_high_m)
    if value_m > high_m:
        return [Reason(code="above_limit", text=f"{value_m:g} m is above the limit of {high_m:g} m")]
    if value_m < low_m:
        return [Reason(code="below_limit", text=f"{value_m:g} m is below the limit of {low_m:g} m")]
    if not low_m <= value_m <= high_m:
        return [Reason(code="not_a_number", text=f"{value_m} is no pressure")]
    return []


def _too_far(step_m: float, limits: Limits) -> list[Reason]:
    # Half a step of the device is allowed on top: the value read back is rounded to it.
    slack_m = limits.resolution_m / 2 + 1e-9
    if step_m > limits.actuator.ramp_up_m + slack_m:
        return [Reason(code="ramp", text=f"a step of +{step_m:.3g} m is more than {limits.actuator.ramp_up_m:g} m upwards")]
    if -step_m > limits.actuator.ramp_down_m + slack_m:
        return [Reason(code="ramp", text=f"a step of {step_m:.3g} m is more than {limits.actuator.ramp_down_m:g} m downwards")]
    return []


def _too_soon(min_interval_s: float, moved_at: datetime | None, now: datetime) -> list[Reason]:
    if moved_at is None or now - moved_at >= timedelta(seconds=min_interval_s):
        return []
    waited_s = (now - moved_at).total_seconds()
    return [Reason(code="too_soon", text=f"the last move was {waited_s:.0f} s ago, at least {min_interval_s:g} s are needed")]
