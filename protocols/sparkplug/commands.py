"""The road down on the wire: a signed document to the gateway, a result back, and an end to repeating it.

    DCMD  Command/Document (canonical JSON), Command/Signature (Ed25519 over exactly these bytes), Command/Key
    DDATA Command/Result (JSON), repeated until  DCMD Command/ResultAck = command id

A document has one byte form only (``strict_json``); any other form of the same content is refused, so that nothing can be
signed and then read differently. ``emergency`` and the audit's witness stand in it only where they say something, so that gateways
from before them still take what is ordinary.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.errors import DecodeError
from domain.setpoints import Command, Expired, Failed, Outcome, Reason, Refused, Source, Unknown, Verified, Witness, outcome_word
from protocols.sparkplug.names import COMMAND_DOCUMENT, COMMAND_KEY, COMMAND_RESULT, COMMAND_RESULT_ACK, COMMAND_SIGNATURE
from protocols.sparkplug.payload import MAX_INT64, DataType, Metric, Payload, by_name, encode
from protocols.sparkplug.strict_json import canonical_json, parse_json, parse_time, time_text

MAX_DOCUMENT_BYTES = 8192
MAX_RESULT_BYTES = 65_536
_TEXTS = ("id", "actuator", "gateway", "device", "field", "source", "author", "key_id")
_WHOLE = ("counter", "owner_token")
_NUMBERS = ("value_m", "previous_m", "lease_s")
_KEYS = frozenset((*_TEXTS, *_WHOLE, *_NUMBERS, "issued_at", "expires_at"))
_OPTIONAL = frozenset(("emergency", "audit_sequence", "audit_hash"))
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
_RESULT_KEYS = frozenset(("id", "outcome", "at", "by", "readback_m", "reasons", "detail"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCommand:
    """A command as it arrived: nothing in it is to be believed before ``verify``."""

    document: bytes
    signature: bytes
    key_id: str
    """The key the sender claims; the document names it too, and the two must agree."""


def canonical_document(command: Command) -> bytes:
    """The command as the bytes that are signed. Times lose what is finer than a millisecond.

    Raises:
        ValueError: A text is empty, a number is not finite or not within 0..2^63-1 (counter, token), a time has no zone.
    """
    content: dict[str, Any] = {
        "id": command.command_id,
        "actuator": command.actuator,
        "gateway": command.gateway,
        "device": command.device,
        "field": command.field,
        "value_m": float(command.value_m),
        "previous_m": None if command.previous_m is None else float(command.previous_m),
        "issued_at": time_text(command.issued_at),
        "expires_at": time_text(command.expires_at),
        "counter": command.counter,
        "owner_token": command.owner_token,
        "lease_s": float(command.lease_s),
        "source": command.source.value,
        "author": command.author,
        "key_id": command.key_id,
    }
    if command.emergency:
        content["emergency"] = True
    if command.witness is not None:
        content |= {"audit_sequence": command.witness.sequence, "audit_hash": command.witness.hash}
    document = canonical_json(content)
    _command(content)
    if len(document) > MAX_DOCUMENT_BYTES:
        raise ValueError(f"command {command.command_id} takes {len(document)} bytes; the limit is {MAX_DOCUMENT_BYTES}")
    return document


def parse_document(document: bytes) -> Command:
    """The command in a document.

    Raises:
        DecodeError: ``bad_command``: not canonical, a key too many or missing, or a value of the wrong kind.
    """
    try:
        return _command(parse_json(document, max_bytes=MAX_DOCUMENT_BYTES))
    except ValueError as error:
        raise DecodeError("bad_command", f"{COMMAND_DOCUMENT}: {error}") from None


def sign(document: bytes, private_key: Ed25519PrivateKey) -> bytes:
    """The 64 bytes of the Ed25519 signature (RFC 8032) over the document."""
    return private_key.sign(document)


def verify(document: bytes, signature: bytes, public_key: Ed25519PublicKey) -> bool:
    """Whether the signature is this key's over exactly these bytes."""
    try:
        public_key.verify(signature, document)
    except InvalidSignature:
        return False
    return True


def encode_command(command: Command, private_key: Ed25519PrivateKey) -> bytes:
    """DCMD payload with the signed command, stamped with its time of issue; raises as ``canonical_document``."""
    document = canonical_document(command)
    at_ms = int(command.issued_at.timestamp() * 1000)
    return encode(
        Payload(
            timestamp_ms=at_ms,
            metrics=(
                Metric(name=COMMAND_DOCUMENT, timestamp_ms=at_ms, datatype=DataType.BYTES, value=document),
                Metric(name=COMMAND_SIGNATURE, timestamp_ms=at_ms, datatype=DataType.BYTES, value=sign(document, private_key)),
                Metric(name=COMMAND_KEY, timestamp_ms=at_ms, datatype=DataType.STRING, value=command.key_id),
            ),
        )
    )


