"""Turned valves in the running service: whether the product ordered it, and who is told.

What the product ordered is no news. What nobody ordered through it is said once, when it is new; both stand in the layer's status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from domain.ports import OrderReader
from domain.valves import ValveTurned

KEPT = timedelta(days=90)
"""Shown for so long."""
_DAY = timedelta(days=1)


class TurnedValves:
    """Remembers what it has asked of each; nothing outlives the process, for a layer that begins anew tells all of it again.

    Args:
        steered: Valves of the network and the actuators that stand for them; None where that is not known of all actuators.
        orders: What the product ordered; None where nobody knows.
        local: In whose time days are said.
    """

    def __init__(self, steered: Mapping[str, str] | None, orders: OrderReader | None, local: tzinfo) -> None:
        self._steered, self._orders, self._local = steered, orders, local
        self._known: dict[tuple[str, datetime], ValveTurned] = {}

    @property
    def newest(self) -> tuple[ValveTurned, ...]:
        """Of the last weeks, the newest first."""
        return tuple(sorted(self._known.values(), key=lambda turned: (turned.day, turned.valve), reverse=True))

    async def take(self, turned: Sequence[ValveTurned], until: datetime, learnt: datetime, say: Callable[[str], None]) -> None:
        """Takes all that a layer tells now.

        Args:
            turned: In any order.
            until: What the layer has looked at.
            learnt: What is older than that was told before, or while nothing ran: it is shown and not said.
            say: Is told what is new and was not ordered.
        """
        recent = {(one.valve, one.day): one for one in turned if one.day >= until - KEPT}
        for key, one in recent.items():
            if key not in self._known:
                self._known[key] = told = replace(one, ordered=await self._ordered(one))
                if one.told_at > learnt and not told.ordered:
                    say(in_words(told, self._local))
        self._known = {key: self._known[key] for key in recent}

    async def _ordered(self, turned: ValveTurned) -> bool | None:
        """Whether the product did it; None where nobody knows."""
        if self._orders is None or self._steered is None:
            return None
        actuator = self._steered.get(turned.valve)
        if actuator is None:
            return False
        return await self._orders.ordered(actuator, turned.day - _DAY, turned.day + 2 * _DAY)


def in_words(turned: ValveTurned, local: tzinfo) -> str:
    """One line for those who run the system."""
    size = ""
    if turned.change_m is not None and turned.error_m is not None:
        size = f" by {turned.change_m:+.1f} ± {turned.error_m:.1f} m"
    whose = ", not through Khettara" if turned.ordered is False else ""
    return f"valve {turned.valve} was turned{size} on {turned.day.astimezone(local):%Y-%m-%d}{whose}"
