"""One zone at one moment: what is found, what has changed, what is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from domain.findings import Finding, FindingKind
from leak_detection.balance_service import BalanceView
from leak_detection.detection import BookedLeak, Detection
from leak_detection.habit import is_habit
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned
from leak_detection.life import (
    CLOSE_S,
    CLOSE_SHARE,
    REFIT_S,
    REOPEN_FACTOR,
    add_evidence,
    excess,
    open_finding,
    reference_flow,
    refit,
    reopened,
)
from leak_detection.table import DETECTORS, Detector
from leak_detection.zone_claims import BALANCE, owner
from leak_detection.zone_shares import follow, made_room


def update(
    inputs: ZoneInputs,
    learned: Learned,
    open_findings: Iterable[Finding],
    detectors: Mapping[str, Detector] = DETECTORS,
    balance: BalanceView | None = None,
    recent: Iterable[Finding] = (),
) -> Sequence[Finding]:
    """The findings of a zone that are new or have changed, at the end of the inputs.

    Which of them a second look belongs to, and what is another leak: see ``zone_claims``.

    Args:
        inputs: The zone up to now.
        learned: What was learned of it before.
        open_findings: Findings that were open at the last call; those of other zones are passed over.
        detectors: By name; all of them by default.
        recent: Findings of the zone that were over for ``REOPEN_S`` at most: what looks like one of them is the same leak again.
        balance: What the balance against the customers' meters says, in a zone that has one.
    """
    before = [f for f in open_findings if f.zone == inputs.zone.key and f.open]
    over = [f for f in recent if f.zone == inputs.zone.key]
    after = follow(before, inputs, learned, balance, over)
    said = [detect(inputs, learned) for detect in detectors.values()]
    for detection in [d for d in said if d is not None] + list(balance.detections if balance else ()):
        booked = balance.opened if balance else ()
        after = _merged(after, detection, booked, inputs, learned, over)
    known = {f.key: f for f in before}
    return [f for f in after if known.get(f.key) != f]


def _merged(
    findings: list[Finding],
    detection: Detection,
    booked: Sequence[BookedLeak],
    inputs: ZoneInputs,
    learned: Learned,
    recent: Sequence[Finding],
) -> list[Finding]:
    """The findings with a detection: in the one that it belongs to, or in a new one."""
    fault = detection.kind is FindingKind.METER_FAULT
    same = [f for f in findings if (f.kind is FindingKind.METER_FAULT) is fault]
    alike = [f for f in same if not fault or f.detector == detection.detector]
    known = (alike[0] if alike else None) if fault else owner(alike, detection, booked)
    if known is not None:
        # A finding that has just closed absorbs what was seen of it, too: the night's minimum outlives the repair.
        return [_sharpened(f, detection, inputs) if f is known and f.open else f for f in findings]
    if not (fault or detection.detector == BALANCE or _credible(detection, inputs, learned)):
        return findings
    if alike and not fault:
        room = made_room(alike, detection, inputs, learned)
        if room is None and detection.booked is None:
            return findings
        findings = [*(f for f in findings if f not in alike), *(room or alike)]
    again = [f for f in recent if (f.kind is FindingKind.METER_FAULT) is fault and _like(f, detection)]
    return [*findings, reopened(again[-1], detection) if again else open_finding(detection, inputs)]


def _like(finding: Finding, detection: Detection) -> bool:
    """Whether a finding that is over was of about this size."""
    before, now = max(reference_flow(finding), finding.flow_m3h), max(detection.flow_m3h, 0.1)
    return before / REOPEN_FACTOR <= now <= before * REOPEN_FACTOR


def _sharpened(finding: Finding, detection: Detection, inputs: ZoneInputs) -> Finding:
    """An open finding with one more look at it."""
    young = inputs.end_s - finding.since.timestamp() < REFIT_S
    if young and finding.detector == detection.detector == "flow_step":
        return refit(finding, detection, inputs)
    return add_evidence(finding, detection)


def _credible(detection: Detection, inputs: ZoneInputs, learned: Learned) -> bool:
    """Not on a kind of day never seen before, not what comes every week, not when the newest hours say that it is over already."""
    if not learned.baseline.knows(date.fromordinal(int(inputs.day[-1])), inputs.calendar):
        return False
    if inputs.calendar.clock_changes(date.fromordinal(int(inputs.day[-1]))):
        # Loggers, people and time switches change their clocks at different hours of the same day.
        return False
    if is_habit(inputs, learned, detection):
        return False
    now = excess(inputs, learned, detection.since_s, CLOSE_S)
    return now is None or now.flow_m3h + 2.0 * now.error_m3h >= CLOSE_SHARE * detection.flow_m3h
