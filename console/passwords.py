"""Password hashes: argon2id, checked off the event loop, and as slowly for a name that does not exist as for one that does."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
MAX_PASSWORD = 256
"""Longer input is refused before it costs anything [characters]."""


def hash_password(password: str) -> str:
    """The argon2id hash to keep of a password.

    Raises:
        ValueError: The password is empty or longer than ``MAX_PASSWORD``.
    """
    if not 0 < len(password) <= MAX_PASSWORD:
        raise ValueError(f"a password has 1 to {MAX_PASSWORD} characters, got {len(password)}")
    return _HASHER.hash(password)


class PasswordChecker:
    """Checks passwords two at a time: each check takes 64 MiB for a moment."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(2)
        self._nobody: str | None = None

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether the password fits the stored hash; with None the same work is done in vain, so that timing tells no names."""
        if len(password) > MAX_PASSWORD:
            return False
        async with self._places:
            return await asyncio.to_thread(self._check, password, stored)

    def _check(self, password: str, stored: str | None) -> bool:
        if stored is not None and not stored.startswith("$argon2"):
            stored = None  # an account of the identity provider's has no password here, and answers as slowly
        if stored is None:
            self._nobody = self._nobody or _HASHER.hash("nobody")
        try:
            return _HASHER.verify(stored or self._nobody or "", password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
