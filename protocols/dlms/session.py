"""One association, seen by the client, without I/O.

Each operation is an exchange: a generator that yields APDUs to send and is sent those that come back, until it returns.

    exchange = session.get(attribute)          # nothing happens yet
    request = next(exchange)                   # bytes out
    request = exchange.send(answer)            # bytes in, next bytes out … or StopIteration with the value

What cannot be encoded raises before anything is yielded, and the session goes on as if it had not been asked. A ``DlmsRefused``
leaves the association as it is; after any other error the two sides may be out of step and the connection must be dropped:
``associate`` begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from protocols.dlms import acse, initiate, security, signature
from protocols.dlms import data as axdr
from protocols.dlms.acse import AssociationRequest, AssociationResponse, Context, Mechanism
from protocols.dlms.action import ActionResult, Method
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.channel import Channel, Exchange, refusal_of
from protocols.dlms.counters import Lease
from protocols.dlms.data import Data, Kind
from protocols.dlms.errors import AssociationRefused, DlmsRefused, SecurityFailed, Trouble
from protocols.dlms.exchange_action import call, call_many, call_one
from protocols.dlms.exchange_get import read_many, read_one
from protocols.dlms.exchange_set import write_many, write_one
from protocols.dlms.get import Attribute, Result
from protocols.dlms.initiate import InitiateRequest, InitiateResponse
from protocols.dlms.notifications import (
    DATA_NOTIFICATION,
    EVENT_NOTIFICATION,
    DataNotification,
    EventNotification,
    decode_notification,
)
from protocols.dlms.obis import Obis
from protocols.dlms.reader import wrong
from protocols.dlms.security import KEY_BYTES, TITLE_BYTES, Keys

AUTHENTICATE = Method(class_id=15, obis=Obis("0.0.40.0.0.255"), method=1)
"""reply_to_HLS_authentication of the current association."""
CHALLENGE_BYTES = 16
_CIPHERED_EVENTS = (0xCA, 0xD2)
_GENERAL = (security.GENERAL_GLO, security.GENERAL_DED)


class Session:
    """The client's side of one association; may be associated again and again."""

    def __init__(self, wanted: Association, *, random: Callable[[int], bytes], lease: Lease | None = None) -> None:
        """``random`` gives so many unpredictable bytes; ``lease`` holds reserved invocation counters."""
        self.wanted = wanted
        self.associated = False
        self._random = random
        self._channel = Channel(wanted, lease=lease)

    @property
    def lease(self) -> Lease:
        """The invocation counters that may be used."""
        return self._channel.lease

    @property
    def granted(self) -> InitiateResponse:
        """What the meter has agreed to."""
        return self._channel.granted

    def associate(self) -> Exchange[None]:
        """Asks for the association and, with HLS, proves both sides to each other.

        Raises:
            AssociationRefused: The meter does not grant it; see ``trouble``.
            SecurityFailed: The meter does not hold the keys.
        """
        self.associated = False
        channel, wanted = self._channel, self.wanted
        channel.reset()
        ciphering = channel.ciphering
        length = signature.CHALLENGE_BYTES if wanted.mechanism is Mechanism.HLS_ECDSA else CHALLENGE_BYTES
        challenge = self._random(length) if wanted.proves else None
        dedicated = self._random(KEY_BYTES[ciphering.keys.suite]) if ciphering is not None and ciphering.dedicated else None
        proposal = InitiateRequest(conformance=wanted.conformance, max_pdu=wanted.max_pdu, dedicated_key=dedicated)
        raw = yield AssociationRequest(
            context=Context.LOGICAL_NAMES if ciphering is None else Context.LOGICAL_NAMES_CIPHERED,
            mechanism=wanted.mechanism,
            title=None if wanted.ciphering is None else wanted.ciphering.title,
            authentication=wanted.password if challenge is None else challenge,
            user_information=channel.protect(proposal.encode(), before_agreed=True),
        ).encode()
        refusal = refusal_of(raw, "association")
        if refusal is not None:
            raise self._suspected(refusal)
        answer = acse.decode_response(raw)
        self._read_grant(answer)
        if ciphering is not None and dedicated is not None:
            channel.dedicated = Keys(encryption=dedicated, authentication=ciphering.keys.authentication, suite=ciphering.keys.suite)
        if wanted.ciphering is not None and challenge is not None:
            yield from self._prove(wanted.ciphering, answer, challenge)
        self.associated = True

    def _read_grant(self, answer: AssociationResponse) -> None:
        channel = self._channel
        awaited = {0, acse.AUTHENTICATION_REQUIRED} if self.wanted.proves else {0}
        if answer.result != 0 or answer.diagnostic not in awaited:
            raise self._suspected(acse.refused(answer, "association"))
        if answer.user_information is None:
            raise wrong("an accepted association without InitiateResponse")
        channel.meter_title = answer.title
        if answer.user_information[:1] == bytes((initiate.CONFIRMED_SERVICE_ERROR,)):
            raise self._suspected(initiate.confirmed_service_error(answer.user_information, "association"))
        channel.granted = initiate.decode_response(channel.unprotect(answer.user_information))

    def _suspected(self, refusal: DlmsRefused) -> DlmsRefused:
        """A refusal without a reason, where a password or keys were shown, is taken as theirs: asking again may lock the meter."""
        secret = self.wanted.mechanism is not Mechanism.NONE or self.wanted.ciphering is not None
        if secret and refusal.trouble is Trouble.OTHER:
            return AssociationRefused(refusal.code, Trouble.CREDENTIALS, str(refusal))
        return refusal

    def _prove(self, ciphering: Ciphering, answer: AssociationResponse, challenge: bytes) -> Exchange[None]:
        theirs, title = answer.authentication, answer.title
        if answer.mechanism is not self.wanted.mechanism or not theirs or title is None or len(title) != TITLE_BYTES:
            raise SecurityFailed("the meter accepts HLS without a challenge or a system title of its own")
        if theirs == challenge or title == ciphering.title:
            raise SecurityFailed("the meter sends our own challenge or title back: it reflects, it does not prove")
        signing, ours = self.wanted.signing, ciphering.title
        if signing is None:
            proof = security.gmac_answer(ciphering.keys, ours, self.lease.take(), theirs)
        else:
            proof = signature.sign(signing, signature.message(signer=ours, other=title, received=theirs, sent=challenge))
        result = yield from call(self._channel, AUTHENTICATE, axdr.octets(proof))
        if result.code:
            raise AssociationRefused(result.code, Trouble.CREDENTIALS, "association: the meter refuses our proof")
        returned = None if result.returned is None else result.returned.data
        if returned is None or returned.kind is not Kind.OCTET_STRING:
            raise SecurityFailed("the meter gives no proof of its own")
        if signing is None:
            security.check_gmac_answer(ciphering.keys, title, returned.value, challenge)
        else:
            text = signature.message(signer=title, other=ours, received=challenge, sent=theirs)
            signature.verify(signing, text, returned.value)

    def release(self) -> Exchange[None]:
        """Lets the association go; what the meter says to it does not matter."""
        self.associated = False
        information = None
        if self._channel.ciphering is not None:
            proposal = InitiateRequest(conformance=self.wanted.conformance, max_pdu=self.wanted.max_pdu).encode()
            information = self._channel.protect(proposal, before_agreed=True)
        yield acse.encode_release(acse.RLRQ, user_information=information)

    def get(self, attribute: Attribute) -> Exchange[Data]:
        """One attribute's value; see ``exchange_get.read_one``."""
        return read_one(self._channel, attribute)

    def get_many(self, attributes: Sequence[Attribute]) -> Exchange[tuple[Result, ...]]:
        """Several attributes; see ``exchange_get.read_many``."""
        return read_many(self._channel, attributes)

    def set(self, attribute: Attribute, value: Data) -> Exchange[None]:
        """Writes one attribute; see ``exchange_set.write_one``."""
        return write_one(self._channel, attribute, value)

    def set_many(self, attributes: Sequence[Attribute], values: Sequence[Data]) -> Exchange[tuple[int, ...]]:
        """Writes several attributes; see ``exchange_set.write_many``."""
        return write_many(self._channel, attributes, values)

    def action(self, method: Method, parameter: Data | None = None) -> Exchange[Data | None]:
        """Calls a method; see ``exchange_action.call_one``."""
        return call_one(self._channel, method, parameter)

    def action_many(self, calls: Sequence[tuple[Method, Data | None]]) -> Exchange[tuple[ActionResult, ...]]:
        """Calls several methods; see ``exchange_action.call_many``."""
        return call_many(self._channel, calls)

    def notification(self, apdu: bytes) -> DataNotification | EventNotification | None:
        """The notification this APDU is; None where it is the answer to a request.

        Raises:
            DecodeError: It is damaged.
            SecurityFailed: It is protected and not by the meter, or unprotected where protection was agreed.
        """
        tag = apdu[0] if apdu else 0
        ciphering = self._channel.ciphering
        pushed = tag in _GENERAL and ciphering is not None and not ciphering.general  # answers come service-specific then
        if tag in _CIPHERED_EVENTS or pushed:
            return decode_notification(self._channel.unprotect(apdu))
        if tag not in (DATA_NOTIFICATION, EVENT_NOTIFICATION):
            return None
        if self._channel.ciphering is not None:
            raise SecurityFailed("a notification comes unprotected where protection was agreed")
        return decode_notification(apdu)
