"""Sessions: kept on the server, named by a signed cookie. Pure but for randomness: time is an argument.

They live in this process's memory: a restart of the console asks everybody to log in again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

_MAX_SESSIONS = 5_000


@dataclass(slots=True, kw_only=True)
class Session:
    """One log-in of one user."""

    session_id: str
    user_name: str
    csrf_token: str
    """Must come back with every request that changes something."""
    started_s: float
    seen_s: float


class SessionStore:
    """Opens, finds and closes sessions.

    Args:
        secret: At least 32 bytes; signs the cookie.
        lifetime_s: Seconds after which a session ends whatever happens.
        idle_s: Seconds without a request after which it ends.

    Raises:
        ValueError: The secret is too short.
    """

    def __init__(self, secret: bytes, *, lifetime_s: float, idle_s: float) -> None:
        if len(secret) < 32:
            raise ValueError(f"the session secret must have at least 32 bytes, got {len(secret)}")
        self._secret = secret
        self._lifetime_s = lifetime_s
        self._idle_s = idle_s
        self._sessions: dict[str, Session] = {}

    def open(self, user_name: str, now_s: float) -> Session:
        """A new session, never one that existed before the log-in."""
        self._prune(now_s)
        session = Session(
            session_id=secrets.token_urlsafe(32),
            user_name=user_name,
            csrf_token=secrets.token_urlsafe(32),
            started_s=now_s,
            seen_s=now_s,
        )
        self._sessions[session.session_id] = session
        return session

    def cookie(self, session: Session) -> str:
        """The cookie's value: id and signature."""
        return f"{session.session_id}.{self.sign('session', session.session_id)}"

    def find(self, cookie: str | None, now_s: float) -> Session | None:
        """The live session a cookie names, or None."""
        if not cookie or "." not in cookie:
            return None
        session_id, _, signature = cookie.rpartition(".")
        if not self.signed("session", session_id, signature):
            return None
        session = self._sessions.get(session_id)
        if session is None:
            return None
        if self._over(session, now_s):
            del self._sessions[session_id]
            return None
        session.seen_s = now_s
        return session

    def alive(self, session_id: str, now_s: float) -> bool:
        """Whether the session still holds; does not count as activity."""
        session = self._sessions.get(session_id)
        return session is not None and not self._over(session, now_s)

    def close(self, session: Session) -> None:
        """Ends a session."""
        self._sessions.pop(session.session_id, None)

    def sign(self, purpose: str, value: str) -> str:
        """HMAC-SHA-256 of a value for one purpose, as hexadecimal."""
        return hmac.new(self._secret, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()

    def signed(self, purpose: str, value: str, signature: str) -> bool:
        """Whether the signature is ours."""
        return hmac.compare_digest(self.sign(purpose, value).encode(), signature.encode())

    def _over(self, session: Session, now_s: float) -> bool:
        return now_s - session.started_s >= self._lifetime_s or now_s - session.seen_s >= self._idle_s

    def _prune(self, now_s: float) -> None:
        for session in [s for s in self._sessions.values() if self._over(s, now_s)]:
            del self._sessions[session.session_id]
        while len(self._sessions) >= _MAX_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda k: self._sessions[k].seen_s)]
