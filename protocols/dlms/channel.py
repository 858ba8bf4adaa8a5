"""What every exchange of an association needs: protection, counters, invoke ids, blocks. State of one association, no I/O."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from protocols.dlms import initiate, security
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.counters import Lease
from protocols.dlms.errors import DlmsRefused, SecurityFailed
from protocols.dlms.get import Block
from protocols.dlms.initiate import Conformance, InitiateResponse
from protocols.dlms.notifications import EXCEPTION_RESPONSE, exception_of
from protocols.dlms.reader import wrong
from protocols.dlms.security import DEDICATED_TAGS, TITLE_BYTES, Keys

T = TypeVar("T")
Exchange = Generator[bytes, bytes, T]
"""Yields APDUs to send, is sent the APDUs that come back, returns the result."""
_CONFIRMED_HIGH = 0xC0
"""Invoke-id-and-priority: confirmed service, high priority."""


class Channel:
    """APDUs there and back under one association."""

    def __init__(self, wanted: Association, *, lease: Lease | None = None) -> None:
        """``lease`` holds reserved invocation counters."""
        self.wanted = wanted
        self.lease = lease or Lease()
        self.reset()

    def reset(self) -> None:
        """Forgets the association; invocation counters go on."""
        self.granted = InitiateResponse(conformance=Conformance(0), max_pdu=0)
        self.meter_title: bytes | None = None
        self.dedicated: Keys | None = None
        self._invoke = 0
        self._seen = {False: -1, True: -1}  # the meter's last counter under the global and the dedicated key

    @property
    def ciphering(self) -> Ciphering | None:
        """How APDUs are protected; None where they are not."""
        found = self.wanted.ciphering
        return found if found is not None and found.whole else None

    def ask(self, request: bytes, what: str) -> Exchange[bytes]:
        """One plain APDU for another.

        Raises:
            ServiceRefused: The meter answers with an exception or a service error.
            SecurityFailed: The answer is not protected as agreed.
        """
        answer = yield self.protect(request)
        refusal = refusal_of(answer, what)
        if refusal is not None:
            raise refusal
        return self.unprotect(answer)

    def protect(self, apdu: bytes, *, before_agreed: bool = False) -> bytes:
        """The APDU as it goes out; ``before_agreed`` for the parts of ACSE, which know no dedicated key and no general envelope."""
        ciphering = self.ciphering
        if ciphering is None:
            return apdu
        dedicated = None if before_agreed else self.dedicated
        secured = security.protect(dedicated or ciphering.keys, ciphering.title, self.lease.take(), apdu)
        if ciphering.general and not before_agreed:
            return security.wrap_general(ciphering.title, secured, dedicated=dedicated is not None)
        return security.wrap(apdu, secured, dedicated=dedicated is not None)

    def unprotect(self, apdu: bytes) -> bytes:
        """The plain APDU in what came in.

        Raises:
            SecurityFailed: It is unprotected, not from the meter, or a repetition.
        """
        ciphering = self.ciphering
        if ciphering is None:
            return apdu
        named, secured = security.unwrap(apdu)
        title = self.meter_title or named
        if title is None or len(title) != TITLE_BYTES:
            raise SecurityFailed("the meter names no system title of eight bytes")
        if named not in (None, b"", title):
            raise SecurityFailed("an APDU of another system title than the meter's")
        dedicated = apdu[0] in DEDICATED_TAGS
        keys = self.dedicated if dedicated else ciphering.keys
        if keys is None:
            raise SecurityFailed("an APDU under a dedicated key that was never agreed")
        counter, plaintext = security.unprotect(keys, title, secured)
        self.accept_counter(counter, dedicated=dedicated)
        return plaintext

    def accept_counter(self, counter: int, *, dedicated: bool = False) -> None:
        """Remembers the meter's counter.

        Raises:
            SecurityFailed: It has been used already.
        """
        if counter <= self._seen[dedicated]:
            raise SecurityFailed(f"the meter's invocation counter goes from {self._seen[dedicated]} to {counter}: a repetition")
        self._seen[dedicated] = counter

    def next_invoke(self) -> int:
        """Invoke-id-and-priority of the next request."""
        self._invoke = self._invoke % 15 + 1
        return _CONFIRMED_HIGH | self._invoke

    def collect(self, collected: bytearray, block: Block, number: int, what: str) -> None:
        """Adds the block that is due.

        Raises:
            DecodeError: It is another one, or all together are too long.
        """
        if block.number != number:
            raise wrong(f"{what}: block {block.number} came, {number} was due")
        if not block.raw and not block.last:
            raise wrong(f"{what}: block {number} is empty and not the last")
        collected += block.raw
        if len(collected) > self.wanted.max_value:
            raise wrong(f"{what}: more than {self.wanted.max_value} bytes in blocks")

    @property
    def room(self) -> int:
        """Bytes that a plain request may have."""
        limit = self.granted.max_pdu or 0xFFFF
        envelope = 5 + security.HEADER_BYTES + security.TAG_BYTES + TITLE_BYTES + 4 if self.ciphering else 0
        return limit - envelope

    def blocks(self, raw: bytes, head: int, needed: Conformance, what: str) -> list[Block]:
        """The value in blocks that fit the meter's APDU behind ``head`` bytes.

        Raises:
            ValueError: The meter takes no blocks, or none fits.
        """
        if needed not in self.granted.conformance:
            raise ValueError(
                f"{what}: {len(raw)} bytes are more than the meter's APDU of {self.granted.max_pdu}, and it takes no blocks"
            )
        size = self.room - head - 4
        if size < 1:
            raise ValueError(f"{what}: the meter's APDU of {self.granted.max_pdu} bytes has no room for a block")
        pieces = [raw[i : i + size] for i in range(0, len(raw), size)]
        return [Block(number=i, last=i == len(pieces), raw=piece) for i, piece in enumerate(pieces, 1)]


def same_invoke(found: int, expected: int, what: str) -> None:
    """Says that an answer belongs to the request.

    Raises:
        DecodeError: It answers another one.
    """
    if (found ^ expected) & 0x0F:
        raise wrong(f"{what}: an answer to request {found & 0x0F}, {expected & 0x0F} was asked")


def refusal_of(answer: bytes, what: str) -> DlmsRefused | None:
    """The error in an exception-response or confirmed-service-error, which come unprotected; None for anything else."""
    tag = answer[0] if answer else 0
    if tag == EXCEPTION_RESPONSE:
        return exception_of(answer, what)
    if tag == initiate.CONFIRMED_SERVICE_ERROR:
        return initiate.confirmed_service_error(answer, what)
    return None
