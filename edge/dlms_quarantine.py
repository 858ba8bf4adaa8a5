"""Which errors of a meter forbid asking again by itself: a wrong key asked again and again locks a meter for everybody. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.errors import ConfigurationError
from protocols.dlms.errors import CounterExhausted, DlmsRefused, SecurityFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """A meter that is left alone."""

    reason: str
    """credentials, locked, not_authentic, keys or counter_exhausted."""
    detail: str
    until: datetime


def quarantine_reason(error: Exception) -> str | None:
    """The word for an error after which the meter is left alone; None where asking again does no harm."""
    match error:
        case DlmsRefused(trouble=trouble) if trouble.quarantine:
            return trouble.value
        case SecurityFailed():
            return "not_authentic"
        case CounterExhausted():
            return "counter_exhausted"
        case ConfigurationError():
            return "keys"
        case _:
            return None
