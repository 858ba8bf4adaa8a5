"""How well alarms tell the leaks of a labelled recording: the rule of the BattLeDIM contest, and what luck would have earned.

The contest (Vrachimis et al. 2022, J. Water Resources Planning and Management 148, 04022068): an alarm tells a leak that runs at
its moment not farther than 300 m off along the pipes, the nearest that was not told before. It earns 0.80 € per m³ that the
leak loses from then on, less 500 € by the distance; an alarm near no running leak costs 500 €. Random alarms earn much so, hence

    skill = (earned - luck) / (most - luck)

with at most ``BUDGET`` false alarms, after which nobody goes out any more; luck is the mean of as many alarms at random pipes and
moments. Strict F1 counts leaks told within 150 m and 30 days. Alarms count by the moment at which they were issued.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from app.leak_network_units import AMERICAN, FOOT_M
from domain.series import FloatArray
from leak_detection.model.places import distances
from simulator.inp import read_sections

STEP_MIN = 5
"""Of the true flows."""
FAR_M, NEAR_M, NEAR_DAYS = 300.0, 150.0, 30
EUR_M3, CREW_EUR = 0.80, 500.0
BUDGET = 12
_DRAWS = 100

Distance = Callable[[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrueLeak:
    """A leak that runs in the judged part."""

    place: str
    first: int
    """Step of the judged part in which it begins; below 0 before it."""
    last: int
    flow_m3h: FloatArray
    """Over the judged part."""

    def worth_eur(self, step: int) -> float:
        """Of the water it loses from just before a step on."""
        return float(self.flow_m3h[max(step, 1) - 1 :].sum()) * STEP_MIN / 60.0 * EUR_M3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What alarms earned, in their order."""

    found: Mapping[int, tuple[float, float]]
    """Of each leak told, by its number: hours until then, and metres off."""
    false: int
    repeats: int
    earned_eur: float
    budget_eur: float
    """Without what came after the budget of false alarms was spent."""


