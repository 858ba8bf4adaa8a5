"""Our client against an independent meter, over the wrapper and over HDLC, with every kind of association we do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from domain.errors import DecodeError, DeviceTimeout
from domain.quantities import Quantity
from protocols.dlms import profile
from protocols.dlms.acse import Mechanism
from protocols.dlms.action import Method
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.client import DlmsClient
from protocols.dlms.counters import MemoryCounterStore
from protocols.dlms.data import Data, Kind, octets
from protocols.dlms.errors import AccessRefused, AssociationRefused, DlmsRefused, SecurityFailed
from protocols.dlms.get import Attribute
from protocols.dlms.hdlc import Address
from protocols.dlms.hdlc_link import HdlcLink, LinkParameters
from protocols.dlms.obis import Obis
from protocols.dlms.security import Keys
from protocols.dlms.selection import by_entry, by_time
from protocols.dlms.wrapper import Wrapper
from tests.support.dlms_environment import peer_meter

KEYS = Keys(encryption=bytes(range(16)), authentication=bytes(range(0xD0, 0xE0)))
IMPORT, WATER, LOAD = Obis("1-0:1.8.0"), Obis("8-0:1.0.0"), Obis("1-0:99.1.0")
SERIAL = Attribute(class_id=1, obis=Obis("0-0:96.1.0"), attribute=2)
ECHO = Method(class_id=1, obis=Obis("0-0:96.1.0"), method=5)
START = datetime(2026, 11, 20, tzinfo=UTC)
TIMEOUT_S = 20


@pytest.fixture(scope="module")
def wrapper_port() -> Iterator[int]:
    with peer_meter() as port:
        yield port


@pytest.fixture(scope="module")
def hdlc_port() -> Iterator[int]:
    with peer_meter(hdlc=True, window=3) as port:
        yield port


def _ciphered(**how: bool) -> Ciphering:
    # A system title of its own for each association, so that a counter that starts at 0 repeats no nonce at this meter.
    return Ciphering(keys=KEYS, title=b"KHT" + os.urandom(5), counter_name="test", **how)


def _client(port: int, sap: int, association: Association, **more: Any) -> DlmsClient:
    return DlmsClient(
        "127.0.0.1",
        port,
        framing=partial(Wrapper, local=sap, remote=1),
        association=association,
        timeout_s=TIMEOUT_S,
        counters=MemoryCounterStore(),
        **more,
    )


ASSOCIATIONS = {
    "none": (16, Association),
    "LLS": (32, lambda: Association(mechanism=Mechanism.LLS, password=b"12345678")),
    "ciphered": (2, lambda: Association(ciphering=_ciphered())),
    "LLS ciphered": (3, lambda: Association(mechanism=Mechanism.LLS, password=b"12345678", ciphering=_ciphered())),
    "GMAC": (1, lambda: Association(mechanism=Mechanism.HLS_GMAC, ciphering=_ciphered())),
    "GMAC dedicated key": (1, lambda: Association(mechanism=Mechanism.HLS_GMAC, ciphering=_ciphered(dedicated=True))),
    "GMAC general-glo": (1, lambda: Association(mechanism=Mechanism.HLS_GMAC, ciphering=_ciphered(general=True))),
}


@pytest.mark.parametrize("kind", ASSOCIATIONS)
async def test_everything_over_the_wrapper(wrapper_port: int, kind: str) -> None:
    sap, association = ASSOCIATIONS[kind]
    async with _client(wrapper_port, sap, association()) as client:
        await _everything(client)


@pytest.mark.parametrize("kind", ["none", "LLS", "GMAC"])
@pytest.mark.parametrize("window", [1, 3])
async def test_everything_over_hdlc(hdlc_port: int, kind: str, window: int) -> None:
    sap, association = ASSOCIATIONS[kind]
    proposed = LinkParameters(max_send=100 * window, max_receive=128, window_send=window)
    framing = partial(HdlcLink, client=Address(upper=sap), server=Address(upper=1), proposed=proposed)
    client = DlmsClient(
        "127.0.0.1", hdlc_port, framing=framing, association=association(), timeout_s=TIMEOUT_S, counters=MemoryCounterStore()
    )
    async with client:
        await _everything(client)


async def _everything(client: DlmsClient) -> None:
    energy = await profile.read_register(client, IMPORT)
    assert (energy.canonical, energy.scaler_unit.quantity) == (12345.678, Quantity.ENERGY)
    volume = await profile.read_register(client, WATER)
    assert (volume.canonical, volume.value, volume.scaler_unit.symbol) == (1234.567, 1234.567, "m3")
    again = await profile.read_register(client, WATER, scaler_unit=volume.scaler_unit)
    assert again == volume
    clock = await profile.read_clock(client)
    assert (clock.year, clock.month, clock.day, clock.hour) == (2024, 5, 1, 12)
    await _profiles(client)
    some = await client.get_many([SERIAL, Attribute(class_id=1, obis=Obis("9-9:9.9.9"), attribute=2)])
    assert some[0].data is not None
    assert (some[1].data, some[1].error) == (None, 4)
    with pytest.raises(AccessRefused, match="object undefined"):
        await client.get(Attribute(class_id=1, obis=Obis("9-9:9.9.9"), attribute=2))
    before = await client.get(SERIAL)
    for value in (octets(os.urandom(5)), octets(b"\x7e" * 3000), before):  # the second takes blocks
        await client.set(SERIAL, value)
        assert await client.get(SERIAL) == value
    for value in (octets(b"short"), octets(b"\x7e" * 3000)):  # the second takes blocks there and back
        assert await client.action(ECHO, value) == value
    await profile.reconnect(client)
    assert (await profile.read_disconnector(client)).output
    await profile.disconnect(client)
    assert not (await profile.read_disconnector(client)).output
    listed = await profile.read_object_list(client)
    assert {(3, IMPORT), (7, LOAD), (70, profile.DISCONNECTOR)} <= {(entry.class_id, entry.obis) for entry in listed}
    assert client.connected


async def _profiles(client: DlmsClient) -> None:
    layout = await profile.read_layout(client, LOAD)
    assert (len(layout.columns), layout.clock, layout.period_s) == (8, 0, 900)
    rows = await profile.read_profile(client, layout)  # several blocks
    assert [row.cells[7].value for row in rows] == [1000 * number + 7 for number in range(96)]
    assert [row.time.utc() for row in rows if row.time] == [START + timedelta(minutes=15 * number) for number in range(96)]
    entries = await profile.read_profile(client, layout, by_entry(3, 5))
    assert [row.cells[1].value for row in entries] == [2001, 3001, 4001]
    span = await profile.read_profile(client, layout, by_time(START + timedelta(hours=1), START + timedelta(hours=2)))
    assert [row.cells[1].value for row in span] == [4001, 5001, 6001, 7001, 8001]


async def test_wrong_password_and_wrong_key_are_credentials(wrapper_port: int) -> None:
    wrong = Keys(encryption=bytes(16), authentication=bytes(16))
    password = _client(wrapper_port, 32, Association(mechanism=Mechanism.LLS, password=b"wrong"))
    with pytest.raises(AssociationRefused) as refused:
        await password.connect()
    assert refused.value.trouble.quarantine
    ciphering = Ciphering(keys=wrong, title=b"KHT00009", counter_name="test")
    keyed = _client(wrapper_port, 1, Association(mechanism=Mechanism.HLS_GMAC, ciphering=ciphering))
    with pytest.raises((DlmsRefused, SecurityFailed)) as failed:
        await keyed.connect()
    if isinstance(failed.value, DlmsRefused):
        assert failed.value.trouble.quarantine
    for client in (password, keyed):
        await client.close()


async def test_an_encoding_error_leaves_the_association_as_it_was(wrapper_port: int) -> None:
    async with _client(wrapper_port, 32, ASSOCIATIONS["LLS"][1]()) as client:
        for wrong in (Data(Kind.UNSIGNED, 300), Data(Kind.OCTET_STRING, "text")):
            with pytest.raises(ValueError, match="is no"):
                await client.set(SERIAL, wrong)
            assert client.connected
        await client.get(SERIAL)


async def test_many_tasks_on_one_client_get_their_own_answers(wrapper_port: int) -> None:
    codes = [Obis("1-0:1.8.0"), Obis("1-0:2.8.0"), Obis("1-0:1.7.0"), Obis("1-0:32.7.0")]
    async with _client(wrapper_port, 16, Association()) as client:
        found = await asyncio.gather(*(client.get(Attribute(class_id=3, obis=o, attribute=2)) for o in codes * 25))
    assert [data.value for data in found] == [12345678, 4321, 1520, 2301] * 25


async def test_small_apdus_make_many_blocks() -> None:
    with peer_meter(max_pdu=128) as port:
        async with _client(port, 1, ASSOCIATIONS["GMAC"][1]()) as client:
            layout = await profile.read_layout(client, LOAD)
            assert len(await profile.read_profile(client, layout)) == 96
            value = octets(bytes(range(256)) * 2)
            await client.set(SERIAL, value)
            assert await client.get(SERIAL) == value


async def test_a_meter_that_dies_is_an_error_at_once_and_the_next_call_says_so() -> None:
    with peer_meter() as port:
        client = _client(port, 16, Association())
        await client.connect()
    with pytest.raises((DeviceTimeout, DecodeError)):
        await client.get(SERIAL)
    with pytest.raises(DeviceTimeout, match="nobody answers"):
        await client.get(SERIAL)
    await client.close()


async def test_the_counter_is_read_by_the_public_client_before_the_keys_are_first_used(wrapper_port: int) -> None:
    store = MemoryCounterStore()
    async with _client(wrapper_port, 16, Association()) as public:
        last = await profile.read_invocation_counter(public, Obis("0-0:43.1.0"))
    await store.reserve("test", 0, at_least=last + 1)
    keyed = DlmsClient(
        "127.0.0.1",
        wrapper_port,
        framing=partial(Wrapper, local=1, remote=1),
        association=ASSOCIATIONS["GMAC"][1](),
        timeout_s=TIMEOUT_S,
        counters=store,
    )
    async with keyed:
        await keyed.get(SERIAL)
    assert await store.reserve("test", 1) > last + 1
