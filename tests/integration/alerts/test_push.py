"""Alerts to machines: through the outbox with its retries, to a receiver here, and to a real Alertmanager where there is one."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.alertmanager import OWN_LABEL, as_pushed
from alerts.conditions import Condition
from alerts.notices import notices_of
from alerts.notifier import DeliveryFailed, Message, Notifier
from alerts.recipients import Channel, ChannelKind, NotifyPlan, Recipient, Step
from alerts.service import Alerts
from app.alert_push import push_alert
from app.apprise_delivery import deliver_by_apprise
from console.app import create_app
from console.server import serve
from domain.alerts import Alert, AlertState, Priority
from domain.clock import WallClock
from storage.alerts import PostgresAlerts
from storage.database import Database
from storage.notices import PostgresNotices
from tests.support.console_services import INBOX_TOKEN, console_world
from tests.support.notice_sink import Sink

NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
PEOPLE = NotifyPlan(
    recipients={key: Recipient(key=key, channel=key, language="en") for key in ("am", "hook")},
    channels={
        "am": Channel(key="am", kind=ChannelKind.ALERTMANAGER, url_env="AM"),
        "hook": Channel(key="hook", kind=ChannelKind.WEBHOOK_V4, url_env="HOOK"),
    },
    steps=(Step(to=("am", "hook")),),
    console_url="https://console.example.ma",
)
BROKEN = Condition(code="gateway.offline", subject="demo/gw", active=True, priority=Priority.HIGH)


def service(pool: Database) -> Alerts:
    return Alerts(
        store=PostgresAlerts(pool),
        clock=WallClock(wall=NOW.timestamp),
        authorise=lambda _user, _right, _zone: None,
        notices=lambda alert, action: notices_of(alert, action, PEOPLE, {}, UTC),
    )


def notifier(pool: Database, sink: Sink) -> Notifier:
    return Notifier(
        outbox=PostgresNotices(pool),
        alerts=PostgresAlerts(pool),
        plan=PEOPLE,
        deliver=deliver_by_apprise,
        push=push_alert,
        wording=lambda _notice, alert: Message(title="Gateway silent", body="-" if alert is None else alert.key),
        secret=b"s" * 32,
        local=UTC,
        environment={"AM": sink.plain_url.removesuffix("/hook"), "HOOK": sink.plain_url},
    )


async def test_pushes_are_tried_again_and_say_when_it_is_over(pool: Database, sink: Sink) -> None:
    alerts, sender = service(pool), notifier(pool, sink)
    await alerts.on_condition(BROKEN, NOW)
    sink.status = 503
    await sender.tick(NOW)
    sink.status = 200
    assert sink.bodies == []
    await sender.tick(NOW + timedelta(minutes=2))
    await alerts.on_condition(replace(BROKEN, active=False), NOW + timedelta(minutes=5))
    await sender.tick(NOW + timedelta(minutes=6))
    pushed = [body for path, body in sink.bodies if path == "/api/v2/alerts"]
    hooked = [body for path, body in sink.bodies if path == "/hook"]
    assert len(pushed) == len(hooked) == 2
    (first,), (last,) = pushed  # lists of one alert each
    assert first["labels"] == last["labels"]
    assert (first["startsAt"], last["endsAt"]) == ("2026-05-06T09:00:00.000Z", "2026-05-06T09:05:00.000Z")
    assert first["generatorURL"] == "https://console.example.ma/alerts"
    assert [body["status"] for body in hooked] == ["firing", "resolved"]
    assert len({body["groupKey"] for body in hooked}) == 2
    assert len({key for _, _, key in sink.taken}) == 4


async def test_a_machine_that_is_away_is_told_of_by_its_name_not_by_its_address(sink: Sink) -> None:
    with pytest.raises(DeliveryFailed, match="not reached: ConnectError") as failed:
        await push_alert("http://user:hidden@127.0.0.1:9/x", body={}, key="k")
    assert "hidden" not in str(failed.value)
    sink.status = 401
    with pytest.raises(DeliveryFailed, match="answered 401"):
        await push_alert(sink.plain_url, body={}, key="k")


PEER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


@contextmanager
def alertmanager(folder: Path, console: str) -> Iterator[str]:
    """A real one, which sends its webhook to the console; its address."""
    config = folder / "alertmanager.yml"
    config.write_text(
        "route: {receiver: khettara, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 2s}\n"
        f"receivers: [{{name: khettara, webhook_configs: [{{url: '{console.rstrip('/')}/api/v1/alertmanager', send_resolved: true, "
        f"http_config: {{authorization: {{type: Bearer, credentials: {INBOX_TOKEN}}}}}}}]}}]\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = [f"--config.file={config}", f"--storage.path={folder}", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        peer = subprocess.Popen([str(PEER), *flags, "--cluster.listen-address="], stderr=log, stdout=log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            peer.terminate()
            peer.wait(30)


@pytest.mark.skipif(PEER is None, reason="no Alertmanager is installed (Debian: prometheus-alertmanager)")
async def test_a_real_alertmanager_takes_ours_and_brings_its_own(tmp_path: Path) -> None:
    world = await console_world(history=False)
    now = datetime.now(UTC)
    ours = Alert(
        key="leak:medina:1", code="leak.burst", zone="medina", priority=Priority.HIGH, state=AlertState.UNACKNOWLEDGED,
        raised_at=now, updated_at=now, since=now - timedelta(minutes=30),
    )  # fmt: skip
    theirs = {"labels": {"alertname": "PumpVibration", "zone": "medina"}, "startsAt": now.isoformat()}
    async with serve(create_app(world.services)) as url, httpx.AsyncClient() as client:
        with alertmanager(tmp_path, url) as peer:
            await until(lambda: ready(client, peer))
            await push_alert(f"{peer}/api/v2/alerts", body=[as_pushed(ours, "Burst", "", now), theirs], key="k")
            held = (await client.get(f"{peer}/api/v2/alerts")).json()
            assert {a["labels"].get(OWN_LABEL) for a in held} == {"leak:medina:1", None}
            await until(lambda: states(world.alerts.by_key.values(), AlertState.UNACKNOWLEDGED))
            over = theirs | {"endsAt": datetime.now(UTC).isoformat()}
            await push_alert(f"{peer}/api/v2/alerts", body=[over], key="k")
            await until(lambda: states(world.alerts.by_key.values(), AlertState.RETURNED_UNACKNOWLEDGED))
    assert [action for _, _, action, _ in world.alerts.log] == ["raised", "returned"]


async def ready(client: httpx.AsyncClient, peer: str) -> bool:
    try:
        return (await client.get(f"{peer}/-/ready")).is_success
    except httpx.HTTPError:  # not listening yet
        return False


async def states(alerts: Any, state: AlertState) -> bool:
    return [a.state for a in alerts if a.code == "external"] == [state]


async def until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.1)
