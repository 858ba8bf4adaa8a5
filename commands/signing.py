"""An order as it goes out: its canonical document under the desk's key."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.setpoints import Command
from protocols.sparkplug.commands import SignedCommand, canonical_document, sign


def signed(command: Command, key: Ed25519PrivateKey) -> SignedCommand:
    """The order with its signature (Ed25519 over the canonical document)."""
    document = canonical_document(command)
    return SignedCommand(document=document, signature=sign(document, key), key_id=command.key_id)
