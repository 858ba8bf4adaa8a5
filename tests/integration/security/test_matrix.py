"""Every identity on every topic, on the production files: what the table below allows passes, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from app.certs import Service
from protocols.mqtt import BrokerClient, Deed, Denied
from tests.integration.security.conftest import FOREIGN, GATEWAYS, SERVICES, STRANGERS, Secured
from tests.support.tls_broker import WITNESS

INGEST, DESK, HOST = (service.identity for service in SERVICES)
IDENTITIES = (*GATEWAYS, INGEST, DESK, HOST, *FOREIGN)
UP, UP_DEVICE, STATES = (
    ("NBIRTH", "NDATA", "NDEATH"),
    ("DBIRTH", "DDATA", "DDEATH"),
    ("spBv1.0/STATE/khettara", "spBv1.0/STATE/khettara-host"),
)
ODD = (
    "spBv1.0/demo/NDATA", "spBv1.0/demo/DDATA/gw-a", "spBv1.0/demo/DDATA/gw-a/meter/more", "spBv1.0/demo/NDATA/gw-a/meter",
    "spBv1.0/demo/NDATA/gw-A", "spBv1.0/demo/NDATA/gw-a ", "spBv1.0/demo/NDATA/%u", "spBv1.0/other/NDATA/gw-a",
    "spBv1.0/other/DDATA/gw-a/meter", "spBv1.0/other/NCMD/gw-a", "spBv1.0/demo/NCMD/gw-a/x", "spBv1.0/demo/DCMD/gw-a",
    "spBv1.0/STATE", "STATE/khettara", "spBv1.0/STATE/gw-a", "spAv1.0/demo/NDATA/gw-a", "gw-a", "$elsewhere/demo",
)  # fmt: skip


def upward(node: str) -> set[str]:
    """What one gateway may say."""
    return {f"spBv1.0/demo/{kind}/{node}" for kind in UP} | {f"spBv1.0/demo/{kind}/{node}/meter" for kind in UP_DEVICE}


NODE_COMMANDS = {node: f"spBv1.0/demo/NCMD/{node}" for node in GATEWAYS}
DEVICE_COMMANDS = {node: f"spBv1.0/demo/DCMD/{node}/valve" for node in GATEWAYS}
ALL_UP = set().union(*map(upward, GATEWAYS))
OTHER_NODES = {"spBv1.0/STATE/gw-a", "spBv1.0/demo/NDATA/gw-A", "spBv1.0/demo/NDATA/gw-a ", "spBv1.0/demo/NDATA/%u"}
"""Odd, but within what the centre reads: only the witness can say them."""
UPLINK = "application/7/device/0a/event/up"
DATA_OF = {node: f"loggers/{node}/data" for node in ("logger-1", "logger-2")}
FOREIGN_UP = {UPLINK, *DATA_OF.values()}
FOREIGN_ODD = {
    "application/7/device/0a/event/join", "application/7/device/0a/command/down", "application", "loggers/logger-3/data/x",
    "loggers/logger-1/command", "loggers/data", "spBv1.0/demo/DDATA/lora", "spBv1.0/lora/NDATA/gw-a",
}  # fmt: skip
LOGGER_OF_NOBODY = "loggers/logger-3/data"
"""Only the witness can say it; the ingestor reads every logger."""
TOPICS = sorted(
    {*FOREIGN_UP, *FOREIGN_ODD, LOGGER_OF_NOBODY, *ALL_UP, *NODE_COMMANDS.values(), *DEVICE_COMMANDS.values(), *STATES, *ODD}
)

MAY_WRITE: dict[str, set[str]] = {
    **{node: upward(node) for node in GATEWAYS},
    # Both services of the centre speak to every gateway, each in its own kind of message; STATE of any host id is the ingestor's.
    INGEST: {*NODE_COMMANDS.values(), *STATES, "spBv1.0/STATE/gw-a"},
    DESK: set(DEVICE_COMMANDS.values()),
    HOST: {"spBv1.0/STATE/khettara-host"},
    "lora": {UPLINK},
    **{node: {said} for node, said in DATA_OF.items()},
}
MAY_READ: dict[str, set[str]] = {
    **{node: {NODE_COMMANDS[node], DEVICE_COMMANDS[node], *STATES, "spBv1.0/STATE/gw-a"} for node in GATEWAYS},
    INGEST: {*ALL_UP, *STATES, *OTHER_NODES, *FOREIGN_UP, LOGGER_OF_NOBODY},
    # Who is there is said to everybody who has a name here.
    DESK: {*(f"spBv1.0/demo/DDATA/{node}/meter" for node in GATEWAYS), *STATES, "spBv1.0/STATE/gw-a"},
    HOST: {*ALL_UP, *STATES, *OTHER_NODES},
    **{node: {*STATES, "spBv1.0/STATE/gw-a"} for node in FOREIGN},
}
HEARD = {INGEST: STATES[0], DESK: "spBv1.0/demo/DDATA/gw-a/meter", HOST: STATES[0], **dict.fromkeys(FOREIGN, STATES[0])}
FENCE = NODE_COMMANDS | HEARD
"""A topic each identity hears: what is published there last arrives last."""


async def received(client: BrokerClient, fence: str) -> list[tuple[str, str]]:
    """(topic, payload) of everything up to the fence."""
    got: list[tuple[str, str]] = []
    async with asyncio.timeout(60):
        async for message in client.messages:
            if bytes(message.payload).decode() == fence:
                return got
            got.append((message.topic.value, bytes(message.payload).decode()))
    raise AssertionError("the client's messages ended")


def lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{identity} {topic}" for identity, topic in sorted(pairs))


@pytest.mark.parametrize("qos", [0, 1])
async def test_who_may_say_what(secured: Secured, qos: int) -> None:
    async with secured.client(WITNESS) as witness:
        await witness.subscribe_to("#", qos=1)
        await witness.subscribe_to("$elsewhere/#", qos=1)
        for identity in IDENTITIES:
            async with secured.client(identity) as client:
                for topic in TOPICS:
                    await client.publish(topic, identity, qos=qos)
                # Answered after everything before it on this connection has been dealt with.
                await client.publish("answered", identity, qos=1)
        await witness.publish("fence", "fence", qos=1)
        seen = {(payload, topic) for topic, payload in await received(witness, "fence")}
    allowed = {(identity, topic) for identity, topics in MAY_WRITE.items() for topic in topics}
    assert seen - allowed == set(), f"allowed where denied:\n{lines(seen - allowed)}"
    assert allowed - seen == set(), f"denied where allowed:\n{lines(allowed - seen)}"
    assert len(TOPICS) * len(IDENTITIES) - len(allowed) > 150, "the table tries more that is denied than that is allowed"
    # Every denial at QoS 1 is answered and heard; one at QoS 0 is answered by nobody.
    expected = len(IDENTITIES) + (len(TOPICS) * len(IDENTITIES) - len(allowed) if qos else 0)
    assert [d.deed for d in secured.heard] == [Deed.PUBLISH] * expected
    assert "Not authorized" in secured.heard[0].detail


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("kind", ["exact", "wildcard", "levels", "shared"])
async def test_who_may_hear_what(secured: Secured, identity: str, kind: str) -> None:
    filters = {
        "exact": TOPICS,
        "wildcard": ["#", "$elsewhere/#", "$SYS/#"],
        "levels": ["+/" * n + "+" for n in range(6)],
        "shared": ["$share/thieves/#", "$share/thieves/$SYS/#"],
    }[kind]
    async with secured.client(WITNESS) as witness, secured.client(identity) as client:
        for topic in filters:
            await client.subscribe_to(topic, qos=1)
        for topic in TOPICS:
            await witness.publish(topic, "word", qos=1)
        await witness.publish(FENCE[identity], "fence", qos=1)
        got = {topic for topic, _ in await received(client, "fence")}
    extra, missing = got - MAY_READ[identity], MAY_READ[identity] - got
    assert not extra, f"{identity} hears {sorted(extra)}"
    assert not missing, f"{identity} does not hear {sorted(missing)}"
    assert secured.heard == [], "the access list grants every subscription, and lets nothing through it"


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("listener", ["gateways", "services"])
async def test_strangers_do_not_come_in(secured: Secured, stranger: str, listener: str) -> None:
    port = secured.broker.port if listener == "gateways" else secured.broker.inner_port
    with pytest.raises(Denied) as caught:
        async with secured.client(stranger, port=port):
            pass
    reasons = {
        "no certificate": "CERTIFICATE_REQUIRED",
        "another authority": "UNKNOWN_CA",
        "expired": "CERTIFICATE_EXPIRED",
        "revoked": "CERTIFICATE_REVOKED",
        "the broker's own": "UNSUPPORTED_CERTIFICATE",
    }
    assert caught.value.deed is Deed.CERTIFICATE
    assert reasons[stranger] in caught.value.detail
    assert secured.heard == [caught.value]


def test_the_services_are_those_of_the_tool() -> None:
    assert {*SERVICES, Service.BROKER} == set(Service)
