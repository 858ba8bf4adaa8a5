"""A recording of metered zones with customers' meters: ``dma.npz``, ``meta.json`` and, where there is one, ``repairs.csv``.

Arrays are whole numbers times a scale; -32768 is missing. Times are local, without an offset.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection.recording_notes import gaps_in_words
from leak_detection.zone_balance import hourly, mask_stuck
from leak_detection.zone_notes import contradictions

_MISSING = -32768
_STUCK_STEPS = 8
"""Quarter-hours of one and the same reading after which an inlet meter is taken to stand still."""
_REPAIR_SEEN = timedelta(days=7)
"""A day's window wholly after a repair and the two days that make a fall an end, with days in hand for gaps."""
_LEAST_DAYS = 35
"""A balance learns four weeks before it says anything of a leak."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneSet:
    """Metered zones for a year."""

    start: datetime
    train_until: datetime
    zones: tuple[str, ...]
    inflow_m3h: FloatArray
    """Hourly, shape (H, Z)."""
    meters_m3h: FloatArray
    pressure_m: FloatArray
    readings_l_h: FloatArray
    """Hourly use of single customers, shape (H, M)."""
    meters: tuple[str, ...]
    repaired: Mapping[str, datetime] = field(default_factory=dict)
    """The last repair of a zone before ``train_until``."""
    coverage: Mapping[str, float] = field(default_factory=dict)
    """Share of the customers with a meter, of the zones where the set says it."""

    def opening_h(self, zone: str | None = None) -> int:
        """When the judged part begins [hours from the start]; for a zone, when its balance has seen the repairs before that."""
        repaired = self.repaired.get(zone) if zone else None
        opening = self.train_until if repaired is None else max(self.train_until, repaired + _REPAIR_SEEN)
        return int((opening - self.start) / timedelta(hours=1))

    def notes(self) -> tuple[str, ...]:
        """What in the recording lowers confidence, in words."""
        names = [f"{what} of {z}" for what in ("inflow", "customers' meters") for z in self.zones]
        values = np.concatenate([self.inflow_m3h, self.meters_m3h], axis=1)
        unknown = [z for z in self.zones if z not in self.coverage]
        said = (f"share of customers with a meter not said in meta.json for {', '.join(unknown)}",) if unknown else ()
        wrong = contradictions(self.zones, self.inflow_m3h, self.meters_m3h, self.coverage)
        return said + wrong + gaps_in_words(values, names, 24, self.start)


def read_zone_set(folder: Path) -> ZoneSet:
    """Reads a folder.

    Raises:
        ConfigurationError: A file or array is not there, or says what cannot be.
    """
    meta, arrays, file = _meta(folder / "meta.json"), _arrays(folder / "dma.npz"), folder / "dma.npz"
    names = tuple(str(n) for n in arrays["dma"])
    if not names or len(set(names)) < len(names):
        raise _wrong(file, "dma", ", ".join(names), "names of one zone or more, each once")
    per_hour, rest = divmod(3600, int(arrays["step_s"]) or 3601)
    if rest or not per_hour:
        raise _wrong(file, "step_s", int(arrays["step_s"]), "seconds of which an hour is a multiple")
    start, train = _moment(file, "start", str(arrays["start"])), _moment(folder / "meta.json", "train_until", meta["train_until"])
    inflow = _scaled(file, arrays, "inflow", len(names))
    pressure = _scaled(file, arrays, "pressure_in", len(names), "pressure")
    hours = len(inflow) // per_hour
    end = start + timedelta(hours=hours)
    if hours < 24 * _LEAST_DAYS:
        raise _wrong(file, "inflow", f"{hours / 24:.1f} days", f"{_LEAST_DAYS} days or more: a balance learns for four weeks")
    if not start < train < end:
        raise _wrong(folder / "meta.json", "train_until", str(train), f"a moment of the recording, {start} to {end}")
    return ZoneSet(
        start=start,
        train_until=train,
        zones=names,
        inflow_m3h=np.stack([hourly(mask_stuck(inflow[:, k], _STUCK_STEPS), per_hour) for k in range(len(names))], axis=1),
        meters_m3h=_fitted(_scaled(file, arrays, "amr_sum", len(names), "amr"), hours),
        pressure_m=np.stack([hourly(pressure[:, k], per_hour) for k in range(len(names))], axis=1),
        readings_l_h=_fitted(np.where(arrays["meter"] == _MISSING, np.nan, arrays["meter"].astype(np.float64)), hours),
        meters=tuple(str(n) for n in arrays["meter_id"]),
        repaired=_last_repairs(folder / "repairs.csv", train),
        coverage=_coverage(folder / "meta.json", meta.get("dma", {}), names),
    )


_NEEDED = ("start", "step_s", "dma", "inflow", "inflow_scale", "amr_sum", "amr_scale", "pressure_in", "pressure_scale", "meter",
           "meter_id")  # fmt: skip


def _wrong(file: Path, key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(file=str(file), key=key, value=value, expected=expected)


def _meta(file: Path) -> dict[str, Any]:
    expected = 'a JSON object with "train_until": "2023-05-02 00:00", up to when is only learnt'
    try:
        meta = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # not there, not text, no JSON: one message says what it must hold
        raise _wrong(file, "file", str(error), expected) from error
    if not isinstance(meta, dict) or "train_until" not in meta:
        raise _wrong(file, "train_until", None, expected)
    return meta


def _arrays(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened, np.load(opened) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        # Not there, cut off, damaged, one array alone (TypeError), or no archive of plain arrays.
        raise _wrong(file, "file", str(error), "an npz file of arrays; is it cut off?") from error
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise _wrong(file, "arrays", f"without {', '.join(missing)}", f"arrays {', '.join(_NEEDED)}")
    if np.ndim(arrays["meter"]) != 2 or np.shape(arrays["meter"])[1] != len(arrays["meter_id"]):
        raise _wrong(file, "meter", np.shape(arrays["meter"]), f"hours by {len(arrays['meter_id'])}, one a name in meter_id")
    return arrays


def _scaled(file: Path, arrays: Mapping[str, Any], name: str, zones: int, scale: str | None = None) -> FloatArray:
    raw = arrays[name]
    if np.ndim(raw) != 2 or np.shape(raw)[1] != zones:
        raise _wrong(file, name, np.shape(raw), f"rows by {zones} columns, one a zone")
    return np.where(raw == _MISSING, np.nan, raw.astype(np.float64) * float(arrays[f"{scale or name}_scale"]))


def _fitted(values: FloatArray, rows: int) -> FloatArray:
    """The rows cut or filled with NaN to ``rows``."""
    return np.concatenate((values[:rows], np.full((max(0, rows - len(values)), values.shape[1]), np.nan)))


def _moment(file: Path, key: str, text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise _wrong(file, key, text, "a local time such as 2023-01-31 00:00") from None
    if moment.tzinfo is not None:
        raise _wrong(file, key, text, "a local time without an offset")
    return moment


def _last_repairs(file: Path, moment: datetime) -> dict[str, datetime]:
    if not file.exists():
        return {}
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if not {"dma", "repaired"} <= set(rows.fieldnames or ()):
            raise _wrong(file, "columns", ", ".join(rows.fieldnames or ()), "dma,repaired")
        times = [(row["dma"], _moment(file, f"line {rows.line_num}", row["repaired"])) for row in rows]
    return {zone: at for zone, at in sorted(times, key=lambda t: t[1]) if at < moment}


def _coverage(file: Path, zones: object, names: Sequence[str]) -> dict[str, float]:
    """Share of the customers with a meter, where ``dma`` of the meta file says it."""
    said = zones if isinstance(zones, dict) else {}
    shares = {z: v["smart_meter_share"] for z, v in said.items() if isinstance(v, dict) and "smart_meter_share" in v}
    for zone, share in shares.items():
        if zone not in names:
            raise _wrong(file, f"dma.{zone}", zone, f"a zone of dma.npz: {', '.join(names[:8])}")
        if not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise _wrong(file, f"dma.{zone}.smart_meter_share", share, "a share of the customers between 0 and 1")
    return {zone: float(share) for zone, share in shares.items()}
