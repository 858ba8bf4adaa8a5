from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.dlms import acse, initiate
from protocols.dlms.acse import RLRE, RLRQ, AssociationRequest, AssociationResponse, Context, Mechanism
from protocols.dlms.errors import Trouble
from protocols.dlms.initiate import Conformance, InitiateRequest, InitiateResponse

# The Green Book's worked example: LN referencing, password "12345678".
AARQ_LLS = bytes.fromhex(
    "6036A1090607608574050801018A0207808B0760857405080201AC0A80083132333435363738BE10040E01000000065F1F0400007E1F04B0"
)
AARE = bytes.fromhex("6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F040000501F01F40007")


def test_the_published_request_is_built_byte_for_byte() -> None:
    proposed = InitiateRequest(conformance=Conformance(0x007E1F), max_pdu=0x04B0)
    request = AssociationRequest(mechanism=Mechanism.LLS, authentication=b"12345678", user_information=proposed.encode())
    assert request.encode() == AARQ_LLS
    assert acse.decode_request(AARQ_LLS) == request
    assert initiate.decode_request(request.user_information) == proposed


def test_the_published_response_is_read() -> None:
    answer = acse.decode_response(AARE)
    assert (answer.result, answer.diagnostic, answer.mechanism) == (0, 0, Mechanism.NONE)
    granted = initiate.decode_response(answer.user_information or b"")
    assert granted == InitiateResponse(conformance=Conformance(0x00501F), max_pdu=500)
    assert answer.encode() == AARE


MECHANISMS = st.sampled_from(list(Mechanism))


@given(
    st.builds(
        AssociationRequest,
        context=st.sampled_from(list(Context)),
        mechanism=MECHANISMS,
        title=st.none() | st.binary(min_size=8, max_size=8),
        authentication=st.none() | st.binary(max_size=64),
        user_information=st.binary(max_size=200),
    )
)
def test_requests_come_back(request: AssociationRequest) -> None:
    assert acse.decode_request(request.encode()) == request


@given(
    st.builds(
        AssociationResponse,
        context=st.sampled_from(list(Context)),
        result=st.integers(0, 2),
        diagnostic=st.integers(0, 20),
        by_provider=st.booleans(),
        mechanism=MECHANISMS,
        title=st.none() | st.binary(min_size=8, max_size=8),
        authentication=st.none() | st.binary(max_size=64),
        user_information=st.none() | st.binary(max_size=200),
    )
)
def test_responses_come_back(response: AssociationResponse) -> None:
    assert acse.decode_response(response.encode()) == response


@given(st.binary(max_size=80))
def test_random_bytes_are_refused_in_one_way(raw: bytes) -> None:
    for decode in (acse.decode_request, acse.decode_response, initiate.decode_request, initiate.decode_response):
        for apdu in (raw, b"\x61" + bytes((len(raw),)) + raw):
            with pytest.raises(DecodeError):
                decode(apdu)
    with pytest.raises(DecodeError):
        acse.decode_release(raw, 0x100)


@given(st.integers(0, len(AARE) - 1), st.binary(max_size=3))
def test_a_damaged_response_is_read_or_refused(position: int, piece: bytes) -> None:
    raw = AARE[:position] + piece + AARE[position + 1 :]
    try:
        answer = acse.decode_response(raw)
        initiate.decode_response(answer.user_information or b"")
    except DecodeError:
        return


def test_release() -> None:
    assert acse.encode_release(RLRQ) == bytes.fromhex("6203800100")
    assert acse.decode_release(acse.encode_release(RLRE, user_information=b"xy"), RLRE) == (0, b"xy")
    assert acse.decode_release(bytes.fromhex("6300"), RLRE) == (None, None)


@pytest.mark.parametrize(
    ("result", "diagnostic", "provider", "trouble"),
    [
        (1, 13, False, Trouble.CREDENTIALS),
        (1, 2, False, Trouble.UNSUPPORTED),
        (2, 1, False, Trouble.BUSY),
        (1, 13, True, Trouble.OTHER),
    ],
)
def test_refusals_are_classified(result: int, diagnostic: int, provider: bool, trouble: Trouble) -> None:
    error = acse.refused(AssociationResponse(result=result, diagnostic=diagnostic, by_provider=provider), "AARQ")
    assert (error.trouble, error.retryable) == (trouble, trouble is Trouble.BUSY)


def test_dedicated_key_and_defaults_are_read() -> None:
    proposed = InitiateRequest(dedicated_key=bytes(16))
    assert initiate.decode_request(proposed.encode()) == proposed
    spelled_out = bytes.fromhex("01 00 0100 0105 06 5F1F0400 00001D FFFF")
    assert initiate.decode_request(spelled_out).conformance == Conformance(0x1D)


def test_confirmed_service_error() -> None:
    assert "1, 6, 2" in str(initiate.confirmed_service_error(bytes.fromhex("0E010602"), "AARQ"))
