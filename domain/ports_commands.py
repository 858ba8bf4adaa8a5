"""Ports of commanding: the desk's memory, orders that wait for a second person, what the actuators are and would do.

As in ``domain.ports``: only ``app`` knows both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.setpoints import ActuatorState, Command, Mode, Outcome, PredictedEffect, Proposal, Reason, Witness
from domain.two_people import ApprovalRequest, Emergency, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One link of the audit chain: ``hash`` covers every other field and the hash before it."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    body: Mapping[str, Any]
    previous_hash: bytes
    hash: bytes


class CommandStore(Protocol):
    """Durable memory of the desk. Whatever moves an actuator has an audit row before it moves."""

    async def audit(self, *, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]) -> AuditRow:
        """Appends one row to the hash chain, alone in its transaction, and returns it after COMMIT."""
        ...

    async def audit_rows(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditRow]:
        """Rows with sequence > ``after``, ascending."""
        ...

    async def audit_head(self) -> Witness | None:
        """The end of the chain; None while it is empty."""
        ...

    async def save_proposal(self, proposal: Proposal, refusals: Sequence[Reason], effect: PredictedEffect | None) -> None:
        """Keeps a proposal and what the desk said to it, with its audit row in the same transaction."""
        ...

    async def next_counter(self, gateway: str) -> int:
        """The next command counter of a gateway: durable, never given twice."""
        ...

    async def save_command(self, command: Command) -> None:
        """Keeps a command as pending, with its audit row in the same transaction, before it is sent."""
        ...

    async def finish(self, outcome: Outcome) -> bool:
        """Sets the outcome of a pending command and audits it; False if the command has one already."""
        ...

    async def pending(self) -> Sequence[Command]:
        """Commands without an outcome, oldest first."""
        ...

    async def commands(self, *, actuator: str | None = None, limit: int = 200) -> Sequence[CommandRow]:
        """Commands with their outcome, newest first."""
        ...

    async def modes(self) -> Mapping[str, ModeRow]:
        """Mode and owner of each actuator that has ever had one set."""
        ...

    async def set_mode(self, row: ModeRow, *, actor: str, at: datetime, reason: str) -> None:
        """Sets mode and owner of an actuator, with its audit row in the same transaction."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an audit row is to say; the store adds its place in the chain."""

    at: datetime
    """Process time."""
    actor: str
    action: str
    subject: str
    body: Mapping[str, Any]


class TwoPeopleStore(Protocol):
    """Orders that wait for a second person, and emergencies. They outlive the process; each change and its audit row are one."""

    async def ask(self, request: ApprovalRequest, deed: Deed) -> str | None:
        """Keeps a request; returns the id of the one of the same actuator whose place it takes."""
        ...

    async def waiting(self) -> Sequence[ApprovalRequest]:
        """Requests nobody has decided about, oldest first; some may be out of their time."""
        ...

    async def settle(self, request_id: str, verdict: Verdict, *, wall: datetime, deed: Deed) -> bool:
        """Ends a waiting request in the name of the deed's actor, once; False, and nothing changes, if it waits no more."""
        ...

    async def expire(self, *, wall: datetime, at: datetime, by: str) -> Sequence[str]:
        """Ends what is out of its time, each with its audit row; returns the ids."""
        ...

    async def tell_lost(self, *, wall: datetime, at: datetime, by: str) -> Sequence[str]:
        """Audits approvals whose order was never made because the centre stopped in between, each once; returns their ids."""
        ...

    async def declare(self, emergency: Emergency, deed: Deed) -> None:
        """Keeps an emergency; one of the same actuator that was there before ends."""
        ...

    async def confirm(self, emergency_id: str, deed: Deed) -> bool:
        """Confirms exactly this one in the name of the deed's actor; False if it is over, confirmed already, or another by now."""
        ...

    async def end(self, emergency_id: str, deed: Deed) -> bool:
        """Ends exactly this one in the name of the deed's actor; False if it is over."""
        ...

    async def emergencies(self, now: datetime) -> Sequence[Emergency]:
        """Emergencies that are not over at ``now``, confirmed or not, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """A command and what became of it."""

    command: Command
    state: str
    """``pending`` or an outcome word."""
    detail: str
    readback_m: float | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRow:
    """Who moves an actuator, until when."""

    actuator: str
    mode: Mode
    until: datetime | None
    owner: str
    owner_token: int
    """Grows by one at each change of owner."""
    returns_to: Mode = Mode.ADVISORY
    """Mode the actuator goes back to when a manual mode ends."""


class EffectPredictor(Protocol):
    """Says what a setpoint would do."""

    async def predict(self, actuator: str, value_m: float) -> PredictedEffect:
        """The effect on critical pressures, customers and leakage."""
        ...


class ActuatorView(Protocol):
    """What is known of the actuators now."""

    async def state(self, actuator: str) -> ActuatorState:
        """Mode, owner and last readings of an actuator."""
        ...

    async def states(self, actuators: Sequence[str]) -> Mapping[str, ActuatorState]:
        """The same of many at once, by key."""
        ...


class CommandSender(Protocol):
    """Takes signed commands to the gateways."""

    async def send(self, command: Command) -> None:
        """Signs and publishes. Says nothing of the outcome: that comes back by ``OutcomeListener``."""
        ...
