"""A document that is made once and asked for often: kept plain and packed, under a tag of its content."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One document."""

    plain: bytes
    """As JSON."""
    packed: bytes
    """The same under gzip, as small as it gets."""
    tag: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Packs a document."""
        plain = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        return cls(plain=plain, packed=gzip.compress(plain, 9, mtime=0), tag=hashlib.sha256(plain).hexdigest()[:16])
