"""Gaps and faults of a recording in words: what was not read for long, or wrongly, lowers what can be said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from domain.series import FloatArray
from leak_detection.model.gauge_record import GaugeFault

_LONG_DAYS = 7
_ENOUGH = 0.5
"""Share of a day's samples: with fewer the day counts as not read."""
_FEW = 0.9
_MOST_SPELLS = 3


def gaps_in_words(values: FloatArray, names: Sequence[str], per_day: int, start: datetime) -> tuple[str, ...]:
    """One sentence for each column that was silent for a week or more, or lacks more than a tenth of its samples.

    Args:
        values: Shape (T, columns), NaN where missing.
        names: Of the columns, with what they are ("gauge n1").
        per_day: Rows of a day.
        start: Of the first row.
    """
    days = values[: len(values) // per_day * per_day].reshape(-1, per_day, values.shape[1])
    share = np.isfinite(days).mean(axis=1)
    said = (_column(name, share[:, k], start) for k, name in enumerate(names))
    return tuple(text for text in said if text)


def faults_in_words(faults: Sequence[GaugeFault], names: Sequence[str], start: datetime) -> tuple[str, ...]:
    """One sentence for each spell in which a gauge did not tell the truth: what, when, and by which figures.

    Of many spells of one kind the first are told, and in one sentence how many more there were.

    Args:
        faults: Of the recording; a dead gauge is left to ``gaps_in_words``.
        names: Of the gauges.
        start: Of the first day.
    """

    def day(number: int) -> str:
        return f"{start + timedelta(days=number):%Y-%m-%d}"

    spells: dict[tuple[int, str], list[GaugeFault]] = {}
    for fault in faults:
        if fault.kind != "dead":
            spells.setdefault((fault.gauge, fault.kind), []).append(fault)
    said = []
    for (gauge, kind), of_gauge in spells.items():
        said += [
            f"gauge {names[gauge]} at fault ({kind}) from {day(f.since_day)}"
            f"{f' to {day(f.until_day)}' if f.until_day is not None else ' on'}, known on {day(f.found_day)}: {f.words}"
            for f in of_gauge[:_MOST_SPELLS]
        ]
        if rest := of_gauge[_MOST_SPELLS:]:
            lasts = "on" if rest[-1].until_day is None else f"to {day(rest[-1].until_day)}"
            said.append(
                f"gauge {names[gauge]} at fault ({kind}) {len(rest)} times more, the last from {day(rest[-1].since_day)} {lasts}: "
                f"{rest[-1].words}"
            )
    return tuple(said)


def _column(name: str, share: FloatArray, start: datetime) -> str:
    if not share.any():
        return f"{name} was never read"
    read = share >= _ENOUGH
    edges = np.flatnonzero(np.diff(np.concatenate([[True], read, [True]]).astype(np.int8)))
    spells = [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= _LONG_DAYS]
    if spells:
        told = ", ".join(f"{b - a} days from {start + timedelta(days=a):%Y-%m-%d}" for a, b in spells[:_MOST_SPELLS])
        more = f" and {len(spells) - _MOST_SPELLS} times more" if len(spells) > _MOST_SPELLS else ""
        return f"{name} was not read for {told}{more}"
    return f"{name} lacks {1 - share.mean():.0%} of its samples" if share.mean() < _FEW else ""
