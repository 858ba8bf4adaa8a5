"""Logging in through the utility's own identity provider (OpenID Connect): code flow with PKCE. What is decided here is pure.

    /login/oidc ─▶ provider (state, nonce, S256) ─▶ /login/oidc/answer?code&state ─▶ token, signed ─▶ claims ─▶ user and role

An attempt belongs to one browser and is used once. A name belongs to one identity (issuer and subject): neither a local account
nor another identity's is ever taken over. Roles come from a claim, at each log-in; who has none of them gets in nowhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from commands.authorisation import ROLES
from domain.ports import User

ATTEMPT_S = 600.0
"""A log-in at the provider may take this long [wall s]."""
LEEWAY_S = 60.0
"""Clocks of two machines may differ by this much [s]."""
MAX_ATTEMPTS = 1000
EVERY_ZONE = "*"
MARK = "oidc:"
"""Begins what stands in the place of a password hash: no password ever fits it."""


class OidcRefused(Exception):
    """Nobody was logged in. ``code`` is the last part of a key ``login.oidc_…``; ``detail`` is for the log, not for the page."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """Which provider, and what its claims mean here."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    """None for a public client; PKCE is used either way."""
    redirect_url: str
    """Where the provider sends browsers back: the console's address and ``/login/oidc/answer``."""
    scopes: tuple[str, ...] = ("openid", "profile")
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    """Signatures that are believed; only such with a public key can stand here."""
    name_claim: str = "preferred_username"
    role_claim: str = "groups"
    roles: Mapping[str, str]
    """Value of the claim → our role; the highest of those found counts."""
    zones_claim: str | None = None
    """Names the zones the role holds in, ``*`` for every one; None gives every zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One log-in under way."""

    state: str
    nonce: str
    verifier: str
    target: str
    """Where the visitor wanted to go."""
    started_s: float

    @property
    def challenge(self) -> str:
        """PKCE, S256."""
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())


class Attempts:
    """Log-ins under way: each belongs to the browser that holds its id, and is used once."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Attempt] = OrderedDict()

    def open(self, target: str, now_s: float) -> tuple[str, Attempt]:
        """A new attempt, and the id its browser keeps."""
        attempt_id = secrets.token_urlsafe(32)
        attempt = Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            target=target,
            started_s=now_s,
        )
        self._waiting[attempt_id] = attempt
        while len(self._waiting) > MAX_ATTEMPTS:
            self._waiting.popitem(last=False)
        return attempt_id, attempt

    def use(self, attempt_id: str, state: str, now_s: float) -> Attempt:
        """The attempt, which nobody can use again.

        Raises:
            OidcRefused: There is none of this browser, it took too long, or the state is another's.
        """
        attempt = self._waiting.pop(attempt_id, None)
        if attempt is None or now_s - attempt.started_s >= ATTEMPT_S:
            raise OidcRefused("oidc_old", "no log-in of this browser is under way, it was used, or it took too long")
        if not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise OidcRefused("oidc_refused", "the state is not the one that was sent")
        return attempt


def authorisation_url(endpoint: str, settings: OidcSettings, attempt: Attempt) -> str:
    """Where the browser is sent to."""
    asked = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_url,
        "scope": " ".join(settings.scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def check_claims(claims: Mapping[str, Any], settings: OidcSettings, *, nonce: str, now: datetime) -> None:
    """What a token with a good signature must still say (OpenID Connect Core 1.0, 3.1.3.7).

    Raises:
        OidcRefused: It is another issuer's, for somebody else, of another log-in, or of another time.
    """
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    now_s, expires, issued = now.timestamp(), _number(claims.get("exp")), _number(claims.get("iat"))
    said = claims.get("nonce")
    checks = (
        (claims.get("iss") == settings.issuer, f"issuer {claims.get('iss')!r}, expected {settings.issuer!r}"),
        (settings.client_id in audiences, f"for {audiences!r}, not for {settings.client_id!r}"),
        (len(audiences) == 1 or claims.get("azp") == settings.client_id, f"for several, and azp is {claims.get('azp')!r}"),
        (claims.get("azp") in (None, settings.client_id), f"azp is {claims.get('azp')!r}"),
        (isinstance(said, str) and hmac.compare_digest(said.encode(), nonce.encode()), "the nonce is not the one that was sent"),
        (expires is not None and now_s < expires + LEEWAY_S, f"expired at {expires}, now is {now_s:.0f}"),
        (issued is not None and issued - LEEWAY_S <= now_s, f"issued at {issued}, now is {now_s:.0f}"),
        (isinstance(claims.get("sub"), str) and bool(claims["sub"]), "it names no subject"),
    )
    wrong = [words for holds, words in checks if not holds]
    if wrong:
        raise OidcRefused("oidc_refused", "; ".join(wrong))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the provider says it is, in our words."""

    user: User
    mark: str
    """What stands in the place of a password hash: issuer and subject."""
    target: str


def identify(claims: Mapping[str, Any], settings: OidcSettings, zones: Sequence[str], language: str, target: str) -> Identity:
    """The user these claims are.

    Args:
        claims: Checked.
        settings: What they mean.
        zones: Every zone there is.
        language: For an account that has none yet.
        target: Where the visitor wanted to go.

    Raises:
        OidcRefused: They name nobody, or nobody who may do anything here.
    """
    name = claims.get(settings.name_claim)
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 100 or not name.isprintable():
        raise OidcRefused("oidc_refused", f"{settings.name_claim} is {name!r}; it must be a name of 1 to 100 characters")
    found = [settings.roles[value] for value in _words(claims.get(settings.role_claim)) if value in settings.roles]
    if not found:
        raise OidcRefused("oidc_no_role", f"{name}: no role for {settings.role_claim} = {claims.get(settings.role_claim)!r}")
    held: frozenset[str] = frozenset()
    if settings.zones_claim is not None:
        said = set(_words(claims.get(settings.zones_claim)))
        held = frozenset() if EVERY_ZONE in said else frozenset(said & set(zones))
        if not held and EVERY_ZONE not in said:  # no zone must never come to mean every zone
            raise OidcRefused("oidc_no_role", f"{name}: none of our zones in {settings.zones_claim} = {sorted(said)!r}")
    user = User(name=name.strip(), role=max(found, key=ROLES.index), zones=held, language=language)
    return Identity(user=user, mark=f"{MARK}{settings.issuer}#{claims['sub']}", target=target)


class OidcLogin(Protocol):
    """Logging in through a provider, as the pages use it."""

    async def begin(self, target: str, now_s: float) -> tuple[str, str]:
        """(id for the browser to keep, address at the provider)."""
        ...

    async def finish(
        self, attempt_id: str, answer: Mapping[str, str], *, now_s: float, now: datetime
    ) -> tuple[Mapping[str, Any], str]:
        """(checked claims, where the visitor wanted to go) of what the browser brought back.

        Raises:
            OidcRefused: Nobody is to be logged in.
        """
        ...

    def identify(self, claims: Mapping[str, Any], zones: Sequence[str], language: str, target: str) -> Identity:
        """The user these claims are."""
        ...


def _words(value: object) -> list[str]:
    found = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [word for word in found if isinstance(word, str)]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
