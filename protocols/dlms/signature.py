"""HLS mechanism 7: both sides prove themselves by ECDSA (Green Book 9.2.7.4): P-256 with SHA-256, P-384 with SHA-384 in suite 2.

    client  sign(title of client ‖ title of server ‖ challenge to client ‖ challenge to server)
    server  sign(title of server ‖ title of client ‖ challenge to server ‖ challenge to client)

A signature travels as r ‖ s, both as long as the curve's order, not as DER.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from protocols.dlms.errors import SecurityFailed

_HASHES: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384()}
CHALLENGE_BYTES = 32
"""Shortest challenge that the mechanism takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """Our private key and the other side's public one, on one curve. Never shown by ``repr``."""

    own: ec.EllipticCurvePrivateKey = field(repr=False)
    peer: ec.EllipticCurvePublicKey = field(repr=False)

    def __post_init__(self) -> None:
        if self.own.curve.name != self.peer.curve.name or self.own.key_size not in _HASHES:
            raise ValueError(f"keys on {self.own.curve.name} and {self.peer.curve.name}: both P-256, or both P-384")

    @classmethod
    def from_der(cls, own: bytes, peer: bytes) -> SigningKeys:
        """From PKCS #8 and SubjectPublicKeyInfo.

        Raises:
            ValueError: They are no such keys; the message shows none of them.
        """
        try:
            private, public = load_der_private_key(own, None), load_der_public_key(peer)
        except (ValueError, TypeError):
            raise ValueError("no PKCS #8 private key and SubjectPublicKeyInfo public key in DER") from None
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(public, ec.EllipticCurvePublicKey):
            raise ValueError("keys of another kind than elliptic curves")  # noqa: TRY004  (the bytes are wrong, not their type)
        return cls(own=private, peer=public)


def message(*, signer: bytes, other: bytes, received: bytes, sent: bytes) -> bytes:
    """What is signed: titles and challenges, each side's own view of them."""
    return signer + other + received + sent


def sign(keys: SigningKeys, text: bytes) -> bytes:
    """r ‖ s."""
    size = keys.own.key_size // 8
    r, s = decode_dss_signature(keys.own.sign(text, ec.ECDSA(_HASHES[keys.own.key_size])))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def verify(keys: SigningKeys, text: bytes, signature: bytes) -> None:
    """Returns if the other side has signed this.

    Raises:
        SecurityFailed: It has not.
    """
    size = keys.peer.key_size // 8
    if len(signature) != 2 * size:
        raise SecurityFailed(f"a signature of {len(signature)} bytes, {2 * size} are due")
    r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
    try:
        keys.peer.verify(encode_dss_signature(r, s), text, ec.ECDSA(_HASHES[keys.peer.key_size]))
    except InvalidSignature:
        raise SecurityFailed("the signature is not right: it does not hold the key, or signs something else") from None
