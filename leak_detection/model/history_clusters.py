"""Leaks of a long past that were held to be different ones day by day, and lie near each other.

Whether they stand is asked of all of them together: of two so near each other the one takes the other's flow, and alone each
would seem to be nothing. Those that stand are told apart as they were seen; what is small beside the largest is its growth, told
where that lies, for the first that was seen there may be the least of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leak_detection.model.ledger_records import Course, OpenLeak

_LEAST_SHARE = 0.35
_LEAST_M3H = 3.0
"""Of the largest, and at least: what is less is its growth."""


@dataclass(slots=True, kw_only=True, eq=False)
class Cluster:
    """Leaks near the first of them."""

    members: list[tuple[OpenLeak, list[Course]]]
    """Each with the growth that is its own, in the order in which they were seen."""

    @property
    def first(self) -> OpenLeak:
        """Has the courses of all while they are judged."""
        return self.members[0][0]


def clusters(seen: Sequence[OpenLeak], are_near: Callable[[OpenLeak, OpenLeak], bool]) -> list[Cluster]:
    """Gathers leaks about the earliest; the first of each cluster takes the courses of the others.

    Args:
        seen: Day by day, in that order.
        are_near: Whether two are.
    """
    found: list[Cluster] = []
    for leak in seen:
        home = next((cluster for cluster in found if are_near(leak, cluster.first)), None)
        if home is None:
            found.append(Cluster(members=[(leak, list(leak.growth))]))
        else:
            home.members.append((leak, list(leak.growth)))
            home.first.growth += leak.courses
    return found


def taken_apart(leaks: Sequence[OpenLeak], found: Sequence[Cluster]) -> list[OpenLeak]:
    """The leaks, with the members of each cluster that stands in place of its first.

    Args:
        leaks: After they were judged.
        found: The clusters; members get their own growth back.
    """
    by_first = {id(cluster.first): cluster for cluster in found}
    out: list[OpenLeak] = []
    for leak in leaks:
        cluster = by_first.get(id(leak))
        out += [leak] if cluster is None or leak.end_day is not None else _apart(cluster)
    return out


def _apart(cluster: Cluster) -> list[OpenLeak]:
    largest = max((leak for leak, _ in cluster.members), key=lambda leak: leak.place.flow_m3h)
    least_m3h = max(_LEAST_SHARE * largest.place.flow_m3h, _LEAST_M3H)
    for leak, growth in cluster.members:
        leak.growth = growth
    own = [leak for leak, _ in cluster.members if leak is largest or leak.place.flow_m3h >= least_m3h]
    largest.growth += [c for leak, _ in cluster.members if all(leak is not one for one in own) for c in leak.courses]
    return own
