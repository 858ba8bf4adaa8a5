"""How a leak grows: the share of its full size at each row, by law. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray

LAWS = ("abrupt", "linear", "quadratic", "exponential", "jumps", "pauses", "break then growth", "reopens", "seepage")


def growth(law: str, rows: int, first: int, end: int, grown: int, rng: np.random.Generator) -> FloatArray:
    """Share of the full size at every row; 0 before ``first`` and from ``end`` on. Shape (rows,).

    Args:
        law: One of ``LAWS``.
        rows: Rows of the recording.
        first: Row at which it begins; below 0 where it is older than the recording.
        end: Row at which it is closed; ``rows`` where it stands.
        grown: Row at which it has its full size.
        rng: Where jumps, pauses and closed spells lie.

    Raises:
        ValueError: No such law.
    """
    row = np.arange(max(first, 0), min(end, rows))
    age = np.clip((row - first) / max(1, grown - first), 0, 1)
    share = _share(law, age, rng)
    out = np.zeros(rows)
    out[row] = share
    if law == "reopens":
        _close_spells(out, row, rng)
    return np.asarray(out)


def _share(law: str, age: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Share of the full size at an age from 0 to 1."""
    if law not in LAWS:
        raise ValueError(f"no law of growth {law!r}; there are {', '.join(LAWS)}")
    if law == "jumps":
        return _jumps(age, rng)
    if law == "pauses":
        knots = np.sort(rng.uniform(0.1, 0.9, 4))
        return np.interp(age, [0, *knots, 1], [0, 0.35, 0.35, 0.7, 0.7, 1])
    begin = {"abrupt": 1.0, "reopens": 1.0, "break then growth": rng.uniform(0.3, 0.6), "seepage": rng.uniform(0.6, 1.0)}.get(
        law, 0.0
    )
    shape = {"quadratic": age**2, "exponential": np.expm1(4 * age) / np.expm1(4)}.get(law, age)
    return np.asarray(begin + (1 - begin) * shape)


def _jumps(age: FloatArray, rng: np.random.Generator) -> FloatArray:
    at = np.sort(np.append(rng.uniform(0, 0.95, int(rng.integers(1, 4))), 0.0))
    size = np.cumsum(rng.uniform(0.5, 1.5, at.size))
    return np.asarray((size / size[-1])[np.searchsorted(at, age, side="right") - 1])


def _close_spells(share: FloatArray, row: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Closes it by itself once or twice, for a twentieth to a fifth of its life each."""
    life = len(row)
    for _ in range(int(rng.integers(1, 3))):
        first = int(rng.uniform(0.15, 0.75) * life)
        share[row[first : first + int(rng.uniform(0.05, 0.2) * life)]] = 0.0
