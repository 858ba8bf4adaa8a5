from __future__ import annotations

import pytest

from console.passwords import MAX_PASSWORD, PasswordChecker, hash_password


async def test_right_wrong_nobody_and_nonsense() -> None:
    checker = PasswordChecker()
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert await checker.matches("correct horse", stored)
    assert not await checker.matches("correct hors", stored)
    assert not await checker.matches("nobody", None), "not even the stand-in's own password"
    assert not await checker.matches("correct horse", "not a hash")
    assert not await checker.matches("x" * (MAX_PASSWORD + 1), stored)


@pytest.mark.parametrize("password", ["", "x" * (MAX_PASSWORD + 1)])
def test_unfit_passwords_are_not_kept(password: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        hash_password(password)
