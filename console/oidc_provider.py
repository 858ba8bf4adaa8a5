"""The provider's side of an OpenID Connect log-in: its addresses, its keys, a code for a token, and the token's signature."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from console.oidc import Attempts, Identity, OidcRefused, OidcSettings, authorisation_url, check_claims, identify

MAX_BYTES = 256 * 1024
TIMEOUT_S = 10.0
KEYS_S = 300.0
"""Keys are asked for again after this long [s]."""
KEYS_LEAST_S = 10.0
"""The same when a token names a key that is not known [s]."""
PUBLIC_KINDS = frozenset({"RSA", "EC", "OKP"})
BELIEVED = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The provider's, by its own discovery document."""

    authorisation: str
    token: str
    keys: str


def is_safe(url: str) -> bool:
    """TLS, or this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


class Provider:
    """``OidcLogin`` at one provider.

    Args:
        settings: Which one.

    Raises:
        ValueError: An address without TLS, or an algorithm that is none with a public key.
    """

    def __init__(self, settings: OidcSettings) -> None:
        if not is_safe(settings.issuer) or not is_safe(settings.redirect_url):
            raise ValueError(f"{settings.issuer} and {settings.redirect_url} must begin with https://")
        if not settings.algorithms or not set(settings.algorithms) <= BELIEVED:
            raise ValueError(f"algorithms {settings.algorithms} must be among {', '.join(sorted(BELIEVED))}")
        self._settings = settings
        self._attempts = Attempts()
        self._addresses: Addresses | None = None
        self._keys: tuple[Mapping[str, Any], ...] = ()
        self._keys_at_s = float("-inf")

    async def begin(self, target: str, now_s: float) -> tuple[str, str]:
        """(id for the browser to keep, address at the provider)."""
        addresses = await self._find()
        attempt_id, attempt = self._attempts.open(target, now_s)
        return attempt_id, authorisation_url(addresses.authorisation, self._settings, attempt)

    async def finish(
        self, attempt_id: str, answer: Mapping[str, str], *, now_s: float, now: datetime
    ) -> tuple[Mapping[str, Any], str]:
        """(checked claims, where the visitor wanted to go) of what the browser brought back."""
        attempt = self._attempts.use(attempt_id, answer.get("state", ""), now_s)
        if "error" in answer or not answer.get("code"):
            raise OidcRefused("oidc_refused", f"the provider says {answer.get('error', 'nothing')!r}")
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:  # RFC 9207: an answer of another provider
            raise OidcRefused("oidc_refused", f"the answer is by {answer['iss']!r}")
        token = await self._exchange(answer["code"], attempt.verifier)
        claims = await self._verified(token, now_s)
        check_claims(claims, self._settings, nonce=attempt.nonce, now=now)
        return claims, attempt.target

    def identify(self, claims: Mapping[str, Any], zones: Sequence[str], language: str, target: str) -> Identity:
        """The user these claims are."""
        return identify(claims, self._settings, zones, language, target)

    async def _find(self) -> Addresses:
        if self._addresses is None:
            said = await self._ask("GET", f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            found = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
            if said.get("issuer") != self._settings.issuer or not all(isinstance(url, str) and is_safe(url) for url in found):
                raise OidcRefused("oidc_away", f"the provider describes itself as {said.get('issuer')!r} with {found!r}")
            self._addresses = Addresses(authorisation=str(found[0]), token=str(found[1]), keys=str(found[2]))
        return self._addresses

    async def _exchange(self, code: str, verifier: str) -> str:
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_url,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        secret = self._settings.client_secret
        basic = None if secret is None else httpx.BasicAuth(self._settings.client_id, secret)
        said = await self._ask("POST", (await self._find()).token, data=sent, auth=basic)
        token = said.get("id_token")
        if not isinstance(token, str):
            raise OidcRefused("oidc_refused", "the provider gave no id_token")
        return token

    async def _verified(self, token: str, now_s: float) -> Mapping[str, Any]:
        """The claims, if one of the provider's public keys signed them by an algorithm we believe."""
        try:
            key_id = jws.extract_compact(token.encode()).headers().get("kid")
            key = await self._key(key_id if isinstance(key_id, str) else None, now_s)
            decoded = jwt.decode(token, JWKRegistry.import_key(dict(key)), algorithms=list(self._settings.algorithms))
        except (JoseError, ValueError, TypeError, KeyError) as error:  # whatever is wrong with it, it is no token
            raise OidcRefused("oidc_refused", f"the token is not believed: {type(error).__name__}: {error}") from None
        claims: Mapping[str, Any] = decoded.claims
        return claims

    async def _key(self, key_id: str | None, now_s: float) -> Mapping[str, Any]:
        fitting = self._fitting(key_id)
        stale = now_s - self._keys_at_s >= KEYS_S
        if stale or (len(fitting) != 1 and now_s - self._keys_at_s >= KEYS_LEAST_S):
            said = (await self._ask("GET", (await self._find()).keys)).get("keys")
            self._keys = tuple(k for k in said if isinstance(k, dict)) if isinstance(said, list) else ()
            self._keys_at_s = now_s
            fitting = self._fitting(key_id)
        if len(fitting) != 1:
            raise OidcRefused("oidc_refused", f"{len(fitting)} of the provider's keys fit kid {key_id!r}")
        return fitting[0]

    def _fitting(self, key_id: str | None) -> list[Mapping[str, Any]]:
        """Public keys for signatures; a shared secret among them is none."""
        usable = [k for k in self._keys if k.get("kty") in PUBLIC_KINDS and k.get("use", "sig") == "sig"]
        return [k for k in usable if key_id is None or k.get("kid") == key_id]

    async def _ask(self, method: str, url: str, **sent: Any) -> dict[str, Any]:
        try:
            async with (
                httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client,
                client.stream(method, url, headers={"accept": "application/json"}, **sent) as answer,
            ):
                content = b""
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > MAX_BYTES:
                        raise OidcRefused("oidc_away", f"{url} answered with more than {MAX_BYTES} bytes")
            said = json.loads(content)
        except (httpx.HTTPError, ValueError) as error:
            raise OidcRefused("oidc_away", f"{url}: {type(error).__name__}: {error}") from None
        if answer.status_code != 200 or not isinstance(said, dict):
            code = "oidc_away" if answer.status_code >= 500 else "oidc_refused"
            raise OidcRefused(code, f"{url} answered {answer.status_code}")
        return said
