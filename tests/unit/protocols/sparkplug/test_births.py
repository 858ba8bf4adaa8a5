"""Births bind aliases; deaths and STATE say who is there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import AliasBinding, Stream
from domain.errors import DecodeError
from domain.readings import Quality
from protocols.sparkplug.births import (
    HostState,
    birth_epoch,
    birth_metric,
    decode_bd_seq,
    decode_birth,
    decode_state,
    encode_dbirth,
    encode_ddeath,
    encode_nbirth,
    encode_ndeath,
    encode_state,
)
from protocols.sparkplug.payload import DataType, Metric, Payload, decode

EDGE = "demo/gw-north"
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=10)
AT = 1_770_000_000_000


def test_node_birth_announces_everything_the_host_may_write_to() -> None:
    payload = decode(encode_nbirth(bd_seq=3, epoch=7, timestamp_ms=AT))
    values = {m.name: (m.datatype, m.value) for m in payload.metrics}
    assert values == {
        "bdSeq": (DataType.INT64, 3),
        "Node Control/Rebirth": (DataType.BOOLEAN, False),
        "Spool/Epoch": (DataType.UINT64, 7),
        "Spool/First": (DataType.UINT64, 0),
        "Spool/Last": (DataType.UINT64, 0),
        "Spool/Committed": (DataType.UINT64, 0),
        "Spool/Ranges": (DataType.STRING, ""),
        "Spool/Gap": (DataType.STRING, ""),
    }
    assert payload.seq == 0
    assert all(m.timestamp_ms == AT for m in payload.metrics)
    assert decode_birth(payload, edge=EDGE) == ()
    assert decode_bd_seq(payload) == 3


@given(st.dictionaries(st.integers(0, (1 << 63) - 1), names, max_size=10), st.integers(0, (1 << 62)))
def test_device_birth_binds_every_alias(bound: dict[int, str], epoch: int) -> None:
    metrics = [birth_metric(name=name, alias=alias, value=1.5, time_ms=AT) for alias, name in bound.items()]
    payload = decode(encode_dbirth(epoch=epoch, metrics=metrics, seq=1, timestamp_ms=AT))
    stream = Stream(edge=EDGE, epoch=epoch)
    assert decode_birth(payload, edge=EDGE, device="m1") == tuple(
        AliasBinding(stream=stream, alias=alias, device="m1", metric=name, datatype=DataType.DOUBLE)
        for alias, name in bound.items()
    )


def test_device_birth_carries_last_values() -> None:
    metrics = (
        birth_metric(name="flow_m3h", alias=1, value=12.5, time_ms=AT, quality=Quality.SUSPECT),
        birth_metric(name="volume_m3", alias=2),
    )
    _, flow, volume = decode(encode_dbirth(epoch=7, metrics=metrics, seq=1, timestamp_ms=AT)).metrics
    assert (flow.name, flow.value, flow.quality, flow.timestamp_ms) == ("flow_m3h", 12.5, 500, AT)
    assert (volume.name, volume.value, volume.is_null, volume.quality) == ("volume_m3", None, True, None)


def test_another_makers_birth_has_epoch_0() -> None:
    payload = Payload(metrics=(Metric(name="Flow", alias=4, datatype=DataType.FLOAT, value=1.0),))
    assert birth_epoch(payload) is None
    assert decode_birth(payload, edge=EDGE, device="x")[0].stream == Stream(edge=EDGE, epoch=0)


@pytest.mark.parametrize(
    "metrics",
    [
        (Metric(alias=4, datatype=10, value=1.0),),
        (Metric(name="a", alias=4, datatype=10, value=1.0), Metric(name="b", alias=4, datatype=10, value=1.0)),
        (Metric(name="Spool/Epoch", datatype=12, value="7"),),
        (Metric(name="Spool/Epoch", datatype=8, value=7), Metric(name="Spool/Epoch", datatype=8, value=8)),
    ],
)
def test_broken_births_are_refused(metrics: tuple[Metric, ...]) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_birth(Payload(metrics=metrics), edge=EDGE, device="m1")
    assert caught.value.reason == "bad_birth"


def test_node_death_is_bd_seq_alone() -> None:
    payload = decode(encode_ndeath(255))
    assert [m.name for m in payload.metrics] == ["bdSeq"]
    assert payload.seq is None
    assert decode_bd_seq(payload) == 255
    with pytest.raises(DecodeError, match="bad_birth"):
        decode_bd_seq(Payload())


def test_device_death() -> None:
    assert decode(encode_ddeath(seq=9, timestamp_ms=AT)) == Payload(timestamp_ms=AT, seq=9)


@given(st.booleans(), st.integers(0, 253_402_300_799_999))
def test_state_roundtrip(online: bool, timestamp_ms: int) -> None:
    assert decode_state(encode_state(online, timestamp_ms)) == HostState(online=online, timestamp_ms=timestamp_ms)


def test_state_in_bytes() -> None:
    assert encode_state(True, 5) == b'{"online":true,"timestamp":5}'


@pytest.mark.parametrize(
    "data",
    [b"", b"ONLINE", b"{}", b'{"online":1,"timestamp":5}', b'{"online":true}', b'{"online":true,"timestamp":true}',
     b'{"online":true,"timestamp":-1}', b'{"online":true,"timestamp":1.5}', b"\xff", b"[" * 2000, b"9" * 900],
)  # fmt: skip
def test_broken_state_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_state(data)
    assert caught.value.reason == "bad_state"
