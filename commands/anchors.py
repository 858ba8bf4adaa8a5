"""Anchors of the audit chain: signed notes of how long it was and what its last row hashed to.

Each row of the chain proves the rows before it; nothing in the chain proves that its end has not been cut off and grown anew. That
takes a witness elsewhere: anchors, one a day, signed and linked to one another, which the utility copies off the machine; the mark
of the present end, rewritten within a second of each row; and the gateways' journals, for every command is signed together with the
end of the chain at its moment. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.audit import GENESIS, verify_chain
from domain.errors import DecodeError
from domain.ports_commands import AuditRow
from domain.setpoints import Command, Witness
from protocols.sparkplug.commands import sign, verify
from protocols.sparkplug.strict_json import canonical_json, parse_json, parse_time, time_text

FIRST = "0" * 64
"""``previous`` of the first anchor, and of a mark, which stands alone."""
_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One signed note, as it is kept and copied."""

    document: bytes
    """Canonical JSON: at, hash, previous, sequence."""
    signature: bytes
    key_id: str

    @property
    def digest(self) -> str:
        """SHA-256 of the document: the next anchor names it."""
        return hashlib.sha256(self.document).hexdigest()

    def witness(self) -> Witness:
        """What it says of the chain.

        Raises:
            DecodeError: ``bad_anchor``: no such document.
        """
        content = self._content()
        return Witness(sequence=content["sequence"], hash=content["hash"])

    @property
    def previous(self) -> str:
        """Digest of the anchor before; raises as ``witness``."""
        return str(self._content()["previous"])

    @property
    def at(self) -> datetime:
        """When it was made; raises as ``witness``."""
        return parse_time(self._content()["at"])

    def line(self) -> str:
        """One line of text, for files and copies."""
        content = {"document": self.document.decode(), "key_id": self.key_id, "signature": self.signature.hex()}
        return canonical_json(content).decode()

    def _content(self) -> dict[str, Any]:
        try:
            content = parse_json(self.document, max_bytes=_MAX_BYTES)
            parse_time(content["at"])
            if content.keys() != {"at", "hash", "previous", "sequence"} or type(content["sequence"]) is not int:
                raise ValueError(f"keys {sorted(content)}")
        except (ValueError, KeyError) as error:
            raise DecodeError("bad_anchor", f"{self.document[:120]!r}: {error}") from None
        return content


def make_anchor(head: Witness, *, at: datetime, previous: str, key: Ed25519PrivateKey, key_id: str) -> Anchor:
    """Signs the end of the chain.

    Args:
        head: The end.
        at: Process time.
        previous: Digest of the anchor before; ``FIRST`` where there is none.
        key: The audit's own key, not the commands'.
        key_id: Its short name.
    """
    document = canonical_json({"at": time_text(at), "hash": head.hash, "previous": previous, "sequence": head.sequence})
    return Anchor(document=document, signature=sign(document, key), key_id=key_id)


def parse_line(line: str) -> Anchor:
    """The anchor in a line of text.

    Raises:
        DecodeError: ``bad_anchor``.
    """
    try:
        content = json.loads(line)
        return Anchor(
            document=content["document"].encode(), signature=bytes.fromhex(content["signature"]), key_id=str(content["key_id"])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DecodeError("bad_anchor", f"{line[:120]!r}: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What others remember of the chain."""

    anchors: Sequence[Anchor] = ()
    """Those of the database, ascending: they must be linked to one another without a gap."""
    copies: Sequence[Anchor] = ()
    """Anchors and marks kept elsewhere, in any order."""
    orders: Sequence[tuple[str, Command]] = ()
    """(whose journal, command) from the gateways."""
    keys: Sequence[Ed25519PublicKey] = ()
    """Whose signatures count."""


@dataclass(slots=True)
class ChainCheck:
    """Walks the chain page by page and holds every row against the evidence; afterwards ``wrong`` says what is not right."""

    evidence: Evidence
    rows: int = 0
    wrong: list[str] = field(default_factory=list)
    _previous: bytes = GENESIS
    _broken: bool = False
    _wanted: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    _orders: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._take_anchors()
        for journal, command in self.evidence.orders:
            self._orders[command.command_id] = journal
            if command.witness is not None:
                self._want(command.witness, f"the journal of {journal} ({command.command_id})")

    def page(self, rows: Sequence[AuditRow]) -> None:
        """The next rows, ascending."""
        if not self._broken:
            found = verify_chain(rows, previous=self._previous, first=self.rows + 1)
            if found is not None:
                self._broken = True
                self.wrong.append(found)
        for row in rows:
            for source, digest in self._wanted.pop(row.sequence, ()):
                if digest != row.hash.hex():
                    self.wrong.append(f"row {row.sequence} is not the one that {source} saw: the chain was written anew")
            if row.action == "command.issued":
                self._orders.pop(str(row.body.get("command_id")), None)
        if rows:
            self._previous, self.rows = rows[-1].hash, rows[-1].sequence

    def finish(self) -> list[str]:
        """After the last page: everything that is not right, the first first."""
        for sequence, seen in sorted(self._wanted.items()):
            self.wrong += [f"row {sequence} is gone: {source} saw it, the chain ends with row {self.rows}" for source, _ in seen]
        self.wrong += [
            f"the journal of {journal} holds command {command_id}, the audit does not"
            for command_id, journal in self._orders.items()
        ]
        return self.wrong

    def _take_anchors(self) -> None:
        previous = FIRST
        for number, anchor in enumerate(self.evidence.anchors, 1):
            name = f"anchor {number} of the database"
            if self._believed(anchor, name):
                if anchor.previous != previous:
                    self.wrong.append(f"{name} does not follow the one before it: one was taken out or put in")
                self._want(anchor.witness(), name)
            previous = anchor.digest
        for number, anchor in enumerate(self.evidence.copies, 1):
            if self._believed(anchor, f"copy {number}"):
                self._want(anchor.witness(), f"copy {number} of {anchor.at.isoformat()}")

    def _believed(self, anchor: Anchor, name: str) -> bool:
        try:
            anchor.witness()
        except DecodeError as error:
            self.wrong.append(f"{name}: {error}")
            return False
        if any(verify(anchor.document, anchor.signature, key) for key in self.evidence.keys):
            return True
        self.wrong.append(f"{name} bears no signature of a known key")
        return False

    def _want(self, witness: Witness, source: str) -> None:
        self._wanted.setdefault(witness.sequence, []).append((source, witness.hash))


def check_rows(rows: Iterable[AuditRow], evidence: Evidence) -> list[str]:
    """Everything that is not right with a whole chain held in memory; empty if nothing is."""
    check = ChainCheck(evidence)
    check.page(tuple(rows))
    return check.finish()
