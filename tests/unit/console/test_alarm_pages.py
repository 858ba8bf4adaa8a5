"""Alarms in the console: children behind their cause, what is kept back and why, plans, figures, and other systems' alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from console.alarm_plot import alarm_plot
from console.i18n import LANGUAGES
from domain.alerts import Alert, AlertState, Annunciation, Priority
from tests.support.console_client import browser, logged_in
from tests.support.console_past import NOW
from tests.support.console_services import INBOX_TOKEN, ConsoleWorld, console_world

BURST = "burst:medina:2026-05-06T06:14Z"


async def post(client: httpx.AsyncClient, token: str, action: str, **values: str) -> httpx.Response:
    return await client.post(f"/alerts/{action}", data={"csrf_token": token, **values})


async def with_child(world: ConsoleWorld) -> None:
    child = Alert(
        key="pressure.low:oued:1", code="pressure.low", zone="oued", priority=Priority.MEDIUM, state=AlertState.SUPPRESSED,
        raised_at=NOW, updated_at=NOW, since=NOW - timedelta(hours=9), parent=BURST, withheld_by="system",
        withheld_reason="accounted for", parameters={"pressure": "17.2 m", "minimum": "20.0 m"},
    )  # fmt: skip
    await world.alerts.save_alert(child, actor="system", action="suppressed")


async def test_an_alarm_says_cause_consequence_action_and_time_and_opens_its_children() -> None:
    world = await console_world()
    await with_child(world)
    async with logged_in(world, "samira") as (client, _):
        await client.get("/language/en")
        page = (await client.get("/alerts")).text
    for words in (
        "A main or a service has broken.",
        "streets are washed out",
        "Send a crew",
        "Act before",
        "overdue",
        "1 behind it",
    ):
        assert words in page, words
    assert page.count("came first") == 1
    assert page.index("came first") > page.index("Pressure below the minimum"), "the child that came first is marked"
    assert page.count("alert-cards") == 1
    assert page.count("/alerts/acknowledge") == 2 * 2, "two unseen alarms; a child has no button of its own"


async def test_the_short_lists_hold_what_the_long_one_holds_in_each_zone_it_stands_for() -> None:
    world = await console_world()
    await with_child(world)
    head = world.alerts.by_key[BURST]
    await world.alerts.save_alert(replace(head, areas=("medina", "oued")), actor="system", action="updated")
    async with logged_in(world, "samira") as (client, _):
        await client.get("/language/en")
        places = ("/", "/fragments/alerts", "/zones/oued", "/fragments/alerts?zone=oued")
        lists = [(await client.get(place)).text for place in places]
    for place, text in zip(places, lists, strict=True):
        assert "Sudden loss: probable burst" in text, place
        assert "Pressure below the minimum" not in text, f"{place}: a child stands behind its cause"


async def test_shelving_takes_a_reason_and_an_end_that_fits_and_comes_back() -> None:
    world = await console_world()
    async with logged_in(world, "samira") as (client, token):
        assert (await post(client, token, "shelve", key=BURST, hours="1", reason=" ")).status_code == 409
        assert (await post(client, token, "shelve", key=BURST, hours="3", reason="crew")).status_code == 409
        assert (await post(client, token, "shelve", key=BURST, hours="nan", reason="crew")).status_code == 422
        assert (await post(client, token, "shelve", key="none", hours="1", reason="crew")).status_code == 404
        assert (await post(client, token, "shelve", key=BURST, hours="1", reason="crew <is> there")).status_code == 303
        assert world.alerts.by_key[BURST].state is AlertState.SHELVED
        assert "crew" not in (await client.get("/alerts")).text
        kept = (await client.get("/alerts?kept=true")).text
        assert "crew &lt;is&gt; there" in kept
        assert (await post(client, token, "unshelve", key=BURST)).status_code == 303
        assert world.alerts.by_key[BURST].state is AlertState.UNACKNOWLEDGED


async def test_works_are_planned_shown_and_ended() -> None:
    world = await console_world()
    async with logged_in(world, "samira") as (client, token):
        await client.get("/language/en")
        plan = {"kind": "flushing", "zone": "oued", "starts_at": "", "hours": "4", "reason": "ring main"}
        assert (await post(client, token, "plans", **plan)).status_code == 303
        page = (await client.get("/alerts/plans")).text
        assert "ring main" in page
        assert "Flushing" in page
        (key,) = world.alerts.by_plan
        assert (await post(client, token, "plans/end", key=key)).status_code == 303
        assert "ring main" not in (await client.get("/alerts/plans")).text
        for wrong in (
            {"hours": "13"},
            {"hours": "0"},
            {"hours": "inf"},
            {"zone": "atlantis"},
            {"reason": ""},
            {"starts_at": "soon"},
        ):
            assert (await post(client, token, "plans", **(plan | wrong))).status_code == 409, wrong
    async with logged_in(world, "leila") as (client, token):
        assert (await post(client, token, "plans", **plan)).status_code == 403, "she holds the old town only"


async def test_a_supervisor_takes_an_alarm_out_of_service() -> None:
    world = await console_world()
    key = "meter:industrie:2026-05-06"
    async with logged_in(world, "samira") as (client, token):
        assert (await post(client, token, "take-out", key=key, hours="24", reason="meter is in the workshop")).status_code == 303
        assert world.alerts.by_key[key].state is AlertState.OUT_OF_SERVICE
        assert "meter is in the workshop" in (await client.get("/alerts/plans")).text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_figures_of_the_alarm_system_in_every_language(language: str) -> None:
    world = await console_world()
    world.alerts.told = [
        Annunciation(
            at=NOW - timedelta(hours=3, seconds=n), alert=f"a{n}", code="gateway.offline", zone=None, subject="demo/gw",
            priority=Priority.LOW,
        )
        for n in range(12)
    ]  # fmt: skip
    async with logged_in(world, "vera") as (client, _):
        await client.get(f"/language/{language}")
        page = (await client.get("/alerts/performance?days=7&operators=1")).text
        assert "EEMUA 191" in page
        assert 'class="bar-bad"' in page
        assert "✕" in page
        assert "demo/gw" in page
        assert page.count("<tr class=") == 10
        for query in ("days=0", "days=93", "operators=0", "days=x"):
            assert (await client.get(f"/alerts/performance?{query}")).status_code == 422
        quiet = await client.get("/alerts/performance?days=1&operators=100")
        assert quiet.status_code == 200


def test_the_plot_keeps_the_line_of_a_flood_in_sight_and_marks_days() -> None:
    from zoneinfo import ZoneInfo

    from alerts.performance import measure

    told = [Annunciation(at=NOW, alert="a", code="c", zone=None, subject="", priority=Priority.LOW)]
    plot = alarm_plot(measure(told, (), NOW - timedelta(days=6), NOW + timedelta(days=1)), ZoneInfo("Africa/Casablanca"))
    assert [(bar.count, bar.word) for bar in plot.bars] == [(1, "good")]
    assert all(0 <= y <= plot.height for _, y, _ in plot.lines)
    assert 5 <= len(plot.days) <= 8


HEADERS = {"authorization": f"Bearer {INBOX_TOKEN}"}
ENTRY = {
    "status": "firing", "labels": {"alertname": "PumpVibration", "zone": "medina"},
    "annotations": {"summary": "Pump 2 <b>shakes</b>"},
    "startsAt": "2026-05-06T08:00:00Z", "fingerprint": "0123456789abcdef",
}  # fmt: skip


async def test_other_systems_alerts_come_in_once_and_go() -> None:
    world = await console_world()
    async with browser(world) as client:
        for status in ("firing", "firing", "resolved"):
            body = {"version": "4", "alerts": [{**ENTRY, "status": status}]}
            answer = await client.post("/api/v1/alertmanager", json=body, headers=HEADERS)
            assert answer.status_code == 200
        assert answer.json() == {"taken": {"firing": 0, "resolved": 1}, "ignored": []}
    found = [a for a in world.alerts.by_key.values() if a.code == "external"]
    assert [(a.state, a.zone) for a in found] == [(AlertState.RETURNED_UNACKNOWLEDGED, "medina")]
    async with logged_in(world, "vera") as (client, _):
        page = (await client.get("/alerts")).text
        assert "PumpVibration" in page
        assert "Pump 2 &lt;b&gt;shakes" in page


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400), (b'{"version": NaN}', 400), (b"1" * 9000, 400),
        (b"null", 422), (b"[]", 422), (b'{"version": "4"}', 422), (b'{"version": "4", "alerts": [5]}', 422),
        (b" " * 1_000_001, 413),
    ],
)  # fmt: skip
async def test_what_is_no_webhook_is_refused_with_its_reason(content: bytes, status: int) -> None:
    world = await console_world(history=False)
    async with browser(world) as client:
        answer = await client.post("/api/v1/alertmanager", content=content, headers=HEADERS)
        assert answer.status_code == status
        assert answer.json()["detail"]
        assert world.alerts.by_key == {}


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", f"Basic {INBOX_TOKEN}", "Bearer é"])
async def test_without_the_token_nothing_is_even_read(header: str | None) -> None:
    world = await console_world(history=False)
    async with browser(world) as client:
        headers = {} if header is None else {b"authorization": header.encode("latin-1")}
        assert (
            await client.post("/api/v1/alertmanager", content=b"{", headers=headers)
        ).status_code == 401  # bytes, as they come over the wire


async def test_where_no_token_is_configured_nothing_is_taken() -> None:
    from dataclasses import replace

    world = await console_world(history=False)
    world.services = replace(world.services, inbox=None, alarms=None)
    async with browser(world) as client:
        assert (await client.post("/api/v1/alertmanager", json={}, headers=HEADERS)).status_code == 404
    async with logged_in(world, "samira") as (client, _):
        assert (await client.get("/alerts/plans")).status_code == 404
        assert (await client.get("/alerts")).status_code == 200


async def test_a_flood_fits_in_the_eye_and_can_be_sifted_by_priority() -> None:
    world = await console_world()
    burst = next(a for a in world.alerts.by_key.values() if a.code == "leak.burst")
    for n in range(20):
        world.alerts.by_key[f"x{n}"] = replace(burst, key=f"x{n}", zone="oued", priority=(Priority.LOW, Priority.HIGH)[n % 2])
    async with logged_in(world, "omar") as (client, token):
        everything, low = (await client.get("/alerts")).text, (await client.get("/alerts?rank=3")).text
        assert everything.count('<details class="about">') >= 20, "each shows its head, the rest on demand"
        assert ('value="x0"' in everything, 'value="x1"' in everything) == (True, True)
        assert ('value="x0"' in low, 'value="x1"' in low) == (True, False)
        assert 'hx-get="/alerts?rank=3"' in low, "what is fetched anew is what is looked at"
        answer = await client.post(
            "/alerts/acknowledge",
            data={"key": "x1", "csrf_token": token},
            headers={"hx-request": "true", "hx-current-url": "http://console.test/alerts?rank=3"},
        )
        assert 'value="x0"' in answer.text, "the list that was looked at"
        assert 'value="x3"' not in answer.text
        assert (await client.get("/alerts?rank=4")).status_code == 422
