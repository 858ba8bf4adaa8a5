"""No refusal of the broker passes in silence: each is counted by the gateway, the ingestor and the desk, whichever meets it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.certs import Service
from app.embedded.ports import free_port
from app.settings import BrokerSettings as CentreBroker
from commands.dispatch import CommandDispatch
from commands.settings import BrokerSettings as DeskBroker
from domain.clock import WallClock
from domain.inventory import build_inventory
from edge.feeder import Feeder
from edge.settings import BrokerSettings as EdgeBroker
from ingest.service import IngestService
from ingest.settings import IngestSettings
from protocols.tasks import end_tasks
from tests.integration.security.conftest import Secured
from tests.support.brokers import accepts
from tests.support.ingest_store import MemoryStore
from tests.support.mosquitto import mosquitto_binary
from tests.support.stored_town import documents
from tests.support.tls_broker import WITNESS

CLOCK = WallClock(wall=time.time)
PLUGINS = [Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib/aarch64-linux-gnu"), Path("/usr/lib"), Path("/usr/local/lib")]
Counts = Callable[[], Mapping[str, float]]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def gateway(folder: Path, *, node: str = "gw-a", **broker: Any) -> AsyncIterator[Counts]:
    """A gateway's uplink, and what it says it was denied."""
    settings = EdgeBroker(host="127.0.0.1", **broker)
    feeder = Feeder(group="demo", node=node, state_dir=folder, broker=settings, clock=CLOCK, resend_s=0.2)
    async with feeder:
        yield lambda: feeder._uplink.counters.denied


@asynccontextmanager
async def ingestor(_: Path, **broker: Any) -> AsyncIterator[Counts]:
    """An ingestor, and its metric."""
    at = {"reconnect_max_s": 0.2, **broker}
    service = IngestService(MemoryStore(), IngestSettings.model_validate({"broker": at}), CLOCK)
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    yield lambda: _denied(service)
    stop.set()
    await task


@asynccontextmanager
async def desk(_: Path, **broker: Any) -> AsyncIterator[Counts]:
    """The desk's road to the gateways, and its counter."""
    files = {key: broker.pop(key) for key in ("ca_file", "certificate_file", "key_file") if key in broker}
    settings = DeskBroker(host="127.0.0.1", tls=CentreBroker(**files).tls(), reconnect_s=0.05, reconnect_max_s=0.2, **broker)
    dispatch = CommandDispatch(
        broker=settings, private_key=Ed25519PrivateKey.generate(), inventory=build_inventory(documents()), clock=CLOCK
    )
    task = asyncio.create_task(dispatch.run())
    yield lambda: dispatch.denied
    await end_tasks([task])


def _denied(service: IngestService) -> Mapping[str, float]:
    denied = service.snapshot()["denied"]
    assert isinstance(denied, dict)
    return denied


CLIENTS: dict[str, Callable[..., AbstractAsyncContextManager[Counts]]] = {"gateway": gateway, "ingestor": ingestor, "desk": desk}


@pytest.mark.parametrize("who", CLIENTS)
@pytest.mark.parametrize("stranger", ["no certificate", "revoked"])
async def test_a_refused_certificate_is_counted_at_every_try(secured: Secured, tmp_path: Path, who: str, stranger: str) -> None:
    async with CLIENTS[who](tmp_path, port=secured.broker.port, **secured.files(stranger)) as denied:
        await until(lambda: denied().get("certificate", 0) >= 2)
        assert set(denied()) == {"certificate"}


def _told(denied: Counts, deed: str) -> bool:
    return denied().get(deed, 0) >= 2


@pytest.mark.parametrize("who", CLIENTS)
async def test_a_refused_password_and_a_refused_subscription_are_counted(who: str, tmp_path: Path) -> None:
    """On a broker that checks subscriptions, as the access list of Mosquitto 2.0 does not: its dynamic security does."""
    with dynamic_security(tmp_path) as port:
        async with asyncio.timeout(30):
            while not await accepts(port):
                await asyncio.sleep(0.02)
        secret = tmp_path / "secret"
        for word, deed in (("wrong", "connect"), ("right", "subscribe")):
            secret.write_text(word)
            password = {"password_file": secret} if who == "gateway" else {"password": word}
            async with CLIENTS[who](tmp_path / word, port=port, username="somebody", **password) as denied:
                await until(partial(_told, denied, deed))
                assert set(denied()) == {deed}


async def test_an_ingestor_that_may_not_say_it_is_there_counts_that(secured: Secured, tmp_path: Path) -> None:
    files = secured.files(Service.DESK.identity)
    async with ingestor(tmp_path, port=secured.broker.inner_port, **files) as denied:
        await until(lambda: denied().get("publish", 0) >= 1)


async def test_a_gateway_under_another_one_s_name_sees_receipts_stay_away(secured: Secured, tmp_path: Path) -> None:
    """Nobody answers a denied publication at QoS 0. The lag tells of it at once, and the good-bye at QoS 1 is answered."""
    async with secured.client(WITNESS) as witness:
        await witness.subscribe_to("#", qos=1)
        broker = EdgeBroker(host="127.0.0.1", port=secured.broker.port, **secured.files("gw-b"))
        async with Feeder(group="demo", node="gw-a", state_dir=tmp_path, broker=broker, clock=CLOCK, resend_s=0.2) as feeder:
            times = np.arange(100, dtype=np.int64) * 60_000 + 1_700_000_000_000
            await feeder.append("meter", {"flow_m3h": (times, np.arange(100.0))}, key="a")
            uplink = feeder._uplink
            await until(lambda: uplink.receipt_lag_s > 1 and uplink.published.blocks_resent >= 2)
            assert uplink.counters.connected
            assert uplink.counters.denied == {}
        assert uplink.counters.denied == {"publish": 1}
        await witness.publish("fence", qos=1)
        async with asyncio.timeout(60):
            assert (await anext(witness.messages)).topic.value == "fence", "not one message of it passed"


@contextmanager
def dynamic_security(folder: Path) -> Iterator[int]:
    """Port of a mosquitto whose one user may connect, and subscribe to nothing."""
    found = (path / "mosquitto_dynamic_security.so" for path in PLUGINS)
    plugin = next((path for path in found if path.exists()), None)
    if plugin is None:
        pytest.skip("mosquitto's dynamic security plugin is not installed: apt install mosquitto")
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", b"right", salt, 101)
    user = {
        "username": "somebody", "roles": [], "iterations": 101,
        "password": base64.b64encode(digest).decode(), "salt": base64.b64encode(salt).decode(),
    }  # fmt: skip
    access = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    (folder / "users.json").write_text(json.dumps({"defaultACLAccess": access, "clients": [user], "groups": [], "roles": []}))
    port, config = free_port(), folder / "dynamic.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\nplugin {plugin}\nplugin_opt_config_file {folder}/users.json\n"
        + ("user root\n" if os.geteuid() == 0 else "")
    )
    process = subprocess.Popen([mosquitto_binary(), "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)
