"""Links in messages by which a recipient acknowledges without logging in: signed, for one raise of one alert, for a few days. Pure.

GET shows, POST acknowledges: previews of links must not acknowledge anything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.notices import Notice

LIFETIME = timedelta(days=7)
_LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a valid link says."""

    recipient: str
    notice: str
    """Key of the notice it came with."""
    alert: str | None
    """Key of the alert; None for a test."""
    raised_at: datetime | None
    until: datetime


def make_link(notice: Notice, now: datetime, secret: bytes) -> str:
    """The token of a notice, for an address."""
    raised = None if notice.raised_at is None else notice.raised_at.timestamp()
    body = json.dumps([notice.recipient, notice.key, notice.alert, raised, int((now + LIFETIME).timestamp())])
    packed = base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode()
    return f"{packed}.{_seal(packed, secret)}"


def read_link(token: str, now: datetime, secret: bytes) -> Link | None:
    """What the token says; None if it is forged, damaged or too old."""
    packed, _, seal = token.partition(".")
    if len(token) > _LONGEST or not hmac.compare_digest(seal.encode(), _seal(packed, secret).encode()):
        return None
    recipient, notice, alert, raised, until = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    found = Link(
        recipient=recipient,
        notice=notice,
        alert=alert,
        raised_at=None if raised is None else datetime.fromtimestamp(raised, UTC),
        until=datetime.fromtimestamp(until, UTC),
    )
    return found if now < found.until else None


def _seal(packed: str, secret: bytes) -> str:
    digest = hmac.new(secret, b"acknowledge|" + packed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
