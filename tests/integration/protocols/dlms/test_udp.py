"""The wrapper over UDP: read by an independent client and by ours; lost, doubled and cut datagrams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from domain.errors import DecodeError, DeviceTimeout
from protocols.dlms import profile
from protocols.dlms.acse import Mechanism
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.client import DlmsClient
from protocols.dlms.counters import MemoryCounterStore
from protocols.dlms.get import Attribute
from protocols.dlms.listener import DatagramListener
from protocols.dlms.wrapper import DatagramWrapper, encode_frame
from tests.support.dlms_environment import run_peer
from tests.support.dlms_meter import IMPORT, KEYS, LOAD, NOW, WATER, make_meter


@pytest.fixture
async def listener() -> AsyncIterator[DatagramListener]:
    made = DatagramListener({1: make_meter()})
    await made.start()
    yield made
    await made.stop()


def _client(port: int) -> DlmsClient:
    association = Association(mechanism=Mechanism.HLS_GMAC, ciphering=Ciphering(keys=KEYS, title=b"KHT00001", counter_name="c"))
    framing = partial(DatagramWrapper, local=1, remote=1)
    return DlmsClient(
        "127.0.0.1",
        port,
        framing=framing,
        association=association,
        timeout_s=20.0,
        counters=MemoryCounterStore(),
        datagrams=True,
    )


async def test_our_client_reads_a_profile_in_blocks(listener: DatagramListener) -> None:
    async with _client(listener.port) as client:
        assert (await profile.read_register(client, WATER)).canonical == 1234.567
        assert (await profile.read_clock(client)).utc() == NOW
        layout = await profile.read_layout(client, LOAD)
        assert len(await profile.read_profile(client, layout)) == 96


@pytest.mark.parametrize("kind", ["none", "lls", "gmac"])
async def test_the_pydlms_client_reads_it(listener: DatagramListener, kind: str) -> None:
    found = await asyncio.to_thread(run_peer, "pydlms_reader.py", port=listener.port, kind=kind, udp=True)
    assert found["water"] == "1234.567 m3"
    assert len(found["rows"]) == 96


async def test_a_lost_datagram_is_a_timeout_and_the_next_question_is_answered(listener: DatagramListener) -> None:
    client = _client(listener.port)
    energy = Attribute(class_id=3, obis=IMPORT, attribute=2)
    assert (await client.get(energy)).value == 12345678
    listener.lose, client._timeout_s = lambda _: True, 0.2
    with pytest.raises(DeviceTimeout):
        await client.get(energy)
    listener.lose, client._timeout_s = lambda _: False, 20.0
    assert (await client.get(energy)).value == 12345678
    await client.close()


def test_a_datagram_that_is_cut_is_refused_and_nothing_of_it_is_kept() -> None:
    side = DatagramWrapper(local=1, remote=1)
    whole = encode_frame(1, 1, b"answer")
    for cut in range(1, len(whole)):
        with pytest.raises(DecodeError):
            side.receive(whole[:cut])
        assert side.receive(whole).apdus == (b"answer",)
    assert side.receive(whole * 2).apdus == (b"answer", b"answer")
