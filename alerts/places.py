"""Whether two findings can be about one physical leak: by where each lies, and by how well each knows its onset. Pure.

A finding with pipes lies among those of its region; one without lies anywhere in its zone. A detector that took long to see a loss
knows its beginning no better than that: a burst that is seen at once is not the leak that had stood for a month.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.alerts import Alert
from domain.findings import Finding

PIPE = "pipe"
"""Name of an alert's parameter: the most probable pipe of its leak; absent where only the zone is known."""
REGION = "region"
"""Name of another: all pipes among which its leak lies, in words apart; for programs, no page shows it."""
SURE = timedelta(days=2)
"""Onsets of one leak lie no farther apart for two detectors that saw it at once."""


def pipes_of(finding: Finding) -> frozenset[str]:
    """The pipes among which it lies; empty where only its zone is known."""
    if not finding.places:
        return frozenset()
    return frozenset((finding.places[0].pipe, *(() if finding.region is None else finding.region.pipes)))


def may_be_one(one: Finding, other: Finding) -> bool:
    """Whether two losses, one of which has a place at least, can be one leak."""
    mine, theirs = pipes_of(one), pipes_of(other)
    near = not mine.isdisjoint(theirs) if mine and theirs else one.zone == other.zone
    return near and onsets_agree((one.since, one.found_at), (other.since, other.found_at))


def onsets_agree(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    """Whether two losses can have begun together.

    Args:
        one: When it began, and when it was found.
        other: The same of the other.
    """
    return abs(one[0] - other[0]) <= max(SURE, one[1] - one[0], other[1] - other[0])


def region_of(alert: Alert) -> frozenset[str]:
    """The pipes among which an alert's leak lies; empty where only its zone is known."""
    return frozenset(alert.parameters.get(REGION, "").split())


def is_there(alert: Alert, finding: Finding) -> bool:
    """Whether an alert of a leak can stand for a finding of its zone, as far as place and onset tell."""
    mine, theirs = region_of(alert), pipes_of(finding)
    if mine and theirs:
        return not mine.isdisjoint(theirs)
    return onsets_agree((alert.since or alert.raised_at, alert.raised_at), (finding.since, finding.found_at))
