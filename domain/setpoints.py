"""The road down: a wish (Proposal), an order (Command), and what became of it (Outcome).

    Proposal ──desk: authorise, interlocks, arbitrate──▶ Command ──signed──▶ edge ──▶ Outcome
        └──────────── Refused, with every reason ◀──────┘

Every command ends in exactly one outcome; callers ``match`` it to ``assert_never``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """Who moves an actuator."""

    MANUAL = "manual"
    """An operator, until an end time."""
    ADVISORY = "advisory"
    """The law proposes, nobody moves without an operator."""
    AUTO = "auto"
    """The law."""
    FALLBACK = "fallback"
    """The site's own safe value: data are stale or the link is gone."""


class Source(StrEnum):
    """Who wishes."""

    OPERATOR = "operator"
    LAW = "law"
    RENEWAL = "renewal"
    """The desk itself, keeping a lease alive with an unchanged value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A wish. Nothing has moved."""

    proposal_id: str
    actuator: str
    value_m: float
    source: Source
    author: str
    """User name, or name and version of the law."""
    created_at: datetime
    reason: str
    """Why, in words an operator can check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An order that passed the desk. The edge may still refuse it."""

    command_id: str
    actuator: str
    gateway: str
    device: str
    field: str
    value_m: float
    previous_m: float | None
    """What the desk believed to be set before [m]."""
    source: Source
    author: str
    issued_at: datetime
    expires_at: datetime
    """Not executed after this moment."""
    counter: int
    """Grows by at least one with every command to the gateway; never reused."""
    owner_token: int
    """Generation of the actuator's owner; an older owner never acts after a newer one."""
    lease_s: float
    """The setpoint holds for this long, then the site takes its safe value [s]."""
    key_id: str
    emergency: bool = False
    """Given in a confirmed emergency: the edge allows the larger rise."""
    witness: Witness | None = None
    """The end of the audit chain when the command was made: signed with it, it lies in the gateway's journal as a witness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """How long the audit chain was at a moment, and the hash of its last row: whoever cuts or rewrites it contradicts this."""

    sequence: int
    hash: str
    """64 hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Written and read back within tolerance."""

    command_id: str
    at: datetime
    readback_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Not executed, on purpose: by the desk or by the edge."""

    command_id: str
    at: datetime
    by: str
    """``desk`` or the gateway's node id."""
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Not executed, because its time had passed."""

    command_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Tried; the read-back says the value is not there."""

    command_id: str
    at: datetime
    detail: str
    readback_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No answer came back in time: resolved by reading, never by sending again."""

    command_id: str
    at: datetime
    detail: str


Outcome = Verified | Refused | Expired | Failed | Unknown

ALARM_PREFIX = "alarm:"
"""Ids of what a gateway tells that is the outcome of no command: ``alarm:CODE:CLAIMED ID``, in the form of a ``Refused``."""


METER_QUARANTINED, METER_RELEASED = "meter_quarantined", "meter_released"
"""Alarm codes of a meter that refuses our credentials and is left alone, and of the end of that; claimed id ``DEVICE@END``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was refused: a code for the pages' languages, and the numbers."""

    code: str
    """Stable code, e.g. ``above_limit``."""
    text: str
    """The same in plain English, with value, limit and unit."""
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    """The numbers of ``text`` by name, unit in the name: ``value_m``, ``limit_m``, ``waited_s`` …"""


def outcome_word(outcome: Outcome) -> str:
    """The one word used in tables and reports: verified, refused, expired, failed or unknown."""
    return type(outcome).__name__.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedEffect:
    """What a setpoint would do, said before anybody moves it."""

    actuator: str
    value_m: float
    current_m: float | None
    critical_m: dict[str, float]
    """Predicted pressure at each critical point of the zone [m]."""
    lowest_m: float | None
    """Least of ``critical_m``; None when no fresh critical pressure exists."""
    min_pressure_m: float
    customers_below: int
    """Connections in the zone predicted below ``min_pressure_m``."""
    leakage_change_m3h: float | None
    """Negative is water saved; None when the night flow is not known yet."""
    basis: str
    """One sentence: what the prediction rests on."""
    leakage_change_error_m3h: float | None = None
    """One standard error of ``leakage_change_m3h``, of the exponent alone."""
    energy_change_kwh_day: float | None = None
    """Energy to produce and lift the water that leaks less (negative) or more; None where no energy per m³ is configured."""
    co2_change_kg_day: float | None = None
    """The same in CO₂; None where no carbon of energy is configured."""
    customer_minutes_below_day: int | None = None
    """``customers_below`` if it stayed like this for a day; None without a fresh critical pressure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActuatorState:
    """What the desk and the pages know of an actuator now."""

    actuator: str
    mode: Mode
    mode_until: datetime | None
    owner: str
    """Who owns it now: a user name or the law's name."""
    owner_token: int
    setpoint_m: float | None
    """Last value read back from the site."""
    outlet_m: float | None
    inlet_m: float | None
    flow_m3h: float | None
    observed_at: datetime | None
    """Age of the oldest of the values above."""
    advice_m: float | None = None
    """What the law would set now."""
    advice_reason: str = ""
