"""The meter's side of one association, without I/O: good enough that other implementations read it. For simulated meters.

Does: LN referencing; none, LLS, HLS-GMAC and HLS-ECDSA; suites 0 to 2 with glo-, ded- and general-glo-ciphering; GET, SET and
ACTION normal, with list and in blocks either way. Does not: ACTION with list in blocks (refused with an exception-response),
event notifications, HDLC.
"""

from __future__ import annotations

from collections.abc import Callable

from domain.errors import DecodeError
from protocols.dlms import acse, action, initiate, security, signature
from protocols.dlms.acse import AssociationRequest, AssociationResponse, Context, Mechanism
from protocols.dlms.action import ActionResult
from protocols.dlms.data import Data, Kind, octets
from protocols.dlms.errors import SecurityFailed
from protocols.dlms.get import Result
from protocols.dlms.initiate import Conformance, InitiateResponse
from protocols.dlms.notifications import encode_data_notification, encode_exception
from protocols.dlms.security import DEDICATED_TAGS, GENERAL_GLO, Keys
from protocols.dlms.server_meter import Access, Meter
from protocols.dlms.server_objects import UNDEFINED
from protocols.dlms.server_services import COUNTER, DECIPHERING, NOT_ALLOWED, NOT_POSSIBLE, OTHER, UNKNOWN, Services
from protocols.dlms.session import AUTHENTICATE

OFFERED = (
    Conformance.GENERAL_PROTECTION | Conformance.BLOCKS_WITH_GET | Conformance.BLOCKS_WITH_SET | Conformance.BLOCKS_WITH_ACTION
    | Conformance.MULTIPLE_REFERENCES | Conformance.GET | Conformance.SET | Conformance.SELECTIVE_ACCESS | Conformance.ACTION
)  # fmt: skip
_FAILURE, _NO_CONTEXT = 13, 2


