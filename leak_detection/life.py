"""A leak's life after it was found: its flow now, and whether it is over.

One physical leak keeps one key: later sightings by any detector are evidence for it, not new findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from domain.findings import Evidence, Finding, FindingKind
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.baseline import slot_of
from leak_detection.detection import Detection
from leak_detection.evidence import confidence_of_both, joined
from leak_detection.flow_step import AGES_S, drop_of
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned, nights_of, residual_tail, step_residuals
from leak_detection.pressure_normal import LEAKAGE_DOUBT, LEAKAGE_MIDDLE

TRACK_S = 3600.0
"""The flow shown is the mean excess of so long."""
CLOSE_S = 2 * 3600.0
"""A leak is over when the excess of so long speaks against it."""
CLOSE_SHARE = 0.5
"""Over means: surely below this share of the flow last seen."""
REFIT_S = AGES_S[1]
"""A young leak's onset and flow are still being learned by the detector that found it."""
STANDING_S = 14 * 86400.0
SETTLED_S = 21 * 86400.0
"""A moved relation of inflow and meters that has settled is told for so long."""
NIGHTS_S = 12 * 86400.0
"""The nights that show the end of a leak of the balance."""
_FELL_SHARE = 0.4
_LEAST_WEIGHT = 0.15
DOUBT = 0.9
"""What a doubt leaves of the confidence."""
LEAST_KNOWN = 0.8
"""Of the last week's inflow."""
REOPEN_S = 3 * 86400.0
REOPEN_FACTOR = 2.5
"""A loss of like size that is back within three days is the same one: it was closed too soon, or its repair did not hold."""
_FADE_S = 12 * 3600.0
OVER_NOTES = OVER, OVER_PRESSURE, OVER_INFLOW, OVER_REPAIR, OVER_UNSEEN, OVER_CUSTOMER = (
    "over_pressure_night", "over_pressure", "over_inflow", "over_repair_night", "over_unseen", "over_customer",
)  # fmt: skip
"""Why a finding with pipes is over: pressures and nights say so; pressures alone, without measured nights; the inflow alone; a
repair and the night after it; for weeks nothing has shown it that should, which proves nothing; and of any: it was
found to run behind a customer's meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Inflow above what is normal for this hour and for this day's level before the leak [m³/h]."""

    flow_m3h: float
    error_m3h: float
    """One standard error."""


