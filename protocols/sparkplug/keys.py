"""Ed25519 keys of those who may command: PEM files, raw bytes, and the short id a gateway knows a key by."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from domain.errors import ConfigurationError

_PRIVATE = "an unencrypted Ed25519 private key in PEM (PKCS #8)"
_PUBLIC = "an Ed25519 public key in PEM"


def generate_private_key() -> Ed25519PrivateKey:
    """A new key from the machine's own randomness."""
    return Ed25519PrivateKey.generate()


def public_key_raw(key: Ed25519PublicKey) -> bytes:
    """The 32 bytes of a public key."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_key_from_raw(raw: bytes) -> Ed25519PublicKey:
    """The public key in these 32 bytes.

    Raises:
        ValueError: Not 32 bytes.
    """
    return Ed25519PublicKey.from_public_bytes(raw)


def key_id(key: Ed25519PublicKey) -> str:
    """Short name of a key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key_raw(key)).hexdigest()[:16]


def save_private_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Writes a private key as PEM, readable by its owner alone, and never over an existing file.

    Raises:
        FileExistsError: There is a key already; replacing it would lock the gateways out.
    """
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file.

    Raises:
        ConfigurationError: No such file, or another kind of key.
    """
    data = _read(path, _PRIVATE)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(file=str(path), key="private key", value="(not shown)", expected=_PRIVATE)
    return key


def save_public_key(path: Path, key: Ed25519PublicKey) -> None:
    """Writes a public key as PEM."""
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file.

    Raises:
        ConfigurationError: No such file, or another kind of key.
    """
    data = _read(path, _PUBLIC)
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(file=str(path), key="public key", value=data[:40], expected=_PUBLIC)
    return key


def _read(path: Path, expected: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(file=str(path), key="(file)", value=error.strerror, expected=expected) from None
