"""Emergencies by pages: one declares for a zone, another confirms, every page says so, and it ends."""

from __future__ import annotations

import re

import httpx
import pytest

from commands.second_person import SecondPersonRules
from commands.settings import DeskSettings
from tests.support.console_client import logged_in
from tests.support.console_services import ConsoleWorld, console_world

FIRE = {"zone": "medina", "minutes": "60", "reason": "fire in the medina"}


async def declare(client: httpx.AsyncClient, token: str, **changes: str) -> httpx.Response:
    return await client.post("/emergencies", data={**FIRE, "csrf_token": token, **changes})


async def emergency_id(world: ConsoleWorld) -> str:
    return (await world.desk.emergencies(world.users.by_name["vera"][0]))[0].emergency_id


async def test_two_people_and_every_page_says_so() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (omar, token), logged_in(world, "samira") as (samira, other):
        assert (await declare(omar, token)).status_code == 303
        text = (await omar.get("/emergencies")).text
        assert "waits for a second person" in text
        assert "+5.0 m" in text
        assert "/confirm" not in text, "nobody confirms what they declared"
        key = await emergency_id(world)
        alone = await omar.post(f"/emergencies/{key}/confirm", data={"csrf_token": token})
        assert alone.status_code == 409
        assert f"/emergencies/{key}/confirm" in (await samira.get("/emergencies")).text
        assert (await samira.post(f"/emergencies/{key}/confirm", data={"csrf_token": other})).status_code == 303
        for page in ("/", "/audit", "/zones/oued", "/alerts"):
            banner = re.search(r'id="emergencies".*?</div>\s*</div>', (await omar.get(page)).text, re.DOTALL)
            assert banner is not None
            assert "in force" in banner.group(0), page
            assert "Old town" in banner.group(0), page
        ended = await omar.post(f"/emergencies/{key}/end", data={"csrf_token": token, "reason": "the fire is out"})
        assert ended.status_code == 303
        assert "in force" not in (await omar.get("/")).text
    assert world.store.actions()[-4:] == ["emergency.declared", "emergency.refused", "emergency.confirmed", "emergency.ended"]


@pytest.mark.parametrize("changes", [{"minutes": "9999"}, {"minutes": ""}, {"reason": " "}, {"zone": "centre"}])
async def test_what_is_missing_is_said(changes: dict[str, str]) -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        answer = await declare(client, token, **changes)
        assert answer.status_code == (
            404 if changes.get("zone") not in world.services.inventory.zones and "zone" in changes else 409
        )
        assert await world.desk.emergencies(world.users.by_name["vera"][0]) == ()


async def test_it_is_declared_where_one_holds_the_right_only() -> None:
    world = await console_world()
    async with logged_in(world, "leila") as (client, token):
        text = (await client.get("/emergencies")).text
        assert 'value="medina"' in text
        assert 'value="oued"' not in text
        assert (await declare(client, token, zone="oued")).status_code == 409
        assert world.store.actions()[-1] == "emergency.refused"


async def test_a_site_where_one_person_is_enough() -> None:
    world = await console_world(settings=DeskSettings(second_person=SecondPersonRules(emergency_alone=True)))
    async with logged_in(world, "omar") as (client, token):
        await declare(client, token)
        assert "one person, as this site allows" in (await client.get("/emergencies")).text


async def test_a_page_opens_though_the_emergencies_cannot_be_read() -> None:
    world = await console_world()
    world.town.broken = True
    async with logged_in(world, "vera") as (client, _):
        assert (await client.get("/emergencies")).status_code == 200


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
async def test_in_every_language(language: str) -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        await declare(client, token)
        await client.get(f"/language/{language}")
        text = (await client.get("/emergencies")).text
        assert world.services.inventory.zones["medina"].name(language) in text
        assert "…" not in text.partition('<main id="main"')[2]
