"""Every route, pages included, with every method, as everybody: what is sent badly never ends as an error of ours."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import httpx
import pytest
from fastapi.routing import APIRoute

from console.routes import ROUTERS
from tests.support.console_stored import Served, served

NASTY = [
    "", " ", "\0", "%", "../../etc/passwd", "é" * 300, "9" * 400, "-1", "1e999", "NaN", "<b>", "' OR 1=1 --", "\ud7ff\u202e",
    "{n0}", "x" * 3000,
]  # fmt: skip
BODIES: list[tuple[str, bytes]] = [
    ("application/json", b""),
    ("application/json", b"{"),
    ("application/json", b'{"value_m": NaN, "reason": "x", "confirm_value_m": Infinity, "lasts_s": 1e999, "hours": 1e400}'),
    ("application/json", b"[" * 10_000),
    ("application/json", b'{"reason": "\\u0000", "key": "\\u0000", "note": "\\u0000", "name": "\\u0000", "password": "\\ud800"}'),
    ("application/json", b"\xff\xfe\x00"),
    ("application/json", b"9" * 5000),
    ("application/x-www-form-urlencoded", b"reason=%00&value_m=%00&zone=%00&key=%00&name=%00&alert=%00"),
    ("application/x-www-form-urlencoded", b"value_m=1e999&confirm_value_m=" + b"9" * 400 + b"&reason=x&hours=9e99&minutes=NaN"),
    ("application/x-www-form-urlencoded", b"&&&===%%%\xff"),
    ("multipart/form-data", b"no boundary"),
    (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="reason"; filename="x"\r\n\r\nf\r\n--b--\r\n',
    ),
    ("multipart/form-data; boundary=b", b"--b\r\nbroken"),
    ("image/jpeg", b"\xff\xd8\xff" + b"x" * 100),
    ("text/plain", b"hello"),
    ("", b"\x00" * 100),
]
ENDLESS = frozenset({"/events"})
ROUTES = sorted(
    {(r.path, method) for router in ROUTERS for r in router.routes if isinstance(r, APIRoute) for method in r.methods or ()}
)
EVERYBODY = ("anonymous", "viewer", "operator", "supervisor", "admin")


@pytest.fixture(scope="module")
def console() -> Iterator[Served]:
    with served() as running:
        yield running


def addresses(path: str, rng: random.Random, count: int) -> Iterator[str]:
    """The route's path with something bad in each of its places, and a bad search behind it."""
    for nasty in rng.sample(NASTY, count):
        filled = re.sub(r"\{\w+\}", quote(nasty or "x", safe="").replace("\\", ""), path)
        names = ("value_m", "hours", "before", "closed", "limit", "wait_s", "actuator", "key", "order", "said_at", "next", "zone")
        yield f"{filled}?{urlencode(dict.fromkeys(names, nasty))}"
        yield filled


def fuzz(console: Served, seed: int, *, count: int, bodies: int) -> list[tuple[str, str, str, int, bytes, str]]:
    """(who, method, address, status, what was sent, what came back) of each answer that was an error of ours."""
    rng = random.Random(seed)
    wrong: list[tuple[str, str, str, int, bytes, str]] = []
    sessions = {role: console.log_in(role) for role in EVERYBODY}
    with httpx.Client(base_url=console.url, timeout=60) as client:
        for path, allowed in ROUTES:
            if path in ENDLESS:
                continue
            methods = [allowed, rng.choice(["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])]
            for method, address in itertools.product(methods, addresses(path, rng, count)):
                role = rng.choice(EVERYBODY)
                sent = rng.sample(BODIES, bodies) if method == "POST" else [("", b"")]
                for kind, body in sent:
                    headers = sessions[role] | ({"content-type": kind} if kind else {})
                    if path == "/logout":
                        headers = {}  # nobody is to be logged out
                    answer = client.request(method, address, content=body, headers=headers)
                    if answer.status_code >= 500:
                        wrong.append((role, method, address[:200], answer.status_code, body[:80], answer.text[:200]))
    return wrong


@pytest.mark.timeout(600)
def test_nothing_sent_ends_as_an_error_of_ours(console: Served) -> None:
    assert fuzz(console, seed=1, count=1, bodies=1) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 8))
def test_the_same_for_long(console: Served, seed: int) -> None:
    assert fuzz(console, seed, count=5, bodies=8) == []
