"""Two looks at one leak together: their evidence, and how sure they make of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from domain.findings import Evidence

_MOST_CONFIDENCE = 0.999
_SECOND = 0.5
"""A second look is no independent witness: half of its confidence counts."""


def joined(first: Sequence[Evidence], then: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """All of the first, and of the other what the first does not name."""
    known = {e.name for e in first}
    return (*first, *(e for e in then if e.name not in known))


def confidence_of_both(first: float, then: float) -> float:
    """Confidence in what one look has found and a second one shows, too; 0 to 0.999."""
    return round(min(1.0 - (1.0 - first) * (1.0 - _SECOND * then), _MOST_CONFIDENCE), 3)