def decode_command(payload: Payload) -> SignedCommand | None:
    """The signed command in a DCMD, unverified; None where it carries none.

    Raises:
        DecodeError: ``bad_command``: document, signature or key is missing, doubled, or of the wrong kind or size.
    """
    found = _found(payload, COMMAND_DOCUMENT, COMMAND_SIGNATURE, COMMAND_KEY)
    if not found:
        return None
    match [found.get(name) for name in (COMMAND_DOCUMENT, COMMAND_SIGNATURE, COMMAND_KEY)]:
        case [bytes(document), bytes(signature), str(key_id)] if len(document) <= MAX_DOCUMENT_BYTES and len(signature) == 64:
            return SignedCommand(document=document, signature=signature, key_id=key_id)
        case _:
            raise DecodeError(
                "bad_command",
                f"a command needs {COMMAND_DOCUMENT} (at most {MAX_DOCUMENT_BYTES} bytes), {COMMAND_SIGNATURE} (64 bytes) "
                f"and {COMMAND_KEY}; found {sorted(found)}",
            )


def encode_result(outcome: Outcome, seq: int, timestamp_ms: int) -> bytes:
    """DDATA payload with what became of a command.

    Raises:
        ValueError: ``Unknown`` is the centre's own word: a gateway knows what it did, or says ``Failed``.
    """
    content: dict[str, Any] = {
        "id": outcome.command_id,
        "outcome": outcome_word(outcome),
        "at": time_text(outcome.at),
        "by": "",
        "readback_m": None,
        "reasons": [],
        "detail": "",
    }
    match outcome:
        case Verified(readback_m=readback_m):
            content["readback_m"] = float(readback_m)
        case Refused(by=by, reasons=reasons):
            content |= {"by": by, "reasons": [_reason_row(r) for r in reasons]}
        case Failed(detail=detail, readback_m=readback_m):
            content |= {"detail": detail, "readback_m": None if readback_m is None else float(readback_m)}
        case Expired():
            pass
        case Unknown():
            raise ValueError(f"command {outcome.command_id}: 'unknown' is no result a gateway can send")
    text = canonical_json(content).decode()
    result = Metric(name=COMMAND_RESULT, timestamp_ms=timestamp_ms, datatype=DataType.STRING, value=text)
    return encode(Payload(timestamp_ms=timestamp_ms, seq=seq, metrics=(result,)))


def decode_result(payload: Payload) -> Outcome | None:
    """What became of a command, from a DDATA; None where it carries no result.

    Raises:
        DecodeError: ``bad_result``: not the canonical JSON of an outcome.
    """
    found = _found(payload, COMMAND_RESULT, reason="bad_result")
    if not found:
        return None
    text = found[COMMAND_RESULT]
    try:
        return _outcome(parse_json(text.encode() if isinstance(text, str) else b"", max_bytes=MAX_RESULT_BYTES))
    except ValueError as error:
        raise DecodeError("bad_result", f"{COMMAND_RESULT}: {error}") from None


def encode_result_ack(command_id: str, *, timestamp_ms: int | None = None) -> bytes:
    """DCMD payload that tells a gateway to stop repeating the result of a command."""
    ack = Metric(name=COMMAND_RESULT_ACK, timestamp_ms=timestamp_ms, datatype=DataType.STRING, value=command_id)
    return encode(Payload(timestamp_ms=timestamp_ms, metrics=(ack,)))


def decode_result_ack(payload: Payload) -> str | None:
    """Id of the command whose result has arrived; None where the DCMD says nothing of it.

    Raises:
        DecodeError: ``bad_command``: doubled, or no text.
    """
    found = _found(payload, COMMAND_RESULT_ACK)
    if not found:
        return None
    command_id = found[COMMAND_RESULT_ACK]
    if not isinstance(command_id, str) or not command_id:
        raise DecodeError("bad_command", f"{COMMAND_RESULT_ACK} is {command_id!r}; expected a command id")
    return command_id


def _found(payload: Payload, *names: str, reason: str = "bad_command") -> dict[str, object]:
    try:
        return {name: metric.value for name, metric in by_name(payload.metrics, *names).items()}
    except DecodeError as error:
        raise DecodeError(reason, error.detail) from None


