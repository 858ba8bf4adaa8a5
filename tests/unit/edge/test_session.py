"""Sparkplug's numbers, births and the host's STATE."""

from __future__ import annotations

import numpy as np

from edge.readings import Channel, columns
from edge.session import LastValue, Session
from protocols.sparkplug.births import HostState, decode_bd_seq, decode_birth
from protocols.sparkplug.payload import decode

CHANNELS = (
    Channel(alias=3, device="m", metric="flow_m3h", datatype=10),
    Channel(alias=5, device="m", metric="volume_m3", datatype=10),
)


def session() -> Session:
    made = Session(group="g", node="n", epoch=77)
    made.begin(4)
    return made


def nothing(_device: str, _metric: str) -> LastValue | None:
    return None


def test_a_birth_starts_seq_at_zero_and_carries_bd_seq_and_epoch() -> None:
    s = session()
    first = decode(s.node_birth(1000).payload)
    assert (first.seq, decode_bd_seq(first)) == (0, 4)
    assert [s.next_seq() for _ in range(257)][-3:] == [255, 0, 1]
    assert decode(s.node_birth(1000).payload).seq == 0


def test_a_device_birth_names_every_alias_with_its_last_value() -> None:
    s = session()
    s.node_birth(1000)
    last = {"flow_m3h": LastValue(value=7.5, time_ms=900)}
    birth = s.device_birth("m", CHANNELS, lambda _d, metric: last.get(metric), 1000)
    assert birth.topic == "spBv1.0/g/DBIRTH/n/m"
    payload = decode(birth.payload)
    assert payload.seq == 1
    assert {b.alias: b.metric for b in decode_birth(payload, edge="g/n", device="m")} == {3: "flow_m3h", 5: "volume_m3"}
    by_alias = {m.alias: m for m in payload.metrics if m.alias is not None}
    assert (by_alias[3].value, by_alias[3].timestamp_ms, by_alias[5].is_null) == (7.5, 900, True)


def test_a_block_with_an_alias_never_told_needs_a_birth() -> None:
    s = session()
    old = columns(5, np.array([1]), np.array([1.0]))
    new = columns(6, np.array([1]), np.array([1.0]))
    assert not s.knows("m", old)
    s.device_birth("m", CHANNELS, nothing, 0)
    assert s.knows("m", old)
    assert not s.knows("m", new)
    assert not s.knows("other", old)
    s.node_birth(0)
    assert not s.knows("m", old)


def test_death_and_return_of_a_device() -> None:
    s = session()
    s.device_birth("m", CHANNELS, nothing, 0)
    assert s.is_born("m")
    assert s.device_death("m", 0).topic == "spBv1.0/g/DDEATH/n/m"
    assert not s.is_born("m")
    assert s.dead == {"m"}
    s.device_birth("m", CHANNELS, nothing, 0)
    assert s.is_born("m")


def test_a_host_that_never_spoke_is_believed_to_listen_and_an_old_state_changes_nothing() -> None:
    s = session()
    assert s.host_online
    assert (s.host_says(HostState(online=False, timestamp_ms=10)), s.host_online) == (False, False)
    assert (s.host_says(HostState(online=True, timestamp_ms=9)), s.host_online) == (False, False)
    assert (s.host_says(HostState(online=True, timestamp_ms=11)), s.host_online) == (True, True)
