"""A recording of a network: gauges, metered flows, tank levels, customers' meters, repairs, and the network file.

    folder/meta.json            {"files": ["2018.npz", "2019.npz"], "model": "town.inp"[, "train_until": "2019-01-01 00:00"]}
    folder/2018.npz …           start, step_s, pressure, pressure_id, pressure_scale, the same for flow and (where there is a tank)
                                level, and for customers' meters amr, amr_id, amr_scale, amr_step_s
    folder/repairs-….csv        pipe,repaired

The files are parts of one recording: parts that do not follow one another leave a gap, columns are found by name. What comes
before ``train_until`` only teaches; without it, what comes before the last file, and of a single file the first third.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection.recording_notes import gaps_in_words

_MISSING = -32768
_DAY = timedelta(days=1)
_LEAST_TEACH, _LEAST_JUDGED = timedelta(days=28), timedelta(days=7)
_MOST_TEACH = timedelta(days=180)
"""Of a single file."""
_GOOD_TEACH_DAYS = 90
_WHAT = {
    "pressure": "three gauges or more",
    "flow": "the meter of every inlet: pressures are judged beside the flow that makes them",
}
_SHORT = "28 days or more that teach and 7 that are judged"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkSet:
    """Gauges and meters of a network over months or years."""

    start: datetime
    second: datetime
    """Until then the recording only teaches."""
    step_s: int
    gauges: tuple[str, ...]
    meters: tuple[str, ...]
    tanks: tuple[str, ...]
    network: Path
    pressure_m: FloatArray
    drivers: FloatArray
    """Flows of ``meters`` [m³/h], then levels of ``tanks`` [m]."""
    customers: tuple[str, ...] = ()
    """Nodes of the customers' meters."""
    customers_m3h: FloatArray | None = None
    """Sum of the customers' meters by day, shape (days,); NaN where none was read."""
    repairs: tuple[tuple[datetime, str], ...] = ()
    """Moments and pipes of repairs."""

    @property
    def per_day(self) -> int:
        """Samples of a day."""
        return 86400 // self.step_s

    @property
    def first_rows(self) -> int:
        """Samples that only teach."""
        return int((self.second - self.start).total_seconds()) // self.step_s

    @property
    def hour(self) -> NDArray[np.int64]:
        """Hour of the day of each sample, shape (T,)."""
        begin_s = (self.start - self.start.replace(hour=0, minute=0, second=0)).total_seconds()
        return np.asarray((np.arange(len(self.pressure_m)) * self.step_s + int(begin_s)) // 3600 % 24, dtype=np.int64)

    def notes(self) -> tuple[str, ...]:
        """What in the recording lowers confidence, in words."""
        names = [f"gauge {g}" for g in self.gauges] + [f"meter {m}" for m in self.meters] + [f"level of {t}" for t in self.tanks]
        values = np.concatenate([self.pressure_m, self.drivers], axis=1)
        teach = self.first_rows // self.per_day
        few = (f"only {teach} days teach: seasons are not known and slow leaks are found late",) if teach < _GOOD_TEACH_DAYS else ()
        return few + gaps_in_words(values, names, self.per_day, self.start)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """One file."""

    name: str
    arrays: Mapping[str, Any]
    start: datetime
    step_s: int

    def names(self, kind: str) -> list[str]:
        """Columns of a kind; none where the file has none.

        Raises:
            ConfigurationError: A name comes twice, or there are not as many names as columns.
        """
        if kind not in self.arrays and f"{kind}_id" not in self.arrays:
            return []
        names, shape = [str(n) for n in self._needed(f"{kind}_id")], np.shape(self._needed(kind))
        if len(shape) != 2 or shape[1] != len(names):
            raise ConfigurationError(
                file=self.name, key=kind, value=shape, expected=f"rows by {len(names)} columns, one for each name in {kind}_id"
            )
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ConfigurationError(file=self.name, key=f"{kind}_id", value=", ".join(twice), expected="each name once")
        return names

    def values(self, kind: str) -> FloatArray:
        """In units; NaN where missing or no finite number."""
        raw = np.asarray(self._needed(kind))
        scaled = raw.astype(np.float64) * float(self._needed(f"{kind}_scale"))
        return np.where((raw == _MISSING) | ~np.isfinite(scaled), np.nan, scaled)

    def number(self, key: str) -> int:
        """A whole number above 0.

        Raises:
            ConfigurationError: It is none.
        """
        value = float(self._needed(key))
        if value <= 0 or value != int(value):
            raise ConfigurationError(file=self.name, key=key, value=value, expected="whole seconds, more than 0")
        return int(value)

    def _needed(self, key: str) -> Any:
        if key not in self.arrays:
            raise ConfigurationError(
                file=self.name, key=key, value=None, expected=f"an array of that name beside {', '.join(sorted(self.arrays))}"
            )
        return self.arrays[key]


def read_network_set(folder: Path) -> NetworkSet:
    """Reads the files, ``meta.json``, the network and, where there are some, the lists of repairs of a folder.

    Raises:
        ConfigurationError: A file or array is not there or says what cannot be, or the recording is too short.
    """
    meta = _meta(folder)
    parts = sorted((_part(folder / name) for name in meta["files"]), key=lambda part: part.start)
    start, step_s = parts[0].start, parts[0].step_s
    for part in parts:
        if part.step_s != step_s:
            raise ConfigurationError(file=part.name, key="step_s", value=part.step_s, expected=f"{step_s}, as in {parts[0].name}")
    gauges, pressure = _joined(parts, "pressure", _row(start, step_s))
    meters, flow = _joined(parts, "flow", _row(start, step_s))
    tanks, level = _joined(parts, "level", _row(start, step_s))
    rows = max(len(pressure), len(flow), len(level))
    customers, customers_m3h = _customers(parts, rows * step_s // 86400)
    end = start + timedelta(seconds=rows * step_s)
    return NetworkSet(
        start=start,
        second=_second(folder, meta, parts, end),
        step_s=step_s,
        gauges=gauges,
        meters=meters,
        tanks=tanks,
        network=folder / meta["model"],
        pressure_m=_long(pressure, rows),
        drivers=np.concatenate([_long(flow, rows), _long(level, rows)], axis=1),
        customers=customers,
        customers_m3h=customers_m3h,
        repairs=_repairs(folder),
    )


def _meta(folder: Path) -> dict[str, Any]:
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        files, model = meta["files"], meta["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        # Not there, no JSON, or JSON without the two keys: one message says what the file must hold.
        raise ConfigurationError(
            file=str(folder / "meta.json"), key="files, model", value=f"{type(error).__name__}: {error}",
            expected='a JSON object such as {"files": ["2018.npz", "2019.npz"], "model": "town.inp"}',
        ) from error  # fmt: skip
    if not isinstance(files, list) or not files:
        raise ConfigurationError(file=str(folder / "meta.json"), key="files", value=files, expected="a list of one file or more")
    if len(set(files)) < len(files):
        raise ConfigurationError(file=str(folder / "meta.json"), key="files", value=files, expected="each file once")
    if not (folder / str(model)).is_file():
        raise ConfigurationError(
            file=str(folder / "meta.json"), key="model", value=model, expected="the network file beside the recording"
        )
    return dict(meta)


def _part(path: Path) -> _Part:
    try:
        with path.open("rb") as file, np.load(file) as archive:  # opened here: numpy leaves a broken one open
            arrays = dict(archive)
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        # Not there, cut off, damaged, one array alone (TypeError), or no archive of plain arrays.
        raise ConfigurationError(file=str(path), key="file", value=str(error), expected="an npz file of arrays") from error
    part = _Part(name=path.name, arrays=arrays, start=_moment(str(arrays.get("start")), path.name, "start"), step_s=1)
    step_s = part.number("step_s")
    if step_s > 3600 or 3600 % step_s:
        raise ConfigurationError(file=path.name, key="step_s", value=step_s, expected="seconds of which an hour is a multiple")
    for kind in ("pressure", "flow"):
        if not part.names(kind):
            raise ConfigurationError(
                file=path.name, key=kind, value=None,
                expected=f"arrays {kind}, {kind}_id and {kind}_scale with {_WHAT[kind]}",
            )  # fmt: skip
    return _Part(name=path.name, arrays=arrays, start=part.start, step_s=step_s)


def _moment(text: str, file: str, key: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigurationError(file=file, key=key, value=text, expected="a local time such as 2018-01-31 00:00") from None
    if moment.tzinfo is not None:
        raise ConfigurationError(file=file, key=key, value=text, expected="a local time without an offset")
    return moment


def _row(start: datetime, step_s: int) -> Callable[[_Part], int]:
    """Which row of the recording a part begins at."""

    def of(part: _Part) -> int:
        rows, rest = divmod((part.start - start).total_seconds(), step_s)
        if rest:
            raise ConfigurationError(
                file=part.name, key="start", value=str(part.start), expected=f"whole steps of {step_s} s after {start}"
            )
        return int(rows)

    return of


def _joined(parts: Sequence[_Part], kind: str, row: Callable[[_Part], int]) -> tuple[tuple[str, ...], FloatArray]:
    """Names and values of all parts, by name; NaN where a part has no such column or no part is."""
    names = list(dict.fromkeys(name for part in parts for name in part.names(kind)))
    pieces = [(row(part), part, part.values(kind) if part.names(kind) else np.empty((0, 0))) for part in parts]
    out = np.full((max(first + len(values) for first, _, values in pieces), len(names)), np.nan)
    end = 0
    for first, part, values in pieces:
        if first < end:
            raise ConfigurationError(
                file=part.name,
                key="start",
                value=str(part.start),
                expected=f"a time after the part before it: {end - first} rows later",
            )
        out[first : first + len(values), [names.index(name) for name in part.names(kind)]] = values
        end = first + len(values)
    return tuple(names), out


def _long(values: FloatArray, rows: int) -> FloatArray:
    """Filled with NaN to ``rows``."""
    return np.concatenate([values, np.full((rows - len(values), values.shape[1]), np.nan)])


def _second(folder: Path, meta: Mapping[str, Any], parts: Sequence[_Part], end: datetime) -> datetime:
    """Where the part begins that is judged.

    Raises:
        ConfigurationError: Too little teaches or is judged.
    """
    start = parts[0].start
    if "train_until" in meta:
        second = _moment(str(meta["train_until"]), str(folder / "meta.json"), "train_until")
    elif len(parts) > 1:
        second = parts[-1].start
    else:
        second = start + max(_LEAST_TEACH, min(_MOST_TEACH, (end - start) // 3 // _DAY * _DAY))
    teach, judged = second - start, end - second
    if teach < _LEAST_TEACH or judged < _LEAST_JUDGED:
        days = (end - start) / _DAY
        value = f"{days:.1f} days from {start}, of which {max(teach / _DAY, 0.0):.1f} teach"
        raise ConfigurationError(file=str(folder), key="recording", value=value, expected=_SHORT)
    return second


def _customers(parts: Sequence[_Part], days: int) -> tuple[tuple[str, ...], FloatArray | None]:
    """Nodes of the customers' meters and their sum by day, where every part has the same ones."""
    names = [part.names("amr") for part in parts]
    if not all(names):
        return (), None
    total, start = np.full(days, np.nan), parts[0].start
    for part in parts:
        first = (part.start - start) // _DAY
        part_days = _daily_sum(part.values("amr"), 86400 // part.number("amr_step_s"))[: days - first]
        total[first : first + len(part_days)] = part_days
    return tuple(names[0]), total


def _daily_sum(litres_h: FloatArray, per_day: int) -> FloatArray:
    """Mean flow of all customers' meters together on each day [m³/h]; a meter not read counts as the mean of the others."""
    days = litres_h[: len(litres_h) // per_day * per_day].reshape(-1, per_day * litres_h.shape[1])
    read = np.isfinite(days)
    total = np.where(read, days, 0.0).sum(axis=1) / np.maximum(read.sum(axis=1), 1)
    return np.where(read.mean(axis=1) > 0.5, total * litres_h.shape[1] / 1000.0, np.nan)


def _repairs(folder: Path) -> tuple[tuple[datetime, str], ...]:
    """Moments and pipes in every ``repairs-*.csv`` of the folder."""
    found = []
    for path in sorted(folder.glob("repairs-*.csv")):
        with path.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            missing = {"pipe", "repaired"} - set(rows.fieldnames or ())
            if missing:
                raise ConfigurationError(
                    file=path.name, key="columns", value=", ".join(rows.fieldnames or ()), expected="pipe,repaired"
                )
            found += [(_moment(row["repaired"] or "", path.name, f"line {rows.line_num}"), row["pipe"]) for row in rows]
    return tuple(found)
