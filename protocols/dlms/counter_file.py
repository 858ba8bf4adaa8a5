"""Invocation counters in files: one small file a key, replaced whole, on disk before the number is given out."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
from pathlib import Path

from domain.errors import StorageError
from protocols.dlms.counters import LAST
from protocols.dlms.errors import CounterExhausted

_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


class FileCounterStore:
    """A ``CounterStore`` in a folder. Several processes may share it.

    A file that cannot be read is an error, never a fresh start.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def reserve(self, name: str, count: int, *, at_least: int = 0) -> int:
        """See ``CounterStore``.

        Raises:
            CounterExhausted: 32 bits do not hold that many more.
            StorageError: The file cannot be read or written.
        """
        return await asyncio.to_thread(self.reserve_now, name, count, at_least=at_least)

    def reserve_now(self, name: str, count: int, *, at_least: int = 0) -> int:
        """As ``reserve``, waiting for the disk."""
        path = self._folder / f"{_SAFE.sub('_', name)[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}.counter"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                first = max(_read(path), at_least)
                if first + count - 1 > LAST:
                    raise CounterExhausted(f"{name}: invocation counter {first} of {LAST}; the key must be changed")
                _replace(path, first + count)
        except OSError as error:
            raise StorageError(f"invocation counter {name} in {self._folder}: {error}") from error
        return first


def _read(path: Path) -> int:
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        return 0
    if not text.isascii() or not text.isdigit():
        raise StorageError(f"{path.name} holds {text[:40]!r}, a decimal counter was expected; it is not started anew by itself")
    return int(text)


def _replace(path: Path, value: int) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        file.write(f"{value}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
