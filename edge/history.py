"""History into the spool: time series of the past take the same road as every reading, marked historical.

File format (npz): for each device and metric two arrays of one shape (N,)

    <device>|<metric>|t_ms    int64, milliseconds since 1970 UTC
    <device>|<metric>|value   float64 in the canonical unit, NaN = no value

An import has a key. How far it has come is committed with the rows, so that it goes on where it was interrupted and a second
import of the same key adds nothing.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from edge.readings import Rows, columns
from edge.spool import Spool

Columns = Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
"""metric → (time_ms, value), each of one shape (N,)."""

_ROWS_A_COMMIT = 50_000


def import_history(spool: Spool, path: Path, *, now_ms: int) -> int:
    """Spools a history file; returns how many readings it added (0 for a file already imported).

    Raises:
        ConfigurationError: The file cannot be read, or an array is missing or of the wrong type or length.
    """
    total = 0
    for count in history_steps(spool, path, now_ms=now_ms):
        total += count
    return total


def history_steps(spool: Spool, path: Path, *, now_ms: int) -> Iterator[int]:
    """The same, one commit a step; each step yields how many readings it added."""
    try:
        key = "history:" + hashlib.sha256(path.read_bytes()).hexdigest()
        with np.load(path, allow_pickle=False) as archive:
            names = _names(archive.files, path.name)
            yield from spool_columns(
                spool, key, lambda device: _load(archive, device, names[device], path.name), sorted(names), now_ms
            )
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise _wrong(path.name, "(file)", str(error), "a readable .npz file") from error


def spool_columns(spool: Spool, key: str, load: Callable[[str], Columns], devices: Sequence[str], now_ms: int) -> Iterator[int]:
    """Spools the columns of each device in time order, going on behind what this key has already committed."""
    done, position = spool.progress(key), 0
    for device in devices:
        rows = merged(spool, device, load(device))
        for start in range(0, len(rows), _ROWS_A_COMMIT):
            chunk = rows[start : start + _ROWS_A_COMMIT]
            behind = min(max(done - position, 0), len(chunk))
            position += len(chunk)
            if behind < len(chunk):
                spool.append_rows([(device, chunk[behind:])], now_ms=now_ms, historical=True, marker=(key, position))
                yield len(chunk) - behind


def merged(spool: Spool, device: str, data: Columns) -> Rows:
    """Rows of all metrics of a device in time order; metrics of one moment stay in the order of their names."""
    parts = [columns(spool.channel(device, metric).alias, *data[metric]) for metric in sorted(data)]
    rows = np.concatenate(parts)
    return rows[np.argsort(rows["time_ms"], kind="stable")]


def _names(files: Sequence[str], file: str) -> dict[str, list[str]]:
    """device → metrics."""
    found: dict[str, list[str]] = {}
    for name in files:
        parts = name.split("|")
        if len(parts) != 3 or not all(parts) or parts[2] not in ("t_ms", "value"):
            raise _wrong(file, name, name, "array names <device>|<metric>|t_ms and <device>|<metric>|value")
        other = f"{parts[0]}|{parts[1]}|{'value' if parts[2] == 't_ms' else 't_ms'}"
        if other not in files:
            raise _wrong(file, other, None, f"this array beside {name}")
        if parts[2] == "t_ms":
            found.setdefault(parts[0], []).append(parts[1])
    return found


def _load(archive: Mapping[str, NDArray[Any]], device: str, metrics: Sequence[str], file: str) -> Columns:
    data = {}
    for metric in metrics:
        times, values = archive[f"{device}|{metric}|t_ms"], archive[f"{device}|{metric}|value"]
        if times.dtype != np.int64 or values.dtype != np.float64 or times.ndim != 1 or times.shape != values.shape:
            found = f"{times.dtype}{times.shape}, {values.dtype}{values.shape}"
            raise _wrong(file, f"{device}|{metric}", found, "int64 times and float64 values of one shape (N,)")
        data[metric] = (times, values)
    return data


def _wrong(file: str, key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(file=file, key=key, value=value, expected=expected)
