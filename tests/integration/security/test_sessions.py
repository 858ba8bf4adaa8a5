"""What the access list does not say: sessions, wills, revoked certificates, share groups, and brokers that are not ours."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiomqtt
import pytest

from app.certs import Service, utc_now
from protocols.mqtt import BrokerClient, Denied, certificate_refusal, client_context
from tests.integration.security.conftest import Secured, make_known
from tests.support.tls_broker import WITNESS, Identities, tls_broker

INGEST = Service.INGEST.identity
DATA = "spBv1.0/demo/DDATA/gw-a/meter"


async def _alive(client: BrokerClient) -> bool:
    """Whether the broker still answers on this connection."""
    try:
        async with asyncio.timeout(30):
            await client.publish("spBv1.0/demo/NDATA/gw-a", b"", qos=1)
    except aiomqtt.MqttError:
        return False
    return True


async def test_no_gateway_takes_another_one_s_session_by_its_client_identifier(secured: Secured) -> None:
    async with secured.client("gw-a", identifier="demo-gw-a") as first:
        for name in ("demo-gw-a", "gw-a"):
            async with secured.client("gw-b", identifier=name) as thief:
                await thief.publish("spBv1.0/demo/NDATA/gw-b", b"", qos=1)
                assert await _alive(first)


async def test_a_gateway_s_second_connection_replaces_its_first(secured: Secured) -> None:
    async with secured.client("gw-a", identifier="one") as first:
        async with secured.client("gw-a", identifier="two") as second:
            assert await _alive(second)
            assert not await _alive(first)
        with pytest.raises(aiomqtt.MqttError):
            await first.publish("x")


async def test_a_will_says_nothing_its_owner_may_not(secured: Secured) -> None:
    async with secured.client(WITNESS) as witness:
        await witness.subscribe_to("#", qos=1)
        for victim in ("gw-a", "gw-b"):
            client = secured.client("gw-b", will=aiomqtt.Will(f"spBv1.0/demo/NDEATH/{victim}", b"will", qos=1))
            await client.__aenter__()
            line = client._client.socket()
            assert isinstance(line, socket.socket)
            line.shutdown(socket.SHUT_RDWR)  # a cut line: no good-bye
            with pytest.raises(aiomqtt.MqttError):
                await anext(client.messages)
        async with asyncio.timeout(60):
            assert (await anext(witness.messages)).topic.value == "spBv1.0/demo/NDEATH/gw-b"
        await witness.publish("fence", qos=1)
        async with asyncio.timeout(60):
            assert (await anext(witness.messages)).topic.value == "fence"


async def test_revoked_at_run_time(tmp_path: Path) -> None:
    """SIGHUP closes the door; who is inside stays until the broker starts again."""
    identities = Identities(tmp_path)
    known = make_known(identities, tmp_path)
    with tls_broker(tmp_path, identities) as broker:
        secured = Secured(broker, identities, known)
        files = secured.files("gw-a")
        tls = client_context(ca_file=files["ca_file"], certificate_file=files["certificate_file"], key_file=files["key_file"])
        assert tls is not None
        inside = secured.client("gw-a")
        await inside.__aenter__()
        assert identities.revoke("gw-a") == 2  # the expired one as well
        assert identities.revoke("gw-a") == 0
        assert await certificate_refusal("127.0.0.1", broker.port, tls) is None, "the broker does not know yet"
        broker.reload()
        async with asyncio.timeout(60):
            while (reason := await certificate_refusal("127.0.0.1", broker.port, tls)) is None:
                pass
        assert "REVOKED" in reason
        assert await _alive(inside)
        broker.stop()
        with pytest.raises(aiomqtt.MqttError):
            await anext(inside.messages)
        broker.start()
        with pytest.raises(Denied, match="REVOKED"):
            async with secured.client("gw-a"):
                pass
        async with secured.client("gw-b") as other:
            await other.publish("spBv1.0/demo/NDATA/gw-b", b"", qos=1)
        # A new certificate for the same gateway is let in.
        renewed = identities.gateway("gw-a", out="renewed")
        secured.known["gw-a"] = renewed
        async with secured.client("gw-a") as client:
            assert await _alive(client)


async def test_a_thief_in_the_share_group_takes_at_most_its_turn(secured: Secured) -> None:
    """Mosquitto 2 gives a shared message to a member that may not read it, and drops it there. What is dropped is sent again, for
    no receipt comes; and a group whose name nobody knows has no such member.
    """
    for group, least in (("ingest", 1), ("ingest-5f0e9c", 40)):
        async with secured.client(INGEST) as ingest, secured.client("gw-a") as gateway, secured.client("gw-b") as thief:
            await ingest.subscribe_to(f"$share/{group}/spBv1.0/+/DDATA/#", qos=1)
            await ingest.subscribe_to("spBv1.0/STATE/khettara", qos=1)
            await thief.subscribe_to("$share/ingest/spBv1.0/+/DDATA/#", qos=1)
            for _ in range(40):
                await gateway.publish(DATA, b"reading", qos=1)
            async with secured.client(WITNESS) as witness:
                await witness.publish("spBv1.0/STATE/khettara", b"fence", qos=1)
            got = 0
            async with asyncio.timeout(60):
                async for message in ingest.messages:
                    if message.payload == b"fence":
                        break
                    got += 1
            assert len(thief.messages) == 0
            assert got >= least
            assert got == 40 or group == "ingest"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves such a socket to the garbage collector
async def test_a_broker_that_is_not_ours_is_refused_by_us(secured: Secured, tmp_path: Path) -> None:
    """By its authority, and by its host name."""
    files = secured.files("gw-a")
    other = Identities(tmp_path, hosts=["broker.example"])
    tls = client_context(ca_file=other.ca_file, certificate_file=files["certificate_file"], key_file=files["key_file"])
    with pytest.raises(aiomqtt.MqttError, match="CERTIFICATE_VERIFY_FAILED"):
        async with BrokerClient("127.0.0.1", secured.broker.port, tls=tls, on_denied=secured.heard.append):
            pass
    gateway = other.gateway("gw-a")
    tls = client_context(ca_file=other.ca_file, certificate_file=gateway.certificate, key_file=gateway.key)
    with tls_broker(tmp_path, other) as broker, pytest.raises(aiomqtt.MqttError, match=r"not valid for '127\.0\.0\.1'"):
        async with BrokerClient("127.0.0.1", broker.port, tls=tls, on_denied=secured.heard.append):
            pass
    assert secured.heard == [], "nobody denied us: we refused"


async def test_without_tls_nobody_speaks_at_all(secured: Secured) -> None:
    for port in (secured.broker.port, secured.broker.inner_port):
        with pytest.raises(aiomqtt.MqttError):
            async with BrokerClient("127.0.0.1", port, tls=None, on_denied=secured.heard.append, timeout=30):
                pass


def test_certificates_have_short_lives_and_few_rights(secured: Secured) -> None:
    for issued in secured.known.values():
        if issued is not None and issued.key.parent.name != "authority":
            assert (issued.ends - utc_now()).days <= 1
            assert issued.key.stat().st_mode & 0o077 == 0
