"""When to ask a gateway for its births again, and when to give up on an alias. Pure: time is an argument.

unknown alias ──▶ block dropped unacknowledged, rebirth asked ──▶ birth came, alias still unknown ──▶ dead letter
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from domain.delivery import Stream

WAITING_KEPT = 10_000
"""Devices that may wait for a birth at once; the one that waits longest is forgotten beyond that, and asked for anew."""
NODE_BIRTHS_ENOUGH = 2
"""Node births after which a device that never had one of its own is given up: its birth may have been lost once."""


@dataclass(slots=True)
class _Waiting:
    node_births: int = 0
    device_births: int = 0


class Rebirths:
    """Rebirth requests: at most one per gateway and period."""

    def __init__(self, *, every_s: float) -> None:
        self._every_s = every_s
        self._asked_s: dict[str, float] = {}
        self._waiting: OrderedDict[tuple[Stream, str], _Waiting] = OrderedDict()

    def ask(self, edge: str, monotonic_s: float) -> bool:
        """True if this gateway may be asked now; notes that it was."""
        before = self._asked_s.get(edge)
        if before is not None and monotonic_s - before < self._every_s:
            return False
        self._asked_s[edge] = monotonic_s
        return True

    def wait_for(self, stream: Stream, device: str) -> bool:
        """Notes a block with an unknown alias; True if the birth came in the meantime and did not explain it."""
        waiting = self._waiting.get((stream, device))
        if waiting is None:
            self._waiting[stream, device] = _Waiting()
            if len(self._waiting) > WAITING_KEPT:
                self._waiting.popitem(last=False)
            return False
        return waiting.device_births > 0 or waiting.node_births >= NODE_BIRTHS_ENOUGH

    def explained(self, stream: Stream, device: str) -> None:
        """Every alias of this device's block had a meaning: what was missed has come."""
        if self._waiting:
            self._waiting.pop((stream, device), None)

    def node_born(self, edge: str) -> None:
        """A node birth came, of whatever epoch: a gateway that gives up an epoch explains it no more."""
        for (stream, device), waiting in self._waiting.items():
            if stream.edge == edge:
                waiting.node_births += 1
                if not device:
                    waiting.device_births += 1

    def device_born(self, stream: Stream, device: str) -> None:
        """The birth of this device came."""
        waiting = self._waiting.get((stream, device))
        if waiting is not None:
            waiting.device_births += 1
