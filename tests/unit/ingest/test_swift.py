"""The swift way and the careful way agree on everything, whatever the messages are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.delivery import SequenceRange, Stream
from domain.readings import Quality
from ingest import intake as module
from ingest.layout import recognise
from protocols.sparkplug.blocks import BlockHeader, BlockReading, encode_block
from tests.support.both_ways import ALIASES, BORN, Messages, careful, plain, reception, swift
from tests.support.uplink import DATA, DEVICE, EDGE, EPOCH, NOW_MS, block, dbirth, nbirth, reading, series, topic


def test_a_run_of_blocks_takes_the_swift_way(monkeypatch) -> None:
    found = reception()
    found.handle_all(BORN, now_ms=NOW_MS, monotonic_s=1000.0)
    monkeypatch.setattr(module, "parse", None)  # the careful way would end as an internal error
    messages = [(DATA, block(series(50, first=1 + 50 * i, alias=1 + i % 2), first=1 + 50 * i)) for i in range(6)]
    intakes = found.handle_all(messages, now_ms=NOW_MS, monotonic_s=1000.0)
    assert [i.block.range.first for i in intakes if i.block and i.block.range] == [1, 51, 101, 151, 201, 251]
    assert all(i.block is not None and not i.block.dead and i.block.point_id.size == 50 for i in intakes)


def test_what_differs_from_the_layout_is_not_recognised() -> None:
    good = block([reading(1.5), reading(2.5)])
    assert recognise(good, max_readings=2) is not None
    assert recognise(good, max_readings=1) is None
    assert recognise(block([reading(None)]), max_readings=10) is None
    assert recognise(good + b"\x00", max_readings=10) is None
    assert recognise(good[:-1], max_readings=10) is None
    assert recognise(good.replace(b"Spool/Last", b"Spool/Lost"), max_readings=10) is None


times = st.sampled_from(
    [NOW_MS, NOW_MS - 60_000, NOW_MS - 20_000, NOW_MS - 30_000, 0, 127, 2**40, NOW_MS + 400_000, NOW_MS + 200_000]
)
values = st.one_of(st.none(), st.floats(0, 400), st.floats(), st.sampled_from([0.005, 1e300, 0.25, -0.0]))
readings = st.builds(
    BlockReading,
    alias=st.sampled_from([1, 1, 1, 2, 300, 4, 5, 9, 2**62]),
    time_ms=st.one_of(times, st.integers(NOW_MS - 10_000_000, NOW_MS)),
    value=values,
    quality=st.sampled_from([Quality.GOOD] * 8 + list(Quality)),
    historical=st.booleans(),
)
good = st.builds(
    lambda v, a, t: BlockReading(alias=a, time_ms=NOW_MS - t, value=v),
    st.integers(0, 50_000).map(lambda n: n / 100),
    st.sampled_from([1, 2]),
    st.integers(0, 10_000_000),
)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[str, bytes]:
    content = draw(st.one_of(st.lists(good, min_size=1, max_size=6), st.lists(readings, min_size=1, max_size=6)))
    first = draw(st.sampled_from([1, 2, 100, 2**31, 2**62]))
    stream = Stream(edge=EDGE, epoch=draw(st.sampled_from([EPOCH, EPOCH, EPOCH, 7])))
    header = BlockHeader(stream=stream, range=SequenceRange(first=first, last=first + len(content) - 1))
    payload = encode_block(header, content, seq=draw(st.sampled_from([0, 200])), timestamp_ms=NOW_MS)
    return topic("DDATA", draw(st.sampled_from([DEVICE, DEVICE, DEVICE, "other", "void"]))), payload


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, bytes]:
    to, payload = draw(blocks())
    data = bytearray(payload)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["set", "cut", "add"])):
            case "set":
                data[place] = draw(st.integers(0, 255))
            case "cut":
                del data[place]
            case _:
                data.insert(place, draw(st.integers(0, 255)))
        data = data or bytearray(b"\x00")
    return to, bytes(data)


others = st.sampled_from(
    [
        (topic("NBIRTH"), nbirth(bd_seq=1)),
        (topic("DBIRTH", DEVICE), dbirth({"flow_m3h": 1, "pressure_m": 5})),
        (topic("DBIRTH", DEVICE), dbirth({"flow_m3h": 2})),
        (topic("DBIRTH", DEVICE), dbirth(ALIASES, epoch=7)),
        (topic("DDATA", "other"), b""),
        ("spBv1.0/nonsense", b"x"),
    ]
)


@settings(max_examples=300)
@given(st.lists(st.one_of(blocks(), blocks(), blocks(), broken(), others), max_size=12), st.lists(st.integers(0, 5), max_size=4))
def test_both_ways_agree(messages: Messages, pieces: list[int]) -> None:
    for expected, got in zip(careful(BORN + messages), swift(BORN + messages, pieces), strict=True):
        assert plain(got) == plain(expected)


@settings(max_examples=200)
@given(broken())
def test_one_changed_byte_changes_nothing_between_them(message: tuple[str, bytes]) -> None:
    messages = [*BORN, (DATA, block([reading(1.0)], first=9)), message]
    for expected, got in zip(careful(messages), swift(messages), strict=True):
        assert plain(got) == plain(expected)
