"""HLS by ECDSA: our client at an independent meter, an independent client at ours, and what a wrong key is called."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from domain.errors import DeviceError
from protocols.dlms import profile
from protocols.dlms.acse import Mechanism
from protocols.dlms.association import Association, Ciphering
from protocols.dlms.client import DlmsClient
from protocols.dlms.counters import MemoryCounterStore
from protocols.dlms.errors import DlmsRefused, SecurityFailed
from protocols.dlms.listener import MeterListener
from protocols.dlms.security import KEY_BYTES, Keys
from protocols.dlms.server_meter import Access
from protocols.dlms.signature import SigningKeys, sign, verify
from protocols.dlms.wrapper import Wrapper
from tests.support.dlms_environment import peer_meter, run_peer
from tests.support.dlms_meter import WATER, make_meter

CURVES = {1: ec.SECP256R1(), 2: ec.SECP384R1()}


@dataclass(frozen=True)
class Pair:
    client: ec.EllipticCurvePrivateKey
    meter: ec.EllipticCurvePrivateKey

    def ours(self) -> SigningKeys:
        return SigningKeys.from_der(private(self.client), public(self.meter))

    def meters(self) -> SigningKeys:
        return SigningKeys.from_der(private(self.meter), public(self.client))


def private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pair(suite: int = 1) -> Pair:
    return Pair(client=ec.generate_private_key(CURVES[suite]), meter=ec.generate_private_key(CURVES[suite]))


def keys(suite: int) -> Keys:
    size = KEY_BYTES[suite]
    return Keys(encryption=bytes(range(size)), authentication=bytes(range(0xD0, 0xD0 + size)), suite=suite)


def client(port: int, signing: SigningKeys, *, suite: int) -> DlmsClient:
    ciphering = Ciphering(keys=keys(suite), title=b"KHT00001", counter_name="c")
    association = Association(mechanism=Mechanism.HLS_ECDSA, ciphering=ciphering, signing=signing)
    framing = partial(Wrapper, local=5, remote=1)
    store = MemoryCounterStore()
    return DlmsClient("127.0.0.1", port, framing=framing, association=association, timeout_s=20.0, counters=store)


PEERS = pair()


@pytest.fixture(scope="module")
def peer_port() -> Iterator[int]:
    with peer_meter(ecdsa={"meter": private(PEERS.meter).hex(), "client_public": public(PEERS.client).hex()}) as port:
        yield port


async def test_our_client_at_an_independent_meter(peer_port: int) -> None:
    async with client(peer_port, PEERS.ours(), suite=0) as meter:
        assert (await profile.read_register(meter, WATER)).canonical == 1234.567
    stranger = SigningKeys(own=pair().client, peer=PEERS.meter.public_key())
    with pytest.raises(DlmsRefused) as refused:
        await client(peer_port, stranger, suite=0).connect()
    assert refused.value.trouble.quarantine
    impostor = SigningKeys(own=PEERS.client, peer=pair().meter.public_key())
    with pytest.raises(SecurityFailed, match="signature is not right"):
        await client(peer_port, impostor, suite=0).connect()


@pytest.mark.parametrize("suite", [1, 2])
async def test_an_independent_client_and_ours_at_our_meter(suite: int) -> None:
    made = pair(suite)
    meter = make_meter()
    meter.clients[5] = Access(mechanism=Mechanism.HLS_ECDSA, keys=keys(suite), signing=made.meters(), ciphered=True)
    listener = MeterListener({1: meter})
    await listener.start()
    try:
        if suite == 1:
            secrets = {"own": private(made.client).hex(), "meter_public": public(made.meter).hex()}
            found = await asyncio.to_thread(run_peer, "pydlms_reader.py", port=listener.port, kind="ecdsa", suite=1, **secrets)
            assert found["water"] == "1234.567 m3"
        async with client(listener.port, made.ours(), suite=suite) as ours:
            assert (await profile.read_register(ours, WATER)).canonical == 1234.567
        with pytest.raises(DeviceError):
            await client(listener.port, pair(suite).ours(), suite=suite).connect()
    finally:
        await listener.stop()


@pytest.mark.parametrize("suite", [1, 2])
def test_a_signature_is_of_its_text_and_its_key_only(suite: int) -> None:
    made = pair(suite)
    signature = sign(made.ours(), b"text")
    assert len(signature) == {1: 64, 2: 96}[suite]
    verify(made.meters(), b"text", signature)
    for text, raw in ((b"texts", signature), (b"text", signature[:-1]), (b"text", bytes(len(signature)))):
        with pytest.raises(SecurityFailed):
            verify(made.meters(), text, raw)
    with pytest.raises(SecurityFailed):
        verify(pair(suite).meters(), b"text", signature)
    assert "0x" not in repr(made.ours())
    with pytest.raises(ValueError, match="both P-256"):
        SigningKeys(own=pair(1).client, peer=pair(2).meter.public_key())
    with pytest.raises(ValueError, match="DER"):
        SigningKeys.from_der(b"no key", public(made.meter))
