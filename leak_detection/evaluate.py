"""Detectors over a recorded zone, step by step as they would have run: nothing is seen before its time.

Thin: one zone, findings and the moments of learning; scores over labelled sets are a matter of the benchmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.findings import Finding
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned, Span, learn
from leak_detection.life import REOPEN_S
from leak_detection.monitor import update

_LEARN_EVERY_S = 86400.0
"""Between two lessons."""
_HISTORY_S = 28 * 86400.0
"""How far back a lesson goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One finding of a recording."""

    first: Finding
    """As it was when it was told: of what came later it knows nothing."""
    last: Finding
    """As it stood at the end."""


def replay(inputs: ZoneInputs, *, from_s: float, every_s: float = 300.0) -> Sequence[Finding]:
    """Every finding of a recording, as last updated; see ``replay_told``."""
    return [t.last for t in replay_told(inputs, from_s=from_s, every_s=every_s)]


def replay_told(inputs: ZoneInputs, *, from_s: float, every_s: float = 300.0) -> Sequence[Told]:
    """Every finding of a recording, as first told and as last updated, in order of ``found_at``.

    Args:
        inputs: The whole recording of one zone.
        from_s: Detection starts here [s since 1970 UTC]; what lies before only teaches.
        every_s: Time between two looks [s].
    """
    first_told: dict[str, Finding] = {}
    found: dict[str, Finding] = {}
    spans: dict[str, Span] = {}
    learned: Learned | None = None
    learned_at = 0.0
    first = max(1, round((from_s - inputs.start_s) / inputs.step_s))
    for end in range(first, inputs.size + 1, inputs.steps(every_s)):
        past = inputs.between(max(0, end - inputs.steps(_HISTORY_S)), end)
        if learned is None or past.end_s - learned_at >= _LEARN_EVERY_S:
            excluded = list(spans.values())
            excluded += [Span(start_s=f.since.timestamp() - 1800, end_s=past.end_s) for f in found.values() if f.open]
            learned = learn(past, excluded) or learned
            learned_at = past.end_s
        if learned is None:
            continue
        recent = [found[k] for k, s in spans.items() if past.end_s - s.end_s <= REOPEN_S and not found[k].open]
        for finding in update(past, learned, [f for f in found.values() if f.open], recent=recent):
            first_told.setdefault(finding.key, finding)
            found[finding.key] = finding
            if not finding.open:
                spans[finding.key] = Span(start_s=finding.since.timestamp() - 1800, end_s=past.end_s)
    told = [Told(first=first_told[key], last=last) for key, last in found.items()]
    return sorted(told, key=lambda t: t.last.found_at)