def read_truth(folder: Path) -> tuple[datetime, int, list[TrueLeak]]:
    """Start and steps of the last year in ``leakflow-YEAR.npz``, and the leaks of ``leaks.csv`` that run in it."""
    with np.load(max(folder.glob("leakflow-*.npz"))) as arrays:
        start = _moment(str(arrays["start"]))
        names = [str(name) for name in arrays["pipe"]]
        flows = arrays["flow"] * float(arrays["scale"])
    leaks = []
    with (folder / "leaks.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            first, last = (_step(_moment(row[key]), start) for key in ("start", "end"))
            if last > 0 and first < len(flows):
                column = names.index(row.get("key") or row["pipe"])
                leaks.append(TrueLeak(place=row["pipe"], first=first, last=last, flow_m3h=flows[:, column]))
    return start, len(flows), leaks


def score_alarms(alarms: Sequence[tuple[str, datetime]], truth: Path, away_m: Distance, places: Sequence[str]) -> dict[str, Any]:
    """All figures of a set of alarms.

    Args:
        alarms: Place and moment of issue.
        truth: Folder with the labels.
        away_m: Distance of two places.
        places: All that an alarm may name; none takes those of the leaks.
    """
    start, steps, leaks = read_truth(truth)
    judged = sorted(((place, _step(moment, start)) for place, moment in alarms), key=lambda alarm: alarm[1])
    judged = [alarm for alarm in judged if alarm[1] >= 0]
    outcome = contest(judged, leaks, away_m)
    most = sum(leak.worth_eur(max(leak.first, 0)) for leak in leaks)
    luck = _luck_eur(len(judged), steps, leaks, away_m, list(places) or sorted({leak.place for leak in leaks}))
    strict = _strictly_found(judged, leaks, away_m)
    precision, recall = strict / max(strict + outcome.false, 1), strict / max(len(leaks), 1)
    return {
        "leaks": len(leaks), "alarms": len(judged), "TP": len(outcome.found), "FP": outcome.false, "repeats": outcome.repeats,
        "FN": len(leaks) - len(outcome.found), "score_eur": outcome.earned_eur, "max_eur": most,
        "score_budget_eur": outcome.budget_eur, "chance_budget_eur": luck, "share_of_max": outcome.earned_eur / max(most, 1e-9),
        "skill": (outcome.budget_eur - luck) / max(most - luck, 1e-9),
        "strict_TP": strict, "strict_F1": 2.0 * precision * recall / (precision + recall) if strict else 0.0,
        "median_hours_to_detect": _median([hours for hours, _ in outcome.found.values()]),
        "median_distance_m": _median([metres for _, metres in outcome.found.values()]),
        "hours": {leaks[number].place: hours for number, (hours, _) in outcome.found.items()},
    }  # fmt: skip


def along_pipes(network: Path) -> tuple[Distance, list[str]]:
    """Distance between the middles of two pipes along the pipes of a network file [m], and the names of all pipes."""
    sections = read_sections(network.read_text(encoding="utf-8", errors="replace"))
    rows = [row.words for row in sections.get("PIPES", ())]
    units = {row.words[0].upper(): row.words[-1].upper() for row in sections.get("OPTIONS", ()) if len(row.words) == 2}
    unit_m = FOOT_M if units.get("UNITS", "GPM") in AMERICAN else 1.0
    nodes = {name: k for k, name in enumerate(dict.fromkeys(name for words in rows for name in words[1:3]))}
    pairs = np.array([[nodes[words[1]], nodes[words[2]]] for words in rows])
    table_m = distances(pairs, unit_m * np.array([float(words[3]) for words in rows]))
    number = {words[0]: k for k, words in enumerate(rows)}

    def away_m(one: str, other: str) -> float:
        return float(table_m[number[one], number[other]]) if one in number and other in number else float("inf")

    return away_m, list(number)


def of_zones(one: str, other: str) -> float:
    """0 in the same zone: zones are told by their names alone."""
    return 0.0 if one == other else float("inf")


def contest(alarms: Sequence[tuple[str, int]], leaks: Sequence[TrueLeak], away_m: Distance) -> Outcome:
    """The contest's rule.

    Args:
        alarms: Place and step, in order of time.
        leaks: True ones.
        away_m: Distance of two places.
    """
    found: dict[int, tuple[float, float]] = {}
    false, repeats, earned, budget = 0, 0, 0.0, 0.0
    for place, step in alarms:
        near = sorted((metres, number) for metres, number in _running(place, step, leaks, away_m) if metres <= FAR_M)
        new = [(metres, number) for metres, number in near if number not in found]
        gain = 0.0
        if new:
            metres, number = new[0]
            found[number] = (step - max(leaks[number].first, 0)) * STEP_MIN / 60.0, metres
            gain = leaks[number].worth_eur(step) - metres / FAR_M * CREW_EUR
        elif not near:
            gain = -CREW_EUR
        earned += gain
        budget += gain if false < BUDGET else 0.0
        repeats += bool(near) and not new
        false += not near
    return Outcome(found=found, false=false, repeats=repeats, earned_eur=earned, budget_eur=budget)


def _running(place: str, step: int, leaks: Sequence[TrueLeak], away_m: Distance) -> list[tuple[float, int]]:
    return [(away_m(place, leak.place), k) for k, leak in enumerate(leaks) if leak.first <= step <= leak.last]


def _strictly_found(alarms: Sequence[tuple[str, int]], leaks: Sequence[TrueLeak], away_m: Distance) -> int:
    """Leaks told within ``NEAR_M`` and ``NEAR_DAYS`` of their beginning, or of the judged part's."""
    most = NEAR_DAYS * 24 * 60 // STEP_MIN
    found: set[int] = set()
    for place, step in alarms:
        near = [
            (metres, number)
            for metres, number in _running(place, step, leaks, away_m)
            if number not in found and metres <= NEAR_M and step <= max(leaks[number].first, 0) + most
        ]
        found |= {min(near)[1]} if near else set()
    return len(found)


def _luck_eur(count: int, steps: int, leaks: Sequence[TrueLeak], away_m: Distance, places: Sequence[str]) -> float:
    """Mean of what as many alarms earn at random pipes and moments."""
    if not count:
        return 0.0
    random, earned = np.random.default_rng(0), []
    for _ in range(_DRAWS):
        drawn = [(places[int(random.integers(len(places)))], int(random.integers(1, steps))) for _ in range(count)]
        earned.append(contest(sorted(drawn, key=lambda alarm: alarm[1]), leaks, away_m).budget_eur)
    return float(np.mean(earned))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.strip())


def _step(moment: datetime, start: datetime) -> int:
    return round((moment - start) / timedelta(minutes=STEP_MIN))


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 1) if values else None
