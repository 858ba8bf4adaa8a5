"""What one message amounts to; and that no message at all can end the ingestor."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import AliasBinding, BlockRows
from domain.ports import ChannelRow
from ingest import intake as module
from ingest.aliases import AliasBook
from ingest.channels import ChannelTable
from ingest.intake import Intake, Reception
from ingest.reasons import Reason
from ingest.settings import IngestSettings, LimitSettings
from protocols.sparkplug.births import birth_metric, encode_ddeath, encode_ndeath
from protocols.sparkplug.payload import DataType, Metric, Payload, encode
from tests.support.ingest_store import channel
from tests.support.uplink import DATA, DEVICE, EDGE, EPOCH, NOW_MS, STREAM, block, dbirth, nbirth, reading, series, topic

INVENTORY = [channel(EDGE, DEVICE, "flow_m3h", 41), channel(EDGE, DEVICE, "pressure_m", 42)]


class Fixture:
    """A reception with a clock that the test moves."""

    def __init__(self, channels: Sequence[ChannelRow] = INVENTORY, bindings: Sequence[AliasBinding] = ()) -> None:
        settings = IngestSettings(limits=LimitSettings(payload_bytes=60_000, block_readings=1000))
        self.reception = Reception(settings, book=AliasBook(bindings), channels=ChannelTable(channels))
        self.monotonic_s = 1000.0

    def send(self, topic: str, payload: bytes) -> Intake:
        return self.reception.handle(topic, payload, now_ms=NOW_MS, monotonic_s=self.monotonic_s)

    def born(self) -> Fixture:
        self.send(topic("NBIRTH"), nbirth())
        self.send(topic("DBIRTH", DEVICE), dbirth())
        return self


def rows(intake: Intake) -> BlockRows:
    assert intake.block is not None, intake
    return intake.block


def reasons(intake: Intake) -> list[str]:
    return [d.reason for d in intake.letters] + ([d.reason for d in intake.block.dead] if intake.block else [])


def test_births_then_a_block() -> None:
    fixture = Fixture()
    born = fixture.send(topic("NBIRTH"), nbirth())
    assert born.gateway is not None
    assert (born.gateway.edge, born.gateway.online) == (EDGE, True)
    assert int(born.gateway.at.timestamp() * 1000) == NOW_MS
    device = fixture.send(topic("DBIRTH", DEVICE), dbirth())
    assert {(b.stream, b.alias, b.metric) for b in device.bindings} == {(STREAM, 1, "flow_m3h"), (STREAM, 2, "pressure_m")}
    got = fixture.send(DATA, block([reading(1.0), reading(2.0, alias=2)]))
    assert rows(got).point_id.tolist() == [41, 42]
    assert got.gateway is None
    assert got.rebirth is None


def test_a_repeated_birth_has_nothing_to_save() -> None:
    again = Fixture().born().send(topic("DBIRTH", DEVICE), dbirth())
    assert again.bindings == ()
    assert again.ignored == "known_birth"


def test_bindings_of_an_earlier_life_are_enough() -> None:
    saved = Fixture().send(topic("DBIRTH", DEVICE), dbirth()).bindings
    got = Fixture(bindings=saved).send(DATA, block([reading(1.0)]))
    assert rows(got).point_id.tolist() == [41]
    assert got.gateway is not None, "data of a gateway not heard of yet says that it is up"
    assert got.gateway.online


def test_an_unknown_alias_is_dropped_and_births_are_asked_for_at_a_pace() -> None:
    fixture = Fixture()
    first = fixture.send(DATA, block([reading(1.0)]))
    assert (first.block, first.rebirth, first.ignored) == (None, EDGE, "unknown_alias")
    fixture.monotonic_s += 1
    assert fixture.send(DATA, block([reading(1.0)])).rebirth is None
    fixture.monotonic_s += 59
    assert fixture.send(DATA, block([reading(1.0)])).rebirth == EDGE
    fixture.born()
    assert rows(fixture.send(DATA, block([reading(1.0)]))).point_id.tolist() == [41]


def test_an_alias_that_the_birth_did_not_explain_is_a_letter() -> None:
    fixture = Fixture()
    data = block([reading(1.0), reading(2.0, alias=77)], first=5)
    assert fixture.send(DATA, data).block is None
    fixture.born()
    got = fixture.send(DATA, data)
    assert rows(got).sequence.tolist() == [5]
    assert [(d.reason, d.first, d.last) for d in rows(got).dead] == [(Reason.UNKNOWN_ALIAS, 6, 6)]


def test_an_alias_that_was_explained_starts_anew_for_the_next_one() -> None:
    fixture = Fixture()
    fixture.send(DATA, block([reading(1.0)]))
    fixture.born()
    fixture.send(DATA, block([reading(1.0)]))
    assert fixture.send(DATA, block([reading(1.0, alias=77)])).block is None, "its birth may be on the way"


def test_devices_and_metrics_that_the_inventory_does_not_know() -> None:
    got = Fixture([channel(EDGE, DEVICE, "flow_m3h", 41)]).born().send(DATA, block([reading(1.0), reading(2.0, alias=2)]))
    assert reasons(got) == [Reason.UNKNOWN_METRIC]
    assert rows(got).dead[0].payload
    stranger = Fixture([]).born().send(DATA, block(series(50)))
    assert [(d.reason, d.first, d.last) for d in rows(stranger).dead] == [(Reason.UNKNOWN_DEVICE, 1, 50)]


def test_an_alias_of_another_device_is_not_believed() -> None:
    got = Fixture().born().send(topic("DDATA", "meter-2"), block([reading(1.0)]))
    assert reasons(got) == [Reason.UNKNOWN_METRIC]
    assert DEVICE in rows(got).dead[0].detail


def test_births_that_disagree_withdraw_the_alias() -> None:
    fixture = Fixture().born()
    got = fixture.send(topic("DBIRTH", DEVICE), dbirth({"pressure_m": 1}))
    assert reasons(got) == [Reason.ALIAS_CONFLICT]
    assert got.bindings == ()
    assert reasons(fixture.send(DATA, block([reading(1.0)]))) == [Reason.ALIAS_CONFLICT]


@pytest.mark.parametrize("byte", [b"\xff", b"\x00"])
def test_a_name_that_no_database_takes_is_no_birth(byte: bytes) -> None:
    got = Fixture().send(topic("DBIRTH", DEVICE), dbirth().replace(b"flow_m3h", b"flow" + byte + b"m3h"))
    assert got.bindings == ()
    assert reasons(got) in ([Reason.BAD_BIRTH], [Reason.DECODE_ERROR])


def test_a_new_epoch_has_its_own_aliases() -> None:
    fixture = Fixture().born()
    fixture.send(topic("DBIRTH", DEVICE), dbirth({"pressure_m": 1}, epoch=EPOCH + 1))
    assert rows(fixture.send(DATA, block([reading(1.0)], epoch=EPOCH + 1))).point_id.tolist() == [42]
    assert rows(fixture.send(DATA, block([reading(1.0)]))).point_id.tolist() == [41]


def test_a_bad_block_is_covered_by_a_letter() -> None:
    data = encode(
        Payload(
            timestamp_ms=NOW_MS,
            seq=1,
            metrics=(
                *(
                    Metric(name=f"Spool/{name}", datatype=DataType.UINT64, value=value)
                    for name, value in (("Epoch", EPOCH), ("First", 5), ("Last", 9))
                ),
                Metric(alias=1, timestamp_ms=NOW_MS, datatype=DataType.DOUBLE, value=1.0),
            ),
        )
    )
    got = rows(Fixture().born().send(DATA, data))
    assert got.stream == STREAM
    assert [(d.reason, d.first, d.last, d.payload) for d in got.dead] == [(Reason.BAD_BLOCK, 5, 9, data)]


def test_giant_payloads_and_blocks() -> None:
    fixture = Fixture().born()
    giant = fixture.send(DATA, bytes(60_001))
    assert giant.block is None
    assert reasons(giant) == [Reason.OVERSIZE]
    assert reasons(fixture.send(topic("DBIRTH", DEVICE), bytes(60_001))) == [Reason.OVERSIZE]
    long = fixture.send(DATA, block(series(1001)))
    assert [(d.reason, d.first, d.last) for d in rows(long).dead] == [(Reason.OVERSIZE, 1, 1001)]


def test_a_result_of_a_command_is_ignored() -> None:
    result = encode(
        Payload(timestamp_ms=NOW_MS, seq=1, metrics=(Metric(name="Command/Result", datatype=DataType.STRING, value="{}"),))
    )
    assert Fixture().born().send(DATA, result).ignored == "no_readings"


def test_gateways_of_other_makes_are_stored_without_receipt() -> None:
    fixture = Fixture()
    node = encode(Payload(timestamp_ms=NOW_MS, seq=0, metrics=(Metric(name="bdSeq", datatype=DataType.INT64, value=0),)))
    assert fixture.send(topic("NBIRTH"), node).gateway is not None
    birth = encode(Payload(timestamp_ms=NOW_MS, seq=1, metrics=(birth_metric(name="flow_m3h", alias=6),)))
    assert fixture.send(topic("DBIRTH", DEVICE), birth).bindings == (), "another maker's alias lives until its next birth"
    data = encode(
        Payload(
            timestamp_ms=NOW_MS,
            seq=2,
            metrics=(Metric(alias=6, datatype=10, value=1.0), Metric(name="pressure_m", datatype=10, value=2.0)),
        )
    )
    got = rows(fixture.send(DATA, data))
    assert (got.stream, got.range) == (None, None)
    assert got.point_id.tolist() == [41, 42]
    assert got.time_ms.tolist() == [NOW_MS, NOW_MS]
    fixture.send(topic("NBIRTH"), node)
    assert fixture.send(DATA, data).ignored == "unknown_alias", "a node birth starts another maker's aliases anew"


def test_a_death_counts_only_for_its_own_birth() -> None:
    fixture = Fixture()
    fixture.send(topic("NBIRTH"), nbirth(bd_seq=4))
    assert fixture.send(topic("NDEATH"), encode_ndeath(3)).ignored == "stale_death"
    died = fixture.send(topic("NDEATH"), encode_ndeath(4))
    assert died.gateway is not None
    assert not died.gateway.online


def test_data_after_a_death_is_kept_and_a_birth_is_asked_for() -> None:
    fixture = Fixture().born()
    fixture.send(topic("NDEATH"), encode_ndeath(0))
    got = fixture.send(DATA, block([reading(1.0)]))
    assert rows(got).sequence.tolist() == [1]
    assert got.rebirth == EDGE


@pytest.mark.parametrize(
    ("name", "payload", "why"),
    [
        (topic("DDEATH", DEVICE), encode_ddeath(seq=1, timestamp_ms=NOW_MS), "device_death"),
        (topic("NCMD"), b"", "command"),
        (topic("DCMD", DEVICE), b"\xff", "command"),
        (DATA, b"", "no_readings"),
    ],
)
def test_what_leaves_nothing_says_why(name: str, payload: bytes, why: str) -> None:
    assert Fixture().send(name, payload) == Intake(ignored=why) or Fixture().send(name, payload).ignored == why


def test_a_fault_of_ours_costs_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    fixture = Fixture().born()
    monkeypatch.setattr(module, "decode", broken)
    got = fixture.send(DATA, block([reading(1.0)]))
    assert reasons(got) == [Reason.INTERNAL_ERROR]
    assert "ZeroDivisionError" in got.letters[0].detail


kinds = st.sampled_from(["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH", "NCMD", "DCMD", "STATE", "X"])
topics = (
    st.tuples(st.sampled_from(["spBv1.0", "x"]), st.sampled_from(["demo", ""]), kinds, st.sampled_from(["gw-north", "é"]))
    .flatmap(lambda t: st.sampled_from(["/".join(t), "/".join((*t, DEVICE)), "/".join((*t, DEVICE, "more"))]))
    | st.text(max_size=40)
)  # fmt: skip
good = block([reading(1.0), reading(2.0, alias=2), reading(None)])


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A message of ours with bytes changed, cut off or doubled: deeper in than chance alone would get."""
    data = bytearray(draw(st.sampled_from([good, nbirth(), dbirth(), encode_ndeath(1)])))
    for place, byte in draw(st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=4)):
        data[place] = byte
    end = draw(st.integers(0, len(data)) | st.just(len(data)))
    return bytes(data[:end]) * draw(st.integers(1, 2))


@given(st.lists(st.tuples(topics, st.binary(max_size=80) | mangled()), max_size=8))
def test_no_message_ends_the_ingestor_and_every_one_is_accounted_for(messages: list[tuple[str, bytes]]) -> None:
    fixture = Fixture().born()
    for name, payload in messages:
        got = fixture.send(name, payload)
        assert Reason.INTERNAL_ERROR not in reasons(got), got
        left = [got.block is not None, bool(got.letters), bool(got.bindings), got.gateway is not None, bool(got.ignored)]
        assert any(left), "a message that leaves nothing must say why"
        if got.block is not None and got.block.range is not None:
            dead = sum(d.last - d.first + 1 for d in got.block.dead if d.first and d.last)
            assert got.block.sequence.size + dead == len(got.block.range)
    assert rows(fixture.send(DATA, good)).sequence.size >= 0, "and the next good block is taken"
