"""Files that a long work will write: refused before it begins where they cannot be, and never left half."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from domain.errors import ConfigurationError


def check_file(path: Path, option: str) -> None:
    """Makes the folder of a file and sees that it can be written there.

    Raises:
        ConfigurationError: It is a folder, or nothing can be written there.
    """
    if path.is_dir():
        raise ConfigurationError(file=str(path), key=option, value="a folder", expected="the name of a file")
    check_folder(path.parent, option)
    if path.exists() and not os.access(path, os.W_OK):
        raise ConfigurationError(file=str(path), key=option, value="read-only", expected="a file that may be written")


def check_folder(folder: Path, option: str) -> None:
    """Makes a folder and sees that it can be written to.

    Raises:
        ConfigurationError: Neither.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            file=str(folder), key=option, value=error.strerror, expected="a folder that can be made and written to"
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Writes a text file in one piece: an interruption leaves the one that was there.

    Raises:
        ConfigurationError: The disk does not take it.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(path)
    except OSError as error:
        raise ConfigurationError(file=str(path), key="(file)", value=error.strerror, expected="room to write it") from error
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path, gone: Sequence[str] = ()) -> Iterator[Path]:
    """A folder to write a set to, whose files are moved into ``folder`` at the end: an interruption leaves what was there.

    It lies in ``folder``, hidden, so that moving is renaming on one disk. Files of other names stay.

    Args:
        folder: Of the set.
        gone: Files that only some sets have: taken away where this one has none.

    Raises:
        ConfigurationError: The disk does not take it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as name:
            part = Path(name)
            yield part
            written = sorted(file.relative_to(part) for file in part.rglob("*") if file.is_file())
            for file in written:
                (folder / file).parent.mkdir(exist_ok=True)
                (part / file).replace(folder / file)
            for other in set(gone) - {file.as_posix() for file in written}:
                (folder / other).unlink(missing_ok=True)
    except OSError as error:
        expected = "room to write it"
        raise ConfigurationError(file=str(folder), key="(folder)", value=error.strerror or str(error), expected=expected) from error
