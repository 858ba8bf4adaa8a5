"""Our simulated meter read by two independent clients, and by our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from protocols.dlms import profile
from protocols.dlms.acse import Mechanism
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.client import DlmsClient
from protocols.dlms.counters import MAX_JUMP, CounterStore, MemoryCounterStore
from protocols.dlms.data import Data, Kind, octets, structure
from protocols.dlms.errors import AccessRefused, CounterRejected, DlmsRefused
from protocols.dlms.get import Attribute
from protocols.dlms.listener import MeterListener
from protocols.dlms.notifications import DataNotification
from protocols.dlms.security import Keys
from protocols.dlms.selection import by_entry, by_time
from protocols.dlms.server_meter import Meter
from protocols.dlms.wrapper import Wrapper
from tests.support.dlms_environment import run_peer
from tests.support.dlms_meter import IMPORT, KEYS, KEYS_1, LOAD, NOW, PASSWORD, SERIAL, START, VALVE, WATER, make_meter

LAST_COLUMN = [1000 * number + 7 for number in range(96)]


@pytest.fixture
def meter() -> Meter:
    return make_meter()


@pytest.fixture
async def port(meter: Meter) -> AsyncIterator[int]:
    listener = MeterListener({1: meter})
    await listener.start()
    yield listener.port
    await listener.stop()


@pytest.mark.parametrize("kind", ["none", "lls", "gmac"])
async def test_the_gurux_client_reads_it(port: int, kind: str) -> None:
    found = await asyncio.to_thread(run_peer, "gurux_client.py", port=port, kind=kind)
    assert (found["water"], found["unit"], found["scaler"]) == (1234.567, 13, 0.001)
    assert found["clock"] == NOW.isoformat()
    assert found["columns"] == 8
    assert found["rows"] == LAST_COLUMN
    assert found["entries"] == [2001, 3001, 4001]
    assert found["range"] == [4001, 5001, 6001, 7001, 8001]
    assert found["valve"] == [False, True]
    assert len(found["objects"]) == 8


@pytest.mark.parametrize("kind", ["none", "lls", "gmac"])
async def test_the_pydlms_client_reads_it(port: int, kind: str) -> None:
    found = await asyncio.to_thread(run_peer, "pydlms_reader.py", port=port, kind=kind)
    assert found["water"] == "1234.567 m3"
    assert found["clock"].startswith("2026-11-21 12:30:00")
    assert found["rows"] == LAST_COLUMN
    assert found["objects"] == 8


def _client(port: int, sap: int, association: Association, counters: CounterStore | None = None) -> DlmsClient:
    framing = partial(Wrapper, local=sap, remote=1)
    store = counters or MemoryCounterStore()
    return DlmsClient("127.0.0.1", port, framing=framing, association=association, timeout_s=20, counters=store)


def _keyed(keys: Keys = KEYS, mechanism: Mechanism = Mechanism.HLS_GMAC, **how: bool) -> Association:
    return Association(mechanism=mechanism, ciphering=Ciphering(keys=keys, title=b"KHT00001", counter_name="c", **how))


@pytest.mark.parametrize(
    ("sap", "association"),
    [
        (16, Association()),
        (32, Association(mechanism=Mechanism.LLS, password=PASSWORD)),
        (1, _keyed()),
        (1, _keyed(dedicated=True)),
        (1, _keyed(general=True)),
        (1, _keyed(general=True, dedicated=True)),
        (2, _keyed(mechanism=Mechanism.NONE)),
        (4, _keyed(KEYS_1)),
    ],
)
async def test_our_client_reads_it(port: int, sap: int, association: Association) -> None:
    async with _client(port, sap, association) as client:
        assert (await profile.read_register(client, WATER)).canonical == 1234.567
        assert (await profile.read_clock(client)).utc() == NOW
        layout = await profile.read_layout(client, LOAD)
        assert [row.cells[7].value for row in await profile.read_profile(client, layout)] == LAST_COLUMN
        assert len(await profile.read_profile(client, layout, by_entry(90))) == 7
        assert len(await profile.read_profile(client, layout, by_time(START, START))) == 1
        await profile.disconnect(client, VALVE)
        assert not (await profile.read_disconnector(client, VALVE)).output
        energy = Attribute(class_id=3, obis=IMPORT, attribute=2)
        with pytest.raises(AccessRefused, match="denied"):
            await client.set(energy, await client.get(energy))
        assert client.connected


async def test_a_counter_behind_the_meters_is_resynchronised_once_and_never_used_again(port: int, meter: Meter) -> None:
    meter.seen[1, b"KHT00001"] = 5000
    store = MemoryCounterStore()
    async with _client(port, 1, _keyed(), store) as client:
        await client.get(Attribute(class_id=1, obis=SERIAL, attribute=2))
        assert meter.seen[1, b"KHT00001"] > 5000
    assert await store.reserve("c", 1) > meter.seen[1, b"KHT00001"]
    # In the middle of an association: this call fails, the next one goes on above the meter's counter.
    client = _client(port, 1, _keyed(), store)
    await client.connect()
    meter.seen[1, b"KHT00001"] = 90_000
    with pytest.raises(CounterRejected):
        await client.get(Attribute(class_id=1, obis=SERIAL, attribute=2))
    await client.get(Attribute(class_id=1, obis=SERIAL, attribute=2))
    assert meter.seen[1, b"KHT00001"] > 90_000
    await client.close()


async def test_a_forged_counter_cannot_use_up_the_key(port: int, meter: Meter) -> None:
    meter.seen[1, b"KHT00001"] = MAX_JUMP + 1000
    store = MemoryCounterStore()
    with pytest.raises(CounterRejected):
        await _client(port, 1, _keyed(), store).connect()
    assert await store.reserve("c", 1) < 1000


@pytest.mark.parametrize(
    ("sap", "association"),
    [
        (32, Association(mechanism=Mechanism.LLS, password=b"wrong")),
        (1, _keyed(Keys(encryption=bytes(16), authentication=KEYS.authentication))),
        (1, _keyed(Keys(encryption=KEYS.encryption, authentication=bytes(16)))),
    ],
)
async def test_wrong_password_or_key_is_named_as_such(port: int, sap: int, association: Association) -> None:
    with pytest.raises(DlmsRefused) as refused:
        await _client(port, sap, association).connect()
    assert refused.value.trouble.quarantine
    assert not refused.value.retryable


@pytest.mark.parametrize(
    ("sap", "association"),
    [
        (32, Association(mechanism=Mechanism.LLS, password=PASSWORD)),
        (1, _keyed()),
        (1, _keyed(dedicated=True)),
    ],
)
async def test_what_a_meter_pushes_reaches_the_client_between_and_before_answers(
    meter: Meter, sap: int, association: Association
) -> None:
    listener = MeterListener({1: meter})
    await listener.start()
    async with _client(listener.port, sap, association) as client:
        body = structure(octets(b"alarm"), Data(Kind.DOUBLE_LONG_UNSIGNED, 5))
        assert listener.push(1, body) == 1
        assert listener.push(2, body) == 0
        async with asyncio.timeout(20):
            pushed = await client.notifications.get()
        assert isinstance(pushed, DataNotification)
        assert pushed.body == body
        listener.push(1, body)
        assert (await profile.read_register(client, WATER)).canonical == 1234.567
        assert client.notifications.qsize() == 1
    assert listener.push(1, body) == 0
    await listener.stop()
