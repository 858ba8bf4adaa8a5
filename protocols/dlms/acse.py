"""Asking for an association and letting it go: AARQ, AARE, RLRQ, RLRE (ISO/IEC 8650-1 in BER; Green Book 9.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from protocols.dlms import ber
from protocols.dlms.errors import AssociationRefused, Trouble
from protocols.dlms.reader import wrong

AARQ, AARE, RLRQ, RLRE = 0x60, 0x61, 0x62, 0x63
_ARC = bytes.fromhex("60857405 08")
"""Object identifier 2.16.756.5.8 of the DLMS UA; .1.n application contexts, .2.n mechanisms."""
_AUTHENTICATION_UNIT = b"\x07\x80"
"""ACSE requirements: a bit string of one bit, authentication."""


class Context(IntEnum):
    """Application context: how objects are named, and whether APDUs are ciphered."""

    LOGICAL_NAMES = 1
    SHORT_NAMES = 2
    LOGICAL_NAMES_CIPHERED = 3
    SHORT_NAMES_CIPHERED = 4


class Mechanism(IntEnum):
    """Authentication mechanism."""

    NONE = 0
    LLS = 1
    HLS = 2
    HLS_MD5 = 3
    HLS_SHA1 = 4
    HLS_GMAC = 5
    HLS_SHA256 = 6
    HLS_ECDSA = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationRequest:
    """AARQ."""

    context: Context = Context.LOGICAL_NAMES
    mechanism: Mechanism = Mechanism.NONE
    title: bytes | None = None
    """System title of who asks, eight bytes."""
    authentication: bytes | None = None
    """Password (LLS) or challenge to the server (HLS)."""
    user_information: bytes
    """An InitiateRequest, plain or ciphered."""

    def encode(self) -> bytes:
        """The APDU."""
        return ber.tlv(
            AARQ,
            ber.tlv(0xA1, ber.tlv(0x06, _ARC, bytes((1, self.context)))),
            _title(0xA6, self.title),
            _mechanism(self.mechanism, requirements=0x8A, name=0x8B),
            b"" if self.authentication is None else ber.tlv(0xAC, ber.tlv(0x80, self.authentication)),
            ber.tlv(0xBE, ber.tlv(0x04, self.user_information)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationResponse:
    """AARE."""

    context: Context = Context.LOGICAL_NAMES
    result: int
    """0 accepted, 1 rejected permanent, 2 rejected transient."""
    diagnostic: int = 0
    by_provider: bool = False
    """Whether the diagnostic is the ACSE provider's and not the service user's."""
    mechanism: Mechanism = Mechanism.NONE
    title: bytes | None = None
    authentication: bytes | None = None
    """The server's challenge (HLS)."""
    user_information: bytes | None = None
    """An InitiateResponse or a confirmed-service-error, plain or ciphered."""

    def encode(self) -> bytes:
        """The APDU."""
        return ber.tlv(
            AARE,
            ber.tlv(0xA1, ber.tlv(0x06, _ARC, bytes((1, self.context)))),
            ber.tlv(0xA2, ber.tlv(0x02, bytes((self.result,)))),
            ber.tlv(0xA3, ber.tlv(0xA2 if self.by_provider else 0xA1, ber.tlv(0x02, bytes((self.diagnostic,))))),
            _title(0xA4, self.title),
            _mechanism(self.mechanism, requirements=0x88, name=0x89),
            b"" if self.authentication is None else ber.tlv(0xAA, ber.tlv(0x80, self.authentication)),
            b"" if self.user_information is None else ber.tlv(0xBE, ber.tlv(0x04, self.user_information)),
        )


def decode_request(apdu: bytes) -> AssociationRequest:
    """An AARQ.

    Raises:
        DecodeError: It is none.
    """
    found = ber.fields(ber.inner(apdu, AARQ, "AARQ"), "AARQ")
    return AssociationRequest(
        context=_context(found, "AARQ"),
        mechanism=_mechanism_of(found.get(0x8B), "AARQ"),
        title=_octets(found.get(0xA6), 0x04, "calling AP title"),
        authentication=_octets(found.get(0xAC), 0x80, "calling authentication value"),
        user_information=_octets(found.get(0xBE), 0x04, "user information") or b"",
    )


