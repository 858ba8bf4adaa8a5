"""The way from a wish to an outcome, by forms and by JSON, over the real desk."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from commands.second_person import SecondPersonRules
from domain.setpoints import Mode
from tests.support.console_client import logged_in
from tests.support.console_services import console_world

HX = {"hx-request": "true"}


def hidden(text: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None, text
    return html.unescape(found.group(1))


async def propose(
    client: httpx.AsyncClient, token: str, value: str, actuator: str = "prv_medina", headers: dict[str, str] | None = None
) -> str:
    data = {"value_m": value, "reason": "evening peak", "csrf_token": token}
    answer = await client.post(f"/actuators/{actuator}/propose", data=data, headers=HX if headers is None else headers)
    assert answer.status_code == 200
    return html.unescape(answer.text)


async def test_the_whole_way_by_parts() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        text = await propose(client, token, "36,5")
        assert "<html" not in text, "htmx gets a part"
        assert "Connections below minimum" in text
        data = {"csrf_token": token, "proposal_id": hidden(text, "proposal_id"), "value_m": "36,5", "reason": "evening peak"}
        text = (await client.post("/actuators/prv_medina/select", data=data, headers=HX)).text
        assert "reserved for you" in text
        assert re.search(r'data-countdown="(29|30)', text)
        data = {"csrf_token": token, "selection_id": hidden(text, "selection_id"), "confirm_value_m": "36.50"}
        text = (await client.post("/actuators/prv_medina/execute", data=data, headers=HX)).text
        command_id = world.edge.sent[0].command_id
        assert f'hx-get="/commands/{command_id}"' in text
        text = (await client.get(f"/commands/{command_id}", headers=HX)).text
        assert 'data-outcome="verified"' in text
        assert "36.50" in text
        assert world.town.setpoint_m["prv_medina"] == 36.5


async def test_the_whole_way_without_scripts() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        page = await propose(client, token, "36.5", headers={})
        assert "<html" in page
        data = {"csrf_token": token, "proposal_id": hidden(page, "proposal_id"), "value_m": "36.5", "reason": "evening peak"}
        page = (await client.post("/actuators/prv_medina/select", data=data)).text
        data = {"csrf_token": token, "selection_id": hidden(page, "selection_id"), "confirm_value_m": "36.5"}
        answer = await client.post("/actuators/prv_medina/execute", data=data)
        assert answer.status_code == 303
        page = (await client.get(answer.headers["location"])).text
        assert "Verified" in page
        assert "omar" in page


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("60", "60.00 m is above the limit of 45.00 m."),
        ("10", "10.00 m is below the limit of 22.00 m."),
        ("34", "A step of −3.00 m from 37.00 m exceeds the largest fall of 1.00 m."),
        ("abc", "This is no number"),
        ("nan", "This is no number"),
        ("", "This is no number"),
    ],
)
async def test_a_refusal_names_its_reason(value: str, said: str) -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        text = await propose(client, token, value)
        assert said in text
        assert "Refused" in text
        assert "proposal_id" not in text, "nothing to select"


async def test_a_refusal_speaks_the_page_s_language() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        await client.get("/language/fr")
        assert "60,00 m dépasse la limite de 45,00 m." in await propose(client, token, "60")
        await client.get("/language/ar")
        assert "60,00 م فوق الحد البالغ 45,00 م." in await propose(client, token, "60")


async def test_no_reason_no_proposal() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        data = {"value_m": "36.5", "reason": "  ", "csrf_token": token}
        answer = await client.post("/actuators/prv_medina/propose", data=data, headers=HX)
        assert "Say why" in answer.text
        assert not world.store.proposals


async def test_a_value_typed_wrongly_may_be_typed_again() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        text = await propose(client, token, "36.5")
        data = {"csrf_token": token, "proposal_id": hidden(text, "proposal_id"), "value_m": "36.5", "reason": "r"}
        text = (await client.post("/actuators/prv_medina/select", data=data, headers=HX)).text
        selection = hidden(text, "selection_id")
        data = {"csrf_token": token, "selection_id": selection, "confirm_value_m": "35.6", "value_m": "36.5", "reason": "r"}
        text = (await client.post("/actuators/prv_medina/execute", data=data, headers=HX)).text
        assert "The value typed again was 35.6 m; selected is 36.50 m." in text
        assert hidden(text, "selection_id") == selection
        assert not world.edge.sent
        data["confirm_value_m"] = "36.5"
        await client.post("/actuators/prv_medina/execute", data=data, headers=HX)
        assert [c.value_m for c in world.edge.sent] == [36.5]


async def test_one_operator_s_selection_is_no_other_s() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (one, token), logged_in(world, "samira") as (two, other):
        text = await propose(one, token, "36.5")
        proposal = {"proposal_id": hidden(text, "proposal_id"), "value_m": "36.5", "reason": "r"}
        text = (await one.post("/actuators/prv_medina/select", data={**proposal, "csrf_token": token}, headers=HX)).text
        selection = {"selection_id": hidden(text, "selection_id"), "confirm_value_m": "36.5"}
        answer = await two.post("/actuators/prv_medina/select", data={**proposal, "csrf_token": other}, headers=HX)
        assert "Un autre opérateur" in html.unescape(answer.text)
        answer = await two.post("/actuators/prv_medina/execute", data={**selection, "csrf_token": other}, headers=HX)
        assert "Un autre opérateur" in html.unescape(answer.text)
        assert not world.edge.sent


async def test_a_failed_command_says_so() -> None:
    world = await console_world()
    world.edge.answer = "failed"
    async with logged_in(world, "omar") as (client, token):
        headers = {"x-csrf-token": token}
        body = (
            await client.post("/api/v1/actuators/prv_medina/propose", json={"value_m": 36.5, "reason": "r"}, headers=headers)
        ).json()
        assert body["effect"]["customers_below"] == 0
        chosen = {"proposal_id": body["proposal"]["proposal_id"]}
        body = (await client.post("/api/v1/actuators/prv_medina/select", json=chosen, headers=headers)).json()
        assert 0 < body["expires_in_s"] <= 30
        order = {"selection_id": body["selection_id"], "confirm_value_m": 36.5}
        answer = await client.post("/api/v1/actuators/prv_medina/execute", json=order, headers=headers)
        assert answer.status_code == 202
        command_id = answer.json()["command"]["command_id"]
        found = (await client.get(f"/api/v1/commands/{command_id}?wait_s=20")).json()
        assert found["state"] == "failed"
        page = (await client.get(f"/commands/{command_id}")).text
        assert "does not read it back" in page
        assert "the register holds the old value" in page


async def test_an_answer_that_does_not_come_is_waited_for() -> None:
    world = await console_world()
    world.edge.answer = "silence"
    async with logged_in(world, "omar") as (client, token):
        text = await propose(client, token, "36.5")
        data = {"csrf_token": token, "proposal_id": hidden(text, "proposal_id")}
        text = (await client.post("/actuators/prv_medina/select", data=data, headers=HX)).text
        data = {"csrf_token": token, "selection_id": hidden(text, "selection_id"), "confirm_value_m": "36.5"}
        await client.post("/actuators/prv_medina/execute", data=data, headers=HX)
        text = (await client.get(f"/commands/{world.edge.sent[0].command_id}", headers=HX)).text
        assert "waiting for the answer" in text
        assert "hx-get" in text, "and asks again"


async def test_stale_data_switch_the_commands_off() -> None:
    world = await console_world()
    world.town.lag_s = 1800
    async with logged_in(world, "omar") as (client, token):
        page = (await client.get("/zones/medina")).text
        assert re.search(r'<fieldset data-needs-live="prv_medina"[^>]* disabled', page)
        assert "is-stale" in page
        assert "The measurements are 1\u202f800 s old; at most 900 s is allowed." in await propose(client, token, "36.5")


async def test_preview_shows_what_would_fall_below_the_minimum() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, _):
        text = html.unescape((await client.get("/actuators/prv_medina/preview?value_m=24")).text)
        assert 'class="bad"' in text
        assert "▼" in text
        assert "customer-minutes a day" in text
        assert re.search(r"Leakage\s*\u2212\d+ ± \d+ m³/d", re.sub(r"<[^>]+>", "", text))
        assert (await client.get("/actuators/prv_medina/preview?value_m=")).text.strip() == ""
        assert "no number" in (await client.get("/actuators/prv_medina/preview?value_m=x")).text
        assert not world.store.proposals, "a preview keeps nothing"


async def test_modes() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        data = {"csrf_token": token, "mode": "manual", "hours": "4", "reason": "works in the street"}
        assert "The mode is set." in (await client.post("/actuators/prv_oued/mode", data=data, headers=HX)).text
        row = (await world.store.modes())["prv_oued"]
        assert (row.mode, row.owner) == (Mode.MANUAL, "omar")
        assert row.until is not None
        assert (row.until - world.clock.now()).total_seconds() == 4 * 3600
        for wrong, said in (
            ({"hours": "99"}, "Manual needs an end"),
            ({"hours": ""}, "Manual needs an end"),
            ({"mode": "fallback"}, "cannot be chosen"),
            ({"mode": "auto"}, "Your role may look, not do this"),
            ({"reason": ""}, "Say why"),
        ):
            text = (await client.post("/actuators/prv_oued/mode", data={**data, **wrong}, headers=HX)).text
            assert said in text, wrong


async def test_a_supervisor_may_hand_over_to_the_law() -> None:
    world = await console_world()
    async with logged_in(world, "samira") as (client, token):
        body = {"mode": "auto", "reason": "calm weather"}
        answer = await client.post("/api/v1/actuators/prv_oued/mode", json=body, headers={"x-csrf-token": token})
        assert answer.json()["mode"]["mode"] == "auto"
        assert (await world.store.modes())["prv_oued"].mode is Mode.AUTO


@pytest.mark.parametrize("address", ["/zones/nowhere", "/commands/none", "/actuators/none/preview?value_m=1", "/nothing"])
async def test_what_does_not_exist_is_said_to_be_absent(address: str) -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, _):
        answer = await client.get(address)
        assert answer.status_code == 404
        assert "Not found" in answer.text


async def test_reasons_are_shown_as_text() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        data = {"value_m": "<b>1</b>", "reason": '"><script>alert(1)</script>', "csrf_token": token}
        text = (await client.post("/actuators/prv_medina/propose", data=data, headers=HX)).text
        assert "<script>" not in text
        assert "<b>1" not in text


async def test_two_people_by_forms_and_by_json() -> None:
    world = await console_world()
    object.__setattr__(world.desk._settings, "second_person", SecondPersonRules(change_m=0.1))
    async with logged_in(world, "omar") as (omar, token), logged_in(world, "samira") as (samira, samiras_token):
        text = await propose(omar, token, "36.5")
        assert "takes two people" in text, "said before anybody selects"
        data = {"csrf_token": token, "proposal_id": hidden(text, "proposal_id"), "value_m": "36.5", "reason": "evening peak"}
        text = (await omar.post("/actuators/prv_medina/select", data=data, headers=HX)).text
        data = {"csrf_token": token, "selection_id": hidden(text, "selection_id"), "confirm_value_m": "36.5"}
        text = html.unescape((await omar.post("/actuators/prv_medina/execute", data=data, headers=HX)).text)
        assert "takes two people" in text
        assert "/approve" not in text
        assert world.edge.sent == []
        (waiting,) = (await samira.get("/api/v1/approvals")).json()
        assert (waiting["asked_by"], waiting["value_m"]) == ("omar", 36.5)
        assert [r["code"] for r in waiting["because"]] == ["second_person_change"]
        own = await omar.post(
            f"/api/v1/approvals/{waiting['request_id']}/approve", json={"confirm_value_m": 36.5}, headers={"X-CSRF-Token": token}
        )
        assert "same_person" in own.text
        page = html.unescape((await samira.get("/zones/medina")).text)
        assert "/actuators/prv_medina/approve" in page
        data = {"csrf_token": samiras_token, "request_id": waiting["request_id"], "confirm_value_m": "36.5"}
        text = (await samira.post("/actuators/prv_medina/approve", data=data, headers=HX)).text
        assert [c.value_m for c in world.edge.sent] == [36.5]
        assert f'hx-get="/commands/{world.edge.sent[0].command_id}"' in text