def excess(inputs: ZoneInputs, learned: Learned, since_s: float, span_s: float) -> Excess | None:
    """Mean excess over the last ``span_s`` seconds; None where too little is known of them.

    A day that ran high before the leak is expected to run high after it, the less so the longer ago that was.
    """
    steps = min(inputs.steps(span_s), max(1, round((inputs.end_s - since_s) / inputs.step_s)))
    before = inputs.steps(3 * 3600)
    onset = max(0, min(inputs.size, round((since_s - inputs.start_s) / inputs.step_s)))
    residual = residual_tail(inputs, learned, steps, LEAKAGE_MIDDLE)
    if np.isfinite(residual).sum() < 0.5 * steps:
        return None
    tail = slice(inputs.size - steps, inputs.size)
    expected = robust.mean(learned.baseline.expected(inputs.day[tail], inputs.minute[tail], inputs.calendar))
    fade = float(np.exp(-(inputs.end_s - since_s) / _FADE_S))
    level = _level_before(inputs.until(onset), learned, before) if onset >= before else 0.0
    sd = float(np.mean(learned.steps.spread_m3h[slot_of(inputs.minute[tail])])) * learned.spread_of_hour
    doubt = LEAKAGE_DOUBT * abs(float(np.mean(learned.leakage.correction(inputs.pressure_m[tail], 1.0))))
    error = max(float(np.hypot(sd, doubt)), 0.05)
    return Excess(flow_m3h=float(robust.mean(residual)) - level * fade * float(expected), error_m3h=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a zone's inflow shows of all its open leaks [m³/h]."""

    now: Excess
    """Of the last ``TRACK_S``."""
    left: Excess
    """Of the last ``CLOSE_S``."""


def seen(inputs: ZoneInputs, learned: Learned, since_s: float) -> Seen | None:
    """What shows of what began at ``since_s`` and later; None where too little is known."""
    now, left = excess(inputs, learned, since_s, TRACK_S), excess(inputs, learned, since_s, CLOSE_S)
    return None if now is None or left is None else Seen(now=now, left=left)


def track(finding: Finding, inputs: ZoneInputs, learned: Learned) -> Finding:
    """A zone's only leak with its flow of now, closed once the flow is back; unchanged where too little is known."""
    shown = seen(inputs, learned, finding.since.timestamp())
    if shown is None:
        return finding
    held = finding.flow_m3h if learned.leak_is_normal else 0.0
    if is_over(finding, shown.left.flow_m3h + held, shown.left.error_m3h, inputs, learned):
        return aged(replace(finding, open=False), inputs.end_s)
    weight = weight_of(finding.flow_error_m3h, shown.now.error_m3h)
    flow = max(0.0, finding.flow_m3h + weight * (shown.now.flow_m3h + held - finding.flow_m3h))
    return aged(with_flow(finding, flow, shown.now.error_m3h), inputs.end_s)


def weight_of(error_m3h: float, now_error_m3h: float) -> float:
    """How much an hour's excess counts beside the flow so far.

    The steadier of two estimates weighs more: by day an hour of excess says little about a leak measured at night.
    """
    return max(error_m3h**2 / (error_m3h**2 + now_error_m3h**2), _LEAST_WEIGHT) if error_m3h > 0 else 1.0


def with_flow(finding: Finding, flow_m3h: float, now_error_m3h: float) -> Finding:
    """The finding with its flow of now, which an hour with this error has made surer."""
    error = min(now_error_m3h, float(np.hypot(finding.flow_error_m3h, 0.1 * now_error_m3h)))
    return replace(finding, flow_m3h=round(flow_m3h, 2), flow_error_m3h=round(error, 2))


def aged(finding: Finding, end_s: float) -> Finding:
    """The finding, standing once it is old."""
    old = end_s - finding.since.timestamp() > STANDING_S and finding.kind is not FindingKind.METER_FAULT
    return replace(finding, kind=FindingKind.STANDING) if old else finding


def is_over(finding: Finding, left_m3h: float, error_m3h: float, inputs: ZoneInputs, learned: Learned) -> bool:
    """Whether what is left of a leak's flow, with this standard error, speaks against it."""
    old = inputs.end_s - finding.since.timestamp()
    share = CLOSE_SHARE * reference_flow(finding)
    if old <= CLOSE_S or left_m3h >= share:
        return False
    if left_m3h + 2.0 * error_m3h < share:
        return True
    # A drop as large as the leak needs less certainty about what is left; a leak that has grown must lose what it has now.
    grown = max(share, CLOSE_SHARE * finding.flow_m3h)
    return old > REFIT_S and drop_of(inputs, learned.steps, step_residuals(inputs, learned)) > grown


def night_drop(inputs: ZoneInputs, learned: Learned, beside: Sequence[Finding] = ()) -> float | None:
    """By how much the last nights lie lower than those before [m³/h]; None where too few nights are known.

    Args:
        inputs: The zone up to now.
        learned: What was learned of it before.
        beside: Leaks that are open and stay so: a night after the onset of one is less its flow.
    """
    flow = inputs.inflow_m3h - learned.leakage.correction(inputs.pressure_m)
    nights = nights_of(inputs, flow, inputs.steps(NIGHTS_S))
    if nights.day.size < 5:
        return None
    least = nights.flow_m3h - sum((f.flow_m3h * (nights.end_s > f.since.timestamp()) for f in beside), np.zeros(nights.day.size))
    return float(np.median(least[:-3]) - least[-2:].min())


def nights_around(
    inputs: ZoneInputs, learned: Learned, since_s: float, ended_s: float, *, spare_s: float = 86400.0
) -> tuple[FloatArray, FloatArray]:
    """Minimum night flows at the usual pressure of the nights of a leak, and of those after it [m³/h], oldest first.

    Args:
        inputs: The zone up to now.
        learned: What was learned of it.
        since_s: Onset, seconds since 1970 UTC.
        ended_s: When it ended; where only the day is known, its midnight.
        spare_s: A night whose least hour ends in so long after ``ended_s`` belongs to neither.
    """
    nights = nights_of(inputs, inputs.inflow_m3h - learned.leakage.correction(inputs.pressure_m))
    during = (nights.end_s > since_s) & (nights.end_s <= ended_s)
    return nights.flow_m3h[during], nights.flow_m3h[nights.end_s > ended_s + spare_s]


def least_drop(finding: Finding) -> float:
    """By how much the night flow must fall for the leak to be over [m³/h]."""
    return _FELL_SHARE * min(reference_flow(finding), finding.flow_m3h)


def reference_flow(finding: Finding) -> float:
    """The flow the finding was opened with [m³/h], kept as evidence; the present one where that is missing."""
    first = next((e.observed for e in finding.evidence if e.name == "first_flow"), finding.flow_m3h)
    return max(first, 0.1)


def open_finding(detection: Detection, inputs: ZoneInputs) -> Finding:
    """A new finding of a detection made at the end of the inputs."""
    since = datetime.fromtimestamp(detection.since_s, UTC)
    word = "leak" if detection.kind is not FindingKind.METER_FAULT else "meter" if detection.cause == "leak" else "balance"
    doubts = doubts_of(inputs) if word == "leak" else ()
    first = Evidence(
        name="first_flow", observed=round(detection.flow_m3h, 2), expected=0.0, sd=round(detection.flow_error_m3h, 2), unit="m3/h"
    )
    return Finding(
        key=f"{word}:{inputs.zone.key}:{since:%Y-%m-%dT%H:%MZ}",
        kind=detection.kind,
        zone=inputs.zone.key,
        detector=detection.detector,
        since=since,
        found_at=datetime.fromtimestamp(inputs.end_s, UTC),
        flow_m3h=round(detection.flow_m3h, 2),
        flow_error_m3h=round(detection.flow_error_m3h, 2),
        confidence=round(detection.confidence * DOUBT ** len(doubts), 3),
        evidence=(*detection.evidence, *((first,) if word == "leak" else ())),
        cause="meter" if word == "meter" else detection.cause,
        notes=(*detection.notes, *doubts),
    )


def reopened(finding: Finding, detection: Detection) -> Finding:
    """A finding that was over and is back, with its first key and moment."""
    flow, notes = round(detection.flow_m3h, 2), tuple(note for note in finding.notes if note not in OVER_NOTES)
    again = replace(finding, open=True, flow_m3h=flow, flow_error_m3h=round(detection.flow_error_m3h, 2), notes=notes)
    return add_evidence(again, detection)


def doubts_of(inputs: ZoneInputs) -> tuple[str, ...]:
    """Codes of what makes a finding less sure: pressure gauges that are silent, an inflow with holes."""
    day, week = inputs.steps(86400.0), inputs.steps(7 * 86400.0)
    found = []
    if inputs.zone.critical_points and np.isfinite(inputs.pressure_m[-day:]).mean() < 0.5:
        found.append("pressure_silent")
    if np.isfinite(inputs.inflow_m3h[-week:]).mean() < LEAST_KNOWN:
        found.append("inflow_gaps")
    return tuple(found)


def refit(finding: Finding, detection: Detection, inputs: ZoneInputs) -> Finding:
    """A young finding with what its own detector knows by now; key and moment of finding stay."""
    fresh = open_finding(detection, inputs)
    return replace(
        finding,
        since=fresh.since,
        flow_m3h=fresh.flow_m3h,
        flow_error_m3h=fresh.flow_error_m3h,
        confidence=max(finding.confidence, fresh.confidence),
        evidence=joined(fresh.evidence, finding.evidence),
    )


def add_evidence(finding: Finding, detection: Detection) -> Finding:
    """The finding with what another detector saw; evidence it already has stays as first seen."""
    evidence = joined(finding.evidence, detection.evidence)
    if len(evidence) == len(finding.evidence):
        return finding
    return replace(finding, evidence=evidence, confidence=confidence_of_both(finding.confidence, detection.confidence))


def _level_before(inputs: ZoneInputs, learned: Learned, steps: int) -> float:
    """Relative excess over ``steps`` steps at the end of the inputs; 0 where unknown."""
    if not inputs.size:
        return 0.0
    residual = residual_tail(inputs, learned, steps, LEAKAGE_MIDDLE)
    tail = slice(max(0, inputs.size - steps), inputs.size)
    expected = learned.baseline.expected(inputs.day[tail], inputs.minute[tail], inputs.calendar)
    both = np.isfinite(residual) & (expected > 0)
    if both.sum() < 0.3 * steps:
        return 0.0
    return float(np.clip(residual[both].mean() / expected[both].mean(), -0.3, 0.3))