def decode_response(apdu: bytes) -> AssociationResponse:
    """An AARE.

    Raises:
        DecodeError: It is none.
    """
    found = ber.fields(ber.inner(apdu, AARE, "AARE"), "AARE")
    if 0xA2 not in found or 0xA3 not in found:
        raise wrong("an AARE without result or diagnostic")
    source = ber.fields(found[0xA3], "diagnostic")
    if len(source) != 1 or not source.keys() <= {0xA1, 0xA2}:
        raise wrong("an AARE whose diagnostic has no known source")
    (tag, diagnostic) = next(iter(source.items()))
    return AssociationResponse(
        context=_context(found, "AARE"),
        result=ber.integer(found[0xA2], "result"),
        diagnostic=ber.integer(diagnostic, "diagnostic"),
        by_provider=tag == 0xA2,
        mechanism=_mechanism_of(found.get(0x89), "AARE"),
        title=_octets(found.get(0xA4), 0x04, "responding AP title"),
        authentication=_octets(found.get(0xAA), 0x80, "responding authentication value"),
        user_information=_octets(found.get(0xBE), 0x04, "user information"),
    )


def encode_release(tag: int, *, reason: int | None = 0, user_information: bytes | None = None) -> bytes:
    """An RLRQ or RLRE."""
    return ber.tlv(
        tag,
        b"" if reason is None else ber.tlv(0x80, bytes((reason,))),
        b"" if user_information is None else ber.tlv(0xBE, ber.tlv(0x04, user_information)),
    )


def decode_release(apdu: bytes, tag: int) -> tuple[int | None, bytes | None]:
    """Reason and user information of an RLRQ or RLRE.

    Raises:
        DecodeError: It is none.
    """
    what = "RLRQ" if tag == RLRQ else "RLRE"
    found = ber.fields(ber.inner(apdu, tag, what), what)
    reason = found.get(0x80)
    if reason is not None and len(reason) != 1:
        raise wrong(f"{what}: a reason of {len(reason)} bytes")
    return (None if reason is None else reason[0]), _octets(found.get(0xBE), 0x04, "user information")


DIAGNOSTICS: dict[int, tuple[str, Trouble]] = {
    0: ("no diagnostic", Trouble.OTHER),
    1: ("no reason given", Trouble.OTHER),
    2: ("application context name not supported", Trouble.UNSUPPORTED),
    3: ("calling AP title not recognised", Trouble.CREDENTIALS),
    4: ("calling AP invocation identifier not recognised", Trouble.CREDENTIALS),
    5: ("calling AE qualifier not recognised", Trouble.CREDENTIALS),
    6: ("calling AE invocation identifier not recognised", Trouble.CREDENTIALS),
    11: ("authentication mechanism not recognised", Trouble.UNSUPPORTED),
    12: ("authentication mechanism required", Trouble.UNSUPPORTED),
    13: ("authentication failure", Trouble.CREDENTIALS),
    14: ("authentication required", Trouble.CREDENTIALS),
}
"""ACSE service user diagnostics (Green Book 9.4.2)."""
AUTHENTICATION_REQUIRED = 14


def refused(answer: AssociationResponse, what: str) -> AssociationRefused:
    """The error for an AARE that does not accept."""
    name, trouble = (
        ("common reason of the provider", Trouble.OTHER)
        if answer.by_provider
        else DIAGNOSTICS.get(answer.diagnostic, ("unknown diagnostic", Trouble.OTHER))
    )
    if answer.result == 2 and trouble is Trouble.OTHER:
        trouble = Trouble.BUSY
    elif answer.result == 2 and trouble is Trouble.CREDENTIALS:
        trouble = Trouble.LOCKED  # right or wrong, for now it takes no proof from anybody
    return AssociationRefused(answer.diagnostic, trouble, f"{what}: rejected{' for now' if answer.result == 2 else ''}, {name}")


def _title(tag: int, title: bytes | None) -> bytes:
    return b"" if title is None else ber.tlv(tag, ber.tlv(0x04, title))


def _mechanism(mechanism: Mechanism, *, requirements: int, name: int) -> bytes:
    if mechanism is Mechanism.NONE:
        return b""
    return ber.tlv(requirements, _AUTHENTICATION_UNIT) + ber.tlv(name, _ARC, bytes((2, mechanism)))


def _octets(element: bytes | None, tag: int, what: str) -> bytes | None:
    return None if element is None else ber.inner(element, tag, what)


def _context(found: dict[int, bytes], what: str) -> Context:
    name = ber.inner(found.get(0xA1, b""), 0x06, f"application context of {what}")
    if name[:-1] != _ARC + b"\x01" or name[-1] not in set(Context):
        raise wrong(f"{what}: application context {name.hex()} is not known")
    return Context(name[-1])


def _mechanism_of(name: bytes | None, what: str) -> Mechanism:
    if name is None:
        return Mechanism.NONE
    if name[:-1] != _ARC + b"\x02" or name[-1] not in set(Mechanism):
        raise wrong(f"{what}: mechanism name {name.hex()} is not known")
    return Mechanism(name[-1])
