"""The text of a CSV as spreadsheets of the world write it: plain or gzip whatever its name says, UTF-8 with or without a mark, with
commas, or with semicolons and then decimal commas.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import ConfigurationError

EMPTY = frozenset({"", "nan", "na", "null", "none", "-"})
"""What stands in a cell without a value, in small letters."""
_GZIP = b"\x1f\x8b"


@contextmanager
def csv_text(file: Path) -> Iterator[io.TextIOBase]:
    """The text of a file, plain or gzip by its first bytes.

    Raises:
        ConfigurationError: It cannot be opened, or is not UTF-8.
    """
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == _GZIP
        with gzip.open(file, "rb") if packed else file.open("rb") as plain:
            yield io.TextIOWrapper(plain, encoding="utf-8-sig", newline="")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            file=str(file), key="text", value=f"byte 0x{error.object[error.start]:02x} is not UTF-8",
            expected="a CSV in UTF-8 (in a spreadsheet: save as CSV UTF-8)",
        ) from error  # fmt: skip
    except OSError as error:
        raise ConfigurationError(file=str(file), key="(file)", value=error.strerror, expected="a CSV that can be read") from error


def has_semicolons(header: str) -> bool:
    """Whether cells are parted by semicolons, by the file's first line; numbers then have decimal commas."""
    return header.count(";") > header.count(",")
