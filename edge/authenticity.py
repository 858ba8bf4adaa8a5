"""Whether a command is what one of the pinned keys signed. Pure; the broker is not believed in this."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.setpoints import Command, Reason
from protocols.sparkplug.commands import SignedCommand, verify


def signature_fault(signed: SignedCommand, command: Command, keys: Mapping[str, Ed25519PublicKey]) -> Reason | None:
    """Why the command is not to be believed; None if a pinned key signed exactly these bytes."""
    if not keys:
        return Reason(code="no_key", text="this gateway knows no key of any desk, so it takes no command")
    key = keys.get(signed.key_id)
    if key is None:
        return Reason(code="unknown_key", text=f"key {signed.key_id} is not pinned at this gateway")
    if command.key_id != signed.key_id:
        return Reason(code="bad_signature", text=f"the document names key {command.key_id}, the message {signed.key_id}")
    if not verify(signed.document, signed.signature, key):
        return Reason(code="bad_signature", text=f"the signature is not that of key {signed.key_id} over this document")
    return None
