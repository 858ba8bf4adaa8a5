"""Findings, complaints and photographs over HTTP: who sees what, what is counted once, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest

from alerts.book import PLACED
from alerts.complaints import Verdict
from alerts.lifecycle import Event
from console.finding_view import bars
from console.i18n import load_texts
from console.region_map import pipe_middles, region_map, zone_at
from domain.alerts import Alert
from domain.complaints import ComplaintKind
from domain.findings import Evidence, FindingKind
from domain.network_status import NetworkStatus
from leak_detection.life import OVER_NOTES
from leak_detection.network_ends import IN_BASELINE, UNSEEN
from leak_detection.network_leaks import DOUBTED
from leak_detection.network_live import GAUGES_SILENT
from tests.support.console_client import logged_in
from tests.support.console_field import BURST, past_findings
from tests.support.console_past import NOW
from tests.support.console_services import NETWORK, ConsoleWorld, console_world, demo_geometry
from tests.support.pictures import GPS, jpeg, png

BODY: dict[str, Any] = {
    "key": "caller-0001",
    "kind": "wet_street",
    "noticed_at": NOW.isoformat(),
    "zone": "oued",
    "phone": "0661 12 34 56",
}


def burst_alert(world: ConsoleWorld) -> Alert:
    return next(a for a in world.alerts.by_key.values() if a.zone == "medina" and a.code == "leak.burst")


async def send_crew(world: ConsoleWorld, client: httpx.AsyncClient, token: str) -> str:
    """An order for the burst, by its page; its key."""
    page = (await client.get(f"/findings/{BURST}")).text
    assert "Send a crew" in page
    answer = await client.post("/orders", data={"alert": burst_alert(world).key, "csrf_token": token})
    return answer.headers["location"].removeprefix("/orders/")


async def test_a_finding_its_alert_and_its_order_lead_to_one_another() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        order = await send_crew(world, client, token)
        page = (await client.get(f"/findings/{BURST}")).text
        assert f'href="/orders/{order}"' in page
        assert "Sudden loss: probable burst" in page
        assert "Send a crew" not in page
        await client.get("/language/ar")
        again = await client.post("/orders", data={"alert": burst_alert(world).key, "csrf_token": token})
        assert again.status_code == 409
        assert "أُرسل فريق من قبل لهذا الإنذار." in again.text
        await client.get("/language/en")
        crew = (await client.get(f"/orders/{order}")).text
        assert f'href="/findings/{BURST}"' in crew
        assert "M-021" in crew, "the crew digs where the page of the finding says"
        body = (await client.get(f"/api/v1/findings/{BURST}")).json()
        assert [o["key"] for o in body["orders"]] == [order]
        assert [s["what"] for s in body["timeline"]][:3] == ["began", "found", "alert_raised"]
        assert body["timeline"][-1]["what"] == "order"


async def test_a_finding_says_everything_it_knows_in_numbers_and_words() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        page = (await client.get(f"/findings/{BURST}")).text
        for piece in ("21.5", "± 1.8 m³/h", "516", "167.4", "Fewer than 60 %", "flow step", "Inflow after the onset", "M-021"):
            assert piece in page, piece
        assert "3 different complaints" in page
        assert "0661" not in page, "nobody's number stands on a finding's page"
        body = (await client.get(f"/api/v1/findings/{BURST}?series=true")).json()
        assert body["complaints"]["verdict"] == Verdict.RAISED
        assert body["confidence"] == 0.82
        assert body["complaints"]["confidence"] > 0.82
        assert sum(p["probability"] for p in body["ranked"]) == pytest.approx(1.0)
        nights = body["series"]["nights"]
        assert len(nights) >= 12
        assert page.count('<td><bdi dir="ltr">2026-') >= len(nights), "the table holds what the chart draws"
        rows = (await client.get("/api/v1/findings")).json()
        assert {r["key"] for r in rows} == {f.key for f in past_findings(demo_geometry())}
        assert [r["key"] for r in (await client.get("/api/v1/findings?zone=oued")).json()] == ["leak:oued:2026-04-28T00:30Z"]
        assert (await client.get("/findings/nothing")).status_code == 404


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Learnt from 56 days of 7 of 8 pressure gauges."), ("fr", "Appris de 56 jours"), ("ar", "تعلّم من 56 يومًا")],
)
async def test_what_makes_places_less_sure_stands_with_the_findings(language: str, words: str) -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        await client.get(f"/language/{language}")
        page = (await client.get("/findings")).text
        assert words in page
        assert "medina.low is left out" in page
        assert "oued.low" in page
        body = (await client.get("/api/v1/network")).json()
        assert (body["gauges"], body["named"], body["repairs"], body["silent"]) == (7, 8, 2, ["oued.low"])
        assert [(v["valve"], v["change_m"], v["ordered"]) for v in body["valves"]] == [
            ("PRV-MED", 0.8, True), ("PRV-OUE", -0.9, False), ("PRV-IND", None, None)
        ]  # fmt: skip
    failed = NetworkStatus(network="network.inp", learning=True, trouble="20 days of readings")
    world.services = replace(world.services, network=lambda: failed)
    async with logged_in(world, "vera") as (client, _):
        assert "20 days of readings" in (await client.get("/findings")).text
    world.services = replace(world.services, network=None)
    async with logged_in(world, "vera") as (client, _):
        assert (await client.get("/api/v1/network")).json() is None
        assert "network-title" not in (await client.get("/findings")).text


@pytest.mark.parametrize(
    ("language", "size", "ordered", "other", "unknown"),
    [
        ("en", "−0.9 ± 0.1 m", "ordered through Khettara", "not through Khettara", "which way is not known"),
        ("fr", "−0,9 ± 0,1 m", "commandé par Khettara", "pas par Khettara", "de combien et dans quel sens"),
        ("ar", "−0,9 ± 0,1 m", "بأمر عبر Khettara", "ليس عبر Khettara", "واتجاهه غير معروفين"),
    ],
)
async def test_turned_valves_stand_with_the_findings_and_say_who_turned_them(
    language: str, size: str, ordered: str, other: str, unknown: str
) -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        await client.get(f"/language/{language}")
        page = (await client.get("/findings")).text
        rows = {row.split("<", 1)[0]: row.split("</li>")[0] for row in page.split('<li><bdi class="mono">')[1:]}
        assert size in rows["PRV-OUE"]
        assert other in rows["PRV-OUE"]
        assert ordered in rows["PRV-MED"]
        assert unknown in rows["PRV-IND"]
        assert "Khettara" not in rows["PRV-IND"]
    world.services = replace(world.services, network=lambda: replace(NETWORK, valves=()))
    async with logged_in(world, "vera") as (client, _):
        assert 'id="valves"' not in (await client.get("/findings")).text


async def test_a_finding_that_is_over_and_a_doubtful_meter_have_pages() -> None:
    world = await console_world()
    world.findings.rows = [replace(f, open=f.kind is FindingKind.METER_FAULT) for f in world.findings.rows]
    async with logged_in(world, "samira") as (client, _):
        assert "leak:oued" not in (await client.get("/findings")).text
        assert "leak:oued" in (await client.get("/findings?closed=true")).text
        for found in world.findings.rows:
            assert (await client.get(f"/findings/{found.key}")).status_code == 200
        meter = (await client.get("/findings/meter:industrie:2026-05-06T00:00Z")).text
        assert "aucune perte n’est affirmée" in meter
        assert "m³/h</small>" not in meter.split("<h2", 1)[0], "no loss is claimed"


@pytest.mark.parametrize(("content", "kind"), [(jpeg(40, 30, orientation=6), "jpeg"), (png(), "png")])
async def test_a_photograph_is_cleaned_counted_once_and_shown_to_who_may(content: bytes, kind: str) -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        order = await send_crew(world, client, token)
        address = f"/api/v1/orders/photos?key=photo-0001&order={order}&said_at=2026-05-06T09:00:00Z"
        headers = {"x-csrf-token": token, "content-type": "application/octet-stream"}
        for _ in range(3):
            answer = await client.post(address, content=content, headers=headers)
            assert (answer.status_code, answer.json()["media_type"]) == (200, f"image/{kind}")
        ((_, kept),) = world.photos.by_key.values()
        assert GPS not in kept
        shown = await client.get(f"/orders/{order}/photos/photo-0001")
        assert shown.content == kept
        assert shown.headers["content-type"] == f"image/{kind}"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert shown.headers["cache-control"] == "no-store"
        assert f"/orders/{order}/photos/photo-0001" in (await client.get(f"/orders/{order}")).text
        assert len((await client.get(f"/api/v1/orders/{order}/photos")).json()) == 1
    async with logged_in(world, "vera") as (client, _):
        assert (await client.get(f"/orders/{order}/photos/photo-0001")).status_code == 403
        assert (await client.get(f"/api/v1/orders/{order}/photos")).status_code == 403
        assert "photos/photo-0001" not in (await client.get(f"/orders/{order}")).text


async def test_what_is_no_photograph_is_refused() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        order = await send_crew(world, client, token)
        await client.get("/language/fr")
        address = f"/api/v1/orders/photos?key=photo-0001&order={order}&said_at=2026-05-06T09:00:00Z"
        cases = {413: b"\xff\xd8\xff" + b"\0" * (2 * 1024 * 1024), 415: b"<svg onload='alert(1)'/>"}
        for status, content in cases.items():
            answer = await client.post(address, content=content, headers={"x-csrf-token": token, "content-type": "image/jpeg"})
            assert answer.status_code == status
            assert "photo" in answer.json()["detail"], "a crew reads it, in its language"
        answer = await client.post(address, content=jpeg(), headers={"content-type": "image/jpeg"})
        assert answer.status_code == 403, "no token"
        odd = address.replace("photo-0001", "../../secret")
        answer = await client.post(odd, content=jpeg(), headers={"x-csrf-token": token, "content-type": "image/jpeg"})
        assert answer.status_code == 422
        assert world.photos.by_key == {}


async def test_a_complaint_is_taken_once_and_its_caller_seen_by_few() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        for _ in range(2):
            answer = await client.post("/api/v1/complaints", json=BODY, headers={"x-csrf-token": token})
            assert answer.json() == {"key": "caller-0001", "zone": "oued"}
        assert sum(c.key == "caller-0001" for c in world.complaints.by_key.values()) == 1
        rows = (await client.get("/api/v1/complaints?zone=oued")).json()
        assert rows[0]["phone"] == "0661 12 34 56"
        assert "0661 12 34 56" in (await client.get("/complaints?zone=oued")).text
    async with logged_in(world, "vera") as (client, _):
        assert all("phone" not in row for row in (await client.get("/api/v1/complaints")).json())
        page = (await client.get("/complaints")).text
        assert "0661" not in page
        assert '<form method="post" action="/complaints"' not in page
    async with logged_in(world, "leila") as (client, token):
        rows = (await client.get("/api/v1/complaints")).json()
        assert {row["zone"] for row in rows if "phone" in row} == {"medina"}
        body = BODY | {"key": "caller-0002"}
        assert (await client.post("/api/v1/complaints", json=body, headers={"x-csrf-token": token})).status_code == 403


async def test_a_form_that_cannot_be_comes_back_with_what_was_typed() -> None:
    world = await console_world()
    form = {"key": "form-00001", "kind": "noise", "noticed_at": "2026-05-06T10:00", "text": "it hisses", "phone": "061234"}
    async with logged_in(world, "samira") as (client, token):
        answer = await client.post("/complaints", data=form | {"csrf_token": token})
        assert answer.status_code == 422
        assert "Dites où" in answer.text
        assert "it hisses" in answer.text
        assert "form-00001" not in world.complaints.by_key
        right = form | {"csrf_token": token, "address": "rue 7", "x": "", "zone": ""}
        assert (await client.post("/complaints", data=right)).status_code == 303
        kept = world.complaints.by_key["form-00001"]
        assert (kept.kind, kept.address, kept.zone) == (ComplaintKind.NOISE, "rue 7", None)
        assert kept.noticed_at == NOW - timedelta(minutes=24), "the form speaks the utility's time"
        for wrong in (
            {"kind": "gold"},
            {"zone": "atlantis"},
            {"x": "east", "y": "1"},
            {"noticed_at": "soon"},
            {"noticed_at": "0001-01-01T00:00"},
        ):
            answer = await client.post("/complaints", data=right | {"key": "form-00002"} | wrong)
            assert answer.status_code == 422, wrong
        assert "form-00002" not in world.complaints.by_key


async def test_a_point_on_the_map_says_the_zone() -> None:
    world = await console_world()
    x, y = next(iter(pipe_middles(demo_geometry(), zone="oued").values()))
    body = {k: v for k, v in BODY.items() if k != "zone"} | {"x": x + 5, "y": y - 5}
    async with logged_in(world, "omar") as (client, token):
        answer = await client.post("/api/v1/complaints", json=body, headers={"x-csrf-token": token})
        assert answer.json()["zone"] == "oued"
        for wrong in ({"zone": "atlantis"}, {"x": None}, {"noticed_at": "2027-01-01T00:00:00Z"}, {"phone": "who?"}):
            answer = await client.post("/api/v1/complaints", json=BODY | {"x": x, "y": y} | wrong, headers={"x-csrf-token": token})
            assert answer.status_code == 422, wrong
        part = (await client.get("/fragments/complaint-place?zone=oued")).text
        assert "data-pick" in part
        assert "data-pick" not in (await client.get("/fragments/complaint-place?zone=atlantis")).text
    assert zone_at(demo_geometry(), x + 1e6, y) is None


def test_the_small_map_turns_a_click_back_into_a_place() -> None:
    x, y = pipe_middles(demo_geometry(), {"M-021": 1.0})["M-021"]
    drawn = region_map(demo_geometry(), "medina", places=["M-021", "nowhere"], marks=[(x, y, "wet")])
    assert drawn is not None
    (place,), (mark,) = drawn.places, drawn.marks
    assert (place.x, place.y) == (mark.x, mark.y)
    assert drawn.west + mark.x * drawn.metres == pytest.approx(x, abs=0.2 * drawn.metres)
    assert drawn.north - mark.y * drawn.metres == pytest.approx(y, abs=0.2 * drawn.metres)
    assert region_map(demo_geometry(), "atlantis") is None
    astray = region_map(demo_geometry(), "medina", marks=[(x, y, "wet"), (9e7, -9e7, "elsewhere")])
    assert astray is not None
    assert [m.label for m in astray.marks] == ["wet"]
    assert astray.metres == drawn.metres


@pytest.mark.parametrize("sd", [0.0, 0.5])
def test_evidence_stays_inside_its_drawing(sd: float) -> None:
    texts = load_texts()["en"]
    rows = [Evidence(name="flow_step", observed=o, expected=5.0, sd=sd, unit="m3/h") for o in (-40.0, 5.0, 90.0)]
    for bar in bars(texts, [*rows, Evidence(name="stuck:a.b", observed=0.0, expected=0.0, sd=0.0, unit="1")]):
        assert all(0 <= v <= 100 for v in (bar.low, bar.high, bar.expected, bar.observed))
        assert (bar.sds is None) == (bar.evidence.sd == 0)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_every_word_of_a_finding_has_its_sentence(language: str) -> None:
    entries = load_texts()[language].entries
    wanted = [f"finding_kind.{k.value}" for k in FindingKind] + [f"complaint_kind.{k.value}" for k in ComplaintKind]
    wanted += [f"heard.{v.value}" for v in Verdict] + [f"heard.short_{v.value}" for v in Verdict]
    wanted += [f"finding_cause.{c}" for c in ("leak", "meter", "slope", "boundary_valve")]
    wanted += [f"finding_note.{n}" for n in ("few_meters", "pressure_silent", "inflow_gaps", *OVER_NOTES)]
    wanted += [f"finding_note.{n}" for n in (UNSEEN, IN_BASELINE, DOUBTED, GAUGES_SILENT)]
    wanted += [f"timeline.alert_{event.__name__.lower()}" for event in get_args(Event)]
    wanted += [f"timeline.alert_{action}" for action in ("causefound", "tookover", PLACED)]
    assert [key for key in wanted if key not in entries] == []


async def test_odd_characters_are_refused_or_left_out_and_break_nothing() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, token):
        order = await send_crew(world, client, token)
        headers = {"x-csrf-token": token, "content-type": "application/json"}
        odd = r"a\u0000bc"
        said = f'{{"key": "report-0001", "order": "{order}", "kind": "note", "said_at": "2026-05-06T09:00:00Z", "note": "{odd}"}}'
        assert (await client.post("/api/v1/orders/reports", content=said, headers=headers)).status_code == 200
        assert world.services.work is not None
        (report,) = (await world.services.work.order(order) or (None, ()))[1]
        assert report.note == "abc"
        lone = await client.post("/api/v1/orders/reports", content=said.replace("u0000", "ud800"), headers=headers)
        assert lone.status_code == 422
        complaint = f'{{"key": "caller-0001", "kind": "noise", "noticed_at": "2026-05-06T09:00:00Z", "address": "{odd}"}}'
        assert (await client.post("/api/v1/complaints", content=complaint, headers=headers)).status_code == 200
        assert world.complaints.by_key["caller-0001"].address == "abc"
        for address in (
            "/findings/%00",
            "/orders/%00",
            f"/orders/{order}/photos/%00",
            "/complaints?zone=%00",
            "/api/v1/complaints?zone=x",
        ):
            assert (await client.get(address)).status_code in (400, 404), address


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["note: must have", "time of the report: must be a date", "kind: must be one of", "colour: is not known here"]),
        ("fr", ["note: doit avoir", "heure du rapport: doit être une date", "genre: doit être l’un de", "colour: n’est pas connu"]),
        ("ar", ["الملاحظة: يجب", "وقت التقرير: يجب أن يكون تاريخا", "النوع: يجب أن يكون واحدا", "colour: غير معروف"]),
    ],
)
async def test_a_report_that_does_not_fit_is_refused_in_the_language_of_who_sent_it(language: str, words: list[str]) -> None:
    world = await console_world()
    said = {"key": "12345678", "order": "x", "kind": "dance", "said_at": "today", "note": "n" * 9000, "colour": "red"}
    async with logged_in(world, "omar") as (client, token):
        await client.get(f"/language/{language}")
        answer = await client.post("/api/v1/orders/reports", json=said, headers={"x-csrf-token": token})
        assert answer.status_code == 422
        body = answer.json()
        assert all(word in body["detail"] for word in words), body["detail"]
        assert {"place": "body.said_at", "code": "datetime_from_date_parsing"}.items() <= next(
            w for w in body["where"] if w["place"] == "body.said_at"
        ).items(), "a program reads codes"
