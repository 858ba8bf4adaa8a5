"""Who may call what: every route times anonymous, viewer, operator; CSRF on everything that changes something."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from console.app import create_app
from console.routes import ROUTERS
from protocols.tasks import end_tasks
from tests.support.console_client import browser, logged_in
from tests.support.console_customers import RUNS
from tests.support.console_field import BURST
from tests.support.console_services import console_world

FORM = {
    "value_m": "36.5",
    "reason": "test",
    "mode": "manual",
    "hours": "1",
    "proposal_id": "x",
    "selection_id": "x",
    "confirm_value_m": "1",
}
OK, SEE, DENIED, LOGIN, ABSENT, REFUSED = 200, 303, 403, 401, 404, 409
REFUSED_FORM = 422
PHOTO = "/api/v1/orders/photos?key=12345678&order=nothing&said_at=2026-05-06T09:00:00Z"

# path: (method, address, anonymous, viewer, operator); a page sends the anonymous to the log-in form, the API says 401.
MATRIX: dict[tuple[str, str], tuple[str, int, int, int]] = {
    ("GET", "/login"): ("/login", OK, OK, OK),
    ("POST", "/login"): ("/login", DENIED, DENIED, DENIED),
    ("GET", "/language/{code}"): ("/language/en", SEE, SEE, SEE),
    ("GET", "/login/oidc"): ("/login/oidc", ABSENT, ABSENT, ABSENT),
    ("GET", "/login/oidc/answer"): ("/login/oidc/answer", ABSENT, ABSENT, ABSENT),
    ("POST", "/logout"): ("/logout", SEE, SEE, SEE),
    ("GET", "/"): ("/", SEE, OK, OK),
    ("GET", "/fragments/alerts"): ("/fragments/alerts", SEE, OK, OK),
    ("GET", "/fragments/commands"): ("/fragments/commands", SEE, OK, OK),
    ("GET", "/fragments/sparklines"): ("/fragments/sparklines", SEE, OK, OK),
    ("GET", "/fragments/advice"): ("/fragments/advice?actuator=prv_medina", SEE, OK, OK),
    ("GET", "/map.json"): ("/map.json", LOGIN, OK, OK),
    ("GET", "/zones"): ("/zones?q=old", SEE, OK, OK),
    ("GET", "/zones/{key}"): ("/zones/medina", SEE, OK, OK),
    ("GET", "/zones/{key}/band.json"): ("/zones/medina/band.json", LOGIN, OK, OK),
    ("GET", "/zones/{key}/trend.json"): ("/zones/medina/trend.json", LOGIN, OK, OK),
    ("GET", "/actuators/{key}/preview"): ("/actuators/prv_medina/preview?value_m=36.5", SEE, DENIED, OK),
    ("POST", "/actuators/{key}/propose"): ("/actuators/prv_medina/propose", SEE, DENIED, OK),
    ("POST", "/actuators/{key}/select"): ("/actuators/prv_medina/select", SEE, DENIED, OK),
    ("POST", "/actuators/{key}/execute"): ("/actuators/prv_medina/execute", SEE, DENIED, OK),
    ("POST", "/actuators/{key}/approve"): ("/actuators/prv_medina/approve", SEE, DENIED, OK),
    ("POST", "/actuators/{key}/decline"): ("/actuators/prv_medina/decline", SEE, DENIED, OK),
    ("GET", "/api/v1/approvals"): ("/api/v1/approvals", LOGIN, OK, OK),
    ("POST", "/api/v1/approvals/{request_id}/approve"): ("/api/v1/approvals/x/approve", LOGIN, DENIED, REFUSED),
    ("POST", "/api/v1/approvals/{request_id}/decline"): ("/api/v1/approvals/x/decline", LOGIN, DENIED, REFUSED),
    ("POST", "/actuators/{key}/mode"): ("/actuators/prv_medina/mode", SEE, DENIED, OK),
    ("GET", "/commands/{command_id}"): ("/commands/past0001", SEE, OK, OK),
    ("GET", "/alerts"): ("/alerts", SEE, OK, OK),
    ("POST", "/alerts/acknowledge"): ("/alerts/acknowledge", SEE, DENIED, SEE),
    ("GET", "/emergencies"): ("/emergencies", SEE, OK, OK),
    ("GET", "/fragments/emergencies"): ("/fragments/emergencies", SEE, OK, OK),
    ("POST", "/emergencies"): ("/emergencies", SEE, DENIED, ABSENT),
    ("POST", "/emergencies/{emergency_id}/confirm"): ("/emergencies/x/confirm", SEE, DENIED, REFUSED),
    ("POST", "/emergencies/{emergency_id}/end"): ("/emergencies/x/end", SEE, DENIED, REFUSED),
    ("POST", "/alerts/shelve"): ("/alerts/shelve", SEE, DENIED, SEE),
    ("POST", "/alerts/unshelve"): ("/alerts/unshelve", SEE, DENIED, SEE),
    ("POST", "/alerts/reset"): ("/alerts/reset", SEE, DENIED, REFUSED),
    ("POST", "/alerts/take-out"): ("/alerts/take-out", SEE, DENIED, DENIED),
    ("GET", "/alerts/plans"): ("/alerts/plans", SEE, OK, OK),
    ("POST", "/alerts/plans"): ("/alerts/plans", SEE, DENIED, REFUSED),
    ("POST", "/alerts/plans/end"): ("/alerts/plans/end", SEE, DENIED, ABSENT),
    ("GET", "/alerts/performance"): ("/alerts/performance", SEE, OK, OK),
    ("POST", "/api/v1/alertmanager"): ("/api/v1/alertmanager", LOGIN, LOGIN, LOGIN),
    ("GET", "/audit"): ("/audit", SEE, OK, OK),
    ("GET", "/fleet"): ("/fleet", SEE, OK, OK),
    ("GET", "/events"): ("/events", LOGIN, OK, OK),
    ("GET", "/healthz"): ("/healthz", OK, OK, OK),
    ("GET", "/orders"): ("/orders", SEE, OK, OK),
    ("POST", "/orders"): ("/orders", SEE, DENIED, ABSENT),
    ("GET", "/orders-worker.js"): ("/orders-worker.js", OK, OK, OK),
    ("GET", "/orders/{key}"): ("/orders/nothing", SEE, ABSENT, ABSENT),
    ("GET", "/api/v1/orders"): ("/api/v1/orders", LOGIN, OK, OK),
    ("POST", "/api/v1/orders/photos"): (PHOTO, LOGIN, DENIED, ABSENT),
    ("GET", "/orders/{key}/photos/{photo}"): ("/orders/nothing/photos/x", SEE, ABSENT, ABSENT),
    ("GET", "/api/v1/orders/{key}/photos"): ("/api/v1/orders/nothing/photos", LOGIN, ABSENT, ABSENT),
    ("GET", "/findings"): ("/findings", SEE, OK, OK),
    ("GET", "/customers"): ("/customers", SEE, DENIED, OK),
    ("GET", "/customers/{key}"): (f"/customers/{RUNS}", SEE, DENIED, OK),
    ("GET", "/api/v1/customers"): ("/api/v1/customers", LOGIN, DENIED, OK),
    ("GET", "/api/v1/customers/{key}"): (f"/api/v1/customers/{RUNS}", LOGIN, DENIED, OK),
    ("GET", "/findings/{key}"): (f"/findings/{BURST}", SEE, OK, OK),
    ("GET", "/api/v1/findings"): ("/api/v1/findings", LOGIN, OK, OK),
    ("GET", "/api/v1/network"): ("/api/v1/network", LOGIN, OK, OK),
    ("GET", "/api/v1/findings/{key}"): (f"/api/v1/findings/{BURST}", LOGIN, OK, OK),
    ("GET", "/complaints"): ("/complaints", SEE, OK, OK),
    ("POST", "/complaints"): ("/complaints", SEE, DENIED, REFUSED_FORM),
    ("GET", "/fragments/complaint-place"): ("/fragments/complaint-place?zone=medina", SEE, OK, OK),
    ("GET", "/api/v1/complaints"): ("/api/v1/complaints", LOGIN, OK, OK),
    ("POST", "/api/v1/complaints"): ("/api/v1/complaints", LOGIN, DENIED, OK),
    ("POST", "/api/v1/orders/reports"): ("/api/v1/orders/reports", LOGIN, DENIED, ABSENT),
    ("GET", "/a/{token}"): ("/a/forged.link", ABSENT, ABSENT, ABSENT),
    ("POST", "/a/{token}"): ("/a/forged.link", ABSENT, ABSENT, ABSENT),
    ("POST", "/api/v1/session"): ("/api/v1/session", 401, 401, 401),
    ("GET", "/api/v1/session"): ("/api/v1/session", LOGIN, OK, OK),
    ("GET", "/api/v1/openapi.json"): ("/api/v1/openapi.json", LOGIN, OK, OK),
    ("GET", "/api"): ("/api", SEE, OK, OK),
    ("GET", "/api/v1/emergencies"): ("/api/v1/emergencies", LOGIN, OK, OK),
    ("POST", "/api/v1/emergencies"): ("/api/v1/emergencies", LOGIN, DENIED, 201),
    ("POST", "/api/v1/emergencies/{emergency_id}/confirm"): ("/api/v1/emergencies/x/confirm", LOGIN, DENIED, REFUSED),
    ("POST", "/api/v1/emergencies/{emergency_id}/end"): ("/api/v1/emergencies/x/end", LOGIN, DENIED, REFUSED),
    ("GET", "/api/v1/zones"): ("/api/v1/zones", LOGIN, OK, OK),
    ("GET", "/api/v1/alerts"): ("/api/v1/alerts", LOGIN, OK, OK),
    ("POST", "/api/v1/alerts/acknowledge"): ("/api/v1/alerts/acknowledge", LOGIN, DENIED, OK),
    ("GET", "/api/v1/commands"): ("/api/v1/commands", LOGIN, OK, OK),
    ("GET", "/api/v1/commands/{command_id}"): ("/api/v1/commands/past0001", LOGIN, OK, OK),
    ("GET", "/api/v1/actuators/{key}/preview"): ("/api/v1/actuators/prv_medina/preview?value_m=36.5", LOGIN, DENIED, OK),
    ("POST", "/api/v1/actuators/{key}/propose"): ("/api/v1/actuators/prv_medina/propose", LOGIN, DENIED, OK),
    ("POST", "/api/v1/actuators/{key}/select"): ("/api/v1/actuators/prv_medina/select", LOGIN, DENIED, REFUSED),
    ("POST", "/api/v1/actuators/{key}/execute"): ("/api/v1/actuators/prv_medina/execute", LOGIN, DENIED, REFUSED),
    ("POST", "/api/v1/actuators/{key}/mode"): ("/api/v1/actuators/prv_medina/mode", LOGIN, DENIED, OK),
}
SUPERVISORS = {("POST", "/alerts/take-out"): SEE}
"""Where a supervisor's answer is another than an operator's."""
ALERT = "burst:medina:2026-05-06T06:14Z"
JSON: dict[str, dict[str, Any]] = {
    "/api/v1/session": {"name": "samira", "password": "wrong"},
    "/api/v1/alerts/acknowledge": {"key": ALERT},
    "/api/v1/alertmanager": {"version": "4", "alerts": []},
    PHOTO: {},
    "/api/v1/complaints": {"key": "12345678", "kind": "noise", "noticed_at": "2026-05-06T09:00:00Z", "zone": "medina"},
    "/api/v1/orders/reports": {"key": "12345678", "order": "nothing", "kind": "note", "said_at": "2026-05-06T09:00:00Z"},
    "/api/v1/actuators/prv_medina/propose": {"value_m": 36.5, "reason": "test"},
    "/api/v1/actuators/prv_medina/select": {"proposal_id": "x"},
    "/api/v1/actuators/prv_medina/execute": {"selection_id": "x", "confirm_value_m": 36.5},
    "/api/v1/emergencies": {"actuator": "prv_medina", "lasts_s": 3600, "reason": "test"},
    "/api/v1/emergencies/x/confirm": {},
    "/api/v1/emergencies/x/end": {"reason": "test"},
    "/api/v1/approvals/x/approve": {"confirm_value_m": 36.5},
    "/api/v1/approvals/x/decline": {"reason": "test"},
    "/api/v1/actuators/prv_medina/mode": {"mode": "manual", "hours": 1, "reason": "test"},
}


def test_every_route_stands_in_the_matrix() -> None:
    routes = {(m, r.path) for router in ROUTERS for r in router.routes if isinstance(r, APIRoute) for m in r.methods or ()}
    assert routes == set(MATRIX)


async def test_the_application_has_no_route_beside_them() -> None:
    """What is not in ``ROUTERS`` would not be in the matrix either: FastAPI's own pages, a route or a mount added by hand."""
    app = create_app((await console_world()).services)
    included = [route.original_router for route in app.routes if hasattr(route, "original_router")]
    assert {id(router) for router in included} == {id(router) for router in ROUTERS}
    others = [route for route in app.routes if not hasattr(route, "original_router")]
    assert [getattr(route, "path", "") for route in others] == ["/static"]


