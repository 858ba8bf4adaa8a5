"""What the JSON API takes and gives, as the OpenAPI document describes it. Units are in the names; times are UTC.

Bodies refuse what they do not know, numbers that are none, and NUL, which no database can hold.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from console.snapshot import ActuatorNow, ZoneView
from domain.ports_commands import CommandRow, ModeRow
from domain.setpoints import Command, Expired, Failed, PredictedEffect, Proposal, Refused, Unknown, Verified


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold NUL")
    return text


Word = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$"), AfterValidator(_without_nul)]
"""A key or an id."""
Sentence = Annotated[str, Field(max_length=400, pattern=r"^[^\x00]*$"), AfterValidator(_without_nul)]
"""A reason somebody will read in the audit."""
Metres = Annotated[float, Field(allow_inf_nan=False)]


class Body(BaseModel):
    """What is sent."""

    model_config = ConfigDict(extra="forbid")


class LogIn(Body):
    """A name and its password."""

    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
    password: Annotated[str, Field(max_length=256)]


class ProposeBody(Body):
    """A wish for a setpoint [m] and why."""

    value_m: Metres
    reason: Sentence


class SelectBody(Body):
    """The proposal to select."""

    proposal_id: Word


class ExecuteBody(Body):
    """The selection to execute, and the value once more [m]."""

    selection_id: Word
    confirm_value_m: Metres


class ApproveBody(Body):
    """The value once more [m]."""

    confirm_value_m: Metres


class ReasonBody(Body):
    """Why."""

    reason: Sentence


class ModeBody(Body):
    """A mode, its length for manual [process h], and why."""

    mode: Annotated[str, Field(max_length=20, pattern=r"^[^\x00]*$")]
    hours: Annotated[int, Field(ge=0, le=1000)] | None = None
    reason: Sentence


class EmergencyBody(Body):
    """Where, for how long [process s], and why."""

    actuator: Word
    lasts_s: Annotated[float, Field(gt=0, le=7 * 86_400, allow_inf_nan=False)]
    reason: Sentence


class AcknowledgeBody(Body):
    """The alert to acknowledge."""

    key: Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]


class SessionOpened(BaseModel):
    """A session was opened; its cookie comes with the answer."""

    user: str
    csrf_token: str
    """To be sent back as header ``X-CSRF-Token`` with every POST."""


class SessionNow(SessionOpened):
    """Who is logged in."""

    role: str
    zones: list[str]
    """Zones the role holds in; empty is every zone."""


class ZonesNow(BaseModel):
    """Zones and actuators as of ``now``."""

    now: datetime
    problem: str
    """Code of what keeps the console from seeing; empty where nothing does."""
    zones: list[ZoneView]
    actuators: list[ActuatorNow]


class AlertNow(BaseModel):
    """An alert, with its text in the session's language."""

    model_config = ConfigDict(extra="allow")
    key: str
    code: str
    zone: str | None
    priority: str
    state: str
    raised_at: datetime
    updated_at: datetime
    parameters: dict[str, str]
    title: str
    rank: int
    """1 high, 2 medium, 3 low."""


class Acknowledged(BaseModel):
    """The key of the alert."""

    acknowledged: str


class CommandNow(BaseModel):
    """A command and what became of it; ``outcome`` is null while there is none, or where only the table remembers it."""

    state: str
    outcome: Verified | Refused | Expired | Failed | Unknown | None
    command: CommandRow | None


class Proposed(BaseModel):
    """No rule speaks against it now; nothing has moved."""

    proposal: Proposal
    effect: PredictedEffect


class Selected(BaseModel):
    """Reserved for this person."""

    selection_id: str
    expires_in_s: float
    """Wall seconds."""


class ReasonSaid(BaseModel):
    """Why: a stable code, and a sentence in the session's language."""

    code: str
    text: str


class ApprovalNow(BaseModel):
    """An order that waits for a second person."""

    request_id: str
    actuator: str
    value_m: float
    current_m: float | None
    asked_by: str
    reason: str
    because: list[ReasonSaid]
    expires_in_s: float
    """Wall seconds."""


class ApprovalAnswer(BaseModel):
    """The order waits, or waited."""

    approval: ApprovalNow


class Ordered(BaseModel):
    """The command is on its way: ask for its outcome."""

    command: Command


class ModeAnswer(BaseModel):
    """Who moves the actuator now."""

    mode: ModeRow


class EmergencyNow(BaseModel):
    """An emergency at one valve."""

    emergency_id: str
    actuator: str
    zone: str
    declared_by: str
    reason: str
    declared_at: datetime
    until: datetime
    confirmed_by: str | None
    in_force: bool
    """It is confirmed and not over: one step upwards may be ``allows_m``."""
    allows_m: float
    instead_of_m: float


class EmergencyAnswer(BaseModel):
    """What became of it."""

    emergency: EmergencyNow


class RefusedReason(BaseModel):
    """Why not: code, the numbers in English, the sentence in the session's language."""

    code: str
    text: str
    message: str


class Refusal(BaseModel):
    """Every reason against it. Nothing has moved, and the audit says who asked."""

    refused: list[RefusedReason]


class Problem(BaseModel):
    """What is wrong with the request, or with us."""

    error: str
    """Stable code."""
    detail: str = ""
    where: list[dict[str, Any]] | None = None
    """Of a request that does not fit: each place and what is wrong there."""
