"""What two sides agree on when they associate: services, and the longest APDU (Green Book 9.3; A-XDR)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from protocols.dlms.errors import ServiceRefused, Trouble
from protocols.dlms.reader import Reader, encode_length, wrong

INITIATE_REQUEST, INITIATE_RESPONSE, CONFIRMED_SERVICE_ERROR = 0x01, 0x08, 0x0E
DLMS_VERSION = 6
_CONFORMANCE_TAG = b"\x5f\x1f\x04\x00"
"""[APPLICATION 31], four bytes, no unused bits."""
VAA_LOGICAL_NAMES = 0x0007


class Conformance(IntFlag):
    """The 24 bits of the conformance block; bit 0 of the specification is the most significant one."""

    GENERAL_PROTECTION = 1 << 22
    GENERAL_BLOCK_TRANSFER = 1 << 21
    READ = 1 << 20
    WRITE = 1 << 19
    UNCONFIRMED_WRITE = 1 << 18
    DELTA_VALUE_ENCODING = 1 << 17
    ATTRIBUTE_0_WITH_SET = 1 << 15
    PRIORITY = 1 << 14
    ATTRIBUTE_0_WITH_GET = 1 << 13
    BLOCKS_WITH_GET = 1 << 12
    BLOCKS_WITH_SET = 1 << 11
    BLOCKS_WITH_ACTION = 1 << 10
    MULTIPLE_REFERENCES = 1 << 9
    INFORMATION_REPORT = 1 << 8
    DATA_NOTIFICATION = 1 << 7
    ACCESS = 1 << 6
    PARAMETERIZED_ACCESS = 1 << 5
    GET = 1 << 4
    SET = 1 << 3
    SELECTIVE_ACCESS = 1 << 2
    EVENT_NOTIFICATION = 1 << 1
    ACTION = 1 << 0


PROPOSED = (
    Conformance.GENERAL_PROTECTION
    | Conformance.PRIORITY
    | Conformance.BLOCKS_WITH_GET
    | Conformance.BLOCKS_WITH_SET
    | Conformance.BLOCKS_WITH_ACTION
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.DATA_NOTIFICATION
    | Conformance.GET
    | Conformance.SET
    | Conformance.SELECTIVE_ACCESS
    | Conformance.EVENT_NOTIFICATION
    | Conformance.ACTION
)
"""What this client does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitiateRequest:
    """What the client proposes."""

    conformance: Conformance = PROPOSED
    max_pdu: int = 0xFFFF
    """Longest APDU the client takes; 0 for no limit."""
    dedicated_key: bytes | None = None

    def encode(self) -> bytes:
        """The APDU; response-allowed and quality of service stay at their defaults."""
        key = b"\x00" if self.dedicated_key is None else b"\x01" + encode_length(len(self.dedicated_key)) + self.dedicated_key
        head = bytes((INITIATE_REQUEST,)) + key + bytes((0, 0, DLMS_VERSION)) + _CONFORMANCE_TAG
        return head + self.conformance.to_bytes(3, "big") + self.max_pdu.to_bytes(2, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class InitiateResponse:
    """What the server grants."""

    conformance: Conformance
    max_pdu: int
    """Longest APDU the server takes; 0 for no limit."""

    def encode(self) -> bytes:
        """The APDU."""
        head = bytes((INITIATE_RESPONSE, 0, DLMS_VERSION)) + _CONFORMANCE_TAG
        return head + self.conformance.to_bytes(3, "big") + self.max_pdu.to_bytes(2, "big") + VAA_LOGICAL_NAMES.to_bytes(2, "big")


def decode_request(apdu: bytes) -> InitiateRequest:
    """An InitiateRequest.

    Raises:
        DecodeError: It is none, or of another DLMS version.
    """
    reader = _begin(apdu, INITIATE_REQUEST)
    key = reader.octets() if reader.flag() else None
    if reader.flag():  # response-allowed, not at its default
        reader.flag()
    if reader.flag():  # proposed quality of service
        reader.u8()
    conformance = _conformance(reader)
    found = InitiateRequest(conformance=conformance, max_pdu=reader.unsigned(2), dedicated_key=key)
    reader.finish("InitiateRequest")
    return found


def decode_response(apdu: bytes) -> InitiateResponse:
    """An InitiateResponse.

    Raises:
        DecodeError: It is none, or of another DLMS version.
    """
    reader = _begin(apdu, INITIATE_RESPONSE)
    if reader.flag():
        reader.u8()
    found = InitiateResponse(conformance=_conformance(reader), max_pdu=reader.unsigned(2))
    reader.unsigned(2)
    reader.finish("InitiateResponse")
    return found


def confirmed_service_error(apdu: bytes, what: str) -> ServiceRefused:
    """The error that a confirmed-service-error says.

    Raises:
        DecodeError: It is none.
    """
    reader = _begin(apdu, CONFIRMED_SERVICE_ERROR)
    service, category, value = reader.u8(), reader.u8(), reader.u8()
    reader.finish("confirmed-service-error")
    return ServiceRefused(category << 8 | value, Trouble.OTHER, f"{what}: confirmed service error {service}, {category}, {value}")


def _begin(apdu: bytes, tag: int) -> Reader:
    reader = Reader(apdu)
    found = reader.u8()
    if found != tag:
        raise wrong(f"APDU 0x{found:02X} where 0x{tag:02X} was expected")
    return reader


def _conformance(reader: Reader) -> Conformance:
    version = reader.u8()
    if version != DLMS_VERSION:
        raise wrong(f"DLMS version {version}, {DLMS_VERSION} is spoken")
    tag = reader.take(2)
    if tag != _CONFORMANCE_TAG[:2] or reader.take(2) != _CONFORMANCE_TAG[2:]:
        raise wrong("no conformance block where one must be")
    # The reserved bits are dropped: a meter that sets one means nothing by it.
    return Conformance(reader.unsigned(3) & 0x7EFFFF)
