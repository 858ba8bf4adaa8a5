"""What to do about a meter's clock. Pure.

|drift| <= tolerance        right
tolerance < |drift| <= limit   set, where the gateway may; else drifting
|drift| > limit             never set by itself: the profile's stamps are doubtful and a person is told
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.dlms_settings import DlmsSettings


class ClockState(StrEnum):
    """How a meter's clock stands."""

    UNKNOWN = "unknown"
    """The meter has none, or it gives no instant."""
    RIGHT = "right"
    DRIFTING = "drifting"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockVerdict:
    """State of a clock and whether it is to be set now."""

    state: ClockState
    set_now: bool = False

    @property
    def trusted(self) -> bool:
        """Whether the meter's own stamps may be believed."""
        return self.state is not ClockState.OFF


def judge_clock(drift_s: float | None, settings: DlmsSettings, *, doubtful: bool) -> ClockVerdict:
    """``drift_s`` is the meter's time minus ours; ``doubtful`` is the meter's own word on its clock."""
    if drift_s is None:
        return ClockVerdict(state=ClockState.UNKNOWN)
    distance_s = abs(drift_s)
    if distance_s > settings.clock_limit_s:
        return ClockVerdict(state=ClockState.OFF)
    if distance_s > settings.clock_tolerance_s or doubtful:
        return ClockVerdict(state=ClockState.DRIFTING, set_now=settings.clock_set)
    return ClockVerdict(state=ClockState.RIGHT)