async def ask(client: httpx.AsyncClient, method: str, address: str, token: str) -> int:
    """One request, with a token; an event stream is only opened."""
    if address == "/events":
        return await opened(client)
    if method == "GET":
        return (await client.get(address)).status_code
    if address.startswith("/api/"):
        return (await client.post(address, json=JSON[address], headers={"x-csrf-token": token})).status_code
    return (await client.post(address, data={**FORM, "key": ALERT, "csrf_token": token})).status_code


async def opened(client: httpx.AsyncClient) -> int:
    """The status an endless answer starts with."""
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    transport: Any = client._transport
    headers = [(k.lower(), v) for k, v in client.build_request("GET", "/events").headers.raw]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/events",
        "raw_path": b"/events",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers,
        "client": ("t", 1),
        "server": ("t", 80),
    }

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and not seen.done():
            seen.set_result(message["status"])

    task = asyncio.create_task(transport.app(scope, receive, send))
    try:
        return await asyncio.wait_for(seen, 20)
    finally:
        await end_tasks([task])


async def test_anonymous() -> None:
    world = await console_world()
    async with browser(world) as client:
        for (method, _), (address, expected, _, _) in MATRIX.items():
            assert await ask(client, method, address, "none") == expected, (method, address)


@pytest.mark.parametrize(("name", "column"), [("vera", 2), ("omar", 3), ("samira", 3), ("adam", 3)])
async def test_roles(name: str, column: int) -> None:
    """Supervisors and administrators may do what operators may, and what ``SUPERVISORS`` names."""
    others = SUPERVISORS if name in ("samira", "adam") else {}
    world = await console_world()
    async with logged_in(world, name) as (client, token):
        for (method, path), row in MATRIX.items():
            if path != "/logout":
                expected = others.get((method, path), row[column])
                assert await ask(client, method, str(row[0]), token) == expected, (method, row[0])
        assert await ask(client, "POST", "/logout", token) == SEE


