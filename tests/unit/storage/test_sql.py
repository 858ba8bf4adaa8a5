"""The loader of named statements, and the statements themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

import storage.sql
from storage.sql import parse_queries, queries


def test_statements_by_name() -> None:
    found = parse_queries("-- name: one\n-- Says one.\nSELECT 1;\n\n-- name: two\n-- Says two.\n-- In two lines.\nSELECT\n  2;\n")
    assert dict(found) == {"one": b"SELECT 1", "two": b"SELECT\n  2"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "-- name: a\nSELECT 1;",
        "-- name: a\n-- Says.\n",
        "-- name: a\n-- Says.\nSELECT 1;\n-- name: b\nSELECT 2;",
        "-- name: a\n-- Says.\nSELECT 1;\n-- name: a\n-- Says.\nSELECT 2;",
    ],
)
def test_sloppy_files_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"statement|twice"):
        parse_queries(text)


def test_every_file_of_the_house_parses() -> None:
    files = sorted((Path(storage.sql.__file__).parent / "queries").glob("*.sql"))
    assert len(files) >= 7
    for file in files:
        assert queries(file.stem)
