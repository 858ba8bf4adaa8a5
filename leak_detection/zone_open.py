"""The leaks of one zone that were told and are not over, each by itself.

Of a zone only the sum of its leaks is seen. A step is a leak of its own and a slow rise the growth of the newest; a fall takes
away the leak nearest to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

_WHOLE = 1.3
"""Times a fall that a leak may have been larger and yet be over by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeak:
    """One leak that is open."""

    since_h: int
    """Hours from the start of the recording."""
    flow_m3h: float
    found_h: int = 0
    """When it was told, in the same hours: of the leaks of one zone no two share it."""


def grown(leaks: Sequence[OpenLeak], *, since_h: int, found_h: int, flow_m3h: float, step: bool) -> list[OpenLeak]:
    """The leaks after a rise; the last of them is the one that it is."""
    if step or not leaks:
        return [*leaks, OpenLeak(since_h=max(0, since_h), found_h=found_h, flow_m3h=flow_m3h)]
    return [*leaks[:-1], replace(leaks[-1], flow_m3h=leaks[-1].flow_m3h + flow_m3h)]


def fallen(leaks: Sequence[OpenLeak], *, fall_m3h: float, left_m3h: float) -> list[OpenLeak]:
    """The leaks after a fall: whole ones that fit into it are over, the rest share what is left.

    Args:
        leaks: Open before.
        fall_m3h: How much less is open [m³/h].
        left_m3h: What still is; nothing is open where that is zero.
    """
    if left_m3h <= 0.0:
        return []
    kept, fall = list(leaks), fall_m3h
    while len(kept) > 1:
        nearest = min(kept, key=lambda leak: abs(leak.flow_m3h - fall))
        if nearest.flow_m3h > _WHOLE * fall:
            break
        kept.remove(nearest)
        fall -= nearest.flow_m3h
    total = sum(leak.flow_m3h for leak in kept)
    return [replace(leak, flow_m3h=leak.flow_m3h * left_m3h / total) for leak in kept] if total > 0.0 else kept
