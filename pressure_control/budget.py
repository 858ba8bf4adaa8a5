"""A budget of moves: as it runs short, a small step down must promise more before it is made, and a raise goes further.

    rate   = Σ_k exp(−age_k / τ) / τ   [moves a day], over the moves known; what lies before them counts as the usual share
    thrift = 1 + STEEP · (rate / aim − BEGINS)⁺            aim = MEAN_SHARE · most moves in any 24 h

In which hours a move saves most changes little from day to day, so thrift follows the rate of the last days: one that followed the
last hours would spend in the morning what the evening needs. Nor is all of a day's most used every day: with nothing left of it the
valve would stand high for hours. Then the hard rule holds, the desk's as well: nothing is lowered. A raise is never refused, and
counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray

_DAY_S = 86400.0
_TAU_DAYS = 2.0
_USUAL = 0.8
_BEGINS = 0.85
_STEEP = 6.0
_LEAST_MOVE_M = 0.05
MEAN_SHARE = 0.8
"""Of the most moves in any 24 h, used on average: days differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What is known of a valve's moves."""

    ages_s: tuple[float, ...] = ()
    """Age of each [s]."""
    known_s: float = 0.0
    """For how long back they are known [s]."""

    @property
    def last_day(self) -> int:
        """Moves of the last 24 h."""
        return sum(age < _DAY_S for age in self.ages_s)

    def rate(self, aim: float) -> float:
        """Moves a day, over the last days; before they are known, ``aim`` less a little."""
        tau = _TAU_DAYS * _DAY_S
        seen = sum(math.exp(-age / tau) for age in self.ages_s) / _TAU_DAYS
        return seen + _USUAL * aim * math.exp(-max(self.known_s, 0.0) / tau)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How sparing a valve has to be."""

    thrift: float = 1.0
    """Factor on what a small step down must be worth; 1: nothing runs short."""
    spent: bool = False
    """Nothing may be lowered now."""


NO_LIMIT = Budget()


def moves_seen(setpoint_m: FloatArray, *, start_s: float, step_s: float, now_s: float) -> Moves:
    """The moves that readings of a setpoint show; shape (T,), NaN where missing."""
    known = np.flatnonzero(np.isfinite(setpoint_m))
    if known.size == 0:
        return Moves()
    moved = known[1:][np.abs(np.diff(setpoint_m[known])) > _LEAST_MOVE_M]
    ages = now_s - (start_s + step_s * moved)
    return Moves(ages_s=tuple(np.maximum(ages, 0.0).tolist()), known_s=now_s - (start_s + step_s * float(known[0])))


def budget(most_a_day: int, moves: Moves) -> Budget:
    """The state of a budget of ``most_a_day`` moves in any 24 h, of which ``MEAN_SHARE`` are aimed at on average."""
    aim = MEAN_SHARE * most_a_day
    short = max(0.0, moves.rate(aim) / aim - _BEGINS) if aim > 0 else 0.0
    return Budget(thrift=1.0 + _STEEP * short, spent=moves.last_day >= most_a_day)
