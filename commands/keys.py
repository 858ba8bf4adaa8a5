"""Signing keys of the desk: made once, kept in a folder of its own, the public half beside it.

``command`` signs commands, and gateways pin its public half; ``audit`` signs anchors of the audit chain.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocols.sparkplug.keys import generate_private_key, key_id, load_private_key, save_private_key, save_public_key


def ensure_key_pair(folder: Path, stem: str = "command") -> tuple[Ed25519PrivateKey, Path, str]:
    """The private key, the path of its public half, and the short id both are known by; made at the first call.

    Its files are ``STEM.key.pem`` and ``STEM.pub.pem``. The private file can be read by its owner alone (mode 0600).

    Raises:
        ConfigurationError: A file of that name holds something else.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    private_path, public_path = folder / f"{stem}.key.pem", folder / f"{stem}.pub.pem"
    if not private_path.exists():
        save_private_key(private_path, generate_private_key())
    private = load_private_key(private_path)
    public = private.public_key()
    save_public_key(public_path, public)
    return private, public_path, key_id(public)
