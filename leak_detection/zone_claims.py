"""Which finding is which leak: a second leak in a zone is a finding of its own, a second look at one is evidence for it. Pure.

What each detector can tell apart decides. The night's minimum is one sum: whatever it shows belongs to what is open. A sudden
step a day or more after every onset is another leak; sooner, it is the leak that tears further. The balance keeps a book of its
leaks, and a finding claims the entry whose onset lies nearest; after a restart that book is made anew from the last weeks, so
nothing else ties the two together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product

from domain.findings import Finding, FindingKind
from leak_detection.detection import BookedLeak, Detection

BALANCE = "zone_balance"
STEP = "flow_step"
APART_S = 86400.0
"""A step so long after the onset of every leak that is open is another leak."""
_SUDDEN_S, _SLOW_S = 3 * 86400.0, 21 * 86400.0
"""How far the onsets of one leak may lie apart: of any, and of those of like size (a relation that was held tells late)."""
_ALIKE = 2.5
"""Times the smaller flow is the larger at most."""


def are_alike(one_m3h: float, other_m3h: float) -> bool:
    """Whether two flows may be those of one leak."""
    less, more = sorted((max(one_m3h, 0.1), max(other_m3h, 0.1)))
    return more <= _ALIKE * less


def claims(findings: Sequence[Finding], booked: Iterable[BookedLeak]) -> dict[str, BookedLeak]:
    """The entry of the balance's book that each finding is, by key; the nearest onsets first.

    Args:
        findings: Leaks of one zone.
        booked: All that the balance has open there.
    """
    pairs = [(f, b) for f, b in product(findings, booked) if _may_be(f, b)]
    taken: dict[str, BookedLeak] = {}
    used: set[float] = set()
    for finding, entry in sorted(pairs, key=lambda p: (abs(p[0].since.timestamp() - p[1].since_s), p[0].key, p[1].found_s)):
        if finding.key not in taken and entry.found_s not in used:
            taken[finding.key] = entry
            used.add(entry.found_s)
    return taken


def not_told_apart(claimed: Mapping[str, BookedLeak], findings: Sequence[Finding], booked: Sequence[BookedLeak]) -> frozenset[str]:
    """Keys of the balance's own findings that may be entries which nothing claims, in order of onset.

    A book made anew may date a leak otherwise than the one before did: while something is open, what may be it is not over.
    """
    used = {entry.found_s for entry in claimed.values()}
    left = sum(entry.found_s not in used for entry in booked)
    mine = sorted((f for f in findings if f.detector == BALANCE and f.key not in claimed), key=lambda f: (f.since, f.key))
    return frozenset(f.key for f in mine[:left])


def owner(findings: Sequence[Finding], detection: Detection, booked: Sequence[BookedLeak] = ()) -> Finding | None:
    """The finding that a detection is one more look at; None: it is another leak.

    Args:
        findings: Leaks of the zone that are open, or were until now: the night's minimum outlives the repair.
        detection: No meter's fault.
        booked: All that the balance has open in the zone.
    """
    if not findings:
        return None
    if detection.booked is not None:
        return _of_the_book(findings, detection, detection.booked, booked)
    by_onset = sorted(findings, key=lambda f: (not f.open, abs(f.since.timestamp() - detection.since_s), f.key))
    newest = max(f.since.timestamp() for f in findings)
    if detection.detector == STEP and detection.since_s > newest + APART_S and all(f.open for f in findings):
        return None
    return by_onset[0]


def _of_the_book(
    findings: Sequence[Finding], detection: Detection, entry: BookedLeak, booked: Sequence[BookedLeak]
) -> Finding | None:
    """Whose entry it is: by claim, or of those that claim none the one that may be it; slow growth is the newest one's."""
    claimed = claims(findings, booked if any(b.found_s == entry.found_s for b in booked) else (*booked, entry))
    for finding in findings:
        if finding.key in claimed and claimed[finding.key].found_s == entry.found_s:
            return finding
    free = [f for f in findings if f.key not in claimed]
    if not free or detection.kind is FindingKind.BURST:
        return None
    return max(free, key=lambda f: (f.open, f.since, f.key))


def _may_be(finding: Finding, entry: BookedLeak) -> bool:
    away_s = abs(finding.since.timestamp() - entry.since_s)
    return away_s <= _SUDDEN_S or (away_s <= _SLOW_S and are_alike(finding.flow_m3h, entry.flow_m3h))


def nearest(findings: Collection[Finding], flow_m3h: float) -> Finding:
    """The finding whose flow is nearest to one [m³/h]; the oldest of several."""
    return min(findings, key=lambda f: (abs(f.flow_m3h - flow_m3h), f.since, f.key))
