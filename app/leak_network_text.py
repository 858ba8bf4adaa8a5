"""Whether a network file is text as EPANET takes it: of another encoding it reads a part, and says something else is wrong."""

from __future__ import annotations

import codecs
from pathlib import Path

from domain.errors import ConfigurationError

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PLAIN = "plain text in UTF-8 without a byte order mark: save it anew as such"


def check_text(network: Path) -> None:
    """Looks at the bytes of a network file; one that is absent is left to who opens it.

    Raises:
        ConfigurationError: It begins with a byte order mark, is no text, or has a name that is not UTF-8.
    """
    try:
        data = network.read_bytes()
    except OSError:  # EPANET says that it cannot be opened, and why
        return
    if data.startswith(_MARKS) and not data.removeprefix(codecs.BOM_UTF8).upper().startswith(b"[TITLE]"):  # a title may be lost
        raise ConfigurationError(file=network.name, key="encoding", value="a byte order mark at its beginning", expected=_PLAIN)
    if b"\0" in data:
        raise ConfigurationError(file=network.name, key="encoding", value="bytes of 0 among its text", expected=_PLAIN)
    section = b""
    for number, line in enumerate(data.splitlines(), 1):
        words = line.partition(b";")[0].split()
        if words and words[0].startswith(b"["):
            section = words[0].upper()
        # A title and comments may be anything; what has a name must be readable.
        elif words and section != b"[TITLE]" and not _is_text(b" ".join(words)):
            shown = b" ".join(words)[:60].decode("utf-8", errors="replace")
            raise ConfigurationError(file=network.name, key=f"line {number}", value=shown, expected=_PLAIN)


def _is_text(words: bytes) -> bool:
    try:
        words.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
