"""Logging in through an identity provider: a real one on this machine, honest first, then lying in every way that matters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from console.oidc import Attempts, OidcRefused, OidcSettings
from tests.support.console_client import browser, log_in
from tests.support.console_services import ConsoleWorld, console_world

pytest.importorskip("joserfc", reason="logging in through an identity provider needs khettara[oidc]")

from console.oidc_provider import Provider
from tests.support.oidc_provider import CLIENT, SECRET, FakeProvider, identity_provider

BACK = "https://console.test/login/oidc/answer"
ROLES = {"water-viewers": "viewer", "water-operators": "operator", "water-admins": "admin"}


@pytest.fixture(scope="module")
def running() -> Iterator[FakeProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: FakeProvider) -> FakeProvider:
    fresh: dict[str, Any] = FakeProvider.__dataclass_fields__
    running.claims, running.changes, running.sign = fresh["claims"].default_factory(), {}, "RS256"  # it has one
    running.issuer, running.secrets_in_keys, running.down, running.asked = None, False, False, 0
    return running


def settings(provider: FakeProvider, **changes: Any) -> OidcSettings:
    base = OidcSettings(issuer=provider.url, client_id=CLIENT, client_secret=SECRET, redirect_url=BACK, roles=ROLES)
    return replace(base, **changes)


@asynccontextmanager
async def console(provider: FakeProvider, **changes: Any) -> AsyncIterator[tuple[ConsoleWorld, httpx.AsyncClient]]:
    world = await console_world()
    world.services = replace(world.services, oidc=Provider(settings(provider, **changes)))
    async with browser(world) as client:
        yield world, client


async def come_back(provider: FakeProvider, client: httpx.AsyncClient, target: str = "/") -> httpx.Response:
    """The whole way of one log-in."""
    sent = await client.get("/login/oidc", params={"next": target})
    assert sent.status_code == 303, sent.text
    return await client.get("/login/oidc/answer", params=provider.authorise(sent.headers["location"]))


@pytest.mark.parametrize("sign", ["RS256", "ES256"])
async def test_who_is_known_there_gets_in_with_the_role_of_the_claim(provider: FakeProvider, sign: str) -> None:
    provider.sign = sign
    async with console(provider) as (world, client):
        assert 'href="/login/oidc?next=/"' in (await client.get("/login")).text
        answer = await come_back(provider, client, "/alerts")
        assert answer.status_code == 200
        assert 'content="0;url=/alerts"' in answer.text
        cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("khettara_session="))
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        who = (await client.get("/api/v1/session")).json()
        assert (who["user"], who["role"], who["zones"]) == ("nadia", "operator", [])
        assert world.store.actions()[-1] == "user.saved"
        assert world.users.by_name["nadia"][1] == f"oidc:{provider.url}#4711"


LIES: dict[str, dict[str, Any]] = {
    "another log-in's nonce": {"changes": {"nonce": "another"}},
    "no nonce": {"changes": {"nonce": None}},
    "for another client": {"changes": {"aud": "somebody-else"}},
    "for several, not by us": {"changes": {"aud": [CLIENT, "other"]}},
    "by us for another": {"changes": {"azp": "other"}},
    "of another issuer": {"changes": {"iss": "https://elsewhere.example"}},
    "expired": {"changes": {"exp": 1_700_000_000}},
    "no end": {"changes": {"exp": None}},
    "of tomorrow": {"changes": {"iat": 4_000_000_000}},
    "of nobody": {"changes": {"sub": None}},
    "alg none": {"sign": "none"},
    "a public key as a shared secret": {"sign": "HS256"},
    "signed by a stranger": {"sign": "stranger"},
    "by a key that is not there": {"sign": "unknown key"},
    "claims put under another signature": {"sign": "damaged"},
    "a shared secret among the keys": {"sign": "HS256", "secrets_in_keys": True},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_a_token_that_is_not_right_logs_nobody_in(provider: FakeProvider, lie: dict[str, Any]) -> None:
    for name, value in lie.items():
        setattr(provider, name, value)
    async with console(provider) as (world, client):
        answer = await come_back(provider, client)
        assert answer.status_code == 401
        assert "khettara_session" not in client.cookies
        assert (await client.get("/api/v1/session")).status_code == 401
        assert "nadia" not in world.users.by_name


async def test_an_answer_is_good_once_and_for_one_browser(provider: FakeProvider) -> None:
    async with console(provider) as (_, client):
        sent = await client.get("/login/oidc")
        cookie = client.cookies["khettara_oidc"]
        brought = provider.authorise(sent.headers["location"])
        async with httpx.AsyncClient(transport=client._transport, base_url="http://console.test") as stranger:
            assert (await stranger.get("/login/oidc/answer", params=brought)).status_code == 403, "not this browser's"
        assert (await client.get("/login/oidc/answer", params=brought)).status_code == 200
        client.cookies.set("khettara_oidc", cookie)
        assert (await client.get("/login/oidc/answer", params=brought)).status_code == 403, "used"
        assert provider.asked == 1


async def test_a_forged_state_is_refused_and_ends_the_attempt(provider: FakeProvider) -> None:
    async with console(provider) as (_, client):
        sent = await client.get("/login/oidc")
        brought = provider.authorise(sent.headers["location"])
        assert (await client.get("/login/oidc/answer", params={**brought, "state": "forged"})).status_code == 401
        assert (await client.get("/login/oidc/answer", params=brought)).status_code == 403
        assert provider.asked == 0


@pytest.mark.parametrize("extra", [{"error": "access_denied"}, {"iss": "https://elsewhere.example"}, {"code": ""}])
async def test_the_provider_says_no_or_another_answers(provider: FakeProvider, extra: dict[str, str]) -> None:
    async with console(provider) as (_, client):
        brought = provider.authorise((await client.get("/login/oidc")).headers["location"])
        assert (await client.get("/login/oidc/answer", params={**brought, **extra})).status_code == 401
        assert provider.asked == 0


async def test_a_name_is_never_taken_over(provider: FakeProvider) -> None:
    async with console(provider) as (world, client):
        before = world.users.by_name["samira"]
        provider.claims["preferred_username"] = "samira"
        assert (await come_back(provider, client)).status_code == 403
        assert world.users.by_name["samira"] == before
        provider.claims["preferred_username"] = "nadia"
        assert (await come_back(provider, client)).status_code == 200
        provider.claims["sub"] = "4712"
        assert (await come_back(provider, client)).status_code == 403, "another person of the same name"


async def test_the_role_is_that_of_today_and_none_is_none(provider: FakeProvider) -> None:
    async with console(provider) as (world, client):
        await come_back(provider, client)
        provider.claims["groups"] = ["water-viewers", "tennis"]
        await come_back(provider, client)
        assert world.users.by_name["nadia"][0].role == "viewer"
        provider.claims["groups"] = ["tennis"]
        assert (await come_back(provider, client)).status_code == 403


@pytest.mark.parametrize(
    ("said", "status", "zones"),
    [(["medina", "elsewhere"], 200, {"medina"}), ("*", 200, set()), (["elsewhere"], 403, None), (None, 403, None)],
)
async def test_no_zone_never_means_every_zone(provider: FakeProvider, said: Any, status: int, zones: set[str] | None) -> None:
    provider.claims["water_zones"] = said
    async with console(provider, zones_claim="water_zones") as (world, client):
        assert (await come_back(provider, client)).status_code == status
        assert (world.users.by_name["nadia"][0].zones == zones) if zones is not None else ("nadia" not in world.users.by_name)


async def test_no_password_opens_such_an_account_and_local_ones_stay(provider: FakeProvider) -> None:
    async with console(provider) as (world, client):
        await come_back(provider, client)
        mark = world.users.by_name["nadia"][1]
        for password in ("", mark, "correct horse"):
            assert (await log_in(client, "nadia", password)).status_code == 401
        provider.down = True
        assert (await log_in(client, "samira")).status_code == 303


async def test_a_provider_that_is_away_or_another_is_said_so(provider: FakeProvider) -> None:
    provider.down = True
    async with console(provider) as (_, client):
        assert (await client.get("/login/oidc")).status_code == 503
        provider.down, provider.issuer = False, "https://elsewhere.example"
        assert (await client.get("/login/oidc")).status_code == 503
        provider.issuer = None
        assert (await come_back(provider, client)).status_code == 200


def test_an_attempt_ends() -> None:
    attempts = Attempts()
    key, attempt = attempts.open("/", 0.0)
    with pytest.raises(OidcRefused):
        attempts.use(key, attempt.state, 600.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithms": ("none",)},
        {"algorithms": ("HS256",)},
        {"algorithms": ()},
        {"issuer": "http://sso.example"},
        {"redirect_url": "http://console.example/x"},
    ],
)
def test_settings_that_cannot_be_safe_are_refused(provider: FakeProvider, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Provider(settings(provider, **changes))
