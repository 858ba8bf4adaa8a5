"""Which migrations are still to apply, and which histories are refused."""

from __future__ import annotations

import pytest

from domain.errors import StorageError
from storage.migrate import Migration, read_migrations, still_to_apply

ONE, TWO, THREE = (Migration(name=f"000{n}_x.sql", text=str(n).encode()) for n in (1, 2, 3))


def test_what_is_missing_in_order() -> None:
    assert still_to_apply((ONE, TWO), {}) == (ONE, TWO)
    assert still_to_apply((ONE, TWO), {ONE.name: ONE.checksum}) == (TWO,)
    assert still_to_apply((ONE, TWO), {m.name: m.checksum for m in (ONE, TWO)}) == ()


@pytest.mark.parametrize(
    ("files", "applied", "why"),
    [
        ((ONE,), {ONE.name: "other"}, "was changed after it was applied"),
        ((ONE,), {ONE.name: ONE.checksum, TWO.name: TWO.checksum}, "run a newer version"),
        ((ONE, TWO, THREE), {ONE.name: ONE.checksum, THREE.name: THREE.checksum}, "would run after"),
    ],
)
def test_histories_that_cannot_be(files: tuple[Migration, ...], applied: dict[str, str], why: str) -> None:
    with pytest.raises(StorageError, match=why):
        still_to_apply(files, applied)


def test_no_two_files_have_one_number() -> None:
    numbers = [int(file.name[:4]) for file in read_migrations()]
    assert numbers == sorted(set(numbers))
