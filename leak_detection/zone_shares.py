"""The open leaks of one zone, followed together: of them all its inflow is one sum. Pure.

A fall is the end of the leak nearest to it, if what is then left speaks against that one; what the others make of the rest is
shared out in proportion to their flows. The balance follows its own by its book, and the nights must have fallen by each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from domain.findings import Finding, FindingKind
from leak_detection.balance_service import BalanceView
from leak_detection.detection import Detection
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned
from leak_detection.life import (
    CLOSE_SHARE,
    NIGHTS_S,
    SETTLED_S,
    TRACK_S,
    Seen,
    aged,
    excess,
    is_over,
    least_drop,
    night_drop,
    reference_flow,
    seen,
    track,
    weight_of,
    with_flow,
)
from leak_detection.zone_claims import BALANCE, claims, nearest, not_told_apart

_HALF_HISTORY = 0.5
"""Of the weeks that teach: what has been open for longer is part of what they call normal."""
_STOOD_S = 2 / 3 * NIGHTS_S
"""A leak that began so long ago lies in most of the nights with which the last ones are compared."""


def follow(
    findings: Sequence[Finding], inputs: ZoneInputs, learned: Learned, balance: BalanceView | None, recent: Sequence[Finding] = ()
) -> list[Finding]:
    """The findings by what is known now, each judged by what found it.

    Args:
        findings: Open ones of the zone.
        inputs: The zone up to now.
        learned: What was learned of it before.
        balance: What the balance says of it; None where it has none.
        recent: Findings of the zone that were over a few days ago.
    """
    leaks = [f for f in findings if f.kind is not FindingKind.METER_FAULT]
    now = {f.key: f for f in _by_inflow(leaks, inputs, learned)}
    fallen = [f for f in (*recent, *now.values()) if not f.open and f.kind is not FindingKind.METER_FAULT]
    if balance is not None:
        now |= {f.key: f for f in _by_balance(list(now.values()), fallen, inputs, learned, balance)}
    return [now[f.key] if f.key in now else _fault(f, inputs, balance) for f in findings]


def made_room(findings: Sequence[Finding], detection: Detection, inputs: ZoneInputs, learned: Learned) -> list[Finding] | None:
    """The open leaks without what of a new one they had been given since it began; None where the sum did not rise by it.

    Args:
        findings: Leaks of the zone, followed up to now.
        detection: Of another leak beside them.
        inputs: The zone up to now.
        learned: What was learned of it before.
    """
    oldest_s = min(f.since.timestamp() for f in findings)
    onset = max(0, min(inputs.size, round((detection.since_s - inputs.start_s) / inputs.step_s)))
    before = excess(inputs.until(onset), learned, oldest_s, TRACK_S)
    now = excess(inputs, learned, oldest_s, min(TRACK_S, inputs.end_s - detection.since_s))
    if before is None or now is None:
        return list(findings)
    if now.flow_m3h - before.flow_m3h + 2.0 * now.error_m3h < CLOSE_SHARE * detection.flow_m3h:
        return None
    mine = sum(f.flow_m3h for f in findings if f.detector != BALANCE)
    total = sum(f.flow_m3h for f in findings) - _held(findings, inputs, learned)
    given = min(max(0.0, total - before.flow_m3h), detection.flow_m3h, mine)
    scale = 1.0 - given / mine if mine > 0 else 1.0
    return [f if f.detector == BALANCE else replace(f, flow_m3h=round(scale * f.flow_m3h, 2)) for f in findings]


def _by_inflow(leaks: Sequence[Finding], inputs: ZoneInputs, learned: Learned) -> list[Finding]:
    """The leaks as the inflow shows them; those of the balance as they are, though a fall may be theirs."""
    if all(f.detector == BALANCE for f in leaks):
        return list(leaks)
    if len(leaks) == 1:
        return [track(leaks[0], inputs, learned)]
    shown = seen(inputs, learned, min(f.since.timestamp() for f in leaks))
    if shown is None:
        return list(leaks)
    held = _held(leaks, inputs, learned)
    standing = _standing(leaks, shown.left.flow_m3h + held, shown.left.error_m3h, inputs, learned)
    over = [aged(replace(f, open=False), inputs.end_s) for f in leaks if f not in standing and f.detector != BALANCE]
    now = {f.key: f for f in (*_shared(standing, shown, held, inputs), *over)}
    return [now.get(f.key, f) for f in leaks]


def _held(leaks: Sequence[Finding], inputs: ZoneInputs, learned: Learned) -> float:
    """Flow of the leaks that what was learned calls normal [m³/h]: the oldest, and what was open for most of those weeks."""
    if not learned.leak_is_normal:
        return 0.0
    middle = datetime.fromtimestamp(inputs.start_s + _HALF_HISTORY * (inputs.end_s - inputs.start_s), UTC)
    oldest = min(leaks, key=lambda f: (f.since, f.key))
    return sum(f.flow_m3h for f in leaks if f is oldest or f.since < middle)


def _standing(leaks: Sequence[Finding], left_m3h: float, error_m3h: float, inputs: ZoneInputs, learned: Learned) -> list[Finding]:
    """The leaks that what is left of their sum does not speak against: a fall ends the nearest, then the next."""
    standing = list(leaks)
    while standing:
        total = sum(f.flow_m3h for f in standing)
        ended = nearest(standing, total - left_m3h)
        if not is_over(ended, left_m3h - (total - ended.flow_m3h), error_m3h, inputs, learned):
            break
        standing.remove(ended)
    return standing


def _shared(standing: Sequence[Finding], shown: Seen, held_m3h: float, inputs: ZoneInputs) -> list[Finding]:
    """The leaks with what the newest hour leaves for each."""
    mine = [f for f in standing if f.detector != BALANCE]
    if not mine:
        return []
    surplus = shown.now.flow_m3h + held_m3h - sum(f.flow_m3h for f in standing)
    if len(standing) > 1 and -surplus > CLOSE_SHARE * min(reference_flow(f) for f in standing):
        # One of them may be over: until two hours have said which, none of the others loses by it.
        return [aged(f, inputs.end_s) for f in mine]
    own = sum(f.flow_m3h for f in mine)
    error = sum(f.flow_error_m3h**2 for f in mine) ** 0.5
    scale = max(0.0, 1.0 + weight_of(error, shown.now.error_m3h) * surplus / own) if own > 0 else 1.0
    return [aged(with_flow(f, scale * f.flow_m3h, shown.now.error_m3h), inputs.end_s) for f in mine]


def _by_balance(
    leaks: Sequence[Finding], fallen: Sequence[Finding], inputs: ZoneInputs, learned: Learned, balance: BalanceView
) -> list[Finding]:
    """The balance's own leaks by its book; one that the book has no more is over when the nights have fallen by it, too.

    Args:
        leaks: Of the zone.
        fallen: Of the zone, over now or since a few days: what the nights fell by for these, they did not for others.
        inputs: The zone up to now.
        learned: What was learned of it before.
        balance: What the balance says of it.
    """
    claimed = claims([f for f in leaks if f.open], balance.opened)
    waits = not_told_apart(claimed, leaks, balance.opened)
    mine = [aged(f, inputs.end_s) for f in leaks if f.detector == BALANCE]
    kept = [replace(f, flow_m3h=round(claimed[f.key].flow_m3h, 2)) for f in mine if f.key in claimed]
    gone = [f for f in mine if f.key not in claimed and f.key not in waits]
    if not gone or balance.detections:
        return kept
    drop = night_drop(inputs, learned, [f for f in leaks if f.open and f.key not in {g.key for g in gone}])
    if drop is None:
        return [*kept, *(replace(f, open=False) for f in gone)]
    long_ago_s = inputs.end_s - _STOOD_S
    drop -= sum(f.flow_m3h for f in fallen if f.since.timestamp() < long_ago_s)
    over = []
    while gone and drop > least_drop(ended := nearest(gone, drop)):
        over.append(replace(ended, open=False))
        gone.remove(ended)
        drop -= ended.flow_m3h
    return [*kept, *over]


def _fault(finding: Finding, inputs: ZoneInputs, balance: BalanceView | None) -> Finding:
    """A meter's fault, closed once no inlet meter of the zone stands still; a moved relation, once it is back or has settled."""
    if finding.detector != BALANCE:
        return finding if inputs.stuck else replace(finding, open=False)
    age_s = inputs.end_s - finding.since.timestamp()
    return finding if balance is None or balance.held or age_s < SETTLED_S else replace(finding, open=False)
