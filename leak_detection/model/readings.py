"""Readings that cannot be: what a broken register or a lost transmission sends in place of a value (9999, -1e6).

A single one among thousands bends a regression and a mean of a state, so these are missing from the start. What lies near the usual
is left to the screening of gauges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray

_CENTRAL = 0.02, 0.98
"""Quantiles of what is read: of wrong values there are fewer."""
_BEYOND = 10.0
"""Times the width between them."""
_LEAST_WIDTH_M, _LEAST_SHARE = 1.0, 0.05
"""A gauge behind a valve, or a steady flow, is not held to its own ripple."""
_VACUUM_M = -10.0
"""A burst may empty a main: no pressure above that is too low to be true, but for a round 0 where water never stood so low."""

_NAMED = 3
"""Columns named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plausible:
    """What columns may read, shape (columns,) each."""

    lowest: FloatArray
    highest: FloatArray
    zero: NDArray[np.bool_]
    """Whether a round 0 is a reading; else nothing was read."""

    def of(self, kept: NDArray[np.bool_]) -> Plausible:
        """Of some of the columns, shape (columns,) of bool."""
        return Plausible(lowest=self.lowest[kept], highest=self.highest[kept], zero=self.zero[kept])

    def only(self, values: FloatArray) -> FloatArray:
        """The same with NaN for what cannot be, shape (n, columns)."""
        with np.errstate(invalid="ignore"):  # NaN is missing already
            known = (values >= self.lowest) & (values <= self.highest) & ((values != 0.0) | self.zero)
        return np.asarray(np.where(known, values, np.nan))


def plausible(values: FloatArray, *, pressures: bool) -> Plausible:
    """What is learnt of each column.

    Args:
        values: Shape (T, columns), NaN where missing.
        pressures: Of gauges [m]; else flows or levels, which may be 0 though they hardly ever are: a pump that seldom runs may run.
    """
    lowest, highest = np.full(values.shape[1], -np.inf), np.full(values.shape[1], np.inf)
    zero = np.ones(values.shape[1], dtype=bool)
    for k in range(values.shape[1]):
        known = values[np.isfinite(values[:, k]) & (values[:, k] != 0), k]
        if not known.size:
            continue
        low, high = (float(v) for v in np.quantile(known, _CENTRAL))
        if not pressures:
            low, high = min(low, 0.0), max(high, 0.0)
        reach = _BEYOND * max(high - low, _LEAST_SHARE * max(abs(low), abs(high)), _LEAST_WIDTH_M)
        lowest[k], highest[k] = low - reach, high + reach
        if pressures:
            zero[k], lowest[k] = lowest[k] <= 0.0, min(lowest[k], _VACUUM_M)
    return Plausible(lowest=lowest, highest=highest, zero=zero)


def in_words(names: Sequence[str], values: FloatArray, range_: Plausible) -> tuple[str, ...]:
    """Which columns have readings that cannot be, how many, and the worst.

    Args:
        names: Of the columns, as a person knows them.
        values: Shape (T, columns).
        range_: What they may read.
    """
    said: list[str] = []
    for k, name in enumerate(names):
        known = values[np.isfinite(values[:, k]), k]
        off = known[(known < range_.lowest[k]) | (known > range_.highest[k]) | ((known == 0.0) & ~range_.zero[k])]
        if off.size:
            worst = float(off[np.argmax(np.abs(off))])
            said.append(
                f"{name}: {off.size} of {known.size} readings cannot be ({worst:g} where {range_.lowest[k]:.0f} to "
                f"{range_.highest[k]:.0f} could): taken as missing"
            )
    more = (f"{len(said) - _NAMED} more have such readings, too",) if len(said) > _NAMED else ()
    return (*said[:_NAMED], *more)
