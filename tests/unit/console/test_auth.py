from __future__ import annotations

import json

import pytest

from console.routes.auth import local_path
from tests.support.console_client import browser, log_in, logged_in
from tests.support.console_services import PASSWORD, console_world


async def test_the_right_password_opens_a_session_with_a_guarded_cookie() -> None:
    world = await console_world()
    async with browser(world) as client:
        answer = await log_in(client, "samira")
        cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("khettara_session="))
        assert answer.headers["location"] == "/"
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "Secure" not in cookie, "there is no TLS here"
        assert (await client.get("/")).status_code == 200


async def test_over_tls_the_cookie_is_secure() -> None:
    world = await console_world()
    async with browser(world) as client:
        client.base_url = "https://console.test"
        answer = await log_in(client, "samira")
        assert all("Secure" in c for c in answer.headers.get_list("set-cookie") if "session=" in c and "Max-Age=0" not in c)
        assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize(("name", "password"), [("samira", "wrong"), ("nobody", PASSWORD), ("", ""), ("samira", "x" * 5000)])
async def test_a_wrong_name_or_password_gives_the_same_answer(name: str, password: str) -> None:
    world = await console_world()
    async with browser(world) as client:
        answer = await log_in(client, name, password)
        assert answer.status_code == 401
        assert "Nom ou mot de passe incorrect" in answer.text
        assert "khettara_session" not in client.cookies


async def test_five_failures_lock_even_the_right_password_out() -> None:
    world = await console_world()
    async with browser(world) as client:
        answers = [(await log_in(client, "samira", "wrong")).status_code for _ in range(5)]
        assert answers == [401, 401, 401, 401, 429]
        assert (await log_in(client, "Samira")).status_code == 429
        assert (await log_in(client, "samira")).status_code == 429
        assert (await log_in(client, "omar")).status_code == 303, "others may go on"


async def test_a_form_from_elsewhere_does_not_log_in() -> None:
    world = await console_world()
    async with browser(world) as client:
        data = {"name": "samira", "password": PASSWORD, "login_token": "forged"}
        assert (await client.post("/login", data=data)).status_code == 403
        await client.get("/login")
        assert (await client.post("/login", data=data)).status_code == 403


async def test_a_log_in_by_json_needs_json() -> None:
    world = await console_world()
    async with browser(world) as client:
        body = json.dumps({"name": "samira", "password": PASSWORD})
        plain = await client.post("/api/v1/session", content=body, headers={"content-type": "text/plain"})
        assert plain.status_code in (415, 422)
        answer = await client.post("/api/v1/session", json={"name": "samira", "password": PASSWORD})
        assert answer.status_code == 200
        assert (await client.get("/api/v1/session")).json()["csrf_token"] == answer.json()["csrf_token"]


async def test_logging_out_ends_the_session_on_the_server() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        kept = client.cookies["khettara_session"]
        await client.post("/logout", data={"csrf_token": token})
        client.cookies.set("khettara_session", kept, domain="console.test")
        assert (await client.get("/")).status_code == 303


async def test_a_tampered_cookie_is_no_session() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, _):
        value = client.cookies["khettara_session"]
        client.cookies.clear()
        client.cookies.set("khettara_session", value[:-1] + ("0" if value[-1] != "0" else "1"), domain="console.test")
        assert (await client.get("/")).status_code == 303


async def test_after_the_log_in_one_goes_where_one_wanted() -> None:
    world = await console_world()
    async with browser(world) as client:
        answer = await client.get("/zones/medina")
        assert answer.headers["location"] == "/login?next=/zones/medina"
        assert 'name="next" value="/zones/medina"' in (await client.get(answer.headers["location"])).text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\r\nb"]
)
def test_nobody_is_sent_elsewhere(target: str) -> None:
    assert local_path(target) == "/"


def test_an_address_here_is_kept() -> None:
    assert local_path("/zones/medina?x=1") == "/zones/medina?x=1"


async def test_the_language_is_kept_and_turns_the_page() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, _):
        assert '<html lang="en" dir="ltr">' in (await client.get("/")).text, "the account's language"
        answer = await client.get("/language/ar?next=/fleet")
        assert answer.headers["location"] == "/fleet"
        assert '<html lang="ar" dir="rtl">' in (await client.get("/fleet")).text
        await client.get("/language/xx")
        assert 'lang="ar"' in (await client.get("/")).text
