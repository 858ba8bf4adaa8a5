"""What meters make of what runs through them: pulses, sleep, late readings, values that cannot be. Pure, drawn from a generator."""

from __future__ import annotations

import numpy as np

from domain.series import FloatArray

PULSES = ((1.0, 0.55), (5.0, 0.1), (10.0, 0.27), (100.0, 0.08))
"""Litres a pulse, and the share of the meters."""
FAULTS = (
    ("none", 0.5), ("silent", 0.1), ("late, missing", 0.1), ("late, zeros", 0.06), ("dead", 0.05), ("stuck", 0.05),
    ("reset", 0.07), ("impossible", 0.07),
)  # fmt: skip
"""What is wrong with a meter, and the share of the meters."""


def draw(rng: np.random.Generator, table: tuple[tuple[str, float], ...]) -> str:
    """One of the names of a table by its share."""
    at = rng.random() * sum(share for _, share in table)
    for name, share in table:
        at -= share
        if at < 0:
            return name
    return table[-1][0]


def pulses_of(rng: np.random.Generator) -> float:
    """Litres a pulse of one meter."""
    return float(draw(rng, tuple((str(p), share) for p, share in PULSES)))


def counted(use_l: FloatArray, pulse_l: float) -> FloatArray:
    """Hourly differences of a register that counts in whole pulses."""
    return np.diff(np.floor(np.concatenate(([0.0], np.cumsum(use_l))) / pulse_l)) * pulse_l


def spoilt(rng: np.random.Generator, use_l: FloatArray, fault: str) -> FloatArray:
    """The readings as they come in, with one kind of fault, and one hour of a hundred missing."""
    out, hours = use_l.copy(), use_l.size
    for _ in range(1 if fault in ("dead", "stuck") else int(rng.integers(1, 6))):
        first = int(rng.integers(0, hours - 1))
        _spoil(rng, out, fault, first)
    out[rng.random(hours) < 0.01] = np.nan
    return out


def _spoil(rng: np.random.Generator, out: FloatArray, fault: str, first: int) -> None:
    last = min(out.size - 1, first + int(np.exp(rng.uniform(np.log(4), np.log(150)))))
    if fault == "silent":
        out[first:last] = np.nan
    elif fault.startswith("late"):
        lump = float(out[first : last + 1].sum())
        out[first:last] = np.nan if fault == "late, missing" else 0.0
        out[last] = lump
    elif fault == "dead":
        out[first : out.size if rng.random() < 0.5 else last + 400] = 0.0
    elif fault == "stuck":  # the last value is sent again and again
        out[first : last + int(rng.integers(0, 200))] = out[first]
    elif fault == "reset":
        out[first] = -float(np.abs(out[:first]).sum())
    elif fault == "impossible":
        out[first] = float(rng.choice([-1.0, 9e5, 1e6, 4.2e6]))
