"""The centre's own witness of its audit chain: a mark of the present end within a second, an anchor a day, both signed, both in
files beside the database. Copy ``audit-anchors.jsonl`` and ``audit.pub.pem`` to another machine: that is what they are for.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from commands.anchors import FIRST, Anchor, make_anchor, parse_line
from commands.keys import ensure_key_pair
from domain.ports import Clock
from domain.ports_commands import CommandStore
from domain.setpoints import Witness
from protocols.sparkplug.keys import load_public_key
from storage.audit import PostgresAnchors

log = structlog.get_logger(__name__)
KEY = "audit"
PUBLIC_NAME = "audit.pub.pem"
ANCHORS_NAME = "audit-anchors.jsonl"
HEAD_NAME = "audit-head.json"
EVERY = timedelta(days=1)


class Anchoring:
    """Keeps mark and anchors.

    Args:
        store: Knows the end of the chain.
        anchors: Those in the database.
        clock: Process time.
        folder: The centre's state folder.
    """

    def __init__(self, *, store: CommandStore, anchors: PostgresAnchors, clock: Clock, folder: Path) -> None:
        self._store = store
        self._anchors = anchors
        self._clock = clock
        self._folder = folder
        self._key, _, self._key_id = ensure_key_pair(folder, KEY)
        self._marked: Witness | None = None
        self._anchored_at: datetime | None = None

    async def tick(self) -> None:
        """The mark, if the chain has grown; the anchor, if the last one is a day old."""
        head = await self._store.audit_head()
        if head is None:
            return
        if head != self._marked:
            mark = make_anchor(head, at=self._clock.now(), previous=FIRST, key=self._key, key_id=self._key_id)
            _replace(self._folder / HEAD_NAME, mark.line())
            self._marked = head
        if self._anchored_at is None:
            last = await self._last()
            self._anchored_at = last.at if last is not None else None
        if self._anchored_at is None or not timedelta() <= self._clock.now() - self._anchored_at < EVERY:
            made = await self.anchor()
            if made is not None:
                log.info("audit_anchor", sequence=head.sequence, anchor=made.line())  # a log kept elsewhere is a copy elsewhere

    async def anchor(self) -> Anchor | None:
        """Makes an anchor now, in the database and at the end of the file; None while the chain is empty, or has not grown."""
        head, last = await self._store.audit_head(), await self._last()
        self._anchored_at = self._clock.now()
        if head is None or (last is not None and last.witness().sequence >= head.sequence):
            return None
        previous = FIRST if last is None else last.digest
        made = make_anchor(head, at=self._clock.now(), previous=previous, key=self._key, key_id=self._key_id)
        await self._anchors.save(sequence=head.sequence, document=made.document, signature=made.signature, key_id=made.key_id)
        with (self._folder / ANCHORS_NAME).open("a", encoding="utf-8") as file:
            file.write(made.line() + "\n")
            file.flush()
            os.fsync(file.fileno())
        return made

    async def _last(self) -> Anchor | None:
        kept = await self._anchors.all()
        return Anchor(document=kept[-1][0], signature=kept[-1][1], key_id=kept[-1][2]) if kept else None


def read_copies(*files: Path) -> list[Anchor]:
    """Anchors and marks out of files of lines; a file that does not exist holds none.

    Raises:
        DecodeError: ``bad_anchor``: a line is none.
    """
    lines = [line for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [parse_line(line) for line in lines]


def read_keys(*files: Path) -> list[Ed25519PublicKey]:
    """The public keys whose signatures count; a file that does not exist holds none.

    Raises:
        ConfigurationError: A file holds no key.
    """
    return [load_public_key(file) for file in files if file.exists()]


def _replace(path: Path, line: str) -> None:
    fresh = path.with_suffix(".tmp")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
