"""What EPANET does not say of a network file that it refuses: its encoding, and names where EPANET gives a number only."""

from __future__ import annotations

import codecs
from pathlib import Path

from domain.errors import ConfigurationError
from simulator.inp import Row, read_sections

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


def refused_why(network: Path) -> str:
    """More words on a file that EPANET refuses: nodes on no link, tanks whose level lies outside its limits; empty if none."""
    try:
        sections = read_sections(network.read_text(encoding="utf-8", errors="replace"))
    except OSError:  # EPANET has said that it cannot be opened
        return ""
    linked = {word for kind in ("PIPES", "PUMPS", "VALVES") for row in sections.get(kind, ()) for word in row.words[1:3]}
    nodes = [row.words[0] for kind in ("JUNCTIONS", "RESERVOIRS", "TANKS") for row in sections.get(kind, ())]
    alone = [name for name in nodes if name not in linked]
    off = [row.words[0] for row in sections.get("TANKS", ()) if _is_off(row)]
    said = f"; nodes on no pipe, pump or valve: {_first(alone)}" if alone else ""
    return said + (f"; tanks whose initial level is not between the lowest and the highest: {_first(off)}" if off else "")


def _first(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def _is_off(tank: Row) -> bool:
    try:
        first, low, high = (float(word) for word in tank.words[2:5])
    except ValueError:  # a row with fewer words, or none that are numbers: EPANET says which
        return False
    return not low <= first <= high


def _is_text(words: bytes) -> bool:
    try:
        words.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
