"""Rollups by the definition, in plain Python: what the database must answer, however its readings came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

Reading = tuple[int | None, int]
"""Counts and quality."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One row of a rollup, in counts."""

    received: int
    good: int
    estimated: int
    suspect: int
    min: int | None
    max: int | None
    sum: float | None
    first: int | None
    last: int | None
    rise: float
    falls: int
    fallen: float


def rollup(readings: Mapping[tuple[int, int], Reading], width_s: int) -> dict[tuple[int, int], Bucket]:
    """Buckets by (point, start [s since 1970]) of readings by (point, time [s since 1970])."""
    rows = sorted(readings.items())
    groups = groupby(rows, key=lambda row: (row[0][0], row[0][1] // width_s * width_s))
    return {key: _bucket(reading for _, reading in group) for key, group in groups}


def _bucket(readings: Iterable[Reading]) -> Bucket:
    rows = list(readings)
    good = [value for value, quality in rows if quality in (0, 3) and value is not None]
    steps = [after - before for before, after in pairwise(good)]
    return Bucket(
        received=len(rows),
        good=len(good),
        estimated=sum(quality == 3 for _, quality in rows),
        suspect=sum(quality in (1, 2, 4) for _, quality in rows),
        min=min(good, default=None),
        max=max(good, default=None),
        sum=float(sum(good)) if good else None,
        first=good[0] if good else None,
        last=good[-1] if good else None,
        rise=float(sum(step for step in steps if step > 0)),
        falls=sum(step < 0 for step in steps),
        fallen=float(-sum(step for step in steps if step < 0)),
    )
