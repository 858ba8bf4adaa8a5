"""Notices: what is sent to a person about an alert, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.alerts import Priority


class NoticeKind(StrEnum):
    """Why somebody is told."""

    RAISED = "raised"
    """Something is wrong, or has become more urgent."""
    ESCALATED = "escalated"
    """It still waits for somebody to acknowledge it."""
    RETURNED = "returned"
    """What one was told of is over."""
    TEST = "test"
    """Nothing is wrong: the road to this recipient is tried."""


class NoticeState(StrEnum):
    """What became of a notice."""

    WAITING = "waiting"
    SENDING = "sending"
    """Handed over, not yet known to have arrived; tried again if that stays so."""
    SENT = "sent"
    CANCELLED = "cancelled"
    """Acknowledged or over before it was due."""
    FAILED = "failed"
    """Given up after the last try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one recipient. ``key`` says what it is about, so that nobody is told the same twice."""

    key: str
    kind: NoticeKind
    recipient: str
    language: str
    due_at: datetime
    """Not before; an escalation that is acknowledged earlier is never sent."""
    priority: Priority = Priority.HIGH
    alert: str | None = None
    """Key of the alert; None for a test."""
    raised_at: datetime | None = None
    """Which raise of the alert it is about."""
    attempts: int = 0
