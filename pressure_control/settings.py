"""How much room a law leaves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSettings:
    """Margins and ages, in metres and seconds."""

    reserve_m: float = 1.5
    """Standing reserve above the minimum pressure: places without a sensor may lie lower than those with one."""
    surge_m3h: float = 15.0
    """A sudden draw (burst, hydrant) that must be survived until the valve has opened."""
    valve_headroom_m: float = 3.0
    """Inlet pressure of a valve downstream above its setpoint."""
    quantile: float = 0.997
    """Share of past moments in which the head loss stayed below what was forecast plus margin."""
    look_ahead_steps: int = 3
    """How far the flow is forecast; an order acts minutes after the data it rests on, and stands until the next."""
    lift_ahead_steps: int = 0
    """A raise may at once provide for what is forecast so far ahead."""
    stale_s: float = 900.0
    """Data older than this are not used."""
    give_up_s: float = 1800.0
    """With flow or outlet pressure older than this the valve is led to its safe setpoint."""
    critical_give_up_s: float = 3600.0
    """The same for the last critical pressure."""
    quantum_m: float = 0.1
    dead_band_down_m: float = 0.3
    dead_band_up_m: float = 0.1
    rest_down_s: float = 1800.0
    """A small step down waits so long after the last move: valves wear, and the next rise often comes first."""
    small_step_m: float = 1.0
    """Steps down of this size and more do not wait."""
    lift_m: float = 0.2
    """A raise goes so much further than needed, so that the next one is not due at once."""
    follow_m: float = 1.0
    """Outlet and setpoint further apart than this: the valve does not follow."""
    follow_order_m: float = 3.0
    """No order further above the measured outlet than this while the valve does not follow."""
    proof_m: float = 1.2
    """How far a valve is raised once a day before the morning rise, to see that it still moves; 0: never."""
    proof_before_s: float = 4500.0
    """So long before the rise of the usual day this begins."""
    emergency_ramp_m: float = 5.0
    """Largest step up in a sudden draw that nothing explains."""
    emergency_raise_m: float = 6.0
    """How much further than needed a law goes in such a draw, in a very large one twice that: nothing measures where it is."""
    sensor_noise_m: float = 0.0
    """Standard deviation of the noise of a critical pressure's readings, where known."""
    packet_late_steps: int = 3
    """Steps by which a good critical pressure may be late: loggers send by packets."""
    tilt_share: float = 0.3
    """Of the height at which a critical point stood above the lowest one before regulation, kept in reserve above the minimum.

    Loggers stand at the lowest places of that time: what moves with this point, and is not measured, was then no lower than the
    lowest of them. When less flow turns the order of the points round, such a place lies below them all by up to that height."""
