"""Which time zone rules count: the newest on this machine, whether the system's own or those installed with the product.

Governments change their clocks at short notice, and a system that is not updated then cuts nights and days an hour off.
"""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

_VERSION_FILES = ("+VERSION", "tzdata.zi")


def use_newest_rules() -> str:
    """Takes the product's rules where they are newer than the system's; for this process and those it starts.

    Returns:
        The release that is in force, such as ``2026f``; empty where only the system knows its own.
    """
    ours, theirs = _installed(), system_release(zoneinfo.TZPATH)
    if ours <= theirs:
        return theirs
    os.environ["PYTHONTZPATH"] = ""
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    return ours


def system_release(folders: Sequence[str]) -> str:
    """The release of the first folder that holds rules and says so; empty where none does."""
    for folder in folders:
        for name in _VERSION_FILES:
            # Another system keeps another file: the next may be there.
            with suppress(OSError, UnicodeDecodeError), Path(folder, name).open(encoding="ascii") as file:
                if words := file.readline().split():
                    return words[-1]
    return ""


def _installed() -> str:
    try:
        return str(import_module("tzdata").IANA_VERSION)
    except ImportError:  # a distribution's package of ours that leans on the system's rules
        return ""