async def test_a_viewer_is_offered_no_commands() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        page = (await client.get("/zones/medina")).text
        assert "/propose" not in page
        assert "/mode" not in page
        assert "Acknowledge" not in (await client.get("/alerts")).text


async def test_an_operator_of_one_zone_operates_there_only() -> None:
    world = await console_world()
    async with logged_in(world, "leila") as (client, token):
        assert "/actuators/prv_medina/propose" in (await client.get("/zones/medina")).text
        assert "/propose" not in (await client.get("/zones/oued")).text
        body = {"value_m": 30.5, "reason": "test"}
        answer = await client.post("/api/v1/actuators/prv_oued/propose", json=body, headers={"x-csrf-token": token})
        assert answer.status_code == 409
        assert [r["code"] for r in answer.json()["refused"]] == ["zone_not_held"]
        key = {"key": "creeping:oued:2026-04-28"}
        answer = await client.post("/api/v1/alerts/acknowledge", json=key, headers={"x-csrf-token": token})
        assert answer.status_code == 403


@pytest.mark.parametrize("token", ["", "wrong", "x" * 43])
async def test_nothing_changes_without_the_token(token: str) -> None:
    world = await console_world()
    async with logged_in(world, "samira") as (client, _):
        for (method, path), (address, _, _, _) in MATRIX.items():
            if method == "POST" and path not in ("/login", "/api/v1/session", "/a/{token}", "/api/v1/alertmanager"):
                assert await ask(client, method, address, token) == 403, address
        assert (await client.get("/")).status_code == 200, "and the session still stands"


async def test_the_token_of_another_session_does_not_do() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (one, _), logged_in(world, "omar") as (_, other):
        answer = await one.post("/alerts/acknowledge", data={"key": ALERT, "csrf_token": other})
        assert answer.status_code == 403


async def test_a_role_taken_away_counts_at_once() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, _):
        del world.users.by_name["omar"]
        assert (await client.get("/")).status_code == 303
        assert (await client.get("/api/v1/zones")).status_code == 401


async def test_headers() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, _):
        for address in ("/", "/login", "/static/js/main.js", "/api/v1/zones", "/nowhere"):
            answer = await client.get(address)
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "default-src 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == ("no-cache" if address.startswith("/static") else "no-store"), address


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/findings",
        "/customers",
        f"/customers/{RUNS}",
        f"/findings/{BURST}",
        "/complaints",
        "/zones/medina",
        "/alerts",
        "/audit",
        "/fleet",
        "/commands/past0001",
        "/login",
    ],
)
async def test_pages_hold_nothing_the_policy_forbids(address: str) -> None:
    world = await console_world()
    async with logged_in(world, "samira") as (client, _):
        text = (await client.get(address)).text
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text
        assert "onclick" not in text
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
