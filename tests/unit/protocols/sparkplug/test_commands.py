"""A command arrives as it was signed, or not at all."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from domain.setpoints import Command, Expired, Failed, Outcome, Reason, Refused, Source, Unknown, Verified, Witness
from protocols.sparkplug.commands import (
    canonical_document,
    decode_command,
    decode_result,
    decode_result_ack,
    encode_command,
    encode_result,
    encode_result_ack,
    parse_document,
    sign,
    verify,
)
from protocols.sparkplug.payload import DataType, Metric, Payload, decode, encode

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ISSUED = datetime(2026, 11, 21, 12, 0, 0, 250_000, UTC)
COMMAND = Command(
    command_id="0f3a",
    actuator="prv_medina",
    gateway="demo/gw-north",
    device="prv1",
    field="setpoint_m",
    value_m=35.1,
    previous_m=None,
    source=Source.OPERATOR,
    author="Zineb",
    issued_at=ISSUED,
    expires_at=ISSUED + timedelta(minutes=10),
    counter=17,
    owner_token=3,
    lease_s=1800.0,
    key_id="ab12",
)
DOCUMENT = canonical_document(COMMAND)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
finite = st.floats(allow_nan=False, allow_infinity=False)
times = st.integers(0, 4_102_444_800_000).map(
    lambda ms: datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)
)
whole = st.integers(0, (1 << 63) - 1)
commands = st.builds(
    Command,
    command_id=texts,
    actuator=texts,
    gateway=texts,
    device=texts,
    field=texts,
    value_m=finite,
    previous_m=st.none() | finite,
    source=st.sampled_from(Source),
    author=texts,
    issued_at=times,
    expires_at=times,
    counter=whole,
    owner_token=whole,
    lease_s=finite,
    key_id=texts,
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Verified, command_id=texts, at=times, readback_m=finite),
    st.builds(
        Refused, command_id=texts, at=times, by=texts, reasons=st.lists(st.builds(Reason, code=texts, text=texts)).map(tuple)
    ),
    st.builds(Expired, command_id=texts, at=times),
    st.builds(Failed, command_id=texts, at=times, detail=texts, readback_m=st.none() | finite),
)


def test_the_document_in_bytes() -> None:
    assert DOCUMENT == (
        b'{"actuator":"prv_medina","author":"Zineb","counter":17,"device":"prv1","expires_at":"2026-11-21T12:10:00.250Z",'
        b'"field":"setpoint_m","gateway":"demo/gw-north","id":"0f3a","issued_at":"2026-11-21T12:00:00.250Z","key_id":"ab12",'
        b'"lease_s":1800.0,"owner_token":3,"previous_m":null,"source":"operator","value_m":35.1}'
    )


@given(commands)
def test_document_roundtrip(command: Command) -> None:
    document = canonical_document(command)
    assert parse_document(document) == command
    assert canonical_document(parse_document(document)) == document


@given(commands)
def test_wire_roundtrip(command: Command) -> None:
    found = decode_command(decode(encode_command(command, KEY)))
    assert found is not None
    assert found.key_id == command.key_id
    assert verify(found.document, found.signature, KEY.public_key())
    assert parse_document(found.document) == command


@given(st.integers(0, len(DOCUMENT) * 8 - 1))
def test_any_flipped_bit_of_the_document_is_refused(bit: int) -> None:
    flipped = bytearray(DOCUMENT)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not verify(bytes(flipped), sign(DOCUMENT, KEY), KEY.public_key())


@given(st.integers(0, 64 * 8 - 1))
def test_any_flipped_bit_of_the_signature_is_refused(bit: int) -> None:
    flipped = bytearray(sign(DOCUMENT, KEY))
    flipped[bit // 8] ^= 1 << bit % 8
    assert not verify(DOCUMENT, bytes(flipped), KEY.public_key())


def test_only_the_right_key_verifies() -> None:
    signature = sign(DOCUMENT, KEY)
    assert verify(DOCUMENT, signature, KEY.public_key())
    assert not verify(DOCUMENT, signature, OTHER_KEY.public_key())
    assert not verify(DOCUMENT, b"", KEY.public_key())
    assert not verify(DOCUMENT, signature + b"\0", KEY.public_key())


def test_what_is_finer_than_a_millisecond_is_cut_off_never_rounded_up() -> None:
    late = replace(COMMAND, expires_at=ISSUED.replace(microsecond=999_999))
    assert parse_document(canonical_document(late)).expires_at == ISSUED.replace(microsecond=999_000)


def test_times_are_written_in_utc() -> None:
    local = replace(COMMAND, issued_at=ISSUED.astimezone(timezone(timedelta(hours=1))))
    assert canonical_document(local) == DOCUMENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"value_m": math.nan},
        {"value_m": math.inf},
        {"previous_m": math.nan},
        {"counter": -1},
        {"counter": 1 << 63},
        {"owner_token": -1},
        {"command_id": ""},
        {"author": "\ud800"},
        {"issued_at": datetime(2026, 11, 21)},
        {"author": "x" * 9000},
    ],
)
def test_what_could_not_be_read_is_not_signed(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_document(replace(COMMAND, **wrong))


def changed(**changes: object) -> bytes:
    content = json.loads(DOCUMENT) | changes
    return json.dumps({k: v for k, v in content.items() if v is not ...}, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 8000,
        b"\xff",
        DOCUMENT + b" ",
        b" " + DOCUMENT,
        DOCUMENT.replace(b'"counter":17', b'"counter":17,"counter":17'),
        DOCUMENT.replace(b"1800.0", b"1800.00"),
        DOCUMENT.replace(b"1800.0", b"1.8e3"),
        DOCUMENT.replace(b"35.1", b"1e999"),
        DOCUMENT.replace(b"35.1", b"NaN"),
        DOCUMENT.replace(b"Zineb", b"\\u005aineb"),
        DOCUMENT.replace(b"Zineb", b"\\ud800"),
        changed(extra=1),
        changed(counter=...),
        changed(counter=True),
        changed(counter="17"),
        changed(counter=17.0),
        changed(counter=-1),
        changed(value_m=None),
        changed(value_m=35),
        changed(value_m="35.1"),
        changed(source="nobody"),
        changed(device=""),
        changed(device=None),
        changed(issued_at="2026-11-21T12:00:00Z"),
        changed(issued_at="2026-11-21 12:00:00.000Z"),
        changed(issued_at="2026-13-21T12:00:00.000Z"),
        changed(author="x" * 9000),
    ],
)
def test_documents_that_are_not_canonical_are_refused(document: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_document(document)
    assert caught.value.reason == "bad_command"


@given(st.binary(max_size=200))
def test_random_bytes_are_no_document(data: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_document(data)


def test_a_payload_without_command_is_none() -> None:
    assert decode_command(Payload()) is None
    assert decode_result(Payload()) is None
    assert decode_result_ack(Payload()) is None


@pytest.mark.parametrize("missing", ["Command/Document", "Command/Signature", "Command/Key"])
def test_half_a_command_is_refused(missing: str) -> None:
    whole_payload = decode(encode_command(COMMAND, KEY))
    half = Payload(metrics=tuple(m for m in whole_payload.metrics if m.name != missing))
    with pytest.raises(DecodeError, match="bad_command"):
        decode_command(half)


@pytest.mark.parametrize(
    ("name", "value"), [("Command/Signature", b"x" * 63), ("Command/Signature", b""), ("Command/Document", b"x" * 8193)]
)
def test_parts_of_the_wrong_size_are_refused(name: str, value: bytes) -> None:
    metrics = decode(encode_command(COMMAND, KEY)).metrics
    changed_part = tuple(replace(m, value=value) if m.name == name else m for m in metrics)
    with pytest.raises(DecodeError, match="bad_command"):
        decode_command(Payload(metrics=changed_part))


def test_a_command_twice_in_one_payload_is_refused() -> None:
    metrics = decode(encode_command(COMMAND, KEY)).metrics
    with pytest.raises(DecodeError, match="bad_command"):
        decode_command(Payload(metrics=metrics + metrics))


@given(outcomes, st.integers(0, 255))
def test_result_roundtrip(outcome: Outcome, seq: int) -> None:
    payload = decode(encode_result(outcome, seq, 1_770_000_000_000))
    assert payload.seq == seq
    assert [m.name for m in payload.metrics] == ["Command/Result"]
    assert decode_result(payload) == outcome


def test_unknown_is_not_the_gateways_word() -> None:
    with pytest.raises(ValueError, match="unknown"):
        encode_result(Unknown(command_id="1", at=ISSUED, detail="no answer"), 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"at":"2026-11-21T12:00:00.000Z","by":"","detail":"","id":"1","outcome":"unknown","readback_m":null,"reasons":[]}',
        '{"at":"2026-11-21T12:00:00.000Z","by":"","detail":"","id":"1","outcome":"verified","readback_m":null,"reasons":[]}',
        '{"at":"2026-11-21T12:00:00.000Z","by":"","detail":"","id":"","outcome":"expired","readback_m":null,"reasons":[]}',
        '{"at":"2026-11-21T12:00:00.000Z","by":"","detail":"","id":"1","outcome":"refused","readback_m":null,"reasons":[{"code":"a"}]}',
        '{"at":"2026-11-21T12:00:00.000Z","by":"","detail":"","id":"1","outcome":"refused","readback_m":null,"reasons":5}',
        '{"at":"now","by":"","detail":"","id":"1","outcome":"expired","readback_m":null,"reasons":[]}',
    ],
)
def test_broken_results_are_refused(text: str) -> None:
    metric = Metric(name="Command/Result", datatype=DataType.STRING, value=text)
    with pytest.raises(DecodeError) as caught:
        decode_result(decode(encode(Payload(metrics=(metric,)))))
    assert caught.value.reason == "bad_result"


@given(texts)
def test_acknowledgement_roundtrip(command_id: str) -> None:
    assert decode_result_ack(decode(encode_result_ack(command_id))) == command_id


def test_an_emergency_and_a_witness_are_signed_and_read_back() -> None:
    order = replace(COMMAND, emergency=True, witness=Witness(sequence=7, hash="0f" * 32))
    assert parse_document(canonical_document(order)) == order
    assert b"emergency" not in DOCUMENT  # gateways from before it take the ordinary command as ever


@pytest.mark.parametrize(
    "extra",
    [
        {"emergency": False},
        {"emergency": None},
        {"audit_sequence": 1},
        {"audit_hash": "0f" * 32},
        {"audit_sequence": 0, "audit_hash": "0f" * 32},
        {"audit_sequence": 1, "audit_hash": "0F" * 32},
        {"audit_sequence": True, "audit_hash": "0f" * 32},
    ],
)
def test_half_a_witness_and_an_emergency_that_is_none_are_no_command(extra: dict[str, object]) -> None:
    content = json.loads(DOCUMENT) | extra
    with pytest.raises(DecodeError):
        parse_document(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def test_the_numbers_of_a_reason_travel_with_it_and_may_be_missing() -> None:
    reasons = (Reason(code="ramp", text="too far", parameters={"step_m": 4.0, "limit_m": 2.0}), Reason(code="x", text="y"))
    refused = Refused(command_id="c1", at=ISSUED, by="gw", reasons=reasons)
    payload = encode_result(refused, 0, 0)
    assert decode_result(decode(payload)) == refused
    assert payload.count(b"parameters") == 1
