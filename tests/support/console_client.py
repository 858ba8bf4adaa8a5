"""Talking to the console in this process, as a browser without JavaScript would."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from console.app import create_app
from tests.support.console_services import PASSWORD, ConsoleWorld

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@asynccontextmanager
async def browser(world: ConsoleWorld) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a new console over these services."""
    transport = httpx.ASGITransport(app=create_app(world.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test", timeout=30) as client:
        yield client


async def log_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    """Through the form, token and all."""
    page = await client.get("/login")
    token = re.search(r'name="login_token" value="([^"]+)"', page.text)
    assert token is not None
    return await client.post("/login", data={"name": name, "password": password, "login_token": token.group(1), "next": "/"})


async def csrf(client: httpx.AsyncClient) -> str:
    """The session's token."""
    answer = await client.get("/api/v1/session")
    return str(answer.json()["csrf_token"])


@asynccontextmanager
async def logged_in(world: ConsoleWorld, name: str) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client with a session, and its CSRF token."""
    async with browser(world) as client:
        answer = await log_in(client, name)
        assert answer.status_code == 303, answer.text
        yield client, await csrf(client)
