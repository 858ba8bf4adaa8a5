"""Leaks of a long past that have ended, judged again: it may have been another one that did.

Of two leaks near each other the second is taken for the first one's growth, and the end of either for the end of both. A repair
that is booked days after the pressures came back ends the next leak near by. In hindsight the whole year is explained at once
(``leak_detection.model.history_joint``), once with the end that was seen, and once with each other that may have been
(``leak_detection.model.history_options``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from domain.series import FloatArray
from leak_detection.model.drift import channels
from leak_detection.model.history_joint import Beside, Part, Past, beside, joint, learn_spread
from leak_detection.model.history_options import EndSettings, Line, Year, is_any, other_ends, over
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_records import OpenLeak, Repair
from leak_detection.model.ledger_search import drift_of
from leak_detection.model.places import locate
from leak_detection.model.shapes import fill

_LEAST_GROWTH_M3H = 0.3
_FLOOR_M2 = 1e-7
_ROUNDS = 2


def judge_ends(
    ledger: Ledger, residual_m: FloatArray, repairs: Sequence[Repair], settings: EndSettings | None = None
) -> list[OpenLeak]:
    """Opens leaks again that did not end.

    Args:
        ledger: Has seen every day; those that are open again are changed.
        residual_m: All days so far, shape (T, G), NaN where missing.
        repairs: What the utility repaired.
        settings: When another end is believed.

    Returns:
        Those that are open again.
    """
    s = settings or EndSettings()
    lines = _lines(ledger, len(residual_m))
    if not lines:
        return []
    year = Year(past=_past(ledger, residual_m), lines=lines, repairs=repairs, settings=s)
    _settle(year)
    for _ in range(_ROUNDS):
        for line in sorted((one for one in lines if one.leak.end_day is not None), key=lambda one: -one.flow_m3h):
            _judge(year, line)
    return _take_over(ledger, year)


def _past(ledger: Ledger, residual_m: FloatArray) -> Past:
    """The record without the gauges' own steps, and its noise."""
    z, signatures = ledger.levelled(fill(residual_m)), ledger.signatures
    drift = drift_of(z, np.isfinite(residual_m), signatures)
    turned = channels(drift, np.zeros(z.shape[1], dtype=bool))
    return Past(turned=turned, signatures=signatures, values=(z - z.mean(axis=0)) @ turned.turn.T)


def _lines(ledger: Ledger, days: int) -> list[Line]:
    lines = []
    for leak in ledger.leaks:
        courses = [replace(course, end_day=leak.end_day) for course in leak.courses]
        flow = max(leak.place.flow_m3h, 0.5)
        parts = [Part(course=course, place=leak.place.index, flow_m3h=flow) for course in courses if is_any(course, days)]
        if parts:
            lines.append(Line(leak=leak, parts=parts))
    return lines


def _settle(year: Year) -> None:
    """Flows of all parts and the noise beside them; growths that are none go."""
    learn_spread(year.past, joint(year.past, [part for line in year.lines for part in line.parts]))
    for _ in range(_ROUNDS):
        fit = joint(year.past, [part for line in year.lines for part in line.parts])
        found = iter(fit.parts)
        for line in year.lines:
            first, *growth = [next(found) for _ in line.parts]
            line.parts = [first, *(part for part in growth if part.flow_m3h >= _LEAST_GROWTH_M3H)]
        learn_spread(year.past, fit)


def _judge(year: Year, line: Line) -> None:
    """Gives an ended leak the end that explains the year best, if that is worth it."""
    past, s, others = year.past, year.settings, year.without(line)
    now = joint(past, [*others, *line.parts])
    best, most = now, now.gain + s.better_gain
    for fit, worth in other_ends(year, line, others):
        if worth > most:
            best, most = fit, worth
    line.parts = list(best.parts[len(others) :]) if best is not now else line.parts


def _take_over(ledger: Ledger, year: Year) -> list[OpenLeak]:
    """Writes the judgement into the ledger; leaks that are open again."""
    past, s, again = year.past, year.settings, list[OpenLeak]()
    whole = joint(past, [part for line in year.lines for part in line.parts])
    for line in year.lines:
        leak, stands = line.leak, line.standing
        if leak.end_day is None or not stands:
            continue
        less = joint(past, [*year.without(line), *(part for part in line.parts if part.course.end_day is not None)])
        gain = whole.gain - less.gain
        if gain >= s.standing_gain and _open_again(ledger, leak, stands, past, beside(past, less, over(stands, past)[:, None])):
            again.append(leak)
    return again


def _open_again(ledger: Ledger, leak: OpenLeak, stands: Sequence[Part], past: Past, seen: Beside) -> bool:
    """Places what stands anew; whether it can be told."""
    change_m, covariance = seen.loading(0, past.turned)
    now = max(float(over(stands, past)[-1]), 0.05)
    place = locate(change_m * now, covariance * now**2 + _FLOOR_M2 * np.eye(len(covariance)), past.signatures)
    limits = ledger.settings
    if place.fit < limits.least_fit or place.far < limits.least_far or place.flow_m3h < ledger.least_flow_m3h(place):
        return False
    # Where each part is small, all of them together were enough to be told.
    first, *growth = [part.course for part in stands if part.flow_m3h >= _LEAST_GROWTH_M3H] or [part.course for part in stands]
    leak.start_day, leak.ramp_days, leak.growth = first.start_day, first.ramp_days, growth
    leak.place, leak.loading_m, leak.end_day = place, change_m * now, None
    return True
