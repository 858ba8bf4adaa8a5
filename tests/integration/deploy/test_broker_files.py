"""The broker's own files, in a real mosquitto: it starts on them, and lets each side say only what is its to say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from app.embedded.ports import free_port
from tests.support.mosquitto import mosquitto_binary, wait_until_listening

ROOT = Path(__file__).parents[3]
CENTRE, GATEWAY = "the-centre-secret", "the-gateway-secret"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Port of a mosquitto started by our script on our configuration, its paths and port moved to this test's folder."""
    binary = mosquitto_binary()
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed")
    port = free_port()
    text = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text(encoding="utf-8")
    text = text.replace("listener 1883\n", f"listener {port} 127.0.0.1\n")
    text = text.replace("/mosquitto/data/", f"{tmp_path}/").replace("/mosquitto/config/acl", str(ROOT / "deploy/mosquitto/acl"))
    assert "/mosquitto/data" not in text
    config = tmp_path / "mosquitto.conf"
    config.write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
    (tmp_path / "mqtt_khettara").write_text(CENTRE)
    (tmp_path / "mqtt_gateway").write_text(GATEWAY)
    environment = os.environ | {
        "SECRETS": str(tmp_path), "CONFIG": str(config), "PATH": f"{Path(binary).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(["sh", str(ROOT / "deploy/mosquitto/start.sh")], env=environment, stdout=log, stderr=log)
    try:
        wait_until_listening(port, alive=lambda: process.poll() is None, said=(tmp_path / "log").read_text)
        yield port
    finally:
        process.terminate()
        process.wait(30)
        assert GATEWAY not in (tmp_path / "passwords").read_text(), "passwords are kept as hashes"
        assert (tmp_path / "passwords").stat().st_mode & 0o077 == 0


def client(port: int, user: str, password: str) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port, username=user, password=password, protocol=aiomqtt.ProtocolVersion.V5)


async def test_nobody_enters_without_the_right_password(broker: int) -> None:
    for user, password in (("khettara", GATEWAY), ("nobody", CENTRE)):
        with pytest.raises(aiomqtt.MqttError):
            async with client(broker, user, password):
                pass
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", broker, protocol=aiomqtt.ProtocolVersion.V5):
            pass


async def test_a_gateway_speaks_up_and_cannot_order_another(broker: int) -> None:
    async with client(broker, "khettara", CENTRE) as centre, client(broker, "gateway", GATEWAY) as gateway:
        await centre.subscribe("$share/ingest/spBv1.0/#", qos=1)
        with contextlib.suppress(aiomqtt.MqttError):
            await gateway.publish("spBv1.0/demo/DCMD/gw-1/valve", b"forged", qos=1)
        for topic in ("NBIRTH/gw-1", "DBIRTH/gw-1/valve", "DDATA/gw-1/valve", "NDEATH/gw-1"):
            await gateway.publish(f"spBv1.0/demo/{topic}", b"x", qos=1)
        async with asyncio.timeout(30):
            got = [str((await anext(centre.messages)).topic) for _ in range(4)]
    assert got == [f"spBv1.0/demo/{topic}" for topic in ("NBIRTH/gw-1", "DBIRTH/gw-1/valve", "DDATA/gw-1/valve", "NDEATH/gw-1")]


async def test_a_gateway_hears_orders_and_the_centres_state(broker: int) -> None:
    async with client(broker, "khettara", CENTRE) as centre, client(broker, "gateway", GATEWAY) as gateway:
        await gateway.subscribe("spBv1.0/#", qos=1)
        await centre.publish("spBv1.0/demo/DDATA/gw-2/meter", b"not for gateways", qos=1)
        for topic in ("spBv1.0/STATE/khettara", "spBv1.0/demo/NCMD/gw-1", "spBv1.0/demo/DCMD/gw-1/valve"):
            await centre.publish(topic, b"x", qos=1)
        async with asyncio.timeout(30):
            got = [str((await anext(gateway.messages)).topic) for _ in range(3)]
    assert got == ["spBv1.0/STATE/khettara", "spBv1.0/demo/NCMD/gw-1", "spBv1.0/demo/DCMD/gw-1/valve"]
