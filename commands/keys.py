"""The desk's signing key: made once, kept in a folder of its own, the public half beside it for the gateways."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocols.sparkplug.keys import generate_private_key, key_id, load_private_key, save_private_key, save_public_key

PRIVATE_NAME = "command.key.pem"
PUBLIC_NAME = "command.pub.pem"


def ensure_key_pair(folder: Path) -> tuple[Ed25519PrivateKey, Path, str]:
    """The private key, the path of its public half, and the short id both are known by; made at the first call.

    The private file can be read by its owner alone (mode 0600).

    Raises:
        ConfigurationError: A file of that name holds something else.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    private_path, public_path = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    if not private_path.exists():
        save_private_key(private_path, generate_private_key())
    private = load_private_key(private_path)
    public = private.public_key()
    save_public_key(public_path, public)
    return private, public_path, key_id(public)
