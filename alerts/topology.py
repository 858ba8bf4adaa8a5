"""How zones hang together: what lies in what, and what is fed through what. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from domain.zones import Zone

_REMEMBERED = 10_000


class Topology:
    """The tree of zones, and the feeds between metered areas.

    A point that is an inlet of one zone and an outlet of another says that the first is fed through the second.
    """

    def __init__(self, zones: Mapping[str, Zone] | None = None) -> None:
        zones = zones or {}
        self._paths = {key: _path(key, zones) for key in zones}
        below: dict[str, set[str]] = {key: set() for key in zones}
        for zone in zones.values():
            if zone.parent in below:
                below[zone.parent].add(zone.key)
        for through, fed in _feeds(zones.values()):
            below[through].add(fed)
        self._reach = {key: _closure(key, below) for key in zones}
        self._met: dict[frozenset[str], str | None] = {}
        self._leaves = frozenset(z.key for z in zones.values() if z.inlets) or frozenset(zones)

    def path(self, zone: str | None) -> tuple[str, ...]:
        """The zone and what it lies in, inside out; an unknown zone lies in itself."""
        return () if zone is None else self._paths.get(zone, (zone,))

    def reach(self, zone: str | None) -> frozenset[str]:
        """The zone, what lies in it, and what is fed through any of these; for None the whole network."""
        if zone is None:
            return frozenset(self._paths)
        return self._reach.get(zone, frozenset((zone,)))

    def reaches(self, zone: str | None, other: str | None) -> bool:
        """Whether what happens in ``zone`` can be felt in ``other``."""
        return other is not None and (zone is None or other in self.reach(zone))

    def related(self, one: str | None, other: str | None) -> bool:
        """Whether the water of one passes through the other."""
        return one is not None and other is not None and (self.reaches(one, other) or self.reaches(other, one))

    def meeting(self, zones: Collection[str]) -> str | None:
        """The smallest zone whose reach holds all of these; None where only the whole network does."""
        wanted = frozenset(zones)
        if wanted not in self._met:
            if len(self._met) >= _REMEMBERED:
                self._met.clear()
            found = [z for z in self._reach if self._reach[z].issuperset(wanted)]
            self._met[wanted] = min(found, key=lambda z: (len(self._reach[z]), z), default=None)
        return self._met[wanted]

    def around(self, zones: Iterable[str]) -> tuple[str | None, ...]:
        """Every zone that reaches two or more of these, smallest reach first, and the whole network last, if any zone is known."""
        wanted = set(zones)
        if not self._paths:
            return ()
        found = [z for z, reach in self._reach.items() if len(reach & wanted) > 1]
        return (*sorted(found, key=lambda z: (len(self._reach[z]), z)), None)

    def metered(self, zone: str | None) -> int:
        """How many metered areas a zone reaches."""
        return len(self.reach(zone) & self._leaves)


def _path(key: str, zones: Mapping[str, Zone]) -> tuple[str, ...]:
    path: list[str] = []
    at: str | None = key
    while at is not None and at not in path:
        path.append(at)
        at = zones[at].parent if at in zones else None
    return tuple(path)


def _feeds(zones: Iterable[Zone]) -> list[tuple[str, str]]:
    into: dict[str, list[str]] = {}
    out: list[tuple[str, str]] = []
    zones = tuple(zones)
    for zone in zones:
        for inlet in zone.inlets:
            if inlet.sign > 0:
                into.setdefault(str(inlet.point), []).append(zone.key)
    for zone in zones:
        for inlet in zone.inlets:
            if inlet.sign < 0:
                out += [(zone.key, fed) for fed in into.get(str(inlet.point), []) if fed != zone.key]
    return out


def _closure(key: str, below: Mapping[str, set[str]]) -> frozenset[str]:
    found, waiting = {key}, [key]
    while waiting:
        for other in below[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return frozenset(found)
