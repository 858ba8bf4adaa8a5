"""What takes two people: an order that waits for the second, and an emergency that one declares and another confirms.

Both outlive the process that took them; what they say never changes once said, only who decided about it and how.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.setpoints import Proposal, Reason


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: capitals and blanks make no second one."""
    return one.strip().casefold() == other.strip().casefold()


class Verdict(StrEnum):
    """How a request ended. A request ends once."""

    APPROVED = "approved"
    DECLINED = "declined"
    REPLACED = "replaced"
    """A newer request for the same actuator took its place."""
    REFUSED = "refused"
    """A second person approved, and a rule spoke against it."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """An order that one person gave and that waits for another. Nothing has moved, nothing is reserved.

    The second person's yes is to exactly this: actuator, value, and the owner at the time.
    """

    request_id: str
    """That of its proposal, and of the command it becomes."""
    proposal: Proposal
    asked_by: str
    current_m: float | None
    """The setpoint the first person saw [m]."""
    owner_token: int
    """Generation of the actuator's owner when it was asked for."""
    because: tuple[Reason, ...]
    """Why it takes two."""
    asked_at: datetime
    """Wall time, UTC: it is people who are waited for."""
    ends_at: datetime
    """Wall time, UTC; not approved from then on."""

    def waits_at(self, wall: datetime) -> bool:
        """Whether it can still be approved. A clock that was set back behind the asking ends it too."""
        return self.asked_at <= wall < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """An emergency at one actuator."""

    emergency_id: str
    actuator: str
    declared_by: str
    reason: str
    declared_at: datetime
    """Process time, like every time here: it is the water's emergency."""
    until: datetime
    confirmed_by: str | None = None
    """Another person, ``measurement``, or ``policy`` where the site lets one person do; None while it is not confirmed."""

    def holds(self, now: datetime) -> bool:
        """Whether the larger rise is allowed now."""
        return self.confirmed_by is not None and self.declared_at <= now < self.until