def _command(content: dict[str, Any]) -> Command:
    _only(content, _KEYS, _OPTIONAL)
    for key in _TEXTS:
        if not isinstance(content[key], str) or not content[key]:
            raise ValueError(f"{key} is {content[key]!r}; expected text")
    for key in _WHOLE:
        if type(content[key]) is not int or not 0 <= content[key] <= MAX_INT64:
            raise ValueError(f"{key} is {content[key]!r}; expected a whole number within 0..2^63-1")
    for key in _NUMBERS:
        _finite(content, key, optional=key == "previous_m")
    return Command(
        command_id=content["id"],
        actuator=content["actuator"],
        gateway=content["gateway"],
        device=content["device"],
        field=content["field"],
        value_m=content["value_m"],
        previous_m=content["previous_m"],
        source=Source(content["source"]),
        author=content["author"],
        issued_at=parse_time(content["issued_at"]),
        expires_at=parse_time(content["expires_at"]),
        counter=content["counter"],
        owner_token=content["owner_token"],
        lease_s=content["lease_s"],
        key_id=content["key_id"],
        emergency=_emergency(content),
        witness=_witness(content),
    )


def _emergency(content: dict[str, Any]) -> bool:
    if content.get("emergency", True) is not True:
        raise ValueError(f"emergency is {content['emergency']!r}; it is true or left out")
    return "emergency" in content


def _witness(content: dict[str, Any]) -> Witness | None:
    if not content.keys() & {"audit_sequence", "audit_hash"}:
        return None
    sequence, digest = content.get("audit_sequence"), content.get("audit_hash")
    hexadecimal = isinstance(digest, str) and _SHA256_HEX.fullmatch(digest) is not None
    if type(sequence) is not int or not 0 < sequence <= MAX_INT64 or not isinstance(digest, str) or not hexadecimal:
        raise ValueError(f"audit_sequence {sequence!r} and audit_hash {digest!r} must be a whole number above 0 and 64 hex digits")
    return Witness(sequence=sequence, hash=digest)


def _outcome(content: dict[str, Any]) -> Outcome:
    _only(content, _RESULT_KEYS)
    wrong = [key for key in ("id", "outcome", "by", "detail") if not isinstance(content[key], str)]
    if wrong or not content["id"]:
        raise ValueError(f"{', '.join(wrong) or 'id'} must be text, and id not empty")
    _finite(content, "readback_m", optional=content["outcome"] != "verified")
    command_id, at = content["id"], parse_time(content["at"])
    match content["outcome"]:
        case "verified":
            return Verified(command_id=command_id, at=at, readback_m=content["readback_m"])
        case "refused":
            return Refused(command_id=command_id, at=at, by=content["by"], reasons=_reasons(content["reasons"]))
        case "expired":
            return Expired(command_id=command_id, at=at)
        case "failed":
            return Failed(command_id=command_id, at=at, detail=content["detail"], readback_m=content["readback_m"])
        case word:
            raise ValueError(f"outcome is {word!r}; expected verified, refused, expired or failed")


def _reasons(rows: object) -> tuple[Reason, ...]:
    reasons = []
    for row in rows if isinstance(rows, list) else [rows]:
        match row:
            case {"code": str(code), "text": str(text), **more} if more.keys() <= {"parameters"}:
                reasons.append(Reason(code=code, text=text, parameters=_parameters(more.get("parameters", {}))))
            case _:
                raise ValueError(f"reasons holds {row!r}; expected objects with code, text and parameters")
    return tuple(reasons)


def _reason_row(reason: Reason) -> dict[str, Any]:
    row: dict[str, Any] = {"code": reason.code, "text": reason.text}
    numbers = {name: float(value) for name, value in reason.parameters.items() if math.isfinite(value)}
    return row | ({"parameters": numbers} if numbers else {})


def _parameters(found: object) -> dict[str, float]:
    if not isinstance(found, dict) or not all(isinstance(v, float) and math.isfinite(v) for v in found.values()):
        raise ValueError(f"parameters is {found!r}; expected finite numbers with a decimal point, by name")
    return found


def _only(content: dict[str, Any], keys: frozenset[str], optional: frozenset[str] = frozenset()) -> None:
    unknown, missing = content.keys() - keys - optional, keys - content.keys()
    if unknown or missing:
        raise ValueError(f"unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")


def _finite(content: dict[str, Any], key: str, *, optional: bool) -> None:
    value = content[key]
    if optional and value is None:
        return
    if not isinstance(value, float) or not math.isfinite(value):
        raise ValueError(f"{key} is {value!r}; expected a finite number with a decimal point")
