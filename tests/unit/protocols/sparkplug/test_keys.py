"""Keys live in files that nobody else can read, and a wrong file says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from domain.errors import ConfigurationError
from protocols.sparkplug.keys import (
    generate_private_key,
    key_id,
    load_private_key,
    load_public_key,
    public_key_from_raw,
    public_key_raw,
    save_private_key,
    save_public_key,
)


def test_roundtrip_through_files(tmp_path: Path) -> None:
    key = generate_private_key()
    save_private_key(tmp_path / "desk.pem", key)
    save_public_key(tmp_path / "desk.pub.pem", key.public_key())
    public = load_private_key(tmp_path / "desk.pem").public_key()
    assert public_key_raw(public) == public_key_raw(load_public_key(tmp_path / "desk.pub.pem"))
    assert public_key_raw(public_key_from_raw(public_key_raw(public))) == public_key_raw(key.public_key())
    assert len(public_key_raw(public)) == 32


def test_private_key_is_its_owners_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "desk.pem"
    save_private_key(path, generate_private_key())
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        save_private_key(path, generate_private_key())
    assert path.read_bytes() == before


def test_key_id_of_a_known_key() -> None:
    """RFC 8032, 7.1, test 1; the digest by sha256sum."""
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert key_id(public_key_from_raw(raw)) == "21fe31dfa154a261"


def test_wrong_files_say_what_would_be_right(tmp_path: Path) -> None:
    other = x25519.X25519PrivateKey.generate()
    (tmp_path / "other.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "other.pub.pem").write_bytes(other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "noise.pem").write_bytes(b"noise")
    for name in ("other.pem", "noise.pem", "absent.pem"):
        with pytest.raises(ConfigurationError, match=f"{name}.*Ed25519 private key"):
            load_private_key(tmp_path / name)
    for name in ("other.pub.pem", "noise.pem", "absent.pem"):
        with pytest.raises(ConfigurationError, match=f"{name}.*Ed25519 public key"):
            load_public_key(tmp_path / name)
    with pytest.raises(ValueError, match="32"):
        public_key_from_raw(b"short")


def test_a_private_key_is_never_shown_in_an_error(tmp_path: Path) -> None:
    path = tmp_path / "desk.pem"
    save_private_key(path, generate_private_key())
    broken = path.read_bytes().replace(b"BEGIN PRIVATE KEY", b"BEGIN PRIVATE KEX")
    path.write_bytes(broken)
    with pytest.raises(ConfigurationError) as caught:
        load_private_key(path)
    assert broken.split(b"\n")[1].decode() not in str(caught.value)