class MeterSession:
    """One client's connection to a meter: an APDU in, the answer out."""

    def __init__(self, meter: Meter, client: int, *, random: Callable[[int], bytes]) -> None:
        """``client`` is the client's address; ``random`` gives so many unpredictable bytes."""
        self._meter = meter
        self._client = client
        self._access = meter.clients.get(client, Access())
        self._random = random
        self._forget()

    def _forget(self) -> None:
        self.associated = False
        self._challenges: tuple[bytes, bytes] | None = None  # from the client, to the client; while HLS is not done
        self._client_title = b""
        self._limit = 0xFFFF
        self._ciphered = False
        self._dedicated: Keys | None = None
        self._dedicated_seen = -1
        self._services = Services(self._meter, lambda: self._room)

    def receive(self, apdu: bytes) -> bytes:
        """The answer to an APDU; an exception-response to what cannot be understood, is not allowed, or cannot be deciphered."""
        try:
            return self._answer(apdu)
        except _Replayed as replayed:
            return encode_exception(NOT_ALLOWED, COUNTER, replayed.last)
        except SecurityFailed:
            return encode_exception(NOT_ALLOWED, DECIPHERING)
        except DecodeError:
            return encode_exception(UNKNOWN, OTHER)

    def push(self, body: Data, *, invoke: int = 0) -> bytes | None:
        """A data-notification as this client takes it; None without an association."""
        if not self.associated or self._challenges is not None:
            return None
        plain = encode_data_notification(invoke, body)
        if not self._ciphered or self._access.keys is None:
            return plain
        secured = security.protect(self._access.keys, self._meter.title, self._meter.next_counter(), plain)
        return security.wrap_general(self._meter.title, secured)

    def _answer(self, apdu: bytes) -> bytes:
        tag = apdu[0] if apdu else 0
        if tag == acse.AARQ:
            return self._associate(acse.decode_request(apdu))
        if tag == acse.RLRQ:
            self._forget()
            return acse.encode_release(acse.RLRE)
        if not self.associated:
            return encode_exception(NOT_ALLOWED, NOT_POSSIBLE)
        return self._serve_ciphered(apdu) if self._ciphered else self._serve(apdu)

    # --- association ---------------------------------------------------------------------------------------------------------

    def _associate(self, request: AssociationRequest) -> bytes:
        self._forget()
        access, ciphered = self._access, request.context is Context.LOGICAL_NAMES_CIPHERED
        if self._client not in self._meter.clients or request.context not in (
            Context.LOGICAL_NAMES,
            Context.LOGICAL_NAMES_CIPHERED,
        ):
            return self._refuse(_NO_CONTEXT)
        if access.ciphered != ciphered or request.mechanism is not access.mechanism:
            return self._refuse(_NO_CONTEXT if access.ciphered != ciphered else _FAILURE)
        if self._meter.locked and access.mechanism is not Mechanism.NONE:
            return AssociationResponse(result=2, diagnostic=_FAILURE).encode()
        if access.mechanism is Mechanism.LLS and request.authentication != access.password:
            return self._refuse(_FAILURE)
        self._client_title = request.title or b""
        self._ciphered = ciphered
        wanted = request.user_information
        proposal = initiate.decode_request(self._open(wanted) if ciphered else wanted)
        self._limit = proposal.max_pdu or 0xFFFF
        if proposal.dedicated_key and access.keys is not None:
            keys = access.keys
            self._dedicated = Keys(encryption=proposal.dedicated_key, authentication=keys.authentication, suite=keys.suite)
        self.associated = True
        grant = InitiateResponse(conformance=proposal.conformance & OFFERED, max_pdu=self._meter.max_pdu).encode()
        hls = access.mechanism in (Mechanism.HLS_GMAC, Mechanism.HLS_ECDSA)
        challenge = self._random(signature.CHALLENGE_BYTES) if hls else None
        if challenge is not None:
            self._challenges = (request.authentication or b"", challenge)
        return AssociationResponse(
            context=request.context,
            result=0,
            diagnostic=acse.AUTHENTICATION_REQUIRED if hls else 0,
            mechanism=access.mechanism if hls else Mechanism.NONE,
            title=self._meter.title if access.keys is not None else None,
            authentication=challenge,
            user_information=self._seal(grant, tag_of=grant) if ciphered else grant,
        ).encode()

    def _refuse(self, diagnostic: int) -> bytes:
        return AssociationResponse(result=1, diagnostic=diagnostic).encode()

    def _prove(self, parameter: Data | None) -> ActionResult:
        challenges, keys = self._challenges, self._access.keys
        if challenges is None or keys is None or parameter is None or parameter.kind is not Kind.OCTET_STRING:
            return ActionResult(UNDEFINED)
        ours, theirs = challenges[1], challenges[0]
        try:
            # Fresh by our challenge; its counter may be below that of the APDU around it, which was taken first or after.
            self._check_proof(keys, parameter.value, ours, theirs)
        except SecurityFailed:
            self.associated = False
            return ActionResult(3)
        self._challenges = None
        proof = self._own_proof(keys, ours, theirs)
        return ActionResult(0, Result(octets(proof)))

    def _check_proof(self, keys: Keys, proof: bytes, ours: bytes, theirs: bytes) -> None:
        if self._access.signing is None:
            security.check_gmac_answer(keys, self._client_title, proof, ours)
            return
        text = signature.message(signer=self._client_title, other=self._meter.title, received=ours, sent=theirs)
        signature.verify(self._access.signing, text, proof)

    def _own_proof(self, keys: Keys, ours: bytes, theirs: bytes) -> bytes:
        if self._access.signing is None:
            return security.gmac_answer(keys, self._meter.title, self._meter.next_counter(), theirs)
        text = signature.message(signer=self._meter.title, other=self._client_title, received=theirs, sent=ours)
        return signature.sign(self._access.signing, text)

    # --- protection ----------------------------------------------------------------------------------------------------------

    def _serve_ciphered(self, apdu: bytes) -> bytes:
        plain = self._open(apdu)
        return self._seal(self._serve(plain), tag_of=apdu)

    def _open(self, apdu: bytes) -> bytes:
        named, secured = security.unwrap(apdu)
        dedicated = apdu[0] in DEDICATED_TAGS
        keys = self._dedicated if dedicated else self._access.keys
        title = self._client_title or named or b""
        if keys is None or len(title) != security.TITLE_BYTES:
            raise SecurityFailed("no keys or no system title")
        counter, plain = security.unprotect(keys, title, secured)
        if dedicated:
            if counter <= self._dedicated_seen:
                raise _Replayed(self._dedicated_seen)
            self._dedicated_seen = counter
        else:
            self._fresh(counter)
        return plain

    def _fresh(self, counter: int) -> None:
        name = self._client, self._client_title
        last = self._meter.seen.get(name, -1)
        if counter <= last:
            self._meter.replayed += 1
            raise _Replayed(last)
        self._meter.seen[name] = counter

    def _seal(self, answer: bytes, *, tag_of: bytes) -> bytes:
        if answer[0] not in security.CIPHERED_SERVICES:  # an exception-response has no ciphered form
            return answer
        dedicated = tag_of[0] in DEDICATED_TAGS
        keys = self._dedicated if dedicated else self._access.keys
        if keys is None:
            raise SecurityFailed("no keys")
        secured = security.protect(keys, self._meter.title, self._meter.next_counter(), answer)
        if tag_of[0] in (GENERAL_GLO, security.GENERAL_DED):
            return security.wrap_general(self._meter.title, secured, dedicated=dedicated)
        return security.wrap(answer, secured, dedicated=dedicated)

    # --- services ------------------------------------------------------------------------------------------------------------

    def _serve(self, apdu: bytes) -> bytes:
        proof = self._is_proof(apdu)
        if proof is not None:
            return action.encode_action_response(proof.invoke, self._prove(proof.parameters[0]))
        if self._challenges is not None:
            return encode_exception(NOT_ALLOWED, NOT_POSSIBLE)
        return self._services.serve(apdu)

    def _is_proof(self, apdu: bytes) -> action.ActionRequest | None:
        """The request, if it calls ``reply_to_HLS_authentication``."""
        if not apdu or apdu[0] != action.REQUEST:
            return None
        request = action.decode_action_request(apdu)
        return request if request.choice == action.NORMAL and request.methods[0] == AUTHENTICATE else None

    @property
    def _room(self) -> int:
        """Bytes that a plain answer may have."""
        return self._limit - (34 if self._ciphered else 0)


class _Replayed(Exception):
    def __init__(self, last: int) -> None:
        self.last = last
        super().__init__(f"counter not above {last}")
