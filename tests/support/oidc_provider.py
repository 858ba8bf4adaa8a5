"""A small identity provider on this machine that signs real tokens, and lies in the ways a test asks for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "khettara", "a client's secret"


@dataclass
class FakeProvider:
    """Whom it says it is, and how it lies."""

    url: str = ""
    claims: dict[str, Any] = field(
        default_factory=lambda: {"sub": "4711", "preferred_username": "nadia", "groups": ["water-operators"]}
    )
    changes: dict[str, Any] = field(default_factory=dict)
    """Claims of the token that are not as they should be; None leaves one out."""
    sign: str = "RS256"
    """``RS256``, ``ES256``, ``none``, ``HS256`` (by the public key), ``stranger`` (by a key of somebody else's), ``damaged``."""
    issuer: str | None = None
    """Whom the discovery document names."""
    secrets_in_keys: bool = False
    down: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: int = 0
    """How many tokens were asked for."""

    def __post_init__(self) -> None:
        self.rsa = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"})
        self.ec = ECKey.generate_key("P-256", {"kid": "e1", "use": "sig"})
        self.stranger = RSAKey.generate_key(2048, {"kid": "r1"})

    def authorise(self, address: str) -> dict[str, str]:
        """What a browser brings back after its person has logged in here."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, nonce: str) -> str:
        now = int(time.time())
        claims = self.claims | {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce} | self.changes
        claims = {name: value for name, value in claims.items() if value is not None}
        match self.sign:
            case "ES256":
                return jwt.encode({"alg": "ES256", "kid": "e1"}, claims, self.ec)
            case "none":
                return f"{_part({'alg': 'none', 'kid': 'r1'})}.{_part(claims)}."
            case "HS256":
                key = b"secret" if self.secrets_in_keys else self.rsa.as_pem(private=False)  # by hand: the library would not
                signed = f"{_part({'alg': 'HS256', 'kid': 'r1'})}.{_part(claims)}"
                digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
                return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
            case "stranger":
                return jwt.encode({"alg": "RS256", "kid": "r1"}, claims, self.stranger)
            case "unknown key":
                return jwt.encode({"alg": "RS256", "kid": "r2"}, claims, self.rsa)
            case "damaged":
                good = jwt.encode({"alg": "RS256", "kid": "r1"}, claims, self.rsa).split(".")
                return ".".join((good[0], _part(claims | {"groups": ["water-admins"]}), good[2]))
            case _:
                return jwt.encode({"alg": "RS256", "kid": "r1"}, claims, self.rsa)

    def answer(self, path: str, form: dict[str, str], authorisation: str) -> tuple[int, dict[str, Any]]:
        if self.down:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            ends = {n: f"{self.url}/{n}" for n in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return 200, {"issuer": self.issuer or self.url, **ends}
        if path == "/jwks_uri":
            keys = [self.rsa.as_dict(private=False), self.ec.as_dict(private=False)]
            return 200, {"keys": keys + ([{"kty": "oct", "k": "c2VjcmV0", "kid": "r1"}] if self.secrets_in_keys else [])}
        self.asked += 1
        asked = self.codes.pop(form.get("code", ""), None)  # a code is good once
        if asked is None or authorisation != "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode():
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": self.token(asked["nonce"]), "access_token": "unused", "token_type": "Bearer"}


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@contextmanager
def identity_provider() -> Iterator[FakeProvider]:
    """It listens while the block runs."""
    provider = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*provider.answer(self.path, {}, ""))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(raw).items()}
            self._say(*provider.answer(self.path, form, self.headers.get("authorization", "")))

        def _say(self, status: int, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
