"""The believable town's console on a real PostgreSQL, served by a real server in a thread: for what only those two refuse."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx

from commands.desk import Desk
from commands.second_person import SecondPersonRules
from commands.settings import DeskSettings
from console.app import create_app
from console.ports import ConsoleOptions
from console.server import serve
from storage.commands import PostgresCommands
from storage.customers import PostgresCustomers
from storage.database import Database
from storage.roles import Role
from storage.two_people import PostgresTwoPeople
from storage.users import PostgresUsers
from tests.support.console_services import PASSWORD, USERS, console_world, monotonic, password_hash, wall_now
from tests.support.postgres import fresh_database

ROLES = {"viewer": "vera", "operator": "omar", "supervisor": "samira", "admin": "adam"}
"""Somebody of each role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A console that answers at ``url``."""

    url: str

    def log_in(self, role: str) -> dict[str, str]:
        """The headers of a session: its cookie and its token; none for ``anonymous``."""
        if role == "anonymous":
            return {}
        with httpx.Client(base_url=self.url, timeout=30) as client:
            answer = client.post("/api/v1/session", json={"name": ROLES[role], "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            return {"cookie": cookie, "x-csrf-token": answer.json()["csrf_token"]}


@contextmanager
def served() -> Iterator[Served]:
    """While the block runs."""
    with fresh_database() as database:
        ready: Future[str] = Future()
        ended = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(_run(database.dsn(Role.COMMAND), ready, ended)), name="console")
        thread.start()
        try:
            yield Served(url=ready.result(timeout=60))
        finally:
            ended.set()
            thread.join()


async def _run(dsn: str, ready: Future[str], ended: threading.Event) -> None:
    try:
        async with Database(dsn, size=4) as pool:
            world = await console_world()
            store, two_people, users = PostgresCommands(pool), PostgresTwoPeople(pool), PostgresUsers(pool)
            for user in USERS.values():
                await users.save_user(user, password_hash())
            desk = Desk(
                inventory=world.services.inventory, store=store, two_people=two_people, view=world.town, predictor=world.town,
                sender=world.edge, clock=world.clock, monotonic=monotonic, wall=wall_now,
                settings=DeskSettings(second_person=SecondPersonRules(change_m=0.4)),
            )  # fmt: skip
            world.edge.desk, world.town.store = desk, None
            options = ConsoleOptions(outcome_wait_s=0.1)
            services = replace(
                world.services, commands=store, desk=desk, users=users, options=options, customers=PostgresCustomers(pool)
            )
            async with serve(create_app(services)) as url:
                ready.set_result(url)
                await asyncio.to_thread(ended.wait)
    except BaseException as error:  # raised to who waits for the address, not lost in a thread
        if ready.done():
            raise
        ready.set_exception(error)
