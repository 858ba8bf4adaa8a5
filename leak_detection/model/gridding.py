"""Samples as they come (late, twice, between the marks) on the regular rows that the model layer works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.series import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gridded:
    """One point on a grid, and what had to be done for it."""

    values: FloatArray
    """Shape (rows,), NaN where no sample came."""
    repeated: int
    """Samples that fell on a row already taken: the last that came counts."""
    outside: int
    """Samples before or after the grid, left out."""
    unreadable: int
    """Samples whose value or time is no finite number, left out."""

    @property
    def words(self) -> str:
        """What was wrong, for a person; empty if nothing was."""
        missing = int(np.isnan(self.values).sum())
        said = (
            (missing, f"{missing} of {self.values.size} rows have no sample"),
            (self.repeated, f"{self.repeated} samples came again for a row that had one: the last counts"),
            (self.outside, f"{self.outside} samples lie outside the time asked for"),
            (self.unreadable, f"{self.unreadable} samples are no finite number"),
        )
        return "; ".join(text for count, text in said if count)


def gridded(times_s: FloatArray, values: FloatArray, *, start_s: float, step_s: float, rows: int) -> Gridded:
    """Puts each sample on the row nearest to its own time, whenever it came.

    Args:
        times_s: Seconds since 1970 UTC in the order of arrival, shape (N,).
        values: Shape (N,).
        start_s: Time of the first row.
        step_s: Width of a row [s].
        rows: Length of the grid.

    Raises:
        ConfigurationError: Times and values are not of one length, or the step is not positive.
    """
    if times_s.shape != values.shape or times_s.ndim != 1:
        raise ConfigurationError(
            file="samples", key="values", value=values.shape, expected=f"as many as times, which are {times_s.shape}"
        )
    if step_s <= 0:
        raise ConfigurationError(file="samples", key="step_s", value=step_s, expected="more than 0 s")
    readable = np.isfinite(times_s) & np.isfinite(values)
    place = np.floor((times_s[readable] - start_s) / step_s + 0.5)
    inside = (place >= 0) & (place < rows)
    row: NDArray[np.int64] = place[inside].astype(np.int64)
    out = np.full(rows, np.nan)
    out[row] = values[readable][inside]  # of equal rows numpy keeps the last
    return Gridded(
        values=out,
        repeated=int(row.size - np.unique(row).size),
        outside=int((~inside).sum()),
        unreadable=int((~readable).sum()),
    )
